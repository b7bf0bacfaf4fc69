package text

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/pgowl/pgowl/models/text/names"
)

// withoutGPU skips a test where there is one.
func withoutGPU(t *testing.T) *Runtime {
	t.Helper()
	r := loaded(t)
	if r.Try("cuda:0") == nil {
		t.Skip("there is a GPU")
	}
	return r
}

// pretend makes the process's runtime have a GPU for the length of a test: its graphs run on the processors, or cannot be loaded for a reason.
func pretend(t *testing.T, id int, fails error) *gpu {
	t.Helper()
	r := withoutGPU(t)
	g := newGPU(id)
	g.add = func(*ort.SessionOptions, int) error { return fails }
	r.gpus.mu.Lock()
	r.gpus.known = map[int]*gpu{id: g}
	r.gpus.mu.Unlock()
	t.Cleanup(func() {
		r.gpus.mu.Lock()
		defer r.gpus.mu.Unlock()
		r.gpus.known = nil
		if n := g.models.Load(); n != 0 || len(g.slots) != 0 {
			t.Errorf("%d models and %d batches are left on the card", n, len(g.slots))
		}
	})
	return g
}

// Where there is no GPU all run on the processors, whoever asks for one, and the log says why once.
func TestWithoutGPU(t *testing.T) {
	withoutGPU(t)
	dir := t.TempDir()
	tiny().write(t, filepath.Join(dir, "one"))
	tiny().write(t, filepath.Join(dir, "two"))
	var mu sync.Mutex
	var told []string
	s := NewStore(StoreOptions{Dir: dir, Library: library(t), Chosen: func(d Device, model string, err error) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, fmt.Sprint(d, model, err != nil))
	}})
	defer s.Close()
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			if _, err := s.Embed(t.Context(), []string{"one", "two"}[i%2], []string{"hello"}, EmbedOptions{Variant: Variant{Device: []Device{"", Auto}[i/4]}}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	expected := false
	for _, path := range append([]string{loaded(t).provider()}, driverNodes...) {
		if _, err := os.Stat(path); err == nil {
			expected = true
		}
	}
	if want := []string{fmt.Sprint(CPU, "", expected)}; !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
	for range 2 {
		if _, err := s.Embed(t.Context(), "one", []string{"hello"}, EmbedOptions{Variant: Variant{Device: "cuda:0"}}); err != nil {
			t.Error(err)
		}
	}
	if want := fmt.Sprint(CPU, "", true); len(told) != 2 || told[1] != want {
		t.Errorf("told %q, want %q once more", told, want)
	}
	if _, err := s.ClearGPU(t.Context(), 0); err == nil || !strings.HasPrefix(err.Error(), "No GPU available") {
		t.Error(err)
	}
	if got := s.Stats(); got.Models != 2 || got.GPUs != 0 {
		t.Errorf("%+v", got)
	}
}

// ONNX Runtime itself, asked for CUDA without a driver or without its provider, says so and goes on.
func TestProviderWithoutDriver(t *testing.T) {
	r := withoutGPU(t)
	preloadCUDA(filepath.Dir(r.provider()))
	for range 2 {
		err := newGPU(0).try(probe)
		if err == nil {
			t.Fatal("a matrix was multiplied")
		}
		if short := providerError(err); strings.Contains(short.Error(), ".cc:") || strings.Contains(short.Error(), "\n") || len(short.Error()) > 403 {
			t.Errorf("%q", short)
		} else {
			t.Log(short)
		}
	}
	if v := embedOne(t, openTiny(t, tiny()), "hello", EmbedOptions{}); len(v) != 4 {
		t.Error(v)
	}
}

