package onnxgraph

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/models/text/safetensors"
)

// split takes a safetensors file apart: its header, and what follows.
func split(t testing.TB, data []byte) (header map[string]json.RawMessage, rest []byte) {
	t.Helper()
	n := binary.LittleEndian.Uint64(data)
	if err := json.Unmarshal(data[8:8+n], &header); err != nil {
		t.Fatal(err)
	}
	delete(header, "__metadata__")
	return header, data[8+n:]
}

func join(t testing.TB, header map[string]json.RawMessage, rest []byte) []byte {
	t.Helper()
	text, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	return append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...), rest...)
}

// copyOf is a model of testdata that a test is to change: edit gets the header of its weights and config.json.
func copyOf(t testing.TB, name string, edit func(header, config map[string]json.RawMessage)) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", name))); err != nil {
		t.Fatal(err)
	}
	weights, err := os.ReadFile(filepath.Join(dir, safetensors.File))
	if err != nil {
		t.Fatal(err)
	}
	header, rest := split(t, weights)
	text, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	var config map[string]json.RawMessage
	if err := json.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	edit(header, config)
	if text, err = json.Marshal(config); err != nil {
		t.Fatal(err)
	}
	put(t, dir, "config.json", text)
	put(t, dir, safetensors.File, join(t, header, rest))
	return dir
}

func put(t testing.TB, dir, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestSpellings: the same weights under other names, and in several files, are the same model.
func TestSpellings(t *testing.T) {
	library(t)
	rename := func(f func(string) string) func(header, config map[string]json.RawMessage) {
		return func(header, _ map[string]json.RawMessage) {
			for name, v := range maps.Clone(header) {
				delete(header, name)
				header[f(name)] = v
			}
		}
	}
	prefix := func(p string) func(header, config map[string]json.RawMessage) {
		return rename(func(name string) string { return p + name })
	}
	for what, dir := range map[string]string{
		"part of a larger model":       copyOf(t, "bert", prefix("bert.")),
		"of sentence-transformers":     copyOf(t, "bert", prefix("0.auto_model.")),
		"DistilBERT in a larger model": copyOf(t, "distilbert", prefix("distilbert.")),
		"CamemBERT": copyOf(t, "roberta", func(_, config map[string]json.RawMessage) {
			config["model_type"] = json.RawMessage(`"camembert"`)
		}),
		"gamma and beta": copyOf(t, "bert", rename(func(name string) string {
			return strings.NewReplacer("LayerNorm.weight", "LayerNorm.gamma", "LayerNorm.bias", "LayerNorm.beta").Replace(name)
		})),
		"a head that is no classifier's": copyOf(t, "bert", func(_, config map[string]json.RawMessage) {
			config["architectures"] = json.RawMessage(`["BertForMaskedLM"]`)
		}),
		"a classifier whose tokens are wanted": copyOf(t, "bert", func(_, config map[string]json.RawMessage) { // modules.json is there
			config["architectures"] = json.RawMessage(`["BertForSequenceClassification"]`)
		}),
		"settings by default": copyOf(t, "bert", func(_, config map[string]json.RawMessage) {
			for _, name := range []string{"hidden_act", "layer_norm_eps", "type_vocab_size", "architectures", "pad_token_id"} {
				delete(config, name)
			}
		}),
	} {
		g := readGolden(t, dir)
		if d := farthestApart(run(t, dir, g), g.Output); !(d < 2e-5) {
			t.Errorf("%s: differs by %.2g", what, d)
		}
	}

	dir := copyOf(t, "mpnet", func(_, _ map[string]json.RawMessage) {})
	weights, err := os.ReadFile(filepath.Join(dir, safetensors.File))
	if err != nil {
		t.Fatal(err)
	}
	header, rest := split(t, weights)
	first := map[string]json.RawMessage{}
	index := map[string]string{}
	for name, v := range maps.Clone(header) {
		index[name] = "model-00002-of-00002.safetensors"
		if strings.Contains(name, "layer.0.") {
			first[name] = v
			index[name] = "model-00001-of-00002.safetensors"
			delete(header, name)
		}
	}
	put(t, dir, "model-00001-of-00002.safetensors", join(t, first, rest))
	put(t, dir, "model-00002-of-00002.safetensors", join(t, header, rest))
	text, err := json.Marshal(map[string]any{"weight_map": index})
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, safetensors.Index, text)
	if err := os.Remove(filepath.Join(dir, safetensors.File)); err != nil {
		t.Fatal(err)
	}
	g := readGolden(t, dir)
	if d := farthestApart(run(t, dir, g), g.Output); !(d < 2e-5) {
		t.Errorf("two files: differ by %.2g", d)
	}
}

