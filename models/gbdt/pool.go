package gbdt

// histogramMemory is how much the histograms of open nodes may take before some are given up and built again when needed.
const histogramMemory = 512 << 20

// pool keeps the histograms of nodes for reuse.
type pool struct {
	features int
	free     [][]histogram
	out      int // handed out
}

func (p *pool) get() []histogram {
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
		p.out--
		p.free = append(p.free, h)
	}
}

// crowded says whether a node should give up its histogram.
func (p *pool) crowded() bool {
	const size = maxBins * 16
	return p.out > max(16, histogramMemory/(size*p.features))
}