// The whole way of a model on a GPU, but for the card itself: vectors are those of the processors, padding or not, and both are models of their own.
func TestStoreOnGPU(t *testing.T) {
	pretend(t, 0, nil)
	dir := t.TempDir()
	tiny().write(t, filepath.Join(dir, "one"))
	s := NewStore(StoreOptions{Dir: dir, Library: library(t), CacheBytes: 1 << 20, Device: CPU})
	defer s.Close()
	on := func(d Device, texts ...string) [][]float32 {
		t.Helper()
		v, err := s.Embed(t.Context(), "one", texts, EmbedOptions{Variant: Variant{Device: d}})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	texts := []string{"hello", "", "hello world one two", strings.Repeat("a b c ", 40)}
	if card, cores := on("cuda:0", texts...), on(CPU, texts...); !slices.EqualFunc(card, cores, func(a, b []float32) bool { return near(a, b, 1e-4) }) {
		t.Errorf("%v, on the processors %v", card, cores)
	}
	if s.cache.recent.Len() != 2*len(texts) {
		t.Errorf("%d vectors in the cache", s.cache.recent.Len())
	}
	got := s.Stats()
	if got.Models != 2 || got.GPUs != 1 || got.GPUModels != 1 || got.GPUBatches.Texts != 4 || got.GPUBatches.Runs != 1 || got.Batches.Texts != 8 {
		t.Errorf("%+v", got)
	}
	// Of the card's memory none is in use.
	if cleared, err := s.ClearGPU(t.Context(), 0.5); err != nil || cleared && s.Stats().GPUMemory > 0 {
		t.Errorf("%v %v", cleared, err)
	}
	if cleared, err := s.ClearGPU(t.Context(), 0); err != nil || !cleared {
		t.Errorf("%v %v", cleared, err)
	}
	if after := s.Stats(); after.Models != 1 || after.GPUModels != 0 || after.GPUBatches != got.GPUBatches || after.Batches != got.Batches {
		t.Errorf("%+v, before %+v", after, got)
	}
	on("cuda:0", "once more")
	if after := s.Stats(); after.GPUModels != 1 || after.GPUBatches.Texts != 5 {
		t.Errorf("%+v", after)
	}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for i := range 20 {
				if i%5 == 0 {
					if _, err := s.ClearGPU(t.Context(), 0); err != nil {
						t.Error(err)
					}
				}
				if v, err := s.Embed(t.Context(), "one", []string{fmt.Sprint("text ", i)}, EmbedOptions{Variant: Variant{Device: "cuda:0"}}); err != nil || len(v[0]) != 4 {
					t.Errorf("%v %v", v, err)
				}
			}
		})
	}
	group.Wait()
}

