package text

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func openTiny(t testing.TB, f files) *Embedder {
	t.Helper()
	dir := t.TempDir()
	f.write(t, dir)
	e, err := Open(dir, Options{Runtime: loaded(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func embedOne(t testing.TB, e *Embedder, text string, o EmbedOptions) []float32 {
	t.Helper()
	v, err := e.Embed(context.Background(), []string{text}, o)
	if err != nil {
		t.Fatal(err)
	}
	return v[0]
}

func near(a, b []float32, tolerance float64) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Abs(float64(x-y)) <= tolerance })
}

// TestMiniLM compares with the vectors of the reference: PyPI tokenizers and onnxruntime, mean and normalisation in float64.
func TestMiniLM(t *testing.T) {
	e := miniLM(t)
	data, err := os.ReadFile("testdata/minilm.vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var want []struct {
		Text  string
		First []float32
		Sum   float64
	}
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, w := range want {
		texts = append(texts, w.Text)
	}
	got, err := e.Embed(context.Background(), texts, EmbedOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range want {
		var sum, length float64
		for _, x := range got[i] {
			sum += float64(x)
			length += float64(x) * float64(x)
		}
		if len(got[i]) != 384 || !near(got[i][:8], w.First, 1e-5) || math.Abs(sum-w.Sum) > 1e-4 || math.Abs(length-1) > 1e-5 {
			t.Errorf("%.40q: got %v, sum %.5f, length %.6f; want %v, sum %.5f", w.Text, got[i][:8], sum, length, w.First, w.Sum)
		}
		if alone := embedOne(t, e, w.Text, EmbedOptions{}); !near(alone, got[i], 1e-6) {
			t.Errorf("%.40q: alone it differs by more than 1e-6", w.Text)
		}
	}
	if e.Dimension() != 384 || e.MaxTokens() != 256 {
		t.Errorf("dimension %d, tokens %d", e.Dimension(), e.MaxTokens())
	}
}

func TestPoolings(t *testing.T) {
	// "ab" is [CLS] a ##b [SEP]; the tiny model's vectors are its ids.
	ids := openTiny(t, tiny()).tokenizer.Append(nil, "ab", 0)
	var mean, top, sqrt, weighted float32
	for i, id := range ids {
		weighted += float32(i+1) * float32(id) / float32(len(ids)*(len(ids)+1)/2)
		mean += float32(id) / float32(len(ids))
		sqrt += float32(id) / float32(math.Sqrt(float64(len(ids))))
		top = max(top, float32(id))
	}
	for _, c := range []struct {
		name, config string
		want         float32
	}{
		{"mean", `{"pooling_mode_mean_tokens":true}`, mean},
		{"cls", `{"pooling_mode_cls_token":true,"pooling_mode_mean_tokens":false}`, float32(ids[0])},
		{"max", `{"pooling_mode_max_tokens":true,"pooling_mode_mean_tokens":false}`, top},
		{"sqrt", `{"pooling_mode_mean_sqrt_len_tokens":true,"pooling_mode_mean_tokens":false}`, sqrt},
		{"weighted", `{"pooling_mode":"weightedmean"}`, weighted},
		{"last", `{"pooling_mode_lasttoken":true,"pooling_mode_mean_tokens":false}`, float32(ids[len(ids)-1])},
		{"two", `{"pooling_mode":["lasttoken","max"]}`, top},
		{"the mean's default", `{"pooling_mode_lasttoken":true}`, mean},
		{"new spelling", `{"pooling_mode":"cls","embedding_dimension":4}`, float32(ids[0])},
	} {
		e := openTiny(t, tiny().with("1_Pooling/config.json", c.config))
		// A longer text beside it makes padding, which must not count.
		got, err := e.Embed(context.Background(), []string{"ab", "hello world one two"}, EmbedOptions{})
		if err != nil || math.Abs(float64(got[0][0]-c.want)) > 1e-4 {
			t.Errorf("%s: got %v, want %v first; %v", c.name, got, c.want, err)
		}
	}
}

// TestSteps: two poolings side by side, a linear layer, a norm and the length, in the order of modules.json.
func TestSteps(t *testing.T) {
	step := func(kind, path string) string {
		return `,{"type":"sentence_transformers.models.` + kind + `","path":"` + path + `"}`
	}
	modules := func(steps string) string { return strings.Replace(tiny()["modules.json"], "]", steps+"]", 1) }
	weights := tensorFile(map[string][]float32{"linear.weight": {1, 0, 0, 0, 0, 0, 0, 0.5, 0, 0, 0, 0, 1, 0, 0, 0}, "linear.bias": {0.25, -1}}, map[string][]int{"linear.weight": {2, 8}, "linear.bias": {2}})
	layer := tiny().with("1_Pooling/config.json", `{"pooling_mode":["mean","cls"]}`, "2_Dense/config.json", `{"in_features":8,"out_features":2,"bias":true,"activation_function":"torch.nn.modules.linear.Identity"}`,
		"2_Dense/model.safetensors", weights, "3_LayerNorm/config.json", `{"dimension":2}`,
		"3_LayerNorm/model.safetensors", tensorFile(map[string][]float32{"norm.weight": {2, 3}, "norm.bias": {1, 0}}, map[string][]int{"norm.weight": {2}, "norm.bias": {2}}))
	plain := openTiny(t, tiny())
	ids := plain.tokenizer.Append(nil, "hello", 0)
	mean := embedOne(t, plain, "hello", EmbedOptions{})
	want := []float32{float32(ids[0]) + 0.5*mean[3] + 0.25, mean[0] - 1} // cls comes first
	e := openTiny(t, layer.with("modules.json", modules(step("Dense", "2_Dense"))))
	if got := embedOne(t, e, "hello", EmbedOptions{}); !near(got, want, 1e-4) || e.Dimension() != 2 {
		t.Errorf("dense: %v, want %v", got, want)
	}
	normed := []float32{1 - 2, 3}
	if want[0] > want[1] {
		normed = []float32{1 + 2, -3}
	}
	if got := embedOne(t, openTiny(t, layer.with("modules.json", modules(step("Dense", "2_Dense")+step("LayerNorm", "3_LayerNorm")))), "hello", EmbedOptions{}); !near(got, normed, 1e-3) {
		t.Errorf("norm: %v, want %v", got, normed)
	}
	length := math.Hypot(float64(want[0]), float64(want[1]))
	if got := embedOne(t, openTiny(t, layer.with("modules.json", modules(step("Dense", "2_Dense")+step("Normalize", "3_Normalize")))), "hello", EmbedOptions{}); !near(got, []float32{want[0] / float32(length), want[1] / float32(length)}, 1e-4) {
		t.Errorf("length: %v", got)
	}
	// A layer that follows takes the vector's length, not the other way round.
	tanh := layer.with("2_Dense/config.json", `{"in_features":8,"out_features":2,"bias":true,"activation_function":"torch.nn.modules.activation.Tanh"}`, "modules.json", modules(step("Normalize", "2")+step("Dense", "2_Dense")))
	if got := embedOne(t, openTiny(t, tanh), "hello", EmbedOptions{}); got[0] > 1 || got[1] > 0 || got[1] < -0.9 {
		t.Errorf("dense of a unit vector: %v", got)
	}
}

// tensorFile makes a file of F32 tensors.
func tensorFile(values map[string][]float32, shapes map[string][]int) string {
	header := map[string]any{}
	var data []byte
	for name, v := range values {
		start := len(data)
		for _, x := range v {
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(x))
		}
		header[name] = map[string]any{"dtype": "F32", "shape": shapes[name], "data_offsets": []int{start, len(data)}}
	}
	text, _ := json.Marshal(header)
	return string(binary.LittleEndian.AppendUint64(nil, uint64(len(text)))) + string(text) + string(data)
}

func FuzzParseTensors(f *testing.F) {
	f.Add([]byte(tensorFile(map[string][]float32{"a": {1, 2}}, map[string][]int{"a": {2}})))
	f.Add([]byte("\x02\x00\x00\x00\x00\x00\x00\x00{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		tensors, err := parseTensors(data)
		if err != nil {
			return
		}
		for name, v := range tensors {
			if 2*len(v.values) > len(data) {
				t.Fatalf("%s: %d numbers of %d bytes", name, len(v.values), len(data))
			}
		}
	})
}

// TestLengths: the transformer's length by its old names, and RoBERTa's positions, of which two are never used.
func TestLengths(t *testing.T) {
	for _, c := range []struct {
		name string
		f    files
		want int
	}{
		{"positions", tiny(), 32},
		{"RoBERTa's positions", tiny().with("config.json", `{"hidden_size":4,"model_type":"xlm-roberta","max_position_embeddings":34}`), 32},
		{"another padding", tiny().with("config.json", `{"hidden_size":4,"model_type":"mpnet","max_position_embeddings":34,"pad_token_id":3}`), 30},
		{"max_seq_length beyond them", tiny().with("config.json", `{"hidden_size":4,"model_type":"roberta","max_position_embeddings":34}`, "sentence_bert_config.json", `{"max_seq_length":34}`), 32},
		{"an old name", tiny().with("sentence_roberta_config.json", `{"max_seq_length":12}`), 12},
	} {
		if e := openTiny(t, c.f); e.MaxTokens() != c.want {
			t.Errorf("%s: %d, want %d", c.name, e.MaxTokens(), c.want)
		}
	}
}

func TestVariantsOfModels(t *testing.T) {
	want := embedOne(t, openTiny(t, tiny()), "hello", EmbedOptions{})
	for name, f := range map[string]files{
		"ids alone":         tiny().with("onnx/model.onnx", "testdata/nomask.onnx"),
		"graph at the root": tiny().with("onnx/model.onnx", "", "model.onnx", "testdata/tiny.onnx"),
		"no width in graph": tiny().with("onnx/model.onnx", "testdata/dynamic.onnx"),
		"plain transformer": tiny().with("modules.json", "", "1_Pooling/config.json", ""),
	} {
		if got := embedOne(t, openTiny(t, f), "hello", EmbedOptions{}); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	normal := embedOne(t, openTiny(t, tiny().with("modules.json", strings.Replace(tiny()["modules.json"], "]", `,{"type":"sentence_transformers.models.Normalize","path":"2_Normalize"}]`, 1))), "hello", EmbedOptions{})
	if asked := embedOne(t, openTiny(t, tiny()), "hello", EmbedOptions{Normalize: true}); !near(normal, asked, 1e-7) || near(normal, want, 1e-3) {
		t.Errorf("normalised by the model %v, by the call %v, plain %v", normal, asked, want)
	}
}

func TestEmbedOptionsCount(t *testing.T) {
	e := openTiny(t, tiny().with("config_sentence_transformers.json", `{"prompts":{"query":"one two "},"default_prompt_name":null}`))
	plain := embedOne(t, e, "one two hello", EmbedOptions{})
	for _, o := range []EmbedOptions{{Prompt: "one two "}, {PromptName: "query"}} {
		if got := embedOne(t, e, "hello", o); !slices.Equal(got, plain) {
			t.Errorf("%+v: %v, want %v", o, got, plain)
		}
	}
	if got := embedOne(t, e, "one two hello", EmbedOptions{TruncateDim: 2}); !slices.Equal(got, plain[:2]) {
		t.Errorf("truncated: %v", got)
	}
	if got := embedOne(t, e, "one two hello", EmbedOptions{TruncateDim: 2, Normalize: true}); math.Abs(float64(got[0])-math.Sqrt(.5)) > 1e-6 {
		t.Errorf("truncated, then normalised: %v", got)
	}
	var bad *OptionError
	if _, err := e.Embed(context.Background(), []string{"x"}, EmbedOptions{PromptName: "nope"}); !errors.As(err, &bad) || bad.Name != "prompt_name" {
		t.Errorf("unknown prompt: %v", err)
	}
	byDefault := openTiny(t, tiny().with("config_sentence_transformers.json", `{"prompts":{"query":"one two "},"default_prompt_name":"query"}`))
	if got := embedOne(t, byDefault, "hello", EmbedOptions{}); !slices.Equal(got, plain) {
		t.Errorf("default prompt: %v, want %v", got, plain)
	}
	// include_prompt false: of [CLS] one two hello [SEP] only hello and [SEP] count.
	skipping := openTiny(t, tiny().with("1_Pooling/config.json", `{"pooling_mode_mean_tokens":true,"include_prompt":false}`))
	ids := skipping.tokenizer.Append(nil, "hello", 0)
	want := float32(ids[len(ids)-2]+ids[len(ids)-1]) / 2
	if got := embedOne(t, skipping, "hello", EmbedOptions{Prompt: "one two "}); got[0] != want {
		t.Errorf("prompt left out: %v, want %v", got[0], want)
	}
}

func TestOrderAndBatchSize(t *testing.T) {
	e := openTiny(t, tiny())
	var texts []string
	for i := range 700 {
		texts = append(texts, strings.Repeat("hello ", i*7%23)+fmt.Sprint(i))
	}
	want, err := e.Embed(context.Background(), texts, EmbedOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range texts {
		if got := embedOne(t, e, texts[i], EmbedOptions{}); !near(got, want[i], 1e-4) {
			t.Fatalf("text %d: %v, want %v", i, want[i], got)
		}
	}
	for _, size := range []int{1, 3, 100000} {
		got, err := e.Embed(context.Background(), texts, EmbedOptions{BatchSize: size})
		if err != nil || !slices.EqualFunc(got, want, func(a, b []float32) bool { return near(a, b, 1e-4) }) {
			t.Errorf("batch_size %d: %v", size, err)
		}
	}
	if got, err := e.Embed(context.Background(), nil, EmbedOptions{}); err != nil || len(got) != 0 {
		t.Errorf("no texts: %v %v", got, err)
	}
}

func TestManyCallers(t *testing.T) {
	e := openTiny(t, tiny())
	want := embedOne(t, e, "hello world", EmbedOptions{})
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			for range 20 {
				got, err := e.Embed(context.Background(), []string{"a", "hello world", "the one"}, EmbedOptions{})
				if err != nil || !near(got[1], want, 1e-4) {
					t.Errorf("%v %v", got, err)
				}
			}
		})
	}
	group.Wait()
}

