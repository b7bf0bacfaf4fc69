package text

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
)

// words is a call's texts of such lengths; each text's only id is the call's number, which the fake model returns.
func words(number int, lengths ...int) *work {
	w := &work{starts: []int{0}, lengths: lengths}
	for _, n := range lengths {
		w.ids = append(w.ids, slices.Repeat([]int32{int32(number)}, n)...)
		w.starts = append(w.starts, len(w.ids))
	}
	return w
}

// fake is a model that runs a batch when it is told to.
type fake struct {
	*queue
	runtime *Runtime
	t       *testing.T

	mu   sync.Mutex
	runs []*fakeRun // that have begun, and wait
	fail func(b *batch) error
}

type fakeRun struct {
	*batch
	end     chan struct{}
	stopped bool
}

// newFake makes a model whose runs wait until they are let go, or do not.
func newFake(t *testing.T, cores int, wait bool) *fake {
	f := &fake{runtime: newRuntime("", cores), t: t}
	f.queue = &queue{cores: cores, budget: 512, turn: f.runtime}
	f.queue.run = func(b *batch, each func(p part, i int, pooled []float32)) error {
		run := &fakeRun{batch: b, end: make(chan struct{})}
		stop := sync.OnceFunc(func() { run.stopped = true; close(run.end) })
		running := running{f.queue, b}
		defer running.ended()
		if !running.begun(stop) {
			return nil
		}
		if wait {
			f.mu.Lock()
			f.runs = append(f.runs, run)
			f.mu.Unlock()
			<-run.end
			if run.stopped {
				return errors.New("stopped")
			}
		}
		if f.fail != nil {
			if err := f.fail(b); err != nil {
				return err
			}
		}
		for _, p := range b.parts {
			for _, i := range p.texts {
				each(p, i, []float32{float32(p.call.work.text(i)[0])})
			}
		}
		return nil
	}
	t.Cleanup(func() { f.close() })
	return f
}

// begin does a call in the background, which is told by its number.
func (f *fake) begin(ctx context.Context, number int, lengths ...int) (result chan error) {
	result = make(chan error, 1)
	go func() {
		got := make([]int, len(lengths))
		err := f.do(ctx, words(number, lengths...), 0, func(i int, pooled []float32) {
			if int(pooled[0]) != number {
				f.t.Errorf("call %d got a vector of call %v", number, pooled[0])
			}
			got[i]++
		})
		if err == nil && slices.ContainsFunc(got, func(n int) bool { return n != 1 }) {
			err = fmt.Errorf("vectors: %v", got)
		}
		result <- err
	}()
	synctest.Wait()
	return result
}

// peek tells of each run that waits what it has, as "call:texts" of each part.
func (f *fake) peek() (told []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, run := range f.runs {
		text := ""
		for _, p := range run.parts {
			text += fmt.Sprintf("%d:%d ", p.call.work.ids[0], len(p.texts))
		}
		told = append(told, text)
	}
	return told
}

// end lets the oldest run end.
func (f *fake) end() {
	f.mu.Lock()
	run := f.runs[0]
	f.runs = f.runs[1:]
	f.mu.Unlock()
	close(run.end)
	synctest.Wait()
}

func expect(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("%s: runs %q, want %q", what, got, want)
	}
}

func TestQueueDividesAmongCores(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t, 2, true)
		done := f.begin(t.Context(), 1, slices.Repeat([]int{16}, 8)...)
		expect(t, "128 tokens for two cores", f.peek(), "1:4 ", "1:4 ")
		f.end()
		f.end()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// A text goes through the model at once while a core is free; what comes when none is goes together, those of like length.
func TestQueuePacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t, 2, true)
		var all []chan error
		for i, n := range []int{20, 10, 10, 9, 30, 10, 8} {
			all = append(all, f.begin(t.Context(), i, n))
		}
		expect(t, "the first two", f.peek(), "0:1 ", "1:1 ")
		f.end()
		expect(t, "then the others, but for the long one", f.peek(), "1:1 ", "2:1 5:1 3:1 6:1 ")
		f.end()
		expect(t, "and that", f.peek(), "2:1 5:1 3:1 6:1 ", "4:1 ")
		f.end()
		f.end()
		for _, done := range all {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
}

// Two calls take turns, whatever one of them has.
func TestQueueTakesTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t, 1, true)
		bulk := f.begin(t.Context(), 1, slices.Repeat([]int{64}, 32)...)
		other := f.begin(t.Context(), 2, slices.Repeat([]int{128}, 8)...)
		for i, want := range []string{"1:8 ", "1:8 ", "2:4 ", "1:8 ", "2:4 ", "1:8 "} {
			expect(t, fmt.Sprint("run ", i), f.peek(), want)
			f.end()
		}
		for _, done := range []chan error{bulk, other} {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
}

