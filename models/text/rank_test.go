package text

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/models/text/tokenize"
)

// crossEncoder is a model whose score testdata/scores.py tells.
func crossEncoder() files {
	return files{
		"config.json":     `{"hidden_size":4,"vocab_size":154,"max_position_embeddings":32,"id2label":{"0":"LABEL_0"},"sbert_ce_default_activation_function":"torch.nn.modules.linear.Identity"}`,
		"tokenizer.json":  "tokenize/testdata/uncased.json",
		"onnx/model.onnx": "testdata/scores.onnx",
	}
}

// scoreOf is what that model says of a pair, computed by hand.
func scoreOf(t *testing.T, e *Embedder, query, document string, length int) float64 {
	t.Helper()
	parts, err := e.tokenizer.EncodePair(query, document, tokenize.EncodeOptions{MaxLength: length})
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for i, id := range parts[0].IDs {
		sum += float64(id)/100 + float64(parts[0].TypeIDs[i])
	}
	return sum/float64(len(parts[0].IDs)) - 0.5
}

func TestRank(t *testing.T) {
	e := openTiny(t, crossEncoder())
	documents := []string{"hello", "", "hello hello hello hello", " a b c ", "hello", strings.Repeat("a b c ", 40)}
	ranked, cross, err := e.Rank(t.Context(), "the query", documents, RankOptions{})
	if err != nil || !cross || len(ranked) != len(documents) {
		t.Fatalf("%v %v %v", ranked, cross, err)
	}
	for i, r := range ranked {
		if want := scoreOf(t, e, "the query", documents[r.Document], 32); math.Abs(r.Score-want) > 1e-5 {
			t.Errorf("document %d has the score %v, want %v", r.Document, r.Score, want)
		}
		if i > 0 && (r.Score > ranked[i-1].Score || r.Score == ranked[i-1].Score && r.Document < ranked[i-1].Document) {
			t.Errorf("not in order: %v", ranked)
		}
	}
	if best, _, err := e.Rank(t.Context(), "the query", documents, RankOptions{TopK: 2, BatchSize: 1}); err != nil || fmt.Sprint(best) != fmt.Sprint(ranked[:2]) {
		t.Errorf("the best two: %v, want %v (%v)", best, ranked[:2], err)
	}
	if short, _, err := e.Rank(t.Context(), "the query", documents[5:], RankOptions{MaxLength: 10}); err != nil || math.Abs(short[0].Score-scoreOf(t, e, "the query", documents[5], 10)) > 1e-5 {
		t.Errorf("of ten tokens: %v, %v", short, err)
	}
	if none, _, err := e.Rank(t.Context(), "the query", nil, RankOptions{}); err != nil || len(none) != 0 {
		t.Errorf("no documents: %v, %v", none, err)
	}
	var option *OptionError
	if _, _, err := e.Rank(t.Context(), "q", []string{"d"}, RankOptions{MaxLength: 1}); !errors.As(err, &option) {
		t.Errorf("a length of 1: %v", err)
	}
	var model *ModelError
	if _, err := e.Embed(t.Context(), []string{"x"}, EmbedOptions{}); !errors.As(err, &model) {
		t.Errorf("a vector of a cross-encoder: %v", err)
	}
	cause := errors.New("gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if _, _, err := e.Rank(ctx, "q", []string{"d"}, RankOptions{}); err != cause {
		t.Errorf("cancelled: %v", err)
	}
	e.Close()
	if _, _, err := e.Rank(t.Context(), "q", []string{"d"}, RankOptions{}); err != ErrClosed {
		t.Errorf("closed: %v", err)
	}
}

