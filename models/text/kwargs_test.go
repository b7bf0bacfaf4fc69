package text

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// Every row of docs/users.md's tables of kwargs: what an option may be, and what is said of other values.
func TestEmbedKwargs(t *testing.T) {
	for _, c := range []struct {
		kwargs string
		want   EmbedOptions
		err    string // "!" before what is unsupported
	}{
		{`{"prompt":"a "}`, EmbedOptions{Prompt: "a ", Prompted: true}, ""},
		{`{"prompt":""}`, EmbedOptions{Prompted: true}, ""},
		{`{"prompt":["a"]}`, EmbedOptions{}, "must be a text"},
		{`{"prompt_name":"query"}`, EmbedOptions{PromptName: "query"}, ""},
		{`{"prompts":{"a":"b","c":null},"default_prompt_name":"a"}`, EmbedOptions{Prompts: map[string]string{"a": "b"}, DefaultPrompt: "a"}, ""},
		{`{"prompts":["a"]}`, EmbedOptions{}, "must be an object of texts"},
		{`{"prompts":{"a":1}}`, EmbedOptions{}, "must be an object of texts"},
		{`{"default_prompt_name":1}`, EmbedOptions{}, "must be a text"},
		{`{"batch_size":8}`, EmbedOptions{BatchSize: 8}, ""},
		{`{"normalize_embeddings":true}`, EmbedOptions{Normalize: true}, ""},
		{`{"truncate_dim":64}`, EmbedOptions{TruncateDim: 64}, ""},
		{`{"precision":"int8"}`, EmbedOptions{Encoding: Int8}, ""},
		{`{"precision":"ubinary"}`, EmbedOptions{Encoding: Ubinary}, ""},
		{`{"precision":"float16"}`, EmbedOptions{}, `is "float16", want one of`},
		{`{"precision":8}`, EmbedOptions{}, "must be a text"},
		{`{"output_value":"sentence_embedding"}`, EmbedOptions{}, ""},
		{`{"output_value":"token_embeddings"}`, EmbedOptions{}, `!is not supported here with a value other than "sentence_embedding"`},
		{`{"device":"cuda:1"}`, EmbedOptions{Variant: Variant{Device: "cuda:1"}}, ""},
		{`{"device":["cuda:0","cuda:1"]}`, EmbedOptions{}, "!is a list"},
		{`{"device":"mps"}`, EmbedOptions{}, `!is "mps"`},
		{`{"revision":"v1"}`, EmbedOptions{Revision: "v1"}, ""},
		{`{"revision":1}`, EmbedOptions{}, "must be a text"},
		{`{"model_kwargs":{"torch_dtype":"bfloat16","device_map":"cuda"}}`, EmbedOptions{Variant: Variant{Precision: BFloat16, Device: "cuda:0"}}, ""},
		{`{"device":"cpu","model_kwargs":{"device_map":"cuda"}}`, EmbedOptions{Variant: Variant{Device: CPU}}, ""},
		{`{"model_kwargs":{"attn_implementation":"flash_attention_2"}}`, EmbedOptions{}, ""},
		{`{"model_kwargs":{"load_in_4bit":true}}`, EmbedOptions{}, `!has "load_in_4bit", which is not supported here`},
		{`{"model_kwargs":{"dtype":"int4"}}`, EmbedOptions{}, `has "dtype", which is "int4", want float32, bfloat16, float16 or auto`},
		{`{"tokenizer_kwargs":{"model_max_length":64,"truncation_side":"left","use_fast":true,"padding_side":"right"}}`, EmbedOptions{MaxLength: 64, CutLeft: true}, ""},
		{`{"processor_kwargs":{"model_max_length":64}}`, EmbedOptions{MaxLength: 64}, ""},
		{`{"tokenizer_kwargs":{"padding_side":"left"}}`, EmbedOptions{}, `!has "padding_side", which is not supported`},
		{`{"tokenizer_kwargs":{"truncation_side":"middle"}}`, EmbedOptions{}, `has "truncation_side", which must be`},
		{`{"tokenizer_kwargs":{"model_max_length":0}}`, EmbedOptions{}, `has "model_max_length", which must be a positive whole number`},
		{`{"tokenizer_kwargs":{"do_lower_case":true}}`, EmbedOptions{}, `!has "do_lower_case", which is not supported here`},
		{`{"tokenizer_kwargs":3}`, EmbedOptions{}, "must be a JSON object"},
		{`{"config_kwargs":{"attn_implementation":"eager","hidden_dropout_prob":0.1}}`, EmbedOptions{}, ""},
		{`{"config_kwargs":{"hidden_act":"relu"}}`, EmbedOptions{}, `!has "hidden_act", which is not supported here`},
		{`{"token":"secret","use_auth_token":true,"trust_remote_code":true,"cache_folder":"/x","local_files_only":true,"backend":"onnx","similarity_fn_name":"dot","model_card_data":{}}`, EmbedOptions{}, ""},
		{`{"show_progress_bar":true,"convert_to_numpy":false,"convert_to_tensor":true,"pool":null,"chunk_size":10}`, EmbedOptions{}, ""},
		{`{"task":null,"processing_kwargs":{}}`, EmbedOptions{}, ""},
		{`{"task":"retrieval"}`, EmbedOptions{}, "!is not supported here"},
		{`{"max_seq_length":64}`, EmbedOptions{}, "is unknown: {\"tokenizer_kwargs\""},
		{`{"normalise_embeddings":true}`, EmbedOptions{}, "is unknown"},
		{`{"task":"","processing_kwargs":null}`, EmbedOptions{}, ""},
		{`{"instruction": null}`, EmbedOptions{}, ""},
		{`{"instruction":"a"}`, EmbedOptions{}, "is for models named hkunlp/instructor* only"},
	} {
		got, err := ParseEmbedOptions("m", []byte(c.kwargs))
		checkKwargs(t, c.kwargs, got, c.want, err, c.err)
	}
}

