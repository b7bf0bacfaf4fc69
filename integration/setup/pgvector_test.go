package main

import (
	"archive/zip"
	"os"
	"path/filepath"
	"testing"
)

func TestUnpackFolders(t *testing.T) {
	archive := filepath.Join(t.TempDir(), "x.whl")
	out, err := os.Create(archive)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(out)
	for name, mode := range map[string]os.FileMode{"a/bin/run": 0o775, "a/data": 0o600, "b/other": 0o600, "evil/../../out": 0o644} {
		h := &zip.FileHeader{Name: name}
		h.SetMode(mode)
		w, err := z.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		w.Write([]byte(name))
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	out.Close()
	dir := t.TempDir()
	if err := unpackFolders(archive, dir, []string{"a/"}); err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]os.FileMode{"a/bin/run": 0o755, "a/data": 0o644} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm()&^0o022 != mode&^0o022 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "b")); err == nil {
		t.Error("b was unpacked")
	}
	for _, beginning := range []string{"c/", "evil/"} {
		if err := unpackFolders(archive, dir, []string{beginning}); err == nil {
			t.Errorf("%s was unpacked", beginning)
		}
	}
}
