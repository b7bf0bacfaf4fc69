package text

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
)

func TestStatsOfTheCache(t *testing.T) {
	s := NewStore(StoreOptions{CacheBytes: 16 << 10})
	key := cacheKey{model: "m", text: "a", width: 4}
	if s.cache.get(key) != nil {
		t.Fatal("a vector from nowhere")
	}
	s.cache.put(key, make([]float32, 4))
	s.cache.get(key)
	s.cache.get(key)
	if got := s.Stats(); got.CacheHits != 2 || got.CacheMisses != 1 || got.CacheTexts != 1 || got.CacheBytes != 317 || got.CacheEvictions != 0 {
		t.Errorf("got %+v", got)
	}
	for i := range 100 {
		key.text = strings.Repeat("b", i)
		s.cache.put(key, make([]float32, 4))
	}
	if got := s.Stats(); got.CacheEvictions == 0 || got.CacheTexts+int(got.CacheEvictions) != 101 || got.CacheBytes > 16<<10 {
		t.Errorf("got %+v", got)
	}
	if got := NewStore(StoreOptions{}).Stats(); got != (Stats{}) {
		t.Errorf("without a cache: %+v", got)
	}
}

func TestStatsOfThoseThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewStore(StoreOptions{})
		r := newRuntime("", 1)
		s.runtime.Store(r)
		gone := errors.New("gone")
		ctx, cancel := context.WithCancelCause(t.Context())
		r.take(false)
		l := &loading{done: make(chan struct{})}
		go r.take(false)
		go func() {
			if err := s.await(ctx, l.done); err != gone {
				t.Error(err)
			}
		}()
		synctest.Wait()
		if got := s.Stats(); got != (Stats{Runs: 1, Cores: 1, Waiting: 1, Loading: 1}) {
			t.Errorf("got %+v", got)
		}
		cancel(gone)
		synctest.Wait()
		r.free(false)
		synctest.Wait()
		r.free(false)
		close(l.done)
		if err := s.await(t.Context(), l.done); err != nil {
			t.Error(err)
		}
		if got := s.Stats(); got != (Stats{Cores: 1}) {
			t.Errorf("got %+v", got)
		}
	})
}
