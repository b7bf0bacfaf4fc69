package text

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"testing"

	ort "github.com/yalue/onnxruntime_go"
)

// Pooling in the graph, on a card that is none, gives what pooling behind it does: every way, several, prompts left out, padding, a graph of float16, steps behind it.
func TestTail(t *testing.T) {
	pretend(t, 0, nil)
	texts := []string{"ab", "hello world one two", "", "a b c a b c a b c a b c a b c a b c a b c a b c a b c a b c a b c"}
	for _, c := range []struct {
		name  string
		files files
		tail  bool
	}{
		{"mean", tiny(), true},
		{"cls", tiny().with("1_Pooling/config.json", `{"pooling_mode":"cls"}`), true},
		{"last", tiny().with("1_Pooling/config.json", `{"pooling_mode":"lasttoken"}`), true},
		{"sqrt", tiny().with("1_Pooling/config.json", `{"pooling_mode":"mean_sqrt_len_tokens"}`), true},
		{"weighted", tiny().with("1_Pooling/config.json", `{"pooling_mode":"weightedmean"}`), true},
		{"three", tiny().with("1_Pooling/config.json", `{"pooling_mode":["cls","weightedmean","lasttoken"]}`), true},
		{"prompt left out", tiny().with("1_Pooling/config.json", `{"pooling_mode":["mean","weightedmean"],"include_prompt":false}`), true},
		{"unit", tiny().with("modules.json", `[{"type":"Transformer","path":""},{"type":"Pooling","path":"1_Pooling"},{"type":"Normalize","path":"2"}]`), true},
		{"half", tiny().with("onnx/model.onnx", "testdata/half.onnx"), true},
		{"max", tiny().with("1_Pooling/config.json", `{"pooling_mode":["mean","max"]}`), false},
		{"scores", crossEncoder(), false},
	} {
		dir := t.TempDir()
		c.files.write(t, dir)
		var got, want [][]float32
		for _, d := range []Device{"cuda:0", CPU} {
			e, err := Open(dir, Options{Runtime: loaded(t), Variant: Variant{Device: d}})
			if err != nil {
				t.Fatal(err)
			}
			var all [][]float32
			if e.session.scores {
				ranked, _, err := e.Rank(t.Context(), "q", texts, RankOptions{})
				if err != nil {
					t.Fatal(err)
				}
				all = [][]float32{make([]float32, len(texts))}
				for _, r := range ranked {
					all[0][r.Document] = float32(r.Score)
				}
			} else {
				for _, prompt := range []string{"", "one two "} {
					v, err := e.Embed(t.Context(), texts, EmbedOptions{Prompt: prompt})
					if err != nil {
						t.Fatal(err)
					}
					all = append(all, v...)
				}
			}
			if d == CPU {
				want = all
			} else if got = all; (e.session.ways > 0) != c.tail {
				t.Errorf("%s: %d ways of pooling in the graph", c.name, e.session.ways)
			}
			e.Close()
		}
		if !slices.EqualFunc(got, want, func(a, b []float32) bool { return near(a, b, 1e-3) }) {
			t.Errorf("%s: %v, want %v", c.name, got, want)
		}
	}
}

// The same with a real model, which the tail does not keep ONNX Runtime from optimising.
func TestTailOfMiniLM(t *testing.T) {
	plain := miniLM(t)
	pretend(t, 0, nil)
	e, err := Open(filepath.Join(modelFolder(), "all-MiniLM-L6-v2"), Options{Runtime: loaded(t), Variant: Variant{Device: "cuda:0"}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if e.session.ways != 1 {
		t.Error("no pooling in the graph")
	}
	texts := sentences(6, 30)
	got, err := e.Embed(t.Context(), texts, EmbedOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range got {
		if want := embedOne(t, plain, texts[i], EmbedOptions{}); !near(v, want, 1e-6) {
			t.Errorf("%q: a cosine of %v", texts[i], cosine(v, want))
		}
	}
}

// Weights are those of pool, for every length and every number of tokens left out.
func TestWeigh(t *testing.T) {
	const width, columns = 2, 9
	for _, known := range poolings {
		if !known.how.linear() {
			continue
		}
		for n := 1; n <= columns; n++ {
			tokens := make([]float32, n*width)
			for i := range tokens {
				tokens[i] = float32(i*i%7) - 3
			}
			for skip := range n {
				want, got := make([]float32, width), make([]float32, width)
				pool(want, tokens, known.how, skip)
				weights := slices.Repeat([]float32{float32(math.NaN())}, columns)
				weigh(weights, n, skip, known.how)
				for i, w := range weights {
					if i >= n && w != 0 {
						t.Errorf("%s: padding counts %v", known.name, w)
					}
					for j := 0; j < width && i < n; j++ {
						got[j] += w * tokens[i*width+j]
					}
				}
				if !near(got, want, 1e-5) {
					t.Errorf("%s, %d tokens, %d left out: %v, want %v", known.name, n, skip, got, want)
				}
			}
		}
	}
}

// A graph that does not take the tail is loaded as it is; one that is broken says so.
func TestTailThatDoesNotFit(t *testing.T) {
	g := pretend(t, 0, nil)
	out := ort.InputOutputInfo{Name: "nothing of that name", DataType: ort.TensorElementDataTypeFloat}
	for file, want := range map[string]bool{"testdata/tiny.onnx": true, "testdata/scores.py": false, "testdata/none.onnx": false} {
		options, err := ort.NewSessionOptions()
		if err != nil {
			t.Fatal(err)
		}
		output := out
		output.Name = "last_hidden_state"
		if file == "testdata/tiny.onnx" {
			plain, pools, err := g.load(graphOf{file, file, []string{"input_ids", "attention_mask", "token_type_ids"}, &out}, onCardAs{pool: true}, options)
			if err != nil || pools {
				t.Fatalf("an output that is not there: %v %v", pools, err)
			}
			plain.close()
			options.Destroy()
			if options, err = ort.NewSessionOptions(); err != nil {
				t.Fatal(err)
			}
		}
		loaded, pools, err := g.load(graphOf{file, file, []string{"input_ids", "attention_mask", "token_type_ids"}, &output}, onCardAs{pool: true}, options)
		options.Destroy()
		if (err == nil) != want || pools != want {
			t.Errorf("%s: %v %v", file, pools, err)
		}
		if err == nil {
			loaded.close()
		}
	}
	if _, err := readGraph("testdata/none.onnx"); err == nil || fmt.Sprint(err) != "no such file or directory" || errors.Unwrap(err) != nil {
		t.Error(err)
	}
}
