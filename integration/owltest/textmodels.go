package owltest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/exec"
	"github.com/pgowl/pgowl/models/text"
)

// TextModels are the options of an engine that has ONNX Runtime and a folder with these models: by their names, the contents of their files, or paths in models/text that begin with testdata/ or
// tokenize/. What all of them have need not be given: config.json, tokenizer.json and onnx/model.onnx are those of a model whose vectors have four numbers. Without ONNX Runtime the test is skipped.
// The test's package must stand two folders below the repository's.
func TextModels(t testing.TB, models map[string]map[string]string) exec.Options {
	t.Helper()
	var library string
	if found, _ := filepath.Glob(os.Getenv("PGOWL_ONNXRUNTIME")); len(found) > 0 {
		library = found[0]
	}
	if library == "" {
		library = text.FindLibrary("")
	}
	if library == "" {
		t.Skip("no ONNX Runtime: PGOWL_ONNXRUNTIME")
	}
	dir := t.TempDir()
	for name, own := range models {
		files := map[string]string{
			"config.json":     `{"hidden_size":4,"vocab_size":154,"max_position_embeddings":32}`,
			"tokenizer.json":  "tokenize/testdata/uncased.json",
			"onnx/model.onnx": "testdata/tiny.onnx",
		}
		for file, content := range own {
			files[file] = content
		}
		for file, content := range files {
			data := []byte(content)
			var err error
			if strings.HasPrefix(content, "testdata/") || strings.HasPrefix(content, "tokenize/") {
				data, err = os.ReadFile(filepath.Join("..", "..", "models", "text", filepath.FromSlash(content)))
			}
			path := filepath.Join(dir, "sentence-transformers", name, filepath.FromSlash(file))
			if err == nil {
				err = os.MkdirAll(filepath.Dir(path), 0o755)
			}
			if err == nil {
				err = os.WriteFile(path, data, 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	return exec.Options{Models: dir, Library: library}
}
