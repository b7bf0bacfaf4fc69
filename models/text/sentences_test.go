package text

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// testModels is where set-up puts the models that only tests want.
func testModels() string {
	if d := os.Getenv("TEST_MODELS"); d != "" {
		return d
	}
	return filepath.Join(dataFolder(), "testmodels")
}

// realModel opens a graph of a model, or its weights; without it the test is skipped.
func realModel(t *testing.T, dir, graph string) *Embedder {
	t.Helper()
	file := findGraph(dir, Variant{Graph: graph}.files())
	if file == "" && graph == "" {
		file = findGraph(dir, []string{"model.safetensors"})
	}
	if file == "" {
		t.Skipf("%s %s is not there: run make test-models", dir, graph)
	}
	e, err := Open(dir, Options{Runtime: loaded(t), Name: filepath.Base(dir), Variant: Variant{Graph: graph}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// goldenSentences are texts, and what sentence-transformers gives for them with a model (testdata/sentences/golden.py).
func goldenSentences(t *testing.T, name string) (texts []string, vectors [][]float32) {
	t.Helper()
	data, err := os.ReadFile("testdata/sentences/texts.json")
	if err == nil {
		err = json.Unmarshal(data, &texts)
	}
	if err != nil {
		t.Fatal(err)
	}
	if data, err = os.ReadFile("testdata/sentences/" + name + ".f32"); err != nil {
		t.Fatal(err)
	}
	const width = 384
	if len(data) != 4*width*len(texts) {
		t.Fatalf("%d bytes for %d texts", len(data), len(texts))
	}
	for range texts {
		v := make([]float32, width)
		for i := range v {
			v[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
		}
		vectors, data = append(vectors, v), data[4*width:]
	}
	return texts, vectors
}

// TestSentences: real models give what sentence-transformers gives, from an export and from weights; those of 8 bits do so by and large.
func TestSentences(t *testing.T) {
	for _, c := range []struct {
		name, dir, golden, graph string
		worst, mean              float64   // of the cosines
		hello                    []float32 // what the model's makers give for "hello world", within a thousandth
	}{
		{"MiniLM", filepath.Join(modelFolder(), "all-MiniLM-L6-v2"), "all-MiniLM-L6-v2", "", 0.99999, 0.99999, []float32{-0.034478, 0.03102, 0.00673, 0.02611, -0.039362}},
		{"MiniLM's weights", filepath.Join(testModels(), "all-MiniLM-L6-v2"), "all-MiniLM-L6-v2", "", 0.99999, 0.99999, []float32{-0.034478, 0.03102, 0.00673, 0.02611, -0.039362}},
		{"bge", filepath.Join(testModels(), "bge-small-en-v1.5"), "bge-small-en-v1.5", "", 0.99999, 0.99999, []float32{0.015224, -0.022718, 0.008603, -0.074240, 0.003864}},
		{"e5", filepath.Join(testModels(), "e5-small-v2"), "e5-small-v2", "", 0.99999, 0.99999, nil},
		{"MiniLM of 8 bits", filepath.Join(testModels(), "all-MiniLM-L6-v2"), "all-MiniLM-L6-v2", "model_quantized.onnx", 0.95, 0.98, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := realModel(t, c.dir, c.graph)
			texts, want := goldenSentences(t, c.golden)
			got, err := e.Embed(t.Context(), texts, EmbedOptions{})
			if err != nil {
				t.Fatal(err)
			}
			worst, mean := 1.0, 0.0
			for i := range texts {
				like := cosine(got[i], want[i])
				if mean += like / float64(len(texts)); !(like >= worst) {
					worst = like
				}
				if !(like >= c.worst) {
					t.Errorf("%.40q: a cosine of %.6f", texts[i], like)
				}
			}
			if !(mean >= c.mean) {
				t.Errorf("a mean cosine of %.6f", mean)
			}
			if c.hello != nil && !near(got[0][:len(c.hello)], c.hello, 1e-3) {
				t.Errorf("%s: %v, want %v", texts[0], got[0][:len(c.hello)], c.hello)
			}
			t.Logf("cosines to sentence-transformers: %.7f at worst, %.7f in the mean", worst, mean)
		})
	}
}

// TestSentencesByPrompt: a model's own prompts are what stands before the texts in the golden ones.
func TestSentencesByPrompt(t *testing.T) {
	for name, c := range map[string]struct {
		at           int
		prompt, text string
	}{
		"bge-small-en-v1.5": {7, "query", "capital of France"},
		"e5-small-v2":       {8, "query", "how much protein should a female eat"},
	} {
		t.Run(name, func(t *testing.T) {
			e := realModel(t, filepath.Join(testModels(), name), "")
			_, want := goldenSentences(t, name)
			if got := embedOne(t, e, c.text, EmbedOptions{PromptName: c.prompt}); !(cosine(got, want[c.at]) >= 0.99999) {
				t.Errorf("a cosine of %.6f", cosine(got, want[c.at]))
			}
		})
	}
}
