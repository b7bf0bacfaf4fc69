package text

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestLoadRuntimeErrors(t *testing.T) {
	notLibrary := filepath.Join(t.TempDir(), "libonnxruntime.so")
	if err := os.WriteFile(notLibrary, []byte("no library"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"", "/nowhere/libonnxruntime.so", notLibrary} {
		_, err := LoadRuntime(path)
		var missing *LibraryError
		if !errors.As(err, &missing) || !strings.Contains(err.Error(), "make setup") || !strings.Contains(err.Error(), "PGOWL_ONNXRUNTIME") {
			t.Errorf("%q: %v", path, err)
		}
		if path == "" && !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%q: is no ErrNotExist", path)
		}
	}
	again, err := LoadRuntime(library(t))
	if err != nil || again != loaded(t) || again.Version() == "" {
		t.Errorf("loaded twice: %v %v", again, err)
	}
}

func TestFindLibrary(t *testing.T) {
	data := t.TempDir()
	os.Mkdir(filepath.Join(data, "onnxruntime"), 0o755)
	for _, v := range []string{"1.9.0", "1.24.1", "1.32.0", "1.4.99"} {
		os.WriteFile(filepath.Join(data, "onnxruntime", "libonnxruntime.so."+v), nil, 0o644)
	}
	os.Mkdir(filepath.Join(data, "onnxruntime", "libonnxruntime.so.9.9.9"), 0o755)
	if got, want := FindLibrary(data), filepath.Join(data, "onnxruntime", "libonnxruntime.so.1.32.0"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestParseEmbedOptions(t *testing.T) {
	for _, c := range []struct {
		model, in string
		want      EmbedOptions
	}{
		{"m", "", EmbedOptions{}},
		{"m", "{}", EmbedOptions{}},
		{"m", `{"device":null,"trust_remote_code":true,"token":"secret","precision":"float32","model_kwargs":{}}`, EmbedOptions{}},
		{"m", `{"model_kwargs":{"file_name":"model_qint8.onnx","provider":"CPUExecutionProvider"}}`, EmbedOptions{Variant: Variant{Graph: "model_qint8.onnx"}}},
		{"m", `{"device":"cuda","model_kwargs":{"torch_dtype":"torch.bfloat16"}}`, EmbedOptions{Variant: Variant{Device: "cuda:0", Precision: BFloat16}}},
		{"m", `{"device":"cpu","model_kwargs":{"dtype":"auto","attn_implementation":"sdpa","torch_dtype":null}}`, EmbedOptions{Variant: Variant{Device: CPU, Precision: Float32}}},
		{"m", `{"prompt":null,"truncate_dim":null,"normalize_embeddings":null,"precision":null}`, EmbedOptions{}},
		{"m", `{"prompt":"query: ","batch_size":8,"truncate_dim":64,"normalize_embeddings":true}`, EmbedOptions{Prompt: "query: ", Prompted: true, BatchSize: 8, TruncateDim: 64, Normalize: true}},
		{"m", `{"prompt_name":"query"}`, EmbedOptions{PromptName: "query"}},
		{"hkunlp/instructor-xl", `{"instruction":"Represent it: "}`, EmbedOptions{Prompt: "Represent it: ", Prompted: true}},
	} {
		if got, err := ParseEmbedOptions(c.model, []byte(c.in)); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s %s: %+v %v", c.model, c.in, got, err)
		}
	}
	for _, c := range []struct {
		in, name    string
		unsupported bool
	}{
		{"null", "kwargs", false}, {"[]", "kwargs", false}, {"{", "kwargs", false}, {`"x"`, "kwargs", false},
		{`{"promt":"x"}`, "promt", false},
		{`{"z":1,"a":1}`, "a", false},
		{`{"instruction":"x"}`, "instruction", false},
		{`{"prompt":1}`, "prompt", false},
		{`{"batch_size":0}`, "batch_size", false}, {`{"batch_size":1.5}`, "batch_size", false}, {`{"batch_size":1e99}`, "batch_size", false},
		{`{"truncate_dim":-1}`, "truncate_dim", false},
		{`{"normalize_embeddings":"yes"}`, "normalize_embeddings", false},
		{`{"model_kwargs":{"torch_dtype":"float8"}}`, "model_kwargs", false}, {`{"model_kwargs":{"dtype":16}}`, "model_kwargs", false}, {`{"model_kwargs":{"load_in_8bit":true}}`, "model_kwargs", true},
		{`{"device":"mps"}`, "device", true}, {`{"device":"the fast one"}`, "device", false}, {`{"device":0}`, "device", false},
		{`{"model_kwargs":{"file_name":"../model.onnx"}}`, "model_kwargs", false}, {`{"model_kwargs":{"file_name":1}}`, "model_kwargs", false}, {`{"model_kwargs":"x"}`, "model_kwargs", false},
	} {
		_, err := ParseEmbedOptions("m", []byte(c.in))
		var bad *OptionError
		if !errors.As(err, &bad) || bad.Name != c.name || bad.Unsupported != c.unsupported || !strings.Contains(err.Error(), c.name) {
			t.Errorf("%s: %v", c.in, err)
		}
	}
}

func FuzzParseEmbedOptions(f *testing.F) {
	f.Add(`{"prompt":"x","batch_size":2}`)
	f.Add(`{"precision":{"a":[]},"token":null}`)
	f.Fuzz(func(t *testing.T, kwargs string) {
		o, err := ParseEmbedOptions("m", []byte(kwargs))
		if err == nil && (o.BatchSize < 0 || o.TruncateDim < 0) {
			t.Fatalf("%s: %+v", kwargs, o)
		}
	})
}

func FuzzReadSettings(f *testing.F) {
	for _, name := range []string{"config.json", "modules.json", "1_Pooling/config.json"} {
		f.Add(name, tiny()[name])
	}
	f.Add("sentence_bert_config.json", `{"max_seq_length":-5}`)
	f.Add("tokenizer_config.json", `{"model_max_length":1e30}`)
	f.Add("2_Dense/config.json", `{"in_features":2,"out_features":1,"bias":true,"activation_function":"torch.nn.modules.activation.Tanh"}`)
	f.Add("2_Dense/model.safetensors", tensorFile(map[string][]float32{"linear.weight": {1, 2}, "linear.bias": {3}}, map[string][]int{"linear.weight": {1, 2}, "linear.bias": {1}}))
	f.Add("3_LayerNorm/config.json", `{"dimension":1}`)
	f.Add("3_LayerNorm/model.safetensors", tensorFile(map[string][]float32{"norm.weight": {1}, "norm.bias": {3}}, map[string][]int{"norm.weight": {1}, "norm.bias": {1}}))
	f.Add("modules.json", `[{"type":"Pooling","path":"1_Pooling"},{"type":"Dense","path":"2_Dense"},{"type":"LayerNorm","path":"3_LayerNorm"},{"type":"Normalize"}]`)
	base := tiny().with("onnx/model.onnx", "", "tokenizer.json", "",
		"2_Dense/config.json", `{"in_features":2,"out_features":1}`, "3_LayerNorm/config.json", `{"dimension":1}`,
		"2_Dense/model.safetensors", tensorFile(map[string][]float32{"linear.weight": {1, 2}, "linear.bias": {3}}, map[string][]int{"linear.weight": {1, 2}, "linear.bias": {1}}),
		"3_LayerNorm/model.safetensors", tensorFile(map[string][]float32{"norm.weight": {1}, "norm.bias": {3}}, map[string][]int{"norm.weight": {1}, "norm.bias": {1}}))
	steps := base.with("modules.json", `[{"type":"Pooling","path":"1_Pooling"},{"type":"Dense","path":"2_Dense"},{"type":"LayerNorm","path":"3_LayerNorm"}]`)
	f.Fuzz(func(t *testing.T, name, content string) {
		switch name {
		case "config.json", "modules.json", "1_Pooling/config.json", "sentence_bert_config.json", "tokenizer_config.json", "config_sentence_transformers.json",
			"2_Dense/config.json", "2_Dense/model.safetensors", "3_LayerNorm/config.json", "3_LayerNorm/model.safetensors":
		default:
			return
		}
		dir := t.TempDir()
		from := base
		if name[1] == '_' {
			from = steps
		}
		from.with(name, content).write(t, dir)
		s, err := readSettings(dir)
		if err != nil {
			return
		}
		if s.maxTokens < 0 || len(s.pooling) == 0 {
			t.Fatalf("%+v", s)
		}
		v := []float32{1, -2}
		for _, step := range s.steps {
			width, err := step.width(len(v))
			if err != nil {
				return
			}
			v = step.apply(make([]float32, width), v)
		}
	})
}

func TestCache(t *testing.T) {
	c := newCache(16 * 1024)
	key := func(text string) cacheKey { return cacheKey{model: "m", text: text, width: 4} }
	v := []float32{1, 2, 3, 4}
	c.put(key("a"), v)
	v[0] = 9
	got := c.get(key("a"))
	if !slices.Equal(got, []float32{1, 2, 3, 4}) {
		t.Fatalf("got %v: the cache shares the caller's slice", got)
	}
	got[1] = 9
	if again := c.get(key("a")); again[1] != 2 {
		t.Fatalf("got %v: the cache gave its own slice away", again)
	}
	if c.get(cacheKey{model: "n", text: "a", width: 4}) != nil || c.get(cacheKey{model: "m", text: "a", width: 4, normalize: true}) != nil {
		t.Error("another model's or option's vector")
	}
	for i := range 1000 {
		c.put(key(strings.Repeat("x", i%50)+string(rune('a'+i%26))), v)
		c.get(key("a")) // keeps it
		if c.used > c.budget || int64(c.recent.Len())*300 > c.budget || c.recent.Len() != len(c.entries) {
			t.Fatalf("%d entries, %d bytes of %d", c.recent.Len(), c.used, c.budget)
		}
	}
	if c.get(key("a")) == nil {
		t.Error("what was used last is gone")
	}
	c.put(key(strings.Repeat("y", 2000)), v)
	if c.get(key(strings.Repeat("y", 2000))) != nil {
		t.Error("a giant text was kept")
	}
	none := newCache(0)
	none.put(key("a"), v)
	if none.get(key("a")) != nil {
		t.Error("no cache keeps something")
	}
}
