package predict

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/pgowl/pgowl/models/learn"
	"github.com/pgowl/pgowl/models/store"
)

// file is the file of a small model.
func file(tb testing.TB) []byte {
	tb.Helper()
	h, m := fit(tb, learn.Regression, store.Label{Column: "y", Kind: store.Float})
	data, err := store.Encode(h, m)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// reads gives bytes and counts.
func reads(data []byte, n *int) func(context.Context) ([]byte, error) {
	return func(context.Context) ([]byte, error) { *n++; return data, nil }
}

func TestLoadsOnce(t *testing.T) {
	data := file(t)
	synctest.Test(t, func(t *testing.T) {
		c := NewCache(1 << 20)
		release := make(chan struct{})
		n := 0
		var wg sync.WaitGroup
		got := make([]*Model, 20)
		for i := range got {
			wg.Go(func() {
				m, err := c.Get(t.Context(), 5, func(context.Context) ([]byte, error) {
					n++ // the race detector would see a second reader
					<-release
					return data, nil
				})
				if err != nil {
					t.Error(err)
				}
				got[i] = m
			})
		}
		synctest.Wait()
		close(release)
		wg.Wait()
		for _, m := range got {
			if m == nil || m != got[0] {
				t.Fatal("not one model for all")
			}
		}
		if n != 1 {
			t.Errorf("read %d times", n)
		}
	})
}

// TestAFailureIsNotShared has the first reader cancelled while another waits: that one reads for itself.
func TestAFailureIsNotShared(t *testing.T) {
	data := file(t)
	synctest.Test(t, func(t *testing.T) {
		c := NewCache(1 << 20)
		gone := errors.New("the first client has gone")
		ctx, cancel := context.WithCancelCause(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := c.Get(ctx, 5, func(ctx context.Context) ([]byte, error) {
				<-ctx.Done()
				return nil, context.Cause(ctx)
			})
			if !errors.Is(err, gone) {
				t.Errorf("first: %v", err)
			}
		})
		synctest.Wait()
		n := 0
		wg.Go(func() {
			if m, err := c.Get(t.Context(), 5, reads(data, &n)); err != nil || m == nil {
				t.Errorf("second: %v", err)
			}
		})
		waiter, stop := context.WithCancelCause(t.Context())
		wg.Go(func() {
			if _, err := c.Get(waiter, 5, reads(data, &n)); !errors.Is(err, gone) {
				t.Errorf("third: %v", err)
			}
		})
		synctest.Wait()
		stop(gone) // a waiter leaves when its own context ends
		synctest.Wait()
		cancel(gone)
		wg.Wait()
		if n != 1 {
			t.Errorf("read %d times", n)
		}
	})
}

func TestAPanicLeavesNobodyWaiting(t *testing.T) {
	c := NewCache(1 << 20)
	func() {
		defer func() { _ = recover() }()
		_, _ = c.Get(t.Context(), 1, func(context.Context) ([]byte, error) { panic("no") })
	}()
	n := 0
	if _, err := c.Get(t.Context(), 1, reads(file(t), &n)); err != nil {
		t.Error(err)
	}
}

func TestErrorsOfFiles(t *testing.T) {
	c := NewCache(1 << 20)
	n := 0
	if _, err := c.Get(t.Context(), 3, reads(nil, &n)); message(err) != "XX000 pgml.models WHERE id = 3 could not be loaded. Does it exist?" {
		t.Errorf("got %v", err)
	}
	if _, err := c.Get(t.Context(), 3, reads([]byte("other"), &n)); err == nil || message(err)[:5] != "XX001" {
		t.Errorf("got %v", err)
	}
	if _, err := c.Get(t.Context(), 3, reads(file(t), &n)); err != nil || n != 3 {
		t.Errorf("got %v after %d reads", err, n)
	}
}

// TestAgainstAMap does random operations on a cache for four models beside a plain list of what must be in it.
func TestAgainstAMap(t *testing.T) {
	data := file(t)
	h, fitted, err := store.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	probe := NewCache(0)
	probe.Publish(1, h, fitted)
	one := probe.Size()
	c := NewCache(5*one - 1)
	var recent []int64 // last used first
	random := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		id := int64(random.IntN(8))
		held := -1
		for i, r := range recent {
			if r == id {
				held = i
			}
		}
		switch random.IntN(20) {
		case 0:
			c.Clear()
			recent = nil
			continue
		case 1, 2, 3:
			c.Publish(id, h, fitted)
		default:
			n := 0
			if _, err := c.Get(t.Context(), id, reads(data, &n)); err != nil {
				t.Fatal(err)
			}
			if (n == 0) != (held >= 0) {
				t.Fatalf("model %d: %d reads, held at %d of %v", id, n, held, recent)
			}
		}
		if held >= 0 {
			recent = append(recent[:held], recent[held+1:]...)
		}
		recent = append([]int64{id}, recent...)
		// A file is a little longer than the model in it, so four or three fit.
		for len(recent) > len(c.entries) {
			recent = recent[:len(recent)-1]
		}
		if c.Size() > 5*one-1 || len(c.entries) < min(len(recent), 3) || len(c.entries) != c.recent.Len() {
			t.Fatalf("%d bytes in %d models, recent %v", c.Size(), len(c.entries), recent)
		}
	}
}

func TestClearBeatsALoadUnderWay(t *testing.T) {
	c := NewCache(1 << 20)
	data := file(t)
	n := 0
	if _, err := c.Get(t.Context(), 1, func(context.Context) ([]byte, error) {
		c.Clear()
		return data, nil
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Get(t.Context(), 1, reads(data, &n)); err != nil || n != 1 {
		t.Errorf("%v, %d reads: the model of before Clear is still here", err, n)
	}
}

func TestStats(t *testing.T) {
	data := file(t)
	synctest.Test(t, func(t *testing.T) {
		c := NewCache(1) // one model
		release := make(chan struct{})
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				c.Get(t.Context(), 1, func(context.Context) ([]byte, error) { <-release; return data, nil })
			})
		}
		synctest.Wait()
		if got, want := c.Stats(), (Stats{Misses: 3, Waiting: 3}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		close(release)
		wg.Wait()
		n := 0
		for _, id := range []int64{1, 2, 2} {
			if _, err := c.Get(t.Context(), id, reads(data, &n)); err != nil {
				t.Fatal(err)
			}
		}
		c.Get(t.Context(), 3, reads(nil, &n)) // there is none
		if got, want := c.Stats(), (Stats{Bytes: c.Size(), Models: 1, Hits: 2, Misses: 5, Loads: 2, Evictions: 1}); got != want || want.Bytes == 0 {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}