// Where config.json names no activation, the score is the sigmoid; others are refused, as are several labels.
func TestRankActivations(t *testing.T) {
	plain := openTiny(t, crossEncoder())
	logit := scoreOf(t, plain, "q", "hello", 32)
	for _, c := range []struct {
		config string
		graph  string
		want   float64
		err    string
	}{
		{`"num_labels":1`, "scores", 1 / (1 + math.Exp(-logit)), ""},
		{`"num_labels":1,"sentence_transformers":{"activation_fn":"torch.nn.modules.activation.Sigmoid"}`, "scores", 1 / (1 + math.Exp(-logit)), ""},
		{`"num_labels":1,"sentence_transformers":{"activation_fn":"torch.nn.modules.linear.Identity"}`, "scores", logit, ""},
		{`"num_labels":1,"sentence_transformers":{"activation_fn":"torch.nn.modules.activation.Tanh"}`, "scores", 0, `activation "torch.nn.modules.activation.Tanh" is not supported`},
		{`"id2label":{"0":"a","1":"b"}`, "labels", 0, "it has 2 labels"},
	} {
		e := openTiny(t, crossEncoder().with("config.json", `{"hidden_size":4,"vocab_size":154,`+c.config+`}`, "onnx/model.onnx", "testdata/"+c.graph+".onnx"))
		ranked, _, err := e.Rank(t.Context(), "q", []string{"hello"}, RankOptions{})
		switch {
		case c.err != "":
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: %v", c.config, err)
			}
		case err != nil || math.Abs(ranked[0].Score-c.want) > 1e-5:
			t.Errorf("%s: %v, want %v (%v)", c.config, ranked, c.want, err)
		}
	}
	dir := t.TempDir()
	crossEncoder().with("config.json", `{"id2label":{"0":"a","1":"b"}}`).write(t, dir)
	if _, err := Open(dir, Options{Runtime: loaded(t)}); err == nil || !strings.Contains(err.Error(), "the output is 1 wide, config.json says 2") {
		t.Errorf("labels that are not the graph's: %v", err)
	}
}

// Another model ranks by cosines, with its own prompts.
func TestRankByCosines(t *testing.T) {
	e := miniLM(t)
	documents := []string{"Berlin is the capital of Germany.", "A cat sleeps on the sofa.", "Paris is the capital of France."}
	ranked, cross, err := e.Rank(t.Context(), "What is the capital of France?", documents, RankOptions{})
	if err != nil || cross || ranked[0].Document != 2 || ranked[2].Document != 1 {
		t.Fatalf("%v %v %v", ranked, cross, err)
	}
	q, d := embedOne(t, e, "What is the capital of France?", EmbedOptions{}), embedOne(t, e, documents[2], EmbedOptions{})
	if want := cosine(q, d); math.Abs(ranked[0].Score-want) > 1e-6 {
		t.Errorf("%v, want %v", ranked[0], want)
	}
	if cosine([]float32{0, 0}, []float32{1, 2}) != 0 {
		t.Error("the cosine of nothing")
	}
}

func TestParseRankOptions(t *testing.T) {
	o, err := ParseRankOptions("m", []byte(`{"top_k":3,"return_documents":true,"batch_size":8,"max_length":64,"device":"cpu","activation_fn":null}`))
	if err != nil || o != (RankOptions{TopK: 3, ReturnDocuments: true, BatchSize: 8, MaxLength: 64, Variant: Variant{Device: CPU}}) {
		t.Errorf("%+v %v", o, err)
	}
	for in, want := range map[string]string{
		`{"topk":3}`:                     `rank: option "topk" is unknown`,
		`{"top_k":0}`:                    `rank: option "top_k" must be a positive whole number`,
		`{"return_documents":"yes"}`:     `rank: option "return_documents" must be true or false`,
		`{"activation_fn":"torch.Tanh"}`: `rank: option "activation_fn" is not supported here with a value other than "torch.nn.Sigmoid" and "torch.nn.Identity"`,
		`[]`:                             `rank: option "kwargs" must be a JSON object`,
	} {
		if _, err := ParseRankOptions("m", []byte(in)); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", in, err, want)
		}
	}
}
