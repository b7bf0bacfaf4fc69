package text

import "time"

// Stats are what a Store holds and does. Runs and what waits for them are the process's: its cores are shared by all stores.
type Stats struct {
	Models  int // loaded
	Loading int // callers that wait for a model to be loaded
	Runs    int // batches of texts that go through a model now
	Cores   int // how many may at a time; 0 until a model has been loaded
	Waiting int // batches that wait for a core
	Queued  int // tokens of texts that wait for a batch

	Batches    Batches // of all models so far
	GPUBatches Batches // of these: on a GPU
	GPUs       int     // that are in use
	GPUModels  int
	GPURuns    int           // batches that are made ready for them, run or are pooled; not among Runs
	GPUWaiting int           // workers that wait for them; not among Waiting
	GPUMemory  int64         // bytes of theirs
	GPUUsed    int64         // of these, by all processes
	GPURan     time.Duration // that batches have taken on them

	CacheBytes     int64 // of vectors and their texts
	CacheTexts     int
	CacheHits      uint64 // texts whose vector was there
	CacheMisses    uint64 // texts whose vector was not
	CacheEvictions uint64 // vectors that were put out for want of room
}

// served is what has gone through models, and what of it on a GPU.
type served struct{ all, gpu Batches }

func (s *served) add(b Batches, gpu bool) {
	s.all.add(b)
	if gpu {
		s.gpu.add(b)
	}
}

// Stats gives the counts as they are now.
func (s *Store) Stats() Stats {
	st := Stats{Loading: int(s.waiting.Load())}
	s.mu.Lock()
	sum := s.gone
	for _, l := range s.models {
		select {
		case <-l.done:
			st.Models++
			if l.embedder != nil {
				queued, done := l.embedder.queue.stats()
				st.Queued += queued
				sum.add(done, l.embedder.gpu != nil)
			}
		default:
		}
	}
	s.mu.Unlock()
	st.Batches, st.GPUBatches = sum.all, sum.gpu
	if r := s.runtime.Load(); r != nil {
		st.Runs, st.Cores, st.Waiting = len(r.slots)+len(r.beside), cap(r.slots), int(r.waiting.Load())
		for _, g := range r.GPUs() {
			st.GPUs++
			st.GPUModels, st.GPURuns, st.GPUWaiting = st.GPUModels+g.Models, st.GPURuns+g.Runs, st.GPUWaiting+g.Waiting
			st.GPUMemory, st.GPUUsed = st.GPUMemory+g.Memory, st.GPUUsed+g.Used
			st.GPURan += g.Ran
		}
	}
	if c := s.cache; c != nil {
		c.mu.Lock()
		st.CacheBytes, st.CacheTexts = c.used, c.recent.Len()
		st.CacheHits, st.CacheMisses, st.CacheEvictions = c.hits, c.misses, c.evictions
		c.mu.Unlock()
	}
	return st
}