// What the card has no room for runs on the processors.
func TestStoreNoRoomOnGPU(t *testing.T) {
	pretend(t, 0, errors.New("out of memory"))
	dir := t.TempDir()
	tiny().write(t, filepath.Join(dir, "one"))
	var told []string
	s := NewStore(StoreOptions{Dir: dir, Library: library(t), Chosen: func(d Device, model string, err error) { told = append(told, fmt.Sprint(d, " ", model, " ", err)) }})
	defer s.Close()
	there := &placing{done: make(chan struct{}), device: "cuda:0"}
	close(there.done)
	s.placed[Auto], s.placed["cuda:0"] = there, there
	for range 3 {
		if _, err := s.Embed(t.Context(), "one", []string{"hello"}, EmbedOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if want := `cpu one model "one (cuda:0)": model.onnx: out of memory`; len(told) != 1 || told[0] != want {
		t.Errorf("told %q, want %q", told, want)
	}
	if _, err := s.Embed(t.Context(), "one", []string{"hello"}, EmbedOptions{Variant: Variant{Device: "cuda:0"}}); err != nil || len(told) != 1 {
		t.Errorf("asked for by name: %v, told %q", err, told)
	}
	if _, err := s.Embed(t.Context(), "none", []string{"hello"}, EmbedOptions{}); err == nil || len(told) != 1 {
		t.Errorf("a model that is not there: %v, told %q", err, told)
	}
	// Once the card has been cleared there may be room.
	loaded(t).gpus.get(0).add = func(*ort.SessionOptions, int) error { return nil }
	if _, err := s.ClearGPU(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Embed(t.Context(), "one", []string{"hello"}, EmbedOptions{}); err != nil || s.Stats().GPUModels != 1 {
		t.Errorf("%v %+v", err, s.Stats())
	}
}

// shaky is a source that cannot be reached the first time.
type shaky struct {
	dir   string
	asked atomic.Int64
}

func (s *shaky) Version(context.Context, names.Name) (string, error) {
	if s.asked.Add(1) == 1 {
		return "", errors.New("it cannot be reached")
	}
	return "1", nil
}

func (s *shaky) Folder(context.Context, names.Name, string) (string, func(), error) {
	return s.dir, func() {}, nil
}

// A source that cannot be reached for a moment keeps no model off the card.
func TestStoreSourceAndGPU(t *testing.T) {
	pretend(t, 0, nil)
	dir := t.TempDir()
	tiny().write(t, dir)
	s := NewStore(StoreOptions{Dir: t.TempDir(), Library: library(t), Source: &shaky{dir: dir}})
	defer s.Close()
	options := EmbedOptions{Variant: Variant{Device: "cuda:0"}}
	if _, err := s.Embed(t.Context(), "one", []string{"hello"}, options); err == nil || !strings.Contains(err.Error(), "cannot be reached") {
		t.Errorf("got %v", err)
	}
	if _, err := s.Embed(t.Context(), "one", []string{"hello"}, options); err != nil || s.Stats().GPUModels != 1 {
		t.Errorf("%v %+v", err, s.Stats())
	}
}

// Batches on the card and on the cores do not wait for each other; on the card one runs while another is made ready, and a batch is not divided.
func TestGPUTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGPU(0)
		runtime := newRuntime("", 1)
		ran := make(chan int)
		gate := make(chan struct{})
		run := func(b *batch, each func(p part, i int, pooled []float32)) error {
			ran <- b.tokens
			<-gate
			for _, p := range b.parts {
				for _, i := range p.texts {
					each(p, i, []float32{0})
				}
			}
			return nil
		}
		card, cores := g.queue(0), &queue{cores: 1, budget: 512, turn: runtime}
		card.run, cores.run = run, run
		var group sync.WaitGroup
		begin := func(q *queue, texts, length int) {
			group.Go(func() {
				if err := q.do(context.Background(), words(1, slices.Repeat([]int{length}, texts)...), 0, func(int, []float32) {}); err != nil {
					t.Error(err)
				}
			})
		}
		begin(cores, 1, 500)
		if n := <-ran; n != 500 {
			t.Errorf("%d tokens on the core", n)
		}
		begin(card, 64, 250) // a batch that is not quite full
		if n := <-ran; n != 16000 {
			t.Errorf("%d tokens on the card", n)
		}
		begin(card, 2, 100)
		if n := <-ran; n != 200 { // while the first is under way
			t.Errorf("%d tokens on the card", n)
		}
		begin(card, 1, 10)
		synctest.Wait()
		select {
		case n := <-ran:
			t.Errorf("a third batch of %d tokens", n)
		default:
		}
		gate <- struct{}{}
		gate <- struct{}{}
		gate <- struct{}{}
		<-ran
		gate <- struct{}{}
		group.Wait()
		synctest.Wait()
		card.close()
		cores.close()
		if len(g.slots)+len(runtime.slots) != 0 {
			t.Error("tokens are left")
		}
	})
}

// float16 is the model's graph of that name; vectors are of float32 all the same.
func TestFloat16(t *testing.T) {
	half := Variant{Precision: Float16}
	dir := t.TempDir()
	tiny().with("onnx/model_fp16.onnx", "testdata/half.onnx").write(t, filepath.Join(dir, "one"))
	tiny().write(t, filepath.Join(dir, "none"))
	s := NewStore(StoreOptions{Dir: dir, Library: library(t), CacheBytes: 1 << 20, Device: CPU})
	defer s.Close()
	wide, err := s.Embed(t.Context(), "one", []string{"hello"}, EmbedOptions{})
	if err != nil {
		t.Fatal(err)
	}
	narrow, err := s.Embed(t.Context(), "one", []string{"hello"}, EmbedOptions{Variant: half})
	if err != nil || !near(narrow[0], wide[0], 0.05) || s.Stats().Models != 2 {
		t.Errorf("%v, in float32 %v (%v)", narrow, wide, err)
	}
	for _, v := range []struct {
		model string
		Variant
	}{{"none", half}, {"one", Variant{Precision: Float16, Graph: "model.onnx"}}} {
		_, err := s.Embed(t.Context(), v.model, []string{"hello"}, EmbedOptions{Variant: v.Variant})
		var missing *PrecisionError
		if !errors.As(err, &missing) {
			t.Errorf("%+v: %v", v, err)
		}
	}
	// A setting does not change a graph that a call names.
	halves := NewStore(StoreOptions{Dir: dir, Library: library(t), Device: CPU, Precision: Float16})
	defer halves.Close()
	if got, err := halves.Embed(t.Context(), "one", []string{"hello"}, EmbedOptions{Variant: Variant{Graph: "model.onnx"}}); err != nil || !slices.Equal(got[0], wide[0]) {
		t.Errorf("%v, want %v (%v)", got, wide, err)
	}
}

