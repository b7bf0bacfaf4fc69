package hub

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/pgowl/pgowl/models/text"
)

// TestPulledModelEmbeds: what Pull lays out is what the engine opens.
func TestPulledModelEmbeds(t *testing.T) {
	library := os.Getenv("PGOWL_ONNXRUNTIME")
	if library == "" {
		data := os.Getenv("PGOWL_DATA")
		if data == "" {
			home, _ := os.UserHomeDir()
			data = filepath.Join(home, ".local", "share", "pgowl")
		}
		library = text.FindLibrary(data)
	}
	if library == "" {
		t.Skip("ONNX Runtime is not installed: run make setup")
	}
	h := newHub(t, "sentence-transformers/m")
	for name, from := range map[string]string{"tokenizer.json": "tokenize/testdata/uncased.json", "onnx/model.onnx": "testdata/tiny.onnx"} {
		data, err := os.ReadFile(filepath.Join("..", "..", "models", "text", filepath.FromSlash(from)))
		if err != nil {
			t.Fatal(err)
		}
		h.files[name] = string(data)
	}
	dir := t.TempDir()
	store := text.NewStore(text.StoreOptions{Dir: dir, Library: library})
	defer store.Close()
	if _, err := store.Embedder(context.Background(), "m"); err == nil {
		t.Fatal("found before it was pulled")
	}
	if err := Pull(context.Background(), h.options(dir)); err != nil {
		t.Fatal(err)
	}
	e, err := store.Embedder(context.Background(), "sentence-transformers/m")
	if err != nil {
		t.Fatal(err)
	}
	if v, err := e.Embed(context.Background(), []string{"hello"}, text.EmbedOptions{}); err != nil || len(v[0]) != 4 {
		t.Errorf("%v %v", v, err)
	}
}