func TestRankKwargs(t *testing.T) {
	for _, c := range []struct {
		kwargs string
		want   RankOptions
		err    string
	}{
		{`{"top_k":3,"return_documents":true,"batch_size":2}`, RankOptions{TopK: 3, ReturnDocuments: true, BatchSize: 2}, ""},
		{`{"max_length":64}`, RankOptions{MaxLength: 64}, ""},
		{`{"max_length":64,"tokenizer_kwargs":{"model_max_length":128}}`, RankOptions{MaxLength: 64}, ""},
		{`{"tokenizer_kwargs":{"model_max_length":128,"truncation_side":"left"}}`, RankOptions{MaxLength: 128, CutLeft: true}, ""},
		{`{"processor_kwargs":{"do_lower_case":true}}`, RankOptions{}, `!has "do_lower_case"`},
		{`{"activation_fn":"torch.nn.Identity"}`, RankOptions{Activation: Identity}, ""},
		{`{"activation_fct":"torch.nn.modules.activation.Sigmoid"}`, RankOptions{Activation: Sigmoid}, ""},
		{`{"activation_fn":"torch.nn.Tanh"}`, RankOptions{}, "!is not supported here with a value other than"},
		{`{"activation_fn":1}`, RankOptions{}, "must be a text"},
		{`{"apply_softmax":true}`, RankOptions{}, ""},
		{`{"num_labels":1}`, RankOptions{}, ""},
		{`{"num_labels":2}`, RankOptions{}, "!is not supported here with a value other than 1"},
		{`{"num_labels":"a"}`, RankOptions{}, "must be a whole number"},
		{`{"device":"cuda","model_kwargs":{"dtype":"float16"},"revision":"main"}`, RankOptions{Variant: Variant{Device: "cuda:0", Precision: Float16}, Revision: "main"}, ""},
		{`{"config_kwargs":{"num_labels":3}}`, RankOptions{}, `!has "num_labels"`},
		{`{"prompt":null,"prompt_name":null,"prompts":{},"default_prompt_name":null}`, RankOptions{}, ""},
		{`{"prompt":"a"}`, RankOptions{}, "!is not supported here"},
		{`{"token":true,"trust_remote_code":true,"cache_folder":"/x","local_files_only":true,"backend":"onnx","model_card_data":{},"num_workers":2,"pool":{},"chunk_size":1,"show_progress_bar":true,"convert_to_numpy":true,"convert_to_tensor":true}`, RankOptions{}, ""},
	} {
		got, err := ParseRankOptions("m", []byte(c.kwargs))
		checkKwargs(t, c.kwargs, got, c.want, err, c.err)
	}
}

