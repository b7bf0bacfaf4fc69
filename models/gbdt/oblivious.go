package gbdt

import (
	"context"
	"math"
)

// maxObliviousDepth is CatBoost's largest depth.
const maxObliviousDepth = 16

// obliviousSplit is the split of all nodes of a level.
type obliviousSplit struct {
	split
	score float64
}

// cell is a leaf of an oblivious tree that grows: its rows in trainer.rows, and its sums and histograms, one set a group; no histograms when it has no rows.
type cell struct {
	from, to int
	sums     []sum
	hists    [][]histogram
}

// oblivious grows trees in which all nodes of a level have the same split (CatBoost's SymmetricTree). The score of a split is the cosine between the
// gradients and what the leaves would say (or L2, the squared gain), over all leaves and groups.
type oblivious struct {
	t     *trainer
	depth int
	l2    float64
	share float64 // of the features that a level chooses from
	seed  uint64
	plain bool    // the score is L2
	noise float64 // standard deviation of what is added to scores
	high  bool    // missing values are above all others
}

// grow returns the splits of a tree, a level each, from the rows of the trainer. grads are weighted gradients, and the weights in place of second derivatives.
func (o *oblivious) grow(ctx context.Context, grads [][]gradient, number uint64) ([]obliviousSplit, error) {
	t := o.t
	t.number = number
	t.packed.values = nil
	if len(grads) == 1 {
		t.pack(grads[0])
	}
	root := cell{to: len(t.rows), sums: make([]sum, len(grads)), hists: make([][]histogram, len(grads))}
	for k := range grads {
		root.sums[k] = t.total(grads[k])
		root.hists[k] = t.pool.get()
		o.sum(root.hists[k], nil, t.rows, grads[k])
	}
	cells := []cell{root}
	var splits []obliviousSplit
	for level := range o.depth {
		if t.crew.Stopped() {
			return nil, context.Cause(ctx)
		}
		best := o.search(cells, level)
		if best.feature < 0 {
			break
		}
		splits = append(splits, best)
		if level+1 == o.depth {
			break
		}
		cells = o.divide(cells, &best.split, grads)
	}
	for _, c := range cells {
		for _, h := range c.hists {
			t.pool.put(h)
		}
	}
	if t.crew.Stopped() {
		return nil, context.Cause(ctx)
	}
	return splits, nil
}

// sum builds the histograms of rows, and takes them off sibling's where that is not nil.
func (o *oblivious) sum(out, sibling []histogram, rows []int32, grads []gradient) {
	t := o.t
	blocks := t.build(t.crew, out, rows, grads)
	const together = 8
	tasks := (len(t.used) + together - 1) / together
	t.crew.Each(tasks, len(t.used)*maxBins*blocks, func(task int) {
		for _, f := range t.used[task*together : min((task+1)*together, len(t.used))] {
			t.finish(out, sibling, int(f), blocks)
		}
	})
}

// divide splits all cells and makes their histograms for the next level.
func (o *oblivious) divide(cells []cell, s *split, grads [][]gradient) []cell {
	t := o.t
	next := make([]cell, 0, 2*len(cells))
	for _, c := range cells {
		n := 0
		if c.to > c.from {
			n = t.partition(t.crew, c.from, c.to, s)
		}
		left, right := cell{from: c.from, to: c.from + n}, cell{from: c.from + n, to: c.to}
		for k := range c.hists {
			var l sum
			feat := &t.bins.features[s.feature]
			h := &c.hists[k][s.feature]
			for bin := 0; bin <= int(s.bin); bin++ {
				l.g, l.h = l.g+h[bin].g, l.h+h[bin].h
			}
			if feat.missing && s.defaultLeft {
				l.g, l.h = l.g+h[missingBin].g, l.h+h[missingBin].h
			}
			left.sums, right.sums = append(left.sums, l), append(right.sums, c.sums[k].minus(l))
		}
		small, large := &left, &right
		if right.to-right.from < left.to-left.from {
			small, large = &right, &left
		}
		for k, parent := range c.hists {
			if small.from == small.to {
				large.hists = append(large.hists, parent)
				continue
			}
			h := t.pool.get()
			o.sum(h, parent, t.rows[small.from:small.to], grads[k])
			small.hists, large.hists = append(small.hists, h), append(large.hists, parent)
		}
		next = append(next, left, right)
	}
	return next
}