// TestCancel cancels a long call in the middle of it: it must end soon with the cause, and the model must go on working.
func TestCancel(t *testing.T) {
	e := miniLM(t)
	texts := slices.Repeat([]string{strings.Repeat("many words of a long text ", 60)}, 400)
	cause := errors.New("the client asked for it")
	ctx, cancel := context.WithCancelCause(context.Background())
	type result struct {
		err error
		at  time.Time
	}
	done := make(chan result, 1)
	running := make(chan struct{})
	e.running = sync.OnceFunc(func() { close(running) })
	go func() {
		_, err := e.Embed(ctx, texts, EmbedOptions{})
		done <- result{err, time.Now()}
	}()
	<-running
	start := time.Now()
	cancel(cause)
	r := <-done
	took := r.at.Sub(start)
	t.Logf("ended %v after the cancel", took)
	if !errors.Is(r.err, cause) {
		t.Errorf("error %v", r.err)
	}
	if took > time.Second { // the aim is 50 ms; machines that run tests are busy
		t.Errorf("took %v to stop", took)
	}
	if v := embedOne(t, e, "hello world", EmbedOptions{}); math.Abs(float64(v[0])+0.034478) > 1e-3 {
		t.Errorf("afterwards: %v", v[:5])
	}
	if _, err := e.Embed(ctx, texts, EmbedOptions{}); !errors.Is(err, cause) {
		t.Errorf("a context that is done: %v", err)
	}
}

