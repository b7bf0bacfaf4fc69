package gbdt

import "sync"

// histogramMemory is how much the histograms of open nodes may take before some are given up and built again when needed.
const histogramMemory = 512 << 20

// pool keeps the histograms of nodes for reuse.
type pool struct {
	mu       sync.Mutex
	features int
	limit    int // of those handed out, before nodes should give up theirs
	free     [][]histogram
	out      int // handed out
}

func (p *pool) get() []histogram {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out++
	if n := len(p.free); n > 0 {
		h := p.free[n-1]
		p.free = p.free[:n-1]
		return h
	}
	return make([]histogram, p.features)
}

func (p *pool) put(h []histogram) {
	if h != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.out--
		p.free = append(p.free, h)
	}
}

// newPool makes a pool for histograms of so many features, with the memory that they may take.
func newPool(features, memory int) *pool {
	const size = maxBins * 16
	return &pool{features: features, limit: max(4, memory/(size*features))}
}

// crowded says whether a node should give up its histogram.
func (p *pool) crowded() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out > p.limit
}
