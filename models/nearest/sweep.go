package nearest

import (
	"cmp"
	"context"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// maxTogether is the largest number of queries that one scan answers.
const maxTogether = 64

// A sweeper answers the queries of all sessions on an index: those that come while a scan runs wait for it, and go through the next one together.
type sweeper struct {
	index   *Index
	mu      sync.Mutex
	waiting []*search
	running bool
}

// search is a query that somebody waits for.
type search struct {
	query Query
	k     int
	done  chan struct{} // closed when found is there
	found []Found
	gone  atomic.Bool // nobody waits any more

	// of the scan that answers it
	least atomic.Uint32 // bits of a score that rows have to have, from what all threads know
	slack float64       // by how much a score may be from the cosine
}

// Search gives the k rows whose cosine with each query is largest, in order, fewer where there are fewer. Queries have the index's number of dimensions, and k is 1 or more. When ctx is
// done before, the error is its cause, and the scan ends unless others need it.
func (x *Index) Search(ctx context.Context, queries []Query, k int) ([][]Found, error) {
	all := make([]*search, len(queries))
	for i, q := range queries {
		all[i] = &search{query: q, k: k, done: make(chan struct{})}
	}
	s := &x.sweeps
	s.mu.Lock()
	s.waiting = append(s.waiting, all...)
	if !s.running && len(s.waiting) > 0 {
		s.running = true
		go s.run()
	}
	s.mu.Unlock()
	found := make([][]Found, len(all))
	for i, one := range all {
		select {
		case <-one.done:
			found[i] = one.found
		case <-ctx.Done():
			for _, o := range all {
				o.gone.Store(true)
			}
			return nil, context.Cause(ctx)
		}
	}
	return found, nil
}

// run scans as long as there are queries.
func (s *sweeper) run() {
	for {
		s.mu.Lock()
		s.waiting = slices.DeleteFunc(s.waiting, func(one *search) bool { return one.gone.Load() })
		n := min(len(s.waiting), maxTogether)
		if n == 0 {
			s.running = false
			s.waiting = nil
			s.mu.Unlock()
			return
		}
		now := slices.Clone(s.waiting[:n])
		s.waiting = slices.Delete(s.waiting, 0, n)
		s.mu.Unlock()
		s.index.sweep(now)
		for _, one := range now {
			close(one.done)
		}
	}
}

// slack is by how much a score of the first pass may be from the cosine. The score is the sum, in single precision, of the products of a query of length 1 and a row that is rounded to
// bfloat16, times one by the row's length: the rounding of the row costs what it is at most, each addition, and each of the few roundings beside, half of a last place of a sum
// that is itself not above 1 and that.
func (x *Index) slack() float64 {
	const place = 0x1p-24
	return (x.rounded + float64(2*x.pairs+8)*place*1.02) * (1 + 1e-6)
}

// sweep answers some queries by one scan.
func (x *Index) sweep(all []*search) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, s := range all {
		s.slack = x.slack()
		s.least.Store(math.Float32bits(float32(math.Inf(-1))))
	}
	blocks := (x.n + blockRows - 1) / blockRows
	groups := group(all, x.pairs)
	threads := min(runtime.GOMAXPROCS(0), blocks)
	workers := make([]*worker, max(threads, 1))
	var next atomic.Int64
	var others sync.WaitGroup
	for i := range workers {
		w := newWorker(x, all, groups)
		workers[i] = w
		run := func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= blocks || allGone(all) {
					return
				}
				w.block(i)
			}
		}
		if i == len(workers)-1 {
			run()
		} else {
			others.Go(run)
		}
	}
	others.Wait()
	for i, s := range all {
		if s.gone.Load() {
			continue
		}
		candidates := workers[0].kept[i]
		for _, w := range workers[1:] {
			candidates = append(candidates, w.kept[i]...)
		}
		candidates, _ = prune(candidates, s.k, s.slack)
		s.found = x.exact(s, candidates)
	}
}

func allGone(all []*search) bool {
	return !slices.ContainsFunc(all, func(s *search) bool { return !s.gone.Load() })
}

// exact compares the rows that may be among the best.
func (x *Index) exact(s *search, candidates []candidate) []Found {
	found := make([]Found, 0, len(candidates)+len(x.odd))
	var vector []float32
	for _, c := range candidates {
		vector = x.vector(c.at, vector)
		b, i := x.place(c.at)
		found = append(found, Found{b.rows[i], s.query.Cosine(vector)})
	}
	for row, vector := range x.odd {
		found = append(found, Found{row, s.query.Cosine(vector)})
	}
	slices.SortFunc(found, compare)
	return slices.Clone(found[:min(s.k, len(found))])
}

// candidate is a row with its score of the first pass.
type candidate struct {
	score float32
	at    uint32
}

// prune leaves the candidates that may be among the k best: k rows have at least the k-th score less the slack, so whoever is farther below than twice that is not. It gives the score
// below which none is needed.
func prune(all []candidate, k int, slack float64) ([]candidate, float32) {
	if len(all) < k {
		return all, float32(math.Inf(-1))
	}
	slices.SortFunc(all, func(a, b candidate) int { return cmp.Compare(b.score, a.score) })
	least := math.Nextafter32(float32(float64(all[k-1].score)-2*slack), float32(math.Inf(-1)))
	n := k
	for n < len(all) && all[n].score >= least {
		n++
	}
	return all[:n], least
}
