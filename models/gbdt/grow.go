package gbdt

import "slices"

// span is a leaf of a finished tree with the training rows that it holds, in trainer.rows.
type span struct {
	node     int32
	from, to int
}

// grow makes one tree from the gradients. After it t.rows holds the tree's rows by leaf, and t.leaves says where. The tree
// is of no use when the crew has been stopped meanwhile.
func (t *trainer) grow(grads []gradient, number uint64) tree {
	t.sampleColumns(number)
	return t.growOn(t.sampleRows(number, grads))
}

// growOn makes a tree of the rows in t.rows.
func (t *trainer) growOn(grads []gradient) tree {
	t.leaves = t.leaves[:0]
	p := &t.params
	t.pack(grads)
	total := t.total(grads)
	grown := tree{[]node{{feature: leaf, value: t.leafValue(total, noLimits)}}, []stat{covered(total, len(t.rows))}}
	root := &open{from: 0, to: len(t.rows), limits: noLimits, outer: noLimits}
	if t.rules != nil {
		root.output = t.rules.output(total, len(t.rows))
		root.idle = make([]bool, len(t.every))
	}
	f := newFrontier(p)
	t.searchAlone(root, total, grads)
	t.settle(f, root)
	leaves := 1
	for o := f.next(); o != nil && !t.crew.Stopped(); o = f.next() {
		if p.maxLeaves > 0 && leaves >= p.maxLeaves {
			t.close(o)
			continue
		}
		n := t.partition(t.rows[o.from:o.to], &o.split)
		if n == 0 || n == o.to-o.from {
			// The gain came from rounding alone: all rows are on one side.
			t.close(o)
			continue
		}
		child := int32(len(grown.nodes))
		s := &o.split
		if t.rules != nil && t.rules.larger && s.set == nil && !t.bins.features[s.feature].missing {
			s.defaultLeft = n > o.to-o.from-n
		}
		grown.nodes[o.node] = node{value: s.threshold, feature: s.feature, left: child, defaultLeft: s.defaultLeft, set: t.codes(s)}
		grown.nodes = append(grown.nodes, node{feature: leaf, value: t.childValue(o, 0)}, node{feature: leaf, value: t.childValue(o, 1)})
		grown.stats[o.node].gain = finite(s.gain)
		grown.stats = append(grown.stats, covered(s.left, n), covered(s.right, o.to-o.from-n))
		leaves++
		left := &open{node: child, depth: o.depth + 1, from: o.from, to: o.from + n, output: s.outputs[0], idle: slices.Clone(o.idle)}
		right := &open{node: child + 1, depth: o.depth + 1, from: o.from + n, to: o.to, output: s.outputs[1], idle: o.idle}
		t.constrain(o, left, right)
		t.searchChildren(o, left, right, grads)
		// The left one is taken out first when the order is "last in".
		t.settle(f, right)
		t.settle(f, left)
	}
	return grown
}

// leafValue is what a leaf adds to the margin. XGBoost shares the learning rate among parallel trees.
func (t *trainer) leafValue(s sum, l limits) float32 {
	if t.rules != nil {
		return float32(t.rules.output(s, len(t.rows)) * t.params.eta)
	}
	return l.clip(float32(t.params.weight(s))) * float32(t.params.eta) / float32(t.params.parallelTrees)
}

// childValue is that of the left child of a split (0) or of the right one (1).
func (t *trainer) childValue(o *open, side int) float32 {
	switch {
	case t.rules != nil:
		return float32(o.split.outputs[side] * t.params.eta)
	case side == 0:
		return t.leafValue(o.split.left, o.limits)
	}
	return t.leafValue(o.split.right, o.limits)
}

// settle puts a searched node among the open ones, or among the leaves when there is nothing to win.
func (t *trainer) settle(f *frontier, o *open) {
	if t.rules == nil && !o.split.worth(&t.params) || t.rules != nil && !(o.split.gain > 0) {
		t.close(o)
		return
	}
	f.add(o)
}

