package gbdt

import (
	"slices"

	"github.com/pgowl/pgowl/models/crew"
)

// Open leaves are expanded several at a time: two that are small keep two threads busier than one whose parts have to wait for each other. Which ones go together
// depends on the data alone, and what comes out of one does not depend on the others.

const (
	// expandedTogether is the largest number of leaves that are expanded at a time.
	expandedTogether = 16
)

// lookAhead is how many leaves to expand now, in a tree with so many. Where the number of leaves is limited a leaf that waits may find its place taken by the children
// of others, and was then expanded in vain: the nearer the end, the likelier.
func (t *trainer) lookAhead(leaves int) int {
	most := min(expandedTogether, t.pool.limit/4)
	if t.columns != nil && t.columns.drawsInSearch {
		return 1 // in the order that LightGBM draws in
	}
	if t.params.maxLeaves == 0 {
		return most
	}
	return max(1, min(most, (t.params.maxLeaves-leaves)/4))
}

// expandAll carries out the splits of open leaves and searches their children. last says that no child will be split.
func (t *trainer) expandAll(leaves []*open, grads []gradient, last bool) {
	for _, o := range leaves {
		t.chooseLevels(o.depth + 1)
	}
	t.share(len(leaves), func(i int) int { return leaves[i].to - leaves[i].from }, func(c *crew.Crew, i int) { t.expand(c, leaves[i], grads, last) })
	for _, o := range leaves { // not before, when it would depend on who comes first
		for _, child := range []*open{o.left, o.right} {
			if child != nil && child.hist != nil && t.pool.crowded() {
				t.pool.put(child.hist)
				child.hist = nil
			}
		}
	}
}

// share does n tasks, of which each has so many rows: those that are more than a thread's share of what is left one after the other, all threads working on each, and then the
// others a thread each. do gets the threads; what it does must not depend on how many they are.
func (t *trainer) share(n int, rows func(i int) int, do func(c *crew.Crew, i int)) {
	order, left := make([]int, n), 0
	for i := range order {
		order[i] = i
		left += rows(i)
	}
	// The long ones first, so that no thread is left with one in the end.
	slices.SortStableFunc(order, func(a, b int) int { return rows(b) - rows(a) })
	for len(order) > 0 && (len(order) == 1 || rows(order[0]) > left/t.crew.Workers()*11/10) {
		do(t.crew, order[0])
		left -= rows(order[0])
		order = order[1:]
	}
	alone := t.crew.Alone()
	t.crew.Each(len(order), (left+len(order)*maxBins)*len(t.used), func(i int) { do(alone, order[i]) })
}

// expand carries out the split of an open leaf and, but for the last one of a tree, searches its children.
func (t *trainer) expand(c *crew.Crew, o *open, grads []gradient, last bool) {
	o.expanded = true
	n := t.partition(c, o.from, o.to, &o.split)
	if n == 0 || n == o.to-o.from {
		return // the gain came from rounding alone: all rows are on one side
	}
	s := &o.split
	if t.rules != nil && t.rules.larger && s.set == nil && !t.bins.features[s.feature].missing {
		s.defaultLeft = n > o.to-o.from-n
	}
	o.left = &open{depth: o.depth + 1, from: o.from, to: o.from + n, place: 2 * o.place, output: s.outputs[0], idle: slices.Clone(o.idle)}
	o.right = &open{depth: o.depth + 1, from: o.from + n, to: o.to, place: 2*o.place + 1, output: s.outputs[1], idle: o.idle}
	if last {
		t.pool.put(o.hist)
		o.hist = nil
		return
	}
	t.constrain(o, o.left, o.right)
	t.searchChildren(c, o, o.left, o.right, grads)
}

// searchAlone builds and searches a node without the help of its parent's histogram.
func (t *trainer) searchAlone(c *crew.Crew, o *open, s sum, grads []gradient) {
	if !t.divisible(o, s) || t.crew.Stopped() {
		return
	}
	o.hist = t.pool.get()
	parts := t.build(c, o.hist, t.rows[o.from:o.to], grads)
	t.search(c, searched{first: o, firstSum: s, node: o.hist, parts: parts})
	t.release(parts)
}

// searchChildren finds the best splits of two new nodes and takes over the histograms of their parent.
func (t *trainer) searchChildren(c *crew.Crew, parent, left, right *open, grads []gradient) {
	small, large := left, right
	smallSum, largeSum := parent.split.left, parent.split.right
	if n := right.to - right.from - (left.to - left.from); n < 0 || n == 0 && t.columns != nil {
		small, large = right, left
		smallSum, largeSum = largeSum, smallSum
	}
	wantSmall, wantLarge := t.divisible(small, smallSum), t.divisible(large, largeSum)
	if t.columns != nil && t.columns.drawsInSearch { // LightGBM draws for both
		wantLarge = wantLarge || wantSmall
		wantSmall = wantLarge
	}
	hist := parent.hist
	parent.hist = nil
	if !wantSmall && !wantLarge {
		t.pool.put(hist)
		return
	}
	if hist == nil { // it was given up
		t.searchAlone(c, small, smallSum, grads)
		t.searchAlone(c, large, largeSum, grads)
		return
	}
	s := searched{node: t.pool.get(), sibling: hist}
	if wantSmall {
		s.first, s.firstSum = small, smallSum
		small.hist = s.node
	}
	if wantLarge {
		s.second, s.secondSum = large, largeSum
		large.hist = hist
	} else {
		s.sibling = nil
	}
	s.parts = t.build(c, s.node, t.rows[small.from:small.to], grads)
	t.search(c, s)
	t.release(s.parts)
	if !wantSmall {
		t.pool.put(s.node)
	}
	if !wantLarge {
		t.pool.put(hist)
	}
}

// searched is one new node (built into node), or two of them (the second is what remains of sibling).
type searched struct {
	first, second       *open // nil: not wanted
	firstSum, secondSum sum
	node, sibling       []histogram
	parts               [][]histogram // of node, which are not added to it yet
}

// search completes the histograms and scans them, a few features a task.
func (t *trainer) search(c *crew.Crew, s searched) {
	if t.crew.Stopped() {
		return
	}
	for _, o := range []*open{s.first, s.second} {
		if o != nil {
			o.may = t.allowed(o)
		}
	}
	wanted := func(o *open, f int32) bool {
		// LightGBM searches all features of a tree, to know which are idle, and then chooses among those of the node.
		return o != nil && (o.may == nil || o.may[f] || t.columns != nil)
	}
	used := t.used
	const together = 4
	tasks := (len(used) + together - 1) / together
	found := make([][2]split, tasks)
	c.Each(tasks, len(used)*maxBins*4, func(task int) {
		scans := [2]finder{t.finder(s.first, s.firstSum), t.finder(s.second, s.secondSum)}
		for _, f := range used[task*together : min((task+1)*together, len(used))] {
			feat := &t.bins.features[f]
			t.finish(s.node, s.sibling, int(f), s.parts)
			if wanted(s.first, f) {
				scans[0].feature(f, feat, &s.node[f])
			}
			if wanted(s.second, f) {
				scans[1].feature(f, feat, &s.sibling[f])
			}
		}
		found[task] = [2]split{scans[0].found(), scans[1].found()}
	})
	for i, o := range []*open{s.first, s.second} {
		if o == nil {
			continue
		}
		for _, pair := range found {
			if pair[i].gain > o.split.gain {
				o.split = pair[i]
			}
		}
	}
}
