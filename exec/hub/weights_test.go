package hub

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/models/text"
)

// TestPullWeights: where there is no graph the weights come, in one file or several, and a graph goes before them when there is one.
func TestPullWeights(t *testing.T) {
	one := []string{"acme/encoder/1_Pooling/config.json", "acme/encoder/config.json", "acme/encoder/model.safetensors", "acme/encoder/modules.json", "acme/encoder/pgowl.json", "acme/encoder/tokenizer.json"}
	several := slices.Replace(slices.Clone(one), 2, 3, "acme/encoder/model-00001-of-00002.safetensors", "acme/encoder/model-00002-of-00002.safetensors", "acme/encoder/model.safetensors.index.json")
	withGraph := []string{"acme/encoder/1_Pooling/config.json", "acme/encoder/config.json", "acme/encoder/modules.json", "acme/encoder/onnx/model.onnx", "acme/encoder/pgowl.json", "acme/encoder/tokenizer.json"}
	h := newHub(t, "acme/encoder")
	h.files["config.json"] = `{"model_type":"bert"}`
	graph := h.files["onnx/model.onnx"]
	delete(h.files, "onnx/model.onnx")
	delete(h.files, "onnx/model_quantized.onnx")
	dir := t.TempDir()
	pull := func(what string, want []string) {
		t.Helper()
		if err := Pull(t.Context(), h.options(dir)); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if got := tree(t, dir); !slices.Equal(got, want) {
			t.Errorf("%s: the model folder has %q, want %q", what, got, want)
		}
		if wrong, err := Verify(t.Context(), dir, "acme/encoder"); err != nil || len(wrong) > 0 {
			t.Errorf("%s: %q, %v", what, wrong, err)
		}
	}
	pull("one file", one)
	if l, err := Open(dir, "acme/encoder", "", nil); err != nil || !slices.Contains(l.Files, "model.safetensors") { // for pushing
		t.Errorf("%v, %v", l, err)
	}
	h.bare = true
	pull("one file, sizes not told", one)
	h.bare = false
	delete(h.files, "model.safetensors")
	h.files["model.safetensors.index.json"] = `{"weight_map":{}}`
	h.files["model-00001-of-00002.safetensors"], h.files["model-00002-of-00002.safetensors"] = "first", "second"
	h.files["rust_model-00001-of-00002.safetensors"] = "not wanted"
	pull("several", several)
	h.files["onnx/model.onnx"] = graph
	pull("a graph", withGraph)

	delete(h.files, "onnx/model.onnx")
	for name := range h.files {
		if strings.HasSuffix(name, ".safetensors") || strings.HasSuffix(name, ".index.json") {
			delete(h.files, name)
		}
	}
	if err := Pull(t.Context(), h.options(dir)); err == nil || !strings.Contains(err.Error(), "neither an ONNX export (onnx/model.onnx) nor model.safetensors") {
		t.Errorf("a pickle alone: %v", err)
	}
}

// TestPullUnknownWeights: a model that cannot be loaded is known for that before the long download.
func TestPullUnknownWeights(t *testing.T) {
	h := newHub(t, "acme/encoder")
	h.files["config.json"] = `{"model_type":"mamba"}`
	delete(h.files, "onnx/model.onnx")
	delete(h.files, "onnx/model_quantized.onnx")
	err := Pull(t.Context(), h.options(t.TempDir()))
	if err == nil || !strings.Contains(err.Error(), `its weights cannot be used: config.json: model_type "mamba" is not supported`) {
		t.Error(err)
	}
	for _, r := range h.requests {
		if strings.Contains(r, "safetensors") {
			t.Errorf("asked for %s", r)
		}
	}
}

// TestPulledWeightsEmbed: what Pull lays out is what the engine opens.
func TestPulledWeightsEmbed(t *testing.T) {
	library := os.Getenv("PGOWL_ONNXRUNTIME")
	if library == "" {
		t.Skip("PGOWL_ONNXRUNTIME is not set: see docs/contributing.md")
	}
	from := filepath.Join("..", "..", "models", "text", "onnxgraph", "testdata", "mpnet")
	h := newHub(t, "sentence-transformers/m")
	h.files = map[string]string{}
	for _, name := range []string{"config.json", "tokenizer.json", "tokenizer_config.json", "modules.json", "1_Pooling/config.json", "model.safetensors"} {
		data, err := os.ReadFile(filepath.Join(from, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		h.files[name] = string(data)
	}
	var want struct {
		Texts   []string    `json:"texts"`
		Vectors [][]float32 `json:"vectors"`
	}
	data, err := os.ReadFile(filepath.Join(from, "golden.json"))
	if err == nil {
		err = json.Unmarshal(data, &want)
	}
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := Pull(t.Context(), h.options(dir)); err != nil {
		t.Fatal(err)
	}
	store := text.NewStore(text.StoreOptions{Dir: dir, Library: library})
	defer store.Close()
	got, err := store.Embed(t.Context(), "m", want.Texts[:1], text.EmbedOptions{})
	if err != nil || got[0][0]-want.Vectors[0][0] > 1e-5 || want.Vectors[0][0]-got[0][0] > 1e-5 {
		t.Errorf("%v, want %v; %v", got, want.Vectors[0], err)
	}
	if wrong, err := Verify(t.Context(), dir, "m"); err != nil || len(wrong) > 0 {
		t.Errorf("after a load: %q, %v", wrong, err)
	}
}