func TestClose(t *testing.T) {
	e := openTiny(t, tiny())
	e.Close()
	e.Close()
	if _, err := e.Embed(context.Background(), []string{"x"}, EmbedOptions{}); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

func TestOpenBad(t *testing.T) {
	r := loaded(t)
	for _, c := range []struct {
		name, want string
		files      files
	}{
		{"no config", "config.json is missing", tiny().with("config.json", "")},
		{"config no JSON", "config.json: ", tiny().with("config.json", "{")},
		{"no tokenizer", "tokenizer.json: no such file", tiny().with("tokenizer.json", "")},
		{"a tokenizer of another kind", `model "CharBPE" is not supported`, tiny().with("tokenizer.json", `{"model":{"type":"CharBPE"}}`)},
		{"no graph", "onnx/model.onnx is missing", tiny().with("onnx/model.onnx", "")},
		{"graph is garbage", "model.onnx: ", tiny().with("onnx/model.onnx", "garbage")},
		{"empty graph", "model.onnx: ", tiny().with("onnx/model.onnx", " ")},
		{"other width", "the output is 4 wide, config.json says 8", tiny().with("config.json", `{"hidden_size":8}`)},
		{"no width anywhere", "hidden_size", tiny().with("config.json", `{}`, "onnx/model.onnx", "testdata/dynamic.onnx")},
		{"small vocabulary", "vocabulary of 10", tiny().with("config.json", `{"hidden_size":4,"vocab_size":10}`)},
		{"input of another kind", `"pixel_values"`, tiny().with("onnx/model.onnx", "testdata/strange.onnx")},
		{"no token vectors", "no output", tiny().with("onnx/model.onnx", "testdata/pooledonly.onnx")},
		{"another step", "CNN", tiny().with("modules.json", `[{"type":"sentence_transformers.models.CNN"}]`)},
		{"a layer without a file", "2_Dense/config.json is missing", tiny().with("modules.json", `[{"type":"sentence_transformers.models.Dense","path":"2_Dense"}]`)},
		{"a layer of pickles", "2_Dense/model.safetensors", tiny().with("modules.json", `[{"type":"x.Dense","path":"2_Dense"}]`, "2_Dense/config.json", `{"in_features":4,"out_features":2,"activation_function":"x.Tanh"}`, "2_Dense/pytorch_model.bin", "x")},
		{"a layer of another width", "takes 5 numbers, there are 4", tiny().with("modules.json", `[{"type":"x.Dense","path":"2_Dense"}]`, "2_Dense/config.json", `{"in_features":5,"out_features":1,"bias":false,"activation_function":"x.Tanh"}`,
			"2_Dense/model.safetensors", tensorFile(map[string][]float32{"linear.weight": {1, 2, 3, 4, 5}}, map[string][]int{"linear.weight": {1, 5}}))},
		{"a layer of another shape", "want [1 4]", tiny().with("modules.json", `[{"type":"x.Dense","path":"2_Dense"}]`, "2_Dense/config.json", `{"in_features":4,"out_features":1,"bias":false,"activation_function":"x.Tanh"}`,
			"2_Dense/model.safetensors", tensorFile(map[string][]float32{"linear.weight": {1, 2, 3, 4, 5}}, map[string][]int{"linear.weight": {1, 5}}))},
		{"a layer of tokens", "token_embeddings", tiny().with("modules.json", `[{"type":"x.Dense","path":"2_Dense"}]`, "2_Dense/config.json", `{"module_input_name":"token_embeddings"}`)},
		{"path escape", "leaves the model's folder", tiny().with("modules.json", `[{"type":"x.Pooling","path":"../../etc"}]`)},
		{"pooling missing", "1_Pooling/config.json is missing", tiny().with("1_Pooling/config.json", "")},
		{"no pooling", "names no pooling", tiny().with("1_Pooling/config.json", `{"pooling_mode_mean_tokens":false}`)},
		{"pooling unknown", `"median"`, tiny().with("1_Pooling/config.json", `{"pooling_mode":"median"}`)},
		{"length", "max_seq_length is 0", tiny().with("sentence_bert_config.json", `{"max_seq_length":0}`)},
		{"length of the specials", "length of 2 tokens", tiny().with("sentence_bert_config.json", `{"max_seq_length":2}`)},
		{"default prompt unknown", "default prompt", tiny().with("config_sentence_transformers.json", `{"default_prompt_name":"x"}`)},
	} {
		dir := t.TempDir()
		c.files.write(t, dir)
		e, err := Open(dir, Options{Runtime: r, Name: "m"})
		var bad *ModelError
		if !errors.As(err, &bad) || bad.Model != "m" || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), dir) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
		if err == nil {
			e.Close()
		}
	}
}

