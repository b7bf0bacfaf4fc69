package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestLinksStayInside(t *testing.T) {
	dir := t.TempDir()
	list := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "pg-symlinks.json"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	os.Mkdir(filepath.Join(dir, "lib"), 0o755)
	os.WriteFile(filepath.Join(dir, "lib", "a.so.1"), []byte("hello"), 0o644)
	list(`[{"source": "native/lib/a.so.1", "target": "native/lib/a.so"}]`)
	if err := linkLibraries(dir); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "lib", "a.so")); err != nil || string(got) != "hello" {
		t.Errorf("%s, %v", got, err)
	}
	for _, text := range []string{
		`[{"source": "native/lib/a.so.1", "target": "../b.so"}]`,
		`[{"source": "/etc/passwd", "target": "native/lib/c.so"}]`,
	} {
		list(text)
		if linkLibraries(dir) == nil {
			t.Errorf("taken: %s", text)
		}
	}
}
