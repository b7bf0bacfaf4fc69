package text

// Stats are what a Store holds and does. Runs and what waits for them are the process's: its cores are shared by all stores.
type Stats struct {
	Models  int // loaded
	Loading int // callers that wait for a model to be loaded
	Runs    int // batches of texts that go through a model now
	Cores   int // how many may at a time; 0 until a model has been loaded
	Waiting int // batches that wait for a core
	Queued  int // tokens of texts that wait for a batch

	Batches Batches // of the models that are loaded

	CacheBytes     int64 // of vectors and their texts
	CacheTexts     int
	CacheHits      uint64 // texts whose vector was there
	CacheMisses    uint64 // texts whose vector was not
	CacheEvictions uint64 // vectors that were put out for want of room
}

// Stats gives the counts as they are now.
func (s *Store) Stats() Stats {
	st := Stats{Loading: int(s.waiting.Load())}
	s.mu.Lock()
	for _, l := range s.models {
		select {
		case <-l.done:
			st.Models++
			if l.embedder != nil {
				queued, done := l.embedder.queue.stats()
				st.Queued += queued
				st.Batches.add(done)
			}
		default:
		}
	}
	s.mu.Unlock()
	if r := s.runtime.Load(); r != nil {
		st.Runs, st.Cores, st.Waiting = len(r.slots)+len(r.beside), cap(r.slots), int(r.waiting.Load())
	}
	if c := s.cache; c != nil {
		c.mu.Lock()
		st.CacheBytes, st.CacheTexts = c.used, c.recent.Len()
		st.CacheHits, st.CacheMisses, st.CacheEvictions = c.hits, c.misses, c.evictions
		c.mu.Unlock()
	}
	return st
}