// close makes an open node a leaf for good.
func (t *trainer) close(o *open) {
	t.leaves = append(t.leaves, span{o.node, o.from, o.to})
	t.pool.put(o.hist)
	o.hist = nil
}

// total sums the gradients of all rows of the tree, in blocks of fixed size.
func (t *trainer) total(grads []gradient) sum {
	if t.packed.values != nil {
		return t.packed.total(t.rows)
	}
	blocks := (len(t.rows) + gradientBlock - 1) / gradientBlock
	parts := make([]sum, blocks)
	t.crew.Each(blocks, len(t.rows), func(b int) {
		var s sum
		for _, r := range t.rows[b*gradientBlock : min((b+1)*gradientBlock, len(t.rows))] {
			s.g += float64(grads[r].g)
			s.h += float64(grads[r].h)
		}
		parts[b] = s
	})
	var s sum
	for _, part := range parts {
		s.g += part.g
		s.h += part.h
	}
	return s
}

// divisible says whether a node could be split at all.
func (t *trainer) divisible(o *open, s sum) bool {
	p := &t.params
	if t.rules != nil {
		return t.rules.divisible(o)
	}
	return o.to-o.from >= 2 && o.depth < p.maxDepth && s.h >= 2*p.minChildWeight
}

// searchAlone builds and searches a node without the help of its parent's histogram.
func (t *trainer) searchAlone(o *open, s sum, grads []gradient) {
	if !t.divisible(o, s) || t.crew.Stopped() {
		return
	}
	o.hist = t.pool.get()
	blocks := t.build(o.hist, t.rows[o.from:o.to], grads)
	t.search(searched{first: o, firstSum: s, node: o.hist, blocks: blocks})
}

// searchChildren finds the best splits of two new nodes and takes over the histograms of their parent.
func (t *trainer) searchChildren(parent, left, right *open, grads []gradient) {
	small, large := left, right
	smallSum, largeSum := parent.split.left, parent.split.right
	if right.to-right.from < left.to-left.from {
		small, large = right, left
		smallSum, largeSum = largeSum, smallSum
	}
	wantSmall, wantLarge := t.divisible(small, smallSum), t.divisible(large, largeSum)
	hist := parent.hist
	parent.hist = nil
	if !wantSmall && !wantLarge {
		t.pool.put(hist)
		return
	}
	if hist == nil { // it was given up
		t.searchAlone(small, smallSum, grads)
		t.searchAlone(large, largeSum, grads)
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
	s.blocks = t.build(s.node, t.rows[small.from:small.to], grads)
	t.search(s)
	if !wantSmall {
		t.pool.put(s.node)
	}
	if !wantLarge {
		t.pool.put(hist)
	}
	for _, o := range []*open{small, large} {
		if o.hist != nil && t.pool.crowded() {
			t.pool.put(o.hist)
			o.hist = nil
		}
	}
}

// searched is one new node (built into node), or two of them (the second is what remains of sibling).
type searched struct {
	first, second       *open // nil: not wanted
	firstSum, secondSum sum
	node, sibling       []histogram
	blocks              int
}

// search completes the histograms and scans them, a few features a task.
func (t *trainer) search(s searched) {
	if t.crew.Stopped() {
		return
	}
	allowed := [2][]bool{t.allowed(s.first), t.allowed(s.second)}
	used := t.used
	const together = 4
	tasks := (len(used) + together - 1) / together
	found := make([][2]split, tasks)
	t.crew.Each(tasks, len(used)*maxBins*4, func(task int) {
		scans := [2]finder{t.finder(s.first, s.firstSum), t.finder(s.second, s.secondSum)}
		for _, f := range used[task*together : min((task+1)*together, len(used))] {
			feat := &t.bins.features[f]
			t.finish(s.node, s.sibling, int(f), s.blocks)
			if s.first != nil && (allowed[0] == nil || allowed[0][f]) {
				scans[0].feature(f, feat, &s.node[f])
			}
			if s.second != nil && (allowed[1] == nil || allowed[1][f]) {
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
