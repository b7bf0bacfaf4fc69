package gbdt

import (
	"context"
	"math"
	"slices"

	"github.com/pgowl/pgowl/models/crew"
)

// maxObliviousDepth is CatBoost's largest depth.
const maxObliviousDepth = 16

// obliviousSplit is the split of all nodes of a level.
type obliviousSplit struct {
	split
	score float64
}

// cell is a leaf of an oblivious tree that grows: its rows in trainer.rows, and its sums and histograms, one set a group; a histogram is nil when it has no rows.
type cell struct {
	from, to int
	sums     []sum
	hists    [][]histogram
}

// oblivious grows CatBoost's trees: those in which all nodes of a level have the same split (SymmetricTree), and, in catgrow.go, others. The score of a split is the
// cosine between the gradients and what the leaves would say (or L2, the squared gain), over all leaves and groups.
type oblivious struct {
	t     *trainer
	depth int
	l2    float64
	share float64 // of the features that a level chooses from
	seed  uint64
	plain bool    // the score is L2
	noise float64 // standard deviation of what is added to scores
	high  bool    // missing values are above all others

	minData, maxLeaves int    // of trees that are not symmetric
	signs              []int8 // monotone constraints of the features, nil: there are none

	// grads are those of the tree that is being grown, weighted, [group][row], with the weights in place of second derivatives.
	grads [][]gradient
}

// root begins a tree from the rows of the trainer.
func (o *oblivious) root(number uint64) cell {
	t := o.t
	t.number = number
	t.packed.values = nil
	if len(o.grads) == 1 {
		t.pack(o.grads[0])
	}
	c := cell{to: len(t.rows), sums: make([]sum, len(o.grads)), hists: make([][]histogram, len(o.grads))}
	for k := range o.grads {
		c.sums[k] = t.total(o.grads[k])
		c.hists[k] = t.pool.get()
		o.sum(t.crew, c.hists[k], nil, t.rows, k)
	}
	return c
}

// release gives the histograms of cells back.
func (o *oblivious) release(cells []cell) {
	for _, c := range cells {
		for _, h := range c.hists {
			o.t.pool.put(h)
		}
	}
}

// grow returns the splits of a tree, a level each.
func (o *oblivious) grow(ctx context.Context, number uint64) ([]obliviousSplit, error) {
	cells := []cell{o.root(number)}
	var splits []obliviousSplit
	for level := range o.depth {
		if o.t.crew.Stopped() {
			break
		}
		best := o.search(cells, o.allowed(level), level, o.signsOf(splits))
		if best.feature < 0 {
			break
		}
		splits = append(splits, best)
		if at := o.redundant(cells, &best.split); at >= 0 {
			splits = slices.Delete(splits, at, at+1)
			break
		}
		if level+1 == o.depth {
			break
		}
		cells = o.divideAll(cells, &best.split)
	}
	o.release(cells)
	if o.t.crew.Stopped() {
		return nil, context.Cause(ctx)
	}
	return splits, nil
}

// divideAll splits the cells of a level: one after the other those that several threads share, the others a thread each.
func (o *oblivious) divideAll(cells []cell, s *split) []cell {
	t := o.t
	next := make([]cell, 2*len(cells))
	rows, small := 0, []int(nil)
	for i, c := range cells {
		if n := c.to - c.from; n < expandedAlone {
			rows, small = rows+n, append(small, i)
			continue
		}
		next[2*i], next[2*i+1] = o.divide(t.crew, c, s, true)
	}
	alone := t.crew.Alone()
	t.crew.Each(len(small), (rows+len(small)*maxBins)*len(t.used), func(i int) {
		at := small[i]
		next[2*at], next[2*at+1] = o.divide(alone, cells[at], s, true)
	})
	return next
}

// redundant finds a level whose split divides no cell once these have been split: of each two cells that it parts, one is empty. -1: there is none. CatBoost
// takes it away and ends the tree.
func (o *oblivious) redundant(cells []cell, s *split) int {
	empty := make([]bool, 2*len(cells))
	for i, c := range cells {
		left := o.left(c, s, 0)
		empty[2*i], empty[2*i+1] = left.h <= 1e-9*c.sums[0].h, c.sums[0].h-left.h <= 1e-9*c.sums[0].h
	}
	for level, size := 0, len(cells); size > 0; level, size = level+1, size/2 {
		parts := false
		for i := range empty {
			parts = parts || i&size == 0 && !empty[i] && !empty[i|size]
		}
		if !parts {
			return level
		}
	}
	return -1
}

// left is the sum of what a split sends to the left.
func (o *oblivious) left(c cell, s *split, group int) (l sum) {
	if c.hists[group] == nil {
		return l
	}
	h := &c.hists[group][s.feature]
	for bin := 0; bin <= int(s.bin); bin++ {
		l.g, l.h = l.g+h[bin].g, l.h+h[bin].h
	}
	if o.t.bins.features[s.feature].missing && s.defaultLeft {
		l.g, l.h = l.g+h[missingBin].g, l.h+h[missingBin].h
	}
	return l
}

// sum builds the histograms of rows for a group, and takes them off sibling's where that is not nil.
func (o *oblivious) sum(by *crew.Crew, out, sibling []histogram, rows []int32, group int) {
	t := o.t
	blocks := t.build(by, out, rows, o.grads[group])
	const together = 8
	tasks := (len(t.used) + together - 1) / together
	by.Each(tasks, len(t.used)*maxBins*blocks, func(task int) {
		for _, f := range t.used[task*together : min((task+1)*together, len(t.used))] {
			t.finish(out, sibling, int(f), blocks)
		}
	})
}

