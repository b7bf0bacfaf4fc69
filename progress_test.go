package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestBar(t *testing.T) {
	for _, c := range []struct {
		done, total int64
		want        string
	}{
		{0, 100e6, "onnx/model.onnx                  [                        ] 0.0 MB of 100.0 MB"},
		{50e6, 100e6, "onnx/model.onnx                  [############            ] 50.0 MB of 100.0 MB"},
		{100e6, 100e6, "onnx/model.onnx                  [########################] 100.0 MB of 100.0 MB"},
		{120e6, 100e6, "onnx/model.onnx                  [########################] 120.0 MB of 100.0 MB"},
		{50e6, -1, "onnx/model.onnx                  50.0 MB"},
		{0, 0, "onnx/model.onnx                  0.0 MB"},
	} {
		if got := bar("onnx/model.onnx", c.done, c.total); got != c.want {
			t.Errorf("%d of %d: %q", c.done, c.total, got)
		}
	}
}

// Into a file goes a line for each file, when it is complete.
func TestProgressOfAFile(t *testing.T) {
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	p := newProgress(out)
	for _, done := range []int64{0, 1e6, 2e6} {
		p.show("a", done, 2e6)
	}
	p.show("b", 5e5, 5e5)
	p.end()
	got, err := os.ReadFile(out.Name())
	if want := "a 2.0 MB\nb 0.5 MB\n"; err != nil || string(got) != want {
		t.Errorf("%q, want %q, %v", got, want, err)
	}
}
