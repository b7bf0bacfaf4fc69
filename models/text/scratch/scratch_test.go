package scratch

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestFolder: what a process that was killed has left is removed, what is another's is not.
func TestFolder(t *testing.T) {
	const prefix = "pgowl-test-"
	parent := t.TempDir()
	used, done, err := Folder(parent, prefix)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{used + "/model.onnx", parent + "/" + prefix + "left/model.onnx_data", parent + "/other/x", parent + "/" + prefix + "file"} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(parent+"/other", parent+"/"+prefix+"link"); err != nil {
		t.Fatal(err)
	}
	removeLeft(parent, prefix)
	got, err := fs.Glob(os.DirFS(parent), "*")
	want := []string{"other", prefix + "file", prefix + "link", filepath.Base(used)}
	slices.Sort(want)
	if slices.Sort(got); err != nil || !slices.Equal(got, want) {
		t.Errorf("left: %v, want %v", got, want)
	}
	if _, err := os.Stat(parent + "/other/x"); err != nil {
		t.Error(err)
	}
	done()
	if _, err := os.Stat(used); err == nil {
		t.Error("the folder is there when it has been done with")
	}
}
