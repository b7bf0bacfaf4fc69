package names

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		in, want, repository string
		folders              []string
	}{
		{"all-MiniLM-L6-v2", "all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2", []string{"all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2"}},
		{"sentence-transformers/all-MiniLM-L6-v2", "all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2", []string{"all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2"}},
		{"BAAI/bge-small-en-v1.5", "BAAI/bge-small-en-v1.5", "BAAI/bge-small-en-v1.5", []string{"BAAI/bge-small-en-v1.5"}},
	} {
		n, err := Parse(c.in)
		if err != nil || n.String() != c.want || n.Repository() != c.repository || !slices.Equal(n.Folders(), c.folders) {
			t.Errorf("%q: %v %v %q %q", c.in, n, err, n.Repository(), n.Folders())
		}
	}
}

func TestParseHostile(t *testing.T) {
	for _, s := range []string{"", "/", "a/", "/a", "..", "../a", "a/..", "a/../b", "a/b/c", ".hidden", "a/.git", "-rf", "a b", "a\\b", "a\x00",
		"C:x", "é", "a\n", "~", strings.Repeat("a", 97), "%2e%2e/x"} {
		_, err := Parse(s)
		var bad *Error
		if !errors.As(err, &bad) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("a/b")
	f.Add("../x")
	f.Fuzz(func(t *testing.T, s string) {
		n, err := Parse(s)
		if err != nil {
			return
		}
		for _, folder := range n.Folders() {
			if !filepath.IsLocal(folder) || strings.HasPrefix(filepath.Base(folder), ".") {
				t.Fatalf("%q: folder %q", s, folder)
			}
		}
		if again, err := Parse(n.String()); err != nil || again != n {
			t.Fatalf("%q: again %v %v", s, again, err)
		}
	})
}
