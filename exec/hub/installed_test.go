package hub

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/models/text/names"
)

func TestInstalled(t *testing.T) {
	h := newHub(t, "acme/encoder")
	dir := t.TempDir()
	o := h.options(dir)
	if err := Pull(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	m, err := Describe(dir, "acme/encoder")
	if err != nil || m.Name != "acme/encoder" || m.Revision != "main" || m.Commit != commit || m.Bytes < 16000 {
		t.Errorf("%+v, %v", m, err)
	}
	verify := func(want ...string) {
		t.Helper()
		if got, err := Verify(t.Context(), dir, "acme/encoder"); err != nil || !slices.Equal(got, want) {
			t.Errorf("wrong: %q, %v, want %q", got, err, want)
		}
	}
	verify()
	folder := filepath.Join(dir, "acme", "encoder")
	graph := filepath.Join(folder, "onnx", "model.onnx")
	os.WriteFile(graph, []byte(strings.Repeat("0123456789abcdeF", 1000)), 0o644)
	os.WriteFile(filepath.Join(folder, "tokenizer.json"), nil, 0o644)
	os.WriteFile(filepath.Join(folder, "onnx", "other.onnx"), nil, 0o644)
	os.Remove(filepath.Join(folder, "modules.json"))
	verify("modules.json is missing", "onnx/model.onnx has another checksum", "onnx/other.onnx was not pulled", "tokenizer.json has 0 bytes, not 2")

	// Pulled again it is whole, also where the receipt was lost.
	for _, lost := range []bool{false, true} {
		if lost {
			os.Remove(filepath.Join(folder, receiptFile))
			if _, err := Verify(t.Context(), dir, "acme/encoder"); err != ErrNoReceipt {
				t.Error(err)
			}
			if m, err := Describe(dir, "acme/encoder"); err != nil || m.Revision != "" {
				t.Errorf("%+v, %v", m, err)
			}
		}
		if err := Pull(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		verify()
	}

	if err := Remove(dir, "acme/encoder"); err != nil {
		t.Fatal(err)
	}
	if left := tree(t, dir); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
	if _, err := os.Stat(filepath.Join(dir, "acme")); err == nil {
		t.Error("the organisation's folder is left")
	}
	var none *NotInstalledError
	if err := Remove(dir, "acme/encoder"); !errors.As(err, &none) {
		t.Error(err)
	}
	var name *names.Error
	if err := Remove(dir, "../encoder"); !errors.As(err, &name) {
		t.Error(err)
	}
}

// A receipt is a file in a folder that anybody may have written.
func TestReceiptHostile(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "a", "b")
	os.MkdirAll(folder, 0o755)
	os.WriteFile(filepath.Join(folder, "config.json"), []byte("{}"), 0o644)
	for content, want := range map[string]string{
		"":                                 "unexpected end",
		"[]":                               "cannot unmarshal",
		`{"files":{"../../secret":{}}}`:    "names a file",
		`{"files":{"/etc/passwd":{}}}`:     "names a file",
		strings.Repeat(" ", maxReceipt+10): "too long",
	} {
		os.WriteFile(filepath.Join(folder, receiptFile), []byte(content), 0o644)
		if _, err := Verify(t.Context(), dir, "a/b"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v", content, err)
		}
	}
}
