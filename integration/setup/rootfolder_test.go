package main

import (
	"os"
	"testing"
)

func TestOpenRootFolder(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root opens folders")
	}
	dir := t.TempDir()
	for mode, want := range map[os.FileMode]os.FileMode{0o700: 0o755, 0o755: 0o755, 0o711: 0o711} {
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		if err := openRootFolder(dir); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(dir)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("mode %04o became %04o, want %04o", mode, got, want)
		}
	}
	if err := openRootFolder(dir + "/missing"); err == nil {
		t.Error("a missing folder is no error")
	}
}
