package hub

import (
	"slices"
	"strings"
	"testing"
)

// A graph of another kind comes beside the usual one, and stays when the model is pulled again without naming it.
func TestPullGraph(t *testing.T) {
	h := newHub(t, "acme/encoder")
	h.files["onnx/model_quantized.onnx_data"] = "weights"
	dir := t.TempDir()
	o := h.options(dir)
	want := []string{"acme/encoder/1_Pooling/config.json", "acme/encoder/config.json", "acme/encoder/modules.json", "acme/encoder/onnx/model.onnx",
		"acme/encoder/onnx/model_quantized.onnx", "acme/encoder/onnx/model_quantized.onnx_data", "acme/encoder/pgowl.json", "acme/encoder/tokenizer.json"}
	for _, graph := range []string{"model_quantized.onnx", "", "onnx/model_quantized.onnx"} {
		o.Graph = graph
		h.files["config.json"] += " " // something has changed each time
		if err := Pull(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		if got := tree(t, dir); !slices.Equal(got, want) {
			t.Errorf("graph %q: the model folder has %q, want %q", graph, got, want)
		}
	}
	for graph, want := range map[string]string{"none.onnx": "the repository has no none.onnx; it has onnx/model.onnx, onnx/model_quantized.onnx", "pytorch_model.bin": "names no graph", "../x.onnx": "names no graph"} {
		o.Graph = graph
		if err := Pull(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("graph %q: %v", graph, err)
		}
	}
}