// TestGraphFails: a graph that fails when it runs is an error, and the next call is served.
func TestGraphFails(t *testing.T) {
	e := openTiny(t, tiny().with("config.json", `{"hidden_size":8}`, "onnx/model.onnx", "testdata/dynamic.onnx"))
	var bad *ModelError
	if _, err := e.Embed(context.Background(), []string{"x"}, EmbedOptions{}); !errors.As(err, &bad) {
		t.Errorf("a graph of another width than it says: %v", err)
	}
}

// headlinesOf is n made headlines of 6 to 25 words, the same in every run.
func headlinesOf(n int) (texts []string) {
	words := strings.Fields("the a city council votes to keep its oldest bridge open after years of debate about who will pay for repairs this is what happened when scientists asked people why they love rainy days so much")
	for i := range n {
		var h []string
		for j := range 6 + i%20 {
			h = append(h, words[(i*7+j*3)%len(words)])
		}
		texts = append(texts, strings.Join(h, " "))
	}
	return texts
}

func BenchmarkEmbed(b *testing.B) {
	texts := headlinesOf(256)
	tokens := func(e *Embedder, texts []string) (n int) {
		for _, s := range texts {
			n += len(e.tokenizer.Append(nil, s, 0))
		}
		return n
	}
	for _, n := range []int{1, 16, 256} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			e := miniLM(b)
			rounds := 0
			b.ReportAllocs()
			for b.Loop() {
				if _, err := e.Embed(context.Background(), texts[:n], EmbedOptions{}); err != nil {
					b.Fatal(err)
				}
				rounds++
			}
			b.ReportMetric(float64(tokens(e, texts[:n])*rounds)/b.Elapsed().Seconds(), "tokens/s")
		})
	}
	// The same texts, one a call, of 32 sessions.
	b.Run("sessions", func(b *testing.B) {
		e := miniLM(b)
		rounds := 0
		for b.Loop() {
			var group sync.WaitGroup
			var next atomic.Int64
			for range 32 {
				group.Go(func() {
					for i := int(next.Add(1)) - 1; i < len(texts); i = int(next.Add(1)) - 1 {
						if _, err := e.Embed(context.Background(), texts[i:i+1], EmbedOptions{}); err != nil {
							b.Error(err)
						}
					}
				})
			}
			group.Wait()
			rounds++
		}
		b.ReportMetric(float64(tokens(e, texts)*rounds)/b.Elapsed().Seconds(), "tokens/s")
	})
	// One text, while another session embeds many.
	b.Run("beside", func(b *testing.B) {
		e := miniLM(b)
		many := slices.Repeat(texts, 8)
		ctx, cancel := context.WithCancel(context.Background())
		var group sync.WaitGroup
		group.Go(func() {
			for ctx.Err() == nil {
				e.Embed(ctx, many, EmbedOptions{})
			}
		})
		var took []time.Duration
		for i := 0; b.Loop(); i++ {
			start := time.Now()
			if _, err := e.Embed(context.Background(), texts[i%len(texts):][:1], EmbedOptions{}); err != nil {
				b.Fatal(err)
			}
			took = append(took, time.Since(start))
		}
		cancel()
		group.Wait()
		slices.Sort(took)
		b.ReportMetric(took[len(took)/2].Seconds()*1000, "p50-ms")
		b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "p99-ms")
	})
}