func checkKwargs[T any](t *testing.T, kwargs string, got, want T, err error, reason string) {
	t.Helper()
	if reason == "" {
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v (%v)", kwargs, got, want, err)
		}
		return
	}
	reason, unsupported := strings.CutPrefix(reason, "!")
	var bad *OptionError
	if !errors.As(err, &bad) || !strings.HasPrefix(bad.Reason, reason) || bad.Unsupported != unsupported {
		t.Errorf("%s: %v, want %q", kwargs, err, reason)
	}
}

// Each option has a row in docs/users.md.
func TestKwargsAreDocumented(t *testing.T) {
	data, err := os.ReadFile("../../docs/users.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(data), "\n## Options of texts\n")
	section, _, _ := strings.Cut(after, "\n## ")
	if !found {
		t.Fatal("there is no section on them")
	}
	for name := range embedOptions {
		if !strings.Contains(section, "`"+name+"`") {
			t.Errorf("embed's %q is not in docs/users.md", name)
		}
	}
	for name := range rankOptions {
		if !strings.Contains(section, "`"+name+"`") {
			t.Errorf("rank's %q is not in docs/users.md", name)
		}
	}
}

// Prompts come from the call, the model, and nowhere, in that order.
func TestPrompts(t *testing.T) {
	plain := openTiny(t, tiny())
	e := openTiny(t, tiny().with("config_sentence_transformers.json", `{"prompts":{"query":"one ","other":"two "},"default_prompt_name":"query"}`))
	for _, c := range []struct {
		o    EmbedOptions
		want string // the prompt; ! for an error of the option behind it
	}{
		{EmbedOptions{}, "one "},
		{EmbedOptions{Prompted: true}, ""},
		{EmbedOptions{Prompt: "a ", PromptName: "other"}, "a "},
		{EmbedOptions{PromptName: "other"}, "two "},
		{EmbedOptions{PromptName: "document"}, ""},
		{EmbedOptions{PromptName: "nope"}, "!prompt_name"},
		{EmbedOptions{DefaultPrompt: "other"}, "two "},
		{EmbedOptions{DefaultPrompt: "other", PromptName: "query"}, "one "},
		{EmbedOptions{DefaultPrompt: "nope", PromptName: "query"}, "!default_prompt_name"},
		{EmbedOptions{Prompts: map[string]string{"query": "b c "}}, "b c "},
		{EmbedOptions{Prompts: map[string]string{"mine": "b c "}}, "one "},
		{EmbedOptions{Prompts: map[string]string{"mine": "b c "}, PromptName: "mine"}, "b c "},
	} {
		got, err := e.Embed(t.Context(), []string{"hello"}, c.o)
		if option, wrong := strings.CutPrefix(c.want, "!"); wrong {
			var bad *OptionError
			if !errors.As(err, &bad) || bad.Name != option {
				t.Errorf("%+v: %v", c.o, err)
			}
			continue
		}
		if want := embedOne(t, plain, c.want+"hello", EmbedOptions{}); err != nil || !slices.Equal(got[0], want) {
			t.Errorf("%+v: %v, want %v (%v)", c.o, got, want, err)
		}
	}
	if got := embedOne(t, plain, "hello", EmbedOptions{PromptName: "query"}); !slices.Equal(got, embedOne(t, plain, "hello", EmbedOptions{})) {
		t.Error("the empty prompt of a model without prompts")
	}
}

// A text is cut where the call says, at either end, and the cache does not mix them up.
func TestMaxLength(t *testing.T) {
	dir := t.TempDir()
	tiny().with("sentence_bert_config.json", `{"max_seq_length":8}`).write(t, filepath.Join(dir, "one"))
	s := NewStore(StoreOptions{Dir: dir, Library: library(t), CacheBytes: 1 << 20, Device: CPU})
	defer s.Close()
	const text = "a b c d a b c d a b c d a b c d a b c d a b c d a b c d a b c d"
	e, err := s.Embedder(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	mean := func(ids []int32) (sum float32) {
		for _, id := range ids {
			sum += float32(id)
		}
		return sum / float32(len(ids))
	}
	for range 2 { // the second time from the cache
		for length, tokens := range map[int]int{0: 8, 5: 5, 20: 20, 32: 32, 500: 32} {
			got, err := s.Embed(t.Context(), "one", []string{text}, EmbedOptions{MaxLength: length})
			if want := mean(e.tokenizer.Append(nil, text, tokens)); err != nil || math.Abs(float64(got[0][0]-want)) > 1e-4 {
				t.Errorf("of %d tokens: %v, want %v (%v)", length, got, want, err)
			}
		}
		ids := e.tokenizer.Append(nil, text, 0)
		left := append([]int32{ids[0]}, ids[len(ids)-4:]...)
		if got, err := s.Embed(t.Context(), "one", []string{text}, EmbedOptions{MaxLength: 5, CutLeft: true}); err != nil || math.Abs(float64(got[0][0]-mean(left))) > 1e-4 {
			t.Errorf("the end: %v, want %v (%v)", got, mean(left), err)
		}
	}
	var bad *OptionError
	if _, err := s.Embed(t.Context(), "one", []string{text}, EmbedOptions{MaxLength: 2}); !errors.As(err, &bad) || bad.Name != "tokenizer_kwargs" {
		t.Error(err)
	}
}

// A score is what the call's activation makes of the logit.
func TestRankActivationOfTheCall(t *testing.T) {
	dir := t.TempDir()
	crossEncoder().write(t, filepath.Join(dir, "cross"))
	crossEncoder().with("config.json", `{"hidden_size":4,"vocab_size":154,"num_labels":1,"sentence_transformers":{"activation_fn":"torch.nn.modules.activation.Tanh"}}`).write(t, filepath.Join(dir, "tanh"))
	s := NewStore(StoreOptions{Dir: dir, Library: library(t), CacheBytes: 1 << 20, Device: CPU})
	defer s.Close()
	e, err := s.Embedder(t.Context(), "cross")
	if err != nil {
		t.Fatal(err)
	}
	logit := scoreOf(t, e, "q", "hello", 32)
	for range 2 {
		for activation, want := range map[Activation]float64{ModelActivation: logit, Identity: logit, Sigmoid: 1 / (1 + math.Exp(-logit))} {
			ranked, _, err := s.Rank(t.Context(), "cross", "q", []string{"hello"}, RankOptions{Activation: activation})
			if err != nil || math.Abs(ranked[0].Score-want) > 1e-6 {
				t.Errorf("%v: %v, want %v (%v)", activation, ranked, want, err)
			}
		}
	}
	if _, _, err := s.Rank(t.Context(), "tanh", "q", []string{"hello"}, RankOptions{Activation: Sigmoid}); err != nil {
		t.Error(err)
	}
	if _, _, err := s.Rank(t.Context(), "tanh", "q", []string{"hello"}, RankOptions{}); err == nil {
		t.Error("an activation that is not known")
	}
}

// A revision is the one that was pulled, by its name or its commit.
func TestRevision(t *testing.T) {
	dir := t.TempDir()
	tiny().write(t, filepath.Join(dir, "bare"))
	tiny().with("pgowl.json", `{"repository":"sentence-transformers/pulled","revision":"v1","commit":"0123456789abcdef0123456789abcdef01234567"}`).write(t, filepath.Join(dir, "pulled"))
	tiny().with("pgowl.json", `{"revision":["v1"]}`).write(t, filepath.Join(dir, "broken"))
	s := NewStore(StoreOptions{Dir: dir, Library: library(t), Device: CPU})
	defer s.Close()
	for _, c := range []struct {
		model, revision string
		ok              bool
	}{
		{"bare", "", true}, {"bare", "main", true}, {"bare", "v1", false}, {"broken", "main", true}, {"broken", "v1", false},
		{"pulled", "", true}, {"pulled", "v1", true}, {"pulled", "main", false}, {"pulled", "0123456789abcdef0123456789abcdef01234567", true}, {"pulled", "0123456", true},
		{"pulled", "012345", false}, {"pulled", "123456789", false}, {"pulled", "0123456789abcdef0123456789abcdef012345678", false},
	} {
		_, err := s.Embed(t.Context(), c.model, []string{"hello"}, EmbedOptions{Revision: c.revision})
		_, _, errRank := s.Rank(t.Context(), c.model, "q", []string{"hello"}, RankOptions{Revision: c.revision})
		var other *RevisionError
		if c.ok {
			if err != nil || errRank != nil {
				t.Errorf("%s@%s: %v %v", c.model, c.revision, err, errRank)
			}
		} else if !errors.As(err, &other) || !errors.As(errRank, &other) || !strings.HasSuffix(err.Error(), fmt.Sprintf("pgowl models pull %s@%s", c.model, c.revision)) {
			t.Errorf("%s@%s: %v", c.model, c.revision, err)
		}
	}
}

// hkunlp's instructions do not count in the pooling.
func TestInstructor(t *testing.T) {
	dir := t.TempDir()
	tiny().write(t, filepath.Join(dir, "hkunlp", "instructor-base"))
	tiny().with("1_Pooling/config.json", `{"pooling_mode_mean_tokens":true,"include_prompt":false}`).write(t, filepath.Join(dir, "one"))
	s := NewStore(StoreOptions{Dir: dir, Library: library(t), Device: CPU})
	defer s.Close()
	o, err := ParseEmbedOptions("hkunlp/instructor-base", []byte(`{"instruction":"one two "}`))
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Embed(t.Context(), "hkunlp/instructor-base", []string{"hello"}, o)
	want, errWant := s.Embed(t.Context(), "one", []string{"hello"}, o)
	if err != nil || errWant != nil || !slices.Equal(got[0], want[0]) {
		t.Errorf("%v, want %v (%v %v)", got, want, err, errWant)
	}
}

// testdata/quantize.py has the reference make these.
func TestEncodings(t *testing.T) {
	data, err := os.ReadFile("testdata/quantize.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Vectors                      [][]float32
		Int8, Uint8, Binary, Ubinary [][]float32
	}
	if err := json.Unmarshal(data, &cases); err != nil || len(cases) < 4 {
		t.Fatal(err)
	}
	for i, c := range cases {
		for encoding, want := range map[Encoding][][]float32{"": c.Vectors, Int8: c.Int8, Uint8: c.Uint8, Binary: c.Binary, Ubinary: c.Ubinary} {
			var got [][]float32
			for _, v := range c.Vectors {
				got = append(got, slices.Clone(v))
			}
			if err := encoding.apply(got); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%d, %s: %v, want %v (%v)", i, encoding, got, want, err)
			}
		}
	}
	dir := t.TempDir()
	tiny().write(t, filepath.Join(dir, "one"))
	s := NewStore(StoreOptions{Dir: dir, Library: library(t), CacheBytes: 1 << 20, Device: CPU})
	defer s.Close()
	for range 2 { // what is in the cache is not encoded
		for encoding, width := range map[Encoding]int{"": 4, Binary: 1, Ubinary: 1, Uint8: 4} {
			got, err := s.Embed(t.Context(), "one", []string{"hello", "a b"}, EmbedOptions{Encoding: encoding})
			if err != nil || len(got[0]) != width || len(got[1]) != width {
				t.Errorf("%q: %v %v", encoding, got, err)
			}
		}
		var bad *OptionError
		if _, err := s.Embed(t.Context(), "one", []string{"hello"}, EmbedOptions{Encoding: Int8}); !errors.As(err, &bad) || bad.Name != "precision" {
			t.Error(err)
		}
	}
	if got, err := s.Embed(t.Context(), "one", nil, EmbedOptions{Encoding: Int8}); err != nil || len(got) != 0 {
		t.Errorf("no texts: %v %v", got, err)
	}
	if Int8.Single() == nil || Binary.Single() != nil || Encoding("").Single() != nil {
		t.Error("what a single text may have")
	}
}
