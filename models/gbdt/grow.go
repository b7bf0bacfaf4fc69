package gbdt

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
	grown := tree{nodes: []node{{feature: leaf, value: t.leafValue(total, noLimits)}}, stats: []stat{covered(t.real(total), len(t.rows))}}
	root := &open{from: 0, to: len(t.rows), place: 1, limits: noLimits, outer: noLimits, bounds: noBounds}
	if t.rules != nil {
		root.output = t.rules.output(t.real(total), len(t.rows))
		root.idle = make([]bool, len(t.every))
	}
	f := newFrontier(p)
	t.chooseLevels(0)
	t.searchAlone(t.crew, root, total, grads)
	t.settle(f, root)
	leaves := 1
	for o := f.next(); o != nil && !t.crew.Stopped(); o = f.next() {
		if p.maxLeaves > 0 && leaves >= p.maxLeaves {
			t.close(o)
			continue
		}
		if !o.expanded {
			last := p.maxLeaves > 0 && leaves+1 >= p.maxLeaves
			t.expandAll(f.ahead(o, t.lookAhead(leaves)), grads, last)
		}
		if o.left == nil {
			t.close(o)
			continue
		}
		s, left, right := &o.split, o.left, o.right
		child := int32(len(grown.nodes))
		left.node, right.node = child, child+1
		grown.nodes[o.node] = node{value: s.threshold, feature: s.feature, left: child, defaultLeft: s.defaultLeft, set: t.codes(s)}
		grown.nodes = append(grown.nodes, node{feature: leaf, value: t.childValue(o, 0)}, node{feature: leaf, value: t.childValue(o, 1)})
		grown.stats[o.node].gain = finite(s.gain)
		grown.stats = append(grown.stats, covered(t.real(s.left), left.to-left.from), covered(t.real(s.right), right.to-right.from))
		leaves++
		// The left one is taken out first when the order is "last in".
		t.settle(f, right)
		t.settle(f, left)
	}
	return grown
}

// leafValue is what a leaf adds to the margin. XGBoost shares the learning rate among parallel trees.
func (t *trainer) leafValue(s sum, l limits) float32 {
	if t.rules != nil {
		return float32(t.rules.output(t.real(s), len(t.rows)) * t.params.eta)
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
	for _, x := range []*open{o, o.left, o.right} {
		if x != nil {
			t.pool.put(x.hist)
			x.hist = nil
		}
	}
}

// total sums the gradients of all rows of the tree, in blocks of fixed size.
func (t *trainer) total(grads []gradient) sum {
	if t.packed.values != nil {
		return t.packed.total(t.rows, t.crew)
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