// What panics while a model is loaded or run is an error of that model, and others go on.
func TestPanics(t *testing.T) {
	e := openTiny(t, tiny())
	e.running = func() { panic("a run") }
	var of *ModelError
	if _, err := e.Embed(t.Context(), []string{"hello"}, EmbedOptions{}); !errors.As(err, &of) || !strings.Contains(err.Error(), "it panicked: a run") {
		t.Errorf("got %v", err)
	}
	e.running = nil
	if v := embedOne(t, e, "hello", EmbedOptions{}); len(v) != 4 {
		t.Error(v)
	}
	// What the caller's own goroutine does for a text, too.
	tokenizer := e.tokenizer
	e.tokenizer = nil
	if _, err := e.Embed(t.Context(), []string{"another"}, EmbedOptions{}); !errors.As(err, &of) || !strings.Contains(err.Error(), "it panicked") {
		t.Errorf("got %v", err)
	}
	e.tokenizer = tokenizer
	cross := openTiny(t, tiny().with("config.json", `{"vocab_size":154,"max_position_embeddings":32,"num_labels":1}`, "modules.json", "", "onnx/model.onnx", "testdata/scores.onnx"))
	cross.tokenizer = nil
	if _, _, err := cross.Rank(t.Context(), "a", []string{"b"}, RankOptions{}); !errors.As(err, &of) || !strings.Contains(err.Error(), "it panicked") {
		t.Errorf("got %v", err)
	}
	dir := t.TempDir()
	tiny().write(t, dir)
	_, err := Open(dir, Options{Runtime: loaded(t), Name: "one", Processors: Processors{Loaded: func(Loaded) { panic("a load") }}})
	if err == nil || err.Error() != `model "one": it panicked: a load` {
		t.Errorf("got %v", err)
	}
}