// search finds the split of a level.
func (o *oblivious) search(cells []cell, level int) obliviousSplit {
	t := o.t
	set := o.allowed(level)
	found := make([]obliviousSplit, len(set))
	t.crew.Each(len(set), len(set)*len(cells)*maxBins*8, func(i int) { found[i] = o.scan(cells, set[i], level) })
	best := obliviousSplit{score: math.Inf(-1), split: split{feature: -1}}
	for _, f := range found {
		if f.feature < 0 {
			continue
		}
		f.score = f.gain + o.draw(level, f.feature, 0)
		if f.score > best.score {
			best = f
		}
	}
	return best
}

// allowed are the features that a level chooses from: each with the same chance, and now and then none.
func (o *oblivious) allowed(level int) []int32 {
	if o.share >= 1 {
		return o.t.used
	}
	var set []int32
	for _, f := range o.t.used {
		if unit(draw(o.seed, drawLevel, o.t.number, uint64(level), uint64(f))) < o.share {
			set = append(set, f)
		}
	}
	return set
}

// scan tries all cuts of a feature.
func (o *oblivious) scan(cells []cell, f int32, level int) obliviousSplit {
	feat := &o.t.bins.features[f]
	best := obliviousSplit{score: math.Inf(-1), split: split{feature: -1, defaultLeft: !o.high}}
	bins := feat.bins()
	first, last := 0, bins-2
	if feat.missing && !o.high {
		first = -1 // missing values alone on the left
	}
	if feat.missing && o.high {
		last = bins - 1
	}
	if last < first {
		return best
	}
	var above, below [maxBins + 1]float64 // of the fraction of each cut's score
	var divides [maxBins + 1]bool
	for _, c := range cells {
		for k, hist := range c.hists {
			h, total := &hist[f], c.sums[k]
			var left sum
			if feat.missing && !o.high {
				left = h[missingBin]
			}
			for cut := first; cut <= last; cut++ {
				if cut >= 0 {
					left.g, left.h = left.g+h[cut].g, left.h+h[cut].h
				}
				right := total.minus(left)
				o.add(left, &above[cut+1], &below[cut+1])
				o.add(right, &above[cut+1], &below[cut+1])
				divides[cut+1] = divides[cut+1] || left.h > 1e-9*total.h && right.h > 1e-9*total.h
			}
		}
	}
	for cut := first; cut <= last; cut++ {
		if !divides[cut+1] {
			continue
		}
		score := above[cut+1]
		if !o.plain {
			score /= math.Sqrt(max(below[cut+1], 1e-100))
		}
		gain := score
		score += o.draw(level, f, cut+2)
		if score > best.score {
			best.score = score
			best.feature, best.bin, best.gain = f, int32(cut), gain
			best.threshold = feat.below
			if cut >= 0 && feat.codes == nil && feat.targets == nil {
				best.threshold = feat.cuts[cut]
			}
		}
	}
	return best
}

// draw is what is added to a score by chance: to that of a feature's cut, from 1 on, and once more to that of its best cut, 0, when it is compared with those of
// other features.
func (o *oblivious) draw(level int, f int32, cut int) float64 {
	if o.noise <= 0 {
		return 0
	}
	return o.noise * normal(draw(o.seed, drawNoise, o.t.number, uint64(level), uint64(f), uint64(cut)))
}

// add adds a leaf to the fraction of a score.
func (o *oblivious) add(s sum, above, below *float64) {
	if s.h <= 0 {
		return
	}
	mean := s.g / (s.h + o.l2)
	*above += s.g * mean
	*below += s.h * mean * mean
}

// normal turns a hash into a draw of the normal distribution (Box and Muller).
func normal(h uint64) float64 {
	u, v := 1-unit(h), unit(mix(h))
	return math.Sqrt(-2*math.Log(u)) * math.Cos(2*math.Pi*v)
}
