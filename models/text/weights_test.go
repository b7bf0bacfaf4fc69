package text

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// weightModels are folders without a graph, with what sentence-transformers gives for them (onnxgraph/testdata/golden.py).
const weightModels = "onnxgraph/testdata"

// TestWeights: models of every kind that have weights alone embed and rank as sentence-transformers does, from the text on.
func TestWeights(t *testing.T) { weightsAgree(t, Processors{}, 2e-5) }

// TestWeightsInOpenVINO: the other runtime takes all these graphs.
func TestWeightsInOpenVINO(t *testing.T) {
	weightsAgree(t, Processors{OpenVINO: vinoLibrary(t), Backend: OpenVINO, Loaded: func(l Loaded) {
		if l.Backend != OpenVINO {
			t.Errorf("%s: %s", l.Model, l.Why)
		}
	}}, 1e-4)
}

func weightsAgree(t *testing.T, p Processors, tolerance float64) {
	t.Helper()
	runtime := loaded(t)
	t.Setenv("TMPDIR", t.TempDir())
	folders, err := filepath.Glob(weightModels + "/*/golden.json")
	if err != nil || len(folders) < 12 {
		t.Fatal(folders, err)
	}
	for _, path := range folders {
		dir := filepath.Dir(path)
		var want struct {
			Texts     []string    `json:"texts"`
			Vectors   [][]float32 `json:"vectors"`
			Query     string      `json:"query"`
			Documents []string    `json:"documents"`
			Scores    []float64   `json:"scores"`
		}
		data, err := os.ReadFile(path)
		if err == nil {
			err = json.Unmarshal(data, &want)
		}
		if err != nil {
			t.Fatal(err)
		}
		e, err := Open(dir, Options{Runtime: runtime, Processors: p})
		if err != nil {
			t.Error(err)
			continue
		}
		got, err := [][]float32{}, error(nil)
		if want.Vectors != nil {
			got, err = e.Embed(context.Background(), want.Texts, EmbedOptions{})
		}
		if err != nil {
			t.Error(err)
		}
		for i, v := range got {
			if !near(v, want.Vectors[i], tolerance) {
				t.Errorf("%s: %.20q is %v, want %v", dir, want.Texts[i], v, want.Vectors[i])
			}
		}
		if want.Scores != nil {
			ranked, cross, err := e.Rank(context.Background(), want.Query, want.Documents, RankOptions{})
			if err != nil || !cross || len(ranked) != len(want.Scores) {
				t.Errorf("%s: %v %v %v", dir, ranked, cross, err)
			}
			for _, r := range ranked {
				if math.Abs(r.Score-want.Scores[r.Document]) > tolerance {
					t.Errorf("%s: %.20q has %v, want %v", dir, want.Documents[r.Document], r.Score, want.Scores[r.Document])
				}
			}
		}
		e.Close()
	}
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// weightModel copies a model that a test is to change.
func weightModel(t testing.TB, name string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(weightModels, name))); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestCrossEncoderOfVersion6: sentence-transformers writes steps for a cross-encoder, too, of which the transformer is the only one, and keeps its activation elsewhere.
func TestCrossEncoderOfVersion6(t *testing.T) {
	r := loaded(t)
	rank := func(dir string) []Ranked {
		t.Helper()
		e, err := Open(dir, Options{Runtime: r})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		ranked, cross, err := e.Rank(t.Context(), "cat", []string{"a cat", "Paris", "one two"}, RankOptions{})
		if err != nil || !cross {
			t.Fatalf("%v, %v", cross, err)
		}
		return ranked
	}
	dir := weightModel(t, "roberta-classifier")
	want := rank(dir)
	config, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	files{
		"config.json":               strings.Replace(string(config), "activation_fn", "other", 1),
		"modules.json":              `[{"idx":0,"name":"0","path":"","type":"sentence_transformers.base.modules.transformer.Transformer"}]`,
		sentenceTransformersFile:    `{"activation_fn":"torch.nn.modules.linear.Identity","model_type":"CrossEncoder","prompts":{},"default_prompt_name":null}`,
		"sentence_bert_config.json": `{"transformer_task":"sequence-classification"}`,
	}.write(t, dir)
	if got := rank(dir); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestWeightsOrGraph: a graph goes before the weights, a graph that is asked for by name is never made of them, and what is missing or bad is told.
func TestWeightsOrGraph(t *testing.T) {
	runtime := loaded(t)
	dir := weightModel(t, "bert")
	fails := func(graph, want string) {
		t.Helper()
		if _, err := Open(dir, Options{Runtime: runtime, Name: "m", Variant: Variant{Graph: graph}}); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), os.TempDir()) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	fails("model_quantized.onnx", "onnx/model_quantized.onnx is missing")
	write := func(name, content string) {
		t.Helper()
		files{name: content}.write(t, dir)
	}
	write("onnx/model.onnx", "bad")
	fails("", "model.onnx: ")
	if err := os.RemoveAll(filepath.Join(dir, "onnx")); err != nil {
		t.Fatal(err)
	}
	write("model.safetensors", "bad")
	fails("", "model.safetensors: no safetensors file")
	if err := os.Remove(filepath.Join(dir, "model.safetensors")); err != nil {
		t.Fatal(err)
	}
	fails("", "onnx/model.onnx is missing, and it has no model.safetensors")
	write("pytorch_model.bin", "pickle")
	fails("", "pytorch_model.bin is a pickle, which is a program and never loaded: save the model as safetensors")
}

// TestWeightsInStore: the store finds them, counts their size as they are in memory, and needs no right to write to the folder.
func TestWeightsInStore(t *testing.T) {
	models := t.TempDir()
	if err := os.CopyFS(filepath.Join(models, "m"), os.DirFS(weightModels+"/roberta")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(models, "m"), 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(filepath.Join(models, "m"), 0o755) })
	s := NewStore(StoreOptions{Dir: models, Library: library(t)})
	defer s.Close()
	if list, err := s.List(); err != nil || !slices.Equal(list, []string{"m"}) {
		t.Errorf("%v %v", list, err)
	}
	if v, err := s.Embed(t.Context(), "m", []string{"x"}, EmbedOptions{}); err != nil || len(v[0]) != 32 {
		t.Errorf("%v %v", v, err)
	}
	info, err := os.Stat(filepath.Join(models, "m", "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	if got := graphSize(filepath.Join(models, "m"), graphFiles); got < info.Size()*17/10 || got > info.Size()*2 { // of BF16, with a header
		t.Errorf("%d bytes for a file of %d", got, info.Size())
	}
}

// TestWeightsElsewhere: where the folder for temporary files cannot be written, memory will do.
func TestWeightsElsewhere(t *testing.T) {
	if _, err := os.Stat("/dev/shm"); err != nil {
		t.Skip("there is no /dev/shm")
	}
	t.Setenv("TMPDIR", "/nowhere")
	e, err := Open(weightModels+"/bert", Options{Runtime: loaded(t)})
	if err != nil {
		t.Fatal(err)
	}
	e.Close()
	if left, err := filepath.Glob("/dev/shm/" + weightFolders + "*"); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
