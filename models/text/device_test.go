package text

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// onCard is a store for a machine with a GPU; without one the test is skipped, with the reason. integration/gpu.sh runs these tests where there is one.
func onCard(t testing.TB) *Store {
	t.Helper()
	if err := loaded(t).Try("cuda:0"); err != nil {
		t.Skip(err)
	}
	if _, err := os.Stat(filepath.Join(modelFolder(), "all-MiniLM-L6-v2", "onnx", "model.onnx")); err != nil {
		t.Skip("all-MiniLM-L6-v2 is not in the model folder: run make setup")
	}
	s := NewStore(StoreOptions{Dir: modelFolder(), Library: library(t), Chosen: func(d Device, model string, err error) { t.Log("auto:", d, model, err) }})
	t.Cleanup(func() { s.Close() })
	return s
}

// sentences are texts of so many words at most, of words that a model knows.
func sentences(n, words int) []string {
	known := strings.Fields("the of a database vector models texts search what who where quickly river bank animal seven blue green people work time year day thing world life hand part child eye woman place case week company system program question")
	dice := rand.New(rand.NewPCG(1, uint64(words)))
	all := make([]string, n)
	for i := range all {
		var b strings.Builder
		for range 1 + dice.IntN(words) {
			b.WriteString(known[dice.IntN(len(known))] + " ")
		}
		all[i] = fmt.Sprint(b.String(), i)
	}
	return all
}

// Vectors of the GPU are those of the processors.
func TestDevice(t *testing.T) {
	s := onCard(t)
	for _, g := range loaded(t).GPUs() {
		t.Logf("%s: %s, %d MB, %d in use; ONNX Runtime %s", g.Device, g.Name, g.Memory>>20, g.Used>>20, loaded(t).Version())
	}
	texts := append(sentences(300, 12), sentences(30, 300)...)
	texts = append(texts, "", "hello world")
	on := func(v Variant) [][]float32 {
		t.Helper()
		vectors, err := s.Embed(t.Context(), "all-MiniLM-L6-v2", texts, EmbedOptions{Variant: v})
		var missing *PrecisionError
		if errors.As(err, &missing) {
			t.Log(err)
			return nil
		}
		if err != nil {
			t.Fatal(err)
		}
		return vectors
	}
	want := on(Variant{Device: CPU})
	for v, least := range map[Variant]float64{{}: 0.99999, {Device: "cuda:0"}: 0.99999, {Device: "cuda:0", Precision: Float16}: 0.999} {
		worst := 1.0
		for i, got := range on(v) {
			worst = min(worst, cosine(got, want[i]))
		}
		if t.Logf("%+v: the least cosine is %.7f", v, worst); worst < least {
			t.Errorf("%+v: a cosine of %v", v, worst)
		}
	}
	if st := s.Stats(); st.GPUs < 1 || st.GPUModels < 1 || st.GPUBatches.Texts < 2*uint64(len(texts)) || st.GPUUsed <= 0 || st.GPUMemory <= st.GPUUsed || st.GPURan <= 0 {
		t.Errorf("%+v", st)
	}
}

// Many sessions, of which some go away, share the card; clearing it under them frees its memory and hurts nobody.
func TestDeviceManySessions(t *testing.T) {
	s := onCard(t)
	texts := sentences(64, 40)
	var group sync.WaitGroup
	for session := range 32 {
		group.Go(func() {
			for i := range 40 {
				ctx, cancel := context.WithCancel(t.Context())
				if (session+i)%7 == 0 {
					go cancel()
				}
				if session == 0 && i%10 == 9 {
					if _, err := s.ClearGPU(t.Context(), 0); err != nil {
						t.Error(err)
					}
				}
				n := 1 + (session*i)%len(texts)
				v, err := s.Embed(ctx, "all-MiniLM-L6-v2", texts[:n], EmbedOptions{Variant: Variant{Device: "cuda:0"}})
				if err == nil && len(v) != n || err != nil && !errors.Is(err, context.Canceled) {
					t.Errorf("%d vectors, %v", len(v), err)
				}
				cancel()
			}
		})
	}
	group.Wait()
	before := s.Stats()
	if cleared, err := s.ClearGPU(t.Context(), 0); err != nil || !cleared {
		t.Errorf("%v %v", cleared, err)
	}
	after := s.Stats()
	if t.Logf("%d MB in use, %d when cleared", before.GPUUsed>>20, after.GPUUsed>>20); after.GPUModels != 0 || after.GPUUsed >= before.GPUUsed {
		t.Errorf("%+v, before %+v", after, before)
	}
}

// BenchmarkDevice tells tokens a second, and how much of the time the card had something to run.
func BenchmarkDevice(b *testing.B) {
	s := onCard(b)
	for _, shape := range []struct {
		name        string
		texts, word int
	}{{"headlines", 24000, 20}, {"long", 1000, 400}} {
		texts := sentences(shape.texts, shape.word)
		for _, v := range []Variant{{Device: "cuda:0"}, {Device: "cuda:0", Precision: Float16}} {
			b.Run(shape.name+"/"+strings.ReplaceAll(string("float32"+v.Precision), "float32float16", "float16"), func(b *testing.B) {
				if _, err := s.Embed(b.Context(), "all-MiniLM-L6-v2", texts[:10], EmbedOptions{Variant: v}); err != nil {
					b.Skip(err)
				}
				runtime.GC()
				before := s.Stats()
				b.ResetTimer()
				start := time.Now()
				for range b.N {
					if _, err := s.Embed(b.Context(), "all-MiniLM-L6-v2", texts, EmbedOptions{Variant: v}); err != nil {
						b.Fatal(err)
					}
				}
				took, st := time.Since(start), s.Stats()
				b.ReportMetric(float64(st.GPUBatches.Tokens-before.GPUBatches.Tokens)/took.Seconds(), "tokens/s")
				b.ReportMetric(100*float64(st.GPURan-before.GPURan)/float64(took), "%busy")
				b.ReportMetric(float64(st.GPUBatches.Tokens-before.GPUBatches.Tokens)/float64(st.GPUBatches.Runs-before.GPUBatches.Runs), "tokens/batch")
			})
		}
	}
}