// While a large call has the cores, small ones are run beside it; without a large one they wait for each other.
func TestQueueIsHasty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t, 1, true)
		bulk := f.begin(t.Context(), 1, slices.Repeat([]int{64}, 16)...)
		small := f.begin(t.Context(), 2, 12)
		expect(t, "beside", f.peek(), "1:8 ", "2:1 ")
		f.end()
		f.end()
		f.end()
		if err := errors.Join(<-bulk, <-small); err != nil {
			t.Error(err)
		}
		a := f.begin(t.Context(), 3, 12)
		b := f.begin(t.Context(), 4, 12)
		expect(t, "small ones alone", f.peek(), "3:1 ")
		f.end()
		f.end()
		if err := errors.Join(<-a, <-b); err != nil {
			t.Error(err)
		}
	})
}

func TestQueueCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t, 1, true)
		gone := errors.New("gone")
		ctx, cancel := context.WithCancelCause(t.Context())
		waits, drop := context.WithCancelCause(t.Context())
		first := f.begin(ctx, 1, 12)
		second := f.begin(waits, 2, 12)
		third := f.begin(t.Context(), 3, 12)
		run := f.runs[0]
		drop(gone)
		synctest.Wait()
		cancel(gone)
		synctest.Wait()
		if a, b := <-first, <-second; a != gone || b != gone {
			t.Errorf("errors %v, %v", a, b)
		}
		if !run.stopped {
			t.Error("nobody wants it and it runs")
		}
		f.mu.Lock()
		f.runs = f.runs[1:]
		f.mu.Unlock()
		expect(t, "what waited is dropped", f.peek(), "3:1 ")

		ctx, cancel = context.WithCancelCause(t.Context())
		fourth, fifth := f.begin(ctx, 4, 12), f.begin(t.Context(), 5, 12)
		f.end()
		expect(t, "together", f.peek(), "4:1 5:1 ")
		cancel(gone)
		synctest.Wait()
		if err := <-fourth; err != gone {
			t.Error(err)
		}
		expect(t, "another needs it", f.peek(), "4:1 5:1 ")
		f.end()
		if err := errors.Join(<-third, <-fifth); err != nil {
			t.Error(err)
		}
		if f.waiting != 0 || f.workers != 0 || len(f.calls) != 0 {
			t.Errorf("left: %d tokens, %d workers, %d calls", f.waiting, f.workers, len(f.calls))
		}
	})
}

// A batch that fails is run again call by call, and only the one whose texts are to blame gets the error.
func TestQueueFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t, 1, true)
		bad := errors.New("bad")
		f.fail = func(b *batch) error {
			if slices.ContainsFunc(b.parts, func(p part) bool { return p.call.work.ids[0] == 2 }) {
				return bad
			}
			return nil
		}
		var all []chan error
		for i := range 4 {
			all = append(all, f.begin(t.Context(), i, 12))
		}
		f.end()
		expect(t, "together", f.peek(), "1:1 2:1 3:1 ")
		for len(f.peek()) > 0 {
			f.end()
		}
		for i, done := range all {
			if err := <-done; (err == bad) != (i == 2) {
				t.Errorf("call %d: %v", i, err)
			}
		}
	})
}

// Whatever comes and goes, each text has its vector once, and batches keep to their bounds.
func TestQueueAtRandom(t *testing.T) {
	f := newFake(t, 3, false)
	f.fail = func(b *batch) error {
		rows, tokens, longest := 0, 0, 0
		for _, p := range b.parts {
			for _, i := range p.texts {
				n := p.call.work.lengths[i]
				rows, tokens, longest = rows+1, tokens+n, max(longest, n)
			}
		}
		if padded := rows * longest; longest != b.longest || rows != b.rows || rows > 1 && (padded > 512 || padded-tokens > max(runCost, tokens/10)) {
			return fmt.Errorf("%d texts of %d tokens, the longest %d", rows, tokens, longest)
		}
		return nil
	}
	var group sync.WaitGroup
	for session := range 16 {
		dice := rand.New(rand.NewPCG(uint64(session), 5))
		group.Go(func() {
			for number := range 200 {
				lengths := make([]int, dice.IntN(1+dice.IntN(60)))
				for i := range lengths {
					lengths[i] = 2 + dice.IntN(1+dice.IntN(300))
				}
				ctx, cancel := context.WithCancel(context.Background())
				if dice.IntN(5) == 0 {
					go cancel()
				}
				got := make([]int, len(lengths))
				number := session*1000 + number
				err := f.do(ctx, words(number, lengths...), dice.IntN(20), func(i int, pooled []float32) {
					if int(pooled[0]) != number {
						t.Errorf("call %d got a vector of call %v", number, pooled[0])
					}
					got[i]++
				})
				if err != nil && !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
				if err == nil && slices.ContainsFunc(got, func(n int) bool { return n != 1 }) {
					t.Errorf("vectors: %v", got)
				}
				cancel()
			}
		})
	}
	group.Wait()
	f.close()
	if f.waiting != 0 || f.workers != 0 || f.busy != 0 || f.hasty || len(f.calls) != 0 || f.runtime.larges.Load() != 0 || len(f.runtime.slots)+len(f.runtime.beside) != 0 {
		t.Errorf("left: %+v", f.queue)
	}
}
