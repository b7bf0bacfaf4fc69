package gbdt

import (
	"context"
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

// divideAll splits the cells of a level.
func (o *oblivious) divideAll(cells []cell, s *split) []cell {
	t := o.t
	next := make([]cell, 2*len(cells))
	t.share(len(cells), func(i int) int { return cells[i].to - cells[i].from }, func(by *crew.Crew, i int) {
		next[2*i], next[2*i+1] = o.divide(by, cells[i], s, true)
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
	parts := t.build(by, out, rows, o.grads[group])
	defer t.release(parts)
	const together = 8
	tasks := (len(t.used) + together - 1) / together
	by.Each(tasks, len(t.used)*maxBins*(1+len(parts)), func(task int) {
		for _, f := range t.used[task*together : min((task+1)*together, len(t.used))] {
			t.finish(out, sibling, int(f), parts)
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