// TestRefusals: what would make another model than the settings and weights say is refused by its name.
func TestRefusals(t *testing.T) {
	set := func(key, v string) func(header, config map[string]json.RawMessage) {
		return func(_, config map[string]json.RawMessage) { config[key] = json.RawMessage(v) }
	}
	for _, c := range []struct {
		model string
		edit  func(header, config map[string]json.RawMessage)
		want  string
	}{
		{"bert", set("model_type", `"llama"`), `config.json: model_type "llama" is not supported without an ONNX file; supported: bert, camembert,`},
		{"bert", set("model_type", `1`), "config.json: model_type is 1"},
		{"bert", set("is_decoder", `true`), "config.json: is_decoder true is not supported"},
		{"bert", set("add_cross_attention", `true`), "config.json: add_cross_attention true is not supported"},
		{"bert", set("position_embedding_type", `"relative_key"`), `config.json: position_embedding_type "relative_key" is not supported`},
		{"bert", set("auto_map", `{"AutoModel":"x.Y"}`), "config.json: auto_map"},
		{"bert", set("quantization_config", `{"bits":4}`), "config.json: quantization_config"},
		{"bert", set("hidden_act", `"mish"`), `config.json: hidden_act "mish" is not supported`},
		{"distilbert", set("activation", `"mish"`), `config.json: activation "mish" is not supported`},
		{"bert", set("num_attention_heads", `5`), "config.json: num_attention_heads is 5, which does not divide hidden_size, 32"},
		{"bert", set("num_attention_heads", `0`), "config.json: num_attention_heads is 0, want 1 to 1024"},
		{"bert", set("hidden_size", `1e99`), "config.json: hidden_size is 1e99"},
		{"bert", set("layer_norm_eps", `-1`), "config.json: layer_norm_eps is -1"},
		{"bert", set("hidden_size", `64`), "embeddings.word_embeddings.weight has the shape [152 32], config.json wants [152 64]"},
		{"bert", set("num_hidden_layers", `3`), "the weights have no encoder.layer.2.attention.self.query.weight"},
		{"bert", set("num_hidden_layers", `1`), "arrays that config.json does not account for, such as \"encoder.layer.1."},
		{"mpnet", set("relative_attention_num_buckets", `16`), "encoder.relative_attention_bias.weight has the shape"},
		{"mpnet", set("relative_attention_num_buckets", `512`), "config.json: relative_attention_num_buckets is 512, want 4 to 511"},
		{"bert", func(header, _ map[string]json.RawMessage) {
			header["encoder.layer.0.extra.weight"] = json.RawMessage(`{"dtype":"F32","shape":[0],"data_offsets":[0,0]}`)
		}, `such as "encoder.layer.0.extra.weight"`},
		{"bert", func(header, _ map[string]json.RawMessage) { delete(header, words) }, "the weights have no " + words},
		{"bert", func(header, _ map[string]json.RawMessage) {
			header["other."+words] = json.RawMessage(`{"dtype":"F32","shape":[0],"data_offsets":[0,0]}`)
		}, "the weights are of 2 models"},
		{"bert", func(header, _ map[string]json.RawMessage) {
			name := "encoder.layer.0.output.dense.bias"
			header[name] = json.RawMessage(strings.Replace(string(header[name]), "F32", "I32", 1))
		}, `encoder.layer.0.output.dense.bias is of type "I32": want F32, F16 or BF16`},
		{"bert-classifier", func(header, _ map[string]json.RawMessage) { delete(header, "classifier.weight") }, "the weights have no classifier.weight"},
		{"bert-classifier", func(header, _ map[string]json.RawMessage) { delete(header, "bert.pooler.dense.weight") }, "the weights have no bert.pooler.dense.weight"},
	} {
		if m, err := open(t, copyOf(t, c.model, c.edit)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
			if m != nil {
				m.Close()
			}
		}
	}
	if _, err := Open(t.TempDir(), nil, false); !errors.Is(err, ErrNoWeights) {
		t.Errorf("nothing there: %v", err)
	}
	if err := Check([]byte(`{"model_type":"roberta"}`)); err != nil {
		t.Error(err)
	}
	if err := Check([]byte(`{"model_type":"t5"}`)); err == nil {
		t.Error("a T5 was taken")
	}
}

// TestWriteFails: a folder that is not there, one that has the files already, and weights that end too early.
func TestWriteFails(t *testing.T) {
	dir := copyOf(t, "bert", func(_, _ map[string]json.RawMessage) {})
	m, err := open(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if _, err := m.Write(filepath.Join(dir, "none")); err == nil {
		t.Error("written to nowhere")
	}
	out := t.TempDir()
	if _, err := m.Write(out); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Write(out); err == nil {
		t.Error("written over another's files")
	}
	if err := os.Truncate(filepath.Join(dir, safetensors.File), 50_000); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Write(t.TempDir()); err == nil || !strings.Contains(err.Error(), "unexpected EOF") {
		t.Errorf("of weights that were cut: %v", err)
	}
}

// FuzzBuild: settings and weights that may be anything give a graph, all of whose numbers can be written, or an error.
func FuzzBuild(f *testing.F) {
	for _, dir := range models(f) {
		config, err := os.ReadFile(filepath.Join(dir, "config.json"))
		if err != nil {
			f.Fatal(err)
		}
		weights, err := os.ReadFile(filepath.Join(dir, safetensors.File))
		if err != nil {
			f.Fatal(err)
		}
		n := 8 + binary.LittleEndian.Uint64(weights)
		f.Add(config, weights[8:n], strings.HasSuffix(dir, "classifier"))
	}
	f.Fuzz(func(t *testing.T, config, header []byte, steps bool) {
		// The numbers do not matter: as many zeros as small models have.
		data := append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...), make([]byte, 110_000)...)
		tensors, err := safetensors.Parse(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			// The files of testdata end where their numbers do; a mutated one need not.
			return
		}
		m, err := build(config, tensors, steps)
		if err != nil {
			return
		}
		if m.Size() > 4<<20 {
			t.Fatalf("%d bytes of weights come of %d", m.Size(), len(data))
		}
		if err := m.writeWeights(io.Discard); err != nil {
			t.Fatal(err)
		}
		if len(m.graph()) > 10<<20 {
			t.Fatalf("a graph of %d bytes", len(m.graph()))
		}
	})
}
