package text

import (
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"testing"
)

// fakeDriver compiles testdata/libcuda.c.
func fakeDriver(t *testing.T) string {
	t.Helper()
	if goruntime.GOOS != "linux" {
		t.Skip("CUDA is for Linux alone")
	}
	path := filepath.Join(t.TempDir(), "libcuda.so.1")
	if out, err := exec.Command("cc", "-shared", "-fPIC", "-o", path, "testdata/libcuda.c").CombinedOutput(); err != nil {
		t.Skipf("no C compiler: %v %s", err, out)
	}
	return path
}

func TestDriver(t *testing.T) {
	d, err := openDriver(fakeDriver(t))
	if err != nil || d.count != 2 {
		t.Fatalf("%+v %v", d, err)
	}
	if name, total, err := d.describe(1); err != nil || name != "Card 1" || total != 80<<30 {
		t.Errorf("%q %d %v", name, total, err)
	}
	// What nobody uses here is not touched.
	for id, want := range []int64{0, 20 << 30} {
		for range 3 {
			if got, err := d.used(id); err != nil || got != want {
				t.Errorf("card %d: %d %v, want %d", id, got, err, want)
			}
		}
	}
	if _, _, err := d.describe(7); err == nil || !strings.Contains(err.Error(), "101") {
		t.Errorf("a card that is not there: %v", err)
	}
	if _, err := d.used(7); err == nil {
		t.Error("the memory of a card that is not there")
	}
	if one := (&gpus{known: map[int]*gpu{1: newGPU(1)}, driver: d}).list()[0]; one.Device != "cuda:1" || one.Name != "Card 1" || one.Memory != 80<<30 || one.Used != 20<<30 {
		t.Errorf("%+v", one)
	}
}

func TestDriverErrors(t *testing.T) {
	path := fakeDriver(t)
	t.Setenv("PGOWL_NO_GPU", "1")
	if _, err := openDriver(path); err == nil || !strings.Contains(err.Error(), "CUDA error 100") {
		t.Errorf("no card: %v", err)
	}
	if _, err := openDriver(filepath.Join(t.TempDir(), "none.so")); err == nil || !strings.Contains(err.Error(), "none.so") {
		t.Errorf("no driver: %v", err)
	}
	other := filepath.Join(t.TempDir(), "other.so")
	if err := os.WriteFile(other, []byte("no library"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := openDriver(other); err == nil {
		t.Error("what is no library was opened")
	}
	if _, err := openDriver(library(t)); err == nil || !strings.Contains(err.Error(), "cuInit") {
		t.Errorf("another library: %v", err)
	}
	if err := preload(other); err == nil {
		t.Error("what is no library was preloaded")
	}
}