// On a card a graph of float32 is made float16 where there is no other.
func TestFloat16OnGPU(t *testing.T) {
	pretend(t, 0, nil)
	dir := t.TempDir()
	tiny().write(t, filepath.Join(dir, "plain"))
	tiny().with("1_Pooling/config.json", `{"pooling_mode":"max"}`).write(t, filepath.Join(dir, "max"))
	tiny().with("onnx/model_O4.onnx", "testdata/nomask.onnx").write(t, filepath.Join(dir, "o4"))
	crossEncoder().write(t, filepath.Join(dir, "cross"))
	s := NewStore(StoreOptions{Dir: dir, Library: library(t), Device: CPU})
	defer s.Close()
	half := Variant{Device: "cuda:0", Precision: Float16}
	for _, model := range []string{"plain", "max"} {
		want, err := s.Embed(t.Context(), model, []string{"hello", "a b c"}, EmbedOptions{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Embed(t.Context(), model, []string{"hello", "a b c"}, EmbedOptions{Variant: half})
		if err != nil || !slices.EqualFunc(got, want, func(a, b []float32) bool { return near(a, b, 0.1) }) {
			t.Errorf("%s: %v, in float32 %v (%v)", model, got, want, err)
		}
	}
	if e, err := s.embedder(t.Context(), "o4", half); err != nil || len(e.session.inputs) == 3 {
		t.Errorf("another graph than O4: %v", err)
	}
	want, _, err := s.Rank(t.Context(), "cross", "q", []string{"hello", "a b c"}, RankOptions{})
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := s.Rank(t.Context(), "cross", "q", []string{"hello", "a b c"}, RankOptions{Variant: half})
	if err != nil || got[0].Document != want[0].Document || math.Abs(got[0].Score-want[0].Score) > 0.01 {
		t.Errorf("%v, in float32 %v (%v)", got, want, err)
	}
	if _, err := s.Embed(t.Context(), "plain", []string{"hello"}, EmbedOptions{Variant: Variant{Precision: Float16}}); err == nil {
		t.Error("converted for the processors")
	}
}

// Models whose weights lie beside their graphs go onto a card, with a pooling behind the graph, and in float16.
func TestWeightsOnGPU(t *testing.T) {
	pretend(t, 0, nil)
	t.Setenv("TMPDIR", t.TempDir())
	for _, kind := range []string{"bert", "mpnet", "roberta-classifier"} {
		var want []float32
		for _, v := range []Variant{{}, {Device: "cuda:0"}, {Device: "cuda:0", Precision: Float16}} {
			e, err := Open(filepath.Join(weightModels, kind), Options{Runtime: loaded(t), Variant: v})
			if err != nil {
				t.Errorf("%s, %+v: %v", kind, v, err)
				continue
			}
			var got []float32
			if e.session.scores {
				ranked, _, err := e.Rank(t.Context(), "a query", []string{"hello"}, RankOptions{})
				if err != nil {
					t.Fatal(err)
				}
				got = []float32{float32(ranked[0].Score)}
			} else if got = embedOne(t, e, "hello world, and more", EmbedOptions{}); v.Device != "" && e.session.ways != 1 {
				t.Errorf("%s, %+v: no pooling in the graph", kind, v)
			}
			e.Close()
			if want == nil {
				want = got
			}
			if tolerance := map[Precision]float64{"": 1e-5, Float16: 0.02}[v.Precision]; !near(got, want, tolerance) {
				t.Errorf("%s, %+v: %v, want %v", kind, v, got, want)
			}
		}
	}
	files := &weightFiles{dir: weightModels}
	for _, location := range []string{"../onnxgraph/doc.go", "/etc/passwd", "none"} {
		if _, err := files.open(location); err == nil || strings.Contains(err.Error(), weightModels) {
			t.Errorf("%s: %v", location, err)
		}
	}
}

// A real model that has been made float16.
func TestFloat16OfMiniLM(t *testing.T) {
	plain := miniLM(t)
	pretend(t, 0, nil)
	e, err := Open(filepath.Join(modelFolder(), "all-MiniLM-L6-v2"), Options{Runtime: loaded(t), Variant: Variant{Device: "cuda:0", Precision: Float16}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	texts := append(sentences(4, 20), "", "hello world")
	got, err := e.Embed(t.Context(), texts, EmbedOptions{})
	if err != nil {
		t.Fatal(err)
	}
	worst := 1.0
	for i, v := range got {
		worst = min(worst, cosine(v, embedOne(t, plain, texts[i], EmbedOptions{})))
	}
	if t.Logf("the least cosine is %.7f", worst); !(worst > 0.9999) {
		t.Errorf("a cosine of %v", worst)
	}
}

func TestFinite(t *testing.T) {
	inf, nan := float32(math.Inf(-1)), float32(math.NaN())
	if !finite(nil) || !finite([]float32{0, -1, math.MaxFloat32}) || finite([]float32{0, inf}) || finite([]float32{nan, 0}) {
		t.Error("what is finite")
	}
}

// small is a device that has memory for so many rows.
type small struct {
	rows int
	runs []int
}

func (s *small) run(ins [][]int64, rows, columns int, out []float32, shape []int64, stopped stopper) error {
	s.runs = append(s.runs, rows)
	if rows > s.rows {
		return errors.New("Error running network: BFCArena::AllocateRawInternal Failed to allocate memory for requested buffer of size 1234")
	}
	for i, id := range ins[0] {
		out[i] = float32(id)
	}
	return nil
}

func (s *small) close() {}

// What has no room together runs by halves, and what has none alone fails.
func TestOutOfMemory(t *testing.T) {
	const rows, columns = 7, 3
	for room, want := range map[int]string{7: "[7]", 3: "[7 3 4 2 2]", 1: "[7 3 1 2 1 1 4 2 1 1 2 1 1]", 0: "[7 3 1]"} {
		engine := &small{rows: room}
		s := &session{engine: engine, inputs: []input{inputIDs, inputMask}, width: 1}
		var b buffers
		b.grow(rows*columns, rows*columns, 1)
		for i := range b.ids {
			b.ids[i] = int64(i)
		}
		err := s.run(&b, rows, columns, false, nil)
		if fmt.Sprint(engine.runs) != want || (err != nil) != (room == 0) {
			t.Errorf("room for %d: %v, want %s (%v)", room, engine.runs, want, err)
		}
		for i, got := range b.out {
			if room > 0 && got != float32(i) {
				t.Errorf("room for %d: %v", room, b.out)
			}
		}
	}
}

// A text of nearly as many tokens as the model has positions, 150 here, is not padded beyond them to a multiple of eight.
func TestGPULongestText(t *testing.T) {
	pretend(t, 0, nil)
	t.Setenv("TMPDIR", t.TempDir())
	text := strings.Repeat("the owl sees all ", 100)
	of := func(d Device) []float32 {
		e, err := Open(filepath.Join(weightModels, "bert"), Options{Runtime: loaded(t), Variant: Variant{Device: d}})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		if (e.maxTokens+7)/8*8 <= e.settings.positions {
			t.Fatalf("%d tokens, %d positions", e.maxTokens, e.settings.positions)
		}
		return embedOne(t, e, text, EmbedOptions{})
	}
	if card, cores := of("cuda:0"), of(CPU); !near(card, cores, 1e-4) {
		t.Errorf("%v, on the processors %v", card, cores)
	}
}
