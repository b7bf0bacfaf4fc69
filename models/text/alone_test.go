package text

import (
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// A batch has all processors where nothing else waits or runs, be it another model's.
func TestQueueAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t, 3, true)
		other := newFake(t, 3, true)
		other.runtime, other.queue.turn = f.runtime, f.runtime
		alone := func(f *fake) (all []bool) {
			f.mu.Lock()
			defer f.mu.Unlock()
			for _, run := range f.runs {
				all = append(all, run.alone)
			}
			return all
		}
		var done []chan error
		look := func(what string, f *fake, want ...bool) {
			t.Helper()
			if got := alone(f); !slices.Equal(got, want) {
				t.Errorf("%s: %v, want %v", what, got, want)
			}
		}
		done = append(done, f.begin(t.Context(), 1, 12, 9))
		look("one call of two texts", f, true)
		done = append(done, f.begin(t.Context(), 2, 12))
		look("another call", f, true, false)
		done = append(done, other.begin(t.Context(), 3, 12))
		look("another model", other, false)
		f.end()
		f.end()
		other.end()
		done = append(done, f.begin(t.Context(), 4, slices.Repeat([]int{64}, 3)...))
		look("a call for three cores", f, false, false, false)
		f.end()
		f.end()
		f.end()
		done = append(done, f.begin(t.Context(), 5, 300))
		look("one long text", f, true)
		f.end()
		for _, d := range done {
			if err := <-d; err != nil {
				t.Error(err)
			}
		}
	})
}

// counting counts an engine's runs.
type counting struct {
	engine
	runs atomic.Int64
}

func (c *counting) run(ins [][]int64, rows, columns int, out []float32, shape []int64, stopped stopper) error {
	c.runs.Add(1)
	return c.engine.run(ins, rows, columns, out, shape, stopped)
}

// With several threads a run gives the same numbers, to the bit.
func TestAlone(t *testing.T) {
	single, several := miniLM(t), miniLMWith(t, Options{Threads: 2})
	if single.session.alone != nil {
		t.Fatal("a model that was opened without threads has some")
	}
	if several.session.alone == nil {
		t.Skip("there is one processor")
	}
	runs := &counting{engine: several.session.alone.engine}
	several.session.alone.engine = runs
	texts := append(slices.Clone(trialTexts), "owl", "")
	for i, text := range texts {
		if a, b := embedOne(t, single, text, EmbedOptions{}), embedOne(t, several, text, EmbedOptions{}); !slices.Equal(a, b) {
			t.Errorf("%q differs", text)
		}
		if n := runs.runs.Load(); n != int64(i+1) {
			t.Fatalf("%d runs with several threads behind %d texts", n, i+1)
		}
	}
	before := runs.runs.Load()
	var many []string
	for i := range 40 {
		many = append(many, fmt.Sprint("text ", i))
	}
	if _, err := several.Embed(t.Context(), many, EmbedOptions{BatchSize: 1}); err != nil {
		t.Fatal(err)
	}
	if n := runs.runs.Load() - before; n > 1 {
		t.Errorf("%d runs of many had the processors to themselves", n)
	}
}

// Copies of models make room before models do, those first that nobody has asked for the longest, and with as many as two models have room for there are none.
func TestStoreDropsCopies(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"one", "two"} {
		tiny().write(t, filepath.Join(dir, name))
	}
	size := graphSize(filepath.Join(dir, "one"), graphFiles)
	if loaded(t).cores() == 1 {
		t.Skip("there is one processor")
	}
	for room, want := range map[int64]string{0: "one two", 4: "one two", 3: "two", 2: ""} {
		s := NewStore(StoreOptions{Dir: dir, Library: library(t), MemoryBytes: room * size})
		for range 2 {
			for _, name := range []string{"one", "two"} {
				if v, err := s.Embed(t.Context(), name, []string{"hello"}, EmbedOptions{}); err != nil || len(v[0]) != 4 {
					t.Fatal(v, err)
				}
			}
		}
		var copied []string
		s.mu.Lock()
		for key, l := range s.models {
			if l.copies() > 1 {
				copied = append(copied, key.String())
			}
		}
		if len(s.models) != 2 {
			t.Errorf("room for %d: %d models", room, len(s.models))
		}
		s.mu.Unlock()
		slices.Sort(copied)
		if got := strings.Join(copied, " "); got != want {
			t.Errorf("room for %d: copies of %q, want %q", room, got, want)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A copy that is freed leaves the run that uses it to its end, and others to the engine.
func TestAloneCloses(t *testing.T) {
	engine := &waiting{begun: make(chan struct{}), end: make(chan struct{})}
	a := &alone{engine: engine}
	done, closed := make(chan bool), make(chan struct{})
	go func() {
		ran, _ := a.run(nil, 0, 0, nil, nil, nil)
		done <- ran
	}()
	<-engine.begun
	go func() { a.close(); close(closed) }()
	for a.using.TryRLock() { // until it waits
		a.using.RUnlock()
		runtime.Gosched()
	}
	close(engine.end)
	if !<-done {
		t.Error("the run was not one of the copy's")
	}
	<-closed
	if engine.early {
		t.Error("freed during a run")
	}
	if ran, _ := a.run(nil, 0, 0, nil, nil, nil); ran {
		t.Error("a run of a copy that is gone")
	}
	a.close()
}

// waiting is an engine whose run waits.
type waiting struct {
	begun, end   chan struct{}
	ended, early bool
}

func (w *waiting) run([][]int64, int, int, []float32, []int64, stopper) error {
	close(w.begun)
	<-w.end
	w.ended = true
	return nil
}

func (w *waiting) close() { w.early = !w.ended }