// divide splits a cell, whose histograms it takes. With more, those of the halves are made.
func (o *oblivious) divide(by *crew.Crew, c cell, s *split, more bool) (left, right cell) {
	t := o.t
	n := 0
	if c.to > c.from {
		n = t.partition(by, c.from, c.to, s)
	}
	left, right = cell{from: c.from, to: c.from + n}, cell{from: c.from + n, to: c.to}
	left.hists, right.hists = make([][]histogram, len(c.sums)), make([][]histogram, len(c.sums))
	for k := range c.sums {
		l := o.left(c, s, k)
		left.sums, right.sums = append(left.sums, l), append(right.sums, c.sums[k].minus(l))
	}
	if !more {
		o.release([]cell{c})
		return left, right
	}
	small, large := &left, &right
	if right.to-right.from < left.to-left.from {
		small, large = &right, &left
	}
	copy(large.hists, c.hists)
	if small.from == small.to {
		return left, right
	}
	for k := range c.sums {
		small.hists[k] = t.pool.get()
		o.sum(by, small.hists[k], large.hists[k], t.rows[small.from:small.to], k)
	}
	return left, right
}

// search finds the best split of cells among those by the features of a set. key is what its draws depend on, path the monotone constraints
// of the splits so far. Of splits with the same score it is the first, but
// those of features with two bins come last: CatBoost looks at them in packs.
func (o *oblivious) search(cells []cell, set []int32, key int, path []int8) obliviousSplit {
	t := o.t
	bound := constrained(path)
	found := make([]obliviousSplit, len(set))
	t.crew.Each(len(set), len(set)*len(cells)*maxBins*8, func(i int) {
		if bound || o.signOf(set[i]) != 0 {
			found[i] = o.scanMonotone(cells, set[i], key, path)
		} else {
			found[i] = o.scan(cells, set[i], key)
		}
	})
	o.bestCategories(found)
	best := obliviousSplit{score: math.Inf(-1), split: split{feature: -1}}
	for _, packed := range []bool{false, true} {
		for _, f := range found {
			if f.feature < 0 || packed != o.packed(f.feature) {
				continue
			}
			f.score = f.gain + o.draw(key, f.feature, 0)
			if f.score > best.score {
				best = f
			}
		}
	}
	return best
}

// bestCategories leaves of the features that are one category each only the one that scores most, for each feature that they are made of: to CatBoost they are the
// cuts of that one.
func (o *oblivious) bestCategories(found []obliviousSplit) {
	best := map[int32]int{}
	for i := range found {
		if found[i].feature < 0 {
			continue
		}
		target := o.t.bins.features[found[i].feature].targets
		if target == nil || !target.oneHot {
			continue
		}
		other, is := best[target.source]
		switch {
		case !is:
			best[target.source] = i
		case found[i].score > found[other].score:
			found[other].feature, best[target.source] = -1, i
		default:
			found[i].feature = -1
		}
	}
}

// packed says whether a feature has two bins.
func (o *oblivious) packed(f int32) bool {
	feat := &o.t.bins.features[f]
	bins := feat.bins()
	if feat.missing {
		bins++
	}
	return bins <= 2 && feat.targets == nil
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

// cuts are the first and the last cut of a feature.
func (o *oblivious) cuts(feat *feature) (first, last int) {
	last = feat.bins() - 2
	switch {
	case feat.missing && o.high:
		last++
	case feat.missing:
		first = -1 // missing values alone on the left
	}
	return first, last
}

// scan tries all cuts of a feature.
func (o *oblivious) scan(cells []cell, f int32, key int) obliviousSplit {
	feat := &o.t.bins.features[f]
	best := obliviousSplit{score: math.Inf(-1), split: split{feature: -1, defaultLeft: !o.high}}
	first, last := o.cuts(feat)
	if last < first {
		return best
	}
	var above, below [maxBins + 1]float64 // of the fraction of each cut's score
	for _, c := range cells {
		for k, hist := range c.hists {
			if hist == nil {
				continue
			}
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
			}
		}
	}
	for cut := first; cut <= last; cut++ {
		best.offer(o, above[cut+1], below[cut+1], f, cut, key)
	}
	return best
}

// offer takes a cut that scores more, by the fraction of its score and a draw.
func (best *obliviousSplit) offer(o *oblivious, above, below float64, f int32, cut, key int) {
	gain := above
	if !o.plain {
		gain /= math.Sqrt(max(below, 1e-100))
	}
	score := gain + o.draw(key, f, cut+2)
	if !(score > best.score) {
		return
	}
	best.score, best.feature, best.bin, best.gain = score, f, int32(cut), gain
	feat := &o.t.bins.features[f]
	best.threshold = feat.below
	if cut >= 0 && feat.codes == nil && feat.targets == nil {
		best.threshold = feat.cuts[cut]
	}
}

// draw is what is added to a score by chance: to that of a feature's cut, from 1 on, and once more to that of its best cut, 0, when it is compared with those of
// other features.
func (o *oblivious) draw(key int, f int32, cut int) float64 {
	if o.noise <= 0 {
		return 0
	}
	return o.noise * normal(draw(o.seed, drawNoise, o.t.number, uint64(key), uint64(f), uint64(cut)))
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