// bareTokenizer puts nothing around a text, so that there are texts without tokens.
const bareTokenizer = `{"normalizer":{"type":"BertNormalizer"},"pre_tokenizer":{"type":"BertPreTokenizer"},"model":{"type":"WordPiece","unk_token":"[UNK]","vocab":{"[PAD]":0,"[UNK]":1,"hello":2,"world":3}}}`

// A text without tokens has a vector of zeros, and costs its neighbours nothing.
func TestEmbedNoTokens(t *testing.T) {
	e := openTiny(t, tiny().with("tokenizer.json", bareTokenizer))
	hello := embedOne(t, e, "hello", EmbedOptions{})
	zeros := make([]float32, 4)
	for _, texts := range [][]string{{""}, {" ", ""}, {"hello", ""}, {"", "hello", "\t", "hello world", ""}} {
		vectors, err := e.Embed(t.Context(), texts, EmbedOptions{Normalize: len(texts) == 2})
		if err != nil {
			t.Fatalf("%q: %v", texts, err)
		}
		for i, text := range texts {
			switch v := vectors[i]; {
			case strings.TrimSpace(text) == "" && !slices.Equal(v, zeros):
				t.Errorf("%q: %v for the text without tokens", texts, v)
			case text == "hello" && len(texts) > 2 && !slices.Equal(v, hello):
				t.Errorf("%q: %v, alone %v", texts, v, hello)
			case text == "hello world" && slices.Equal(v, zeros):
				t.Errorf("%q: zeros", texts)
			}
		}
	}
}
