package gbdt

// locate finds the leaf of each row: the first split decides the first half.
func (f *catFit) locate(splits []obliviousSplit) {
	rights := make([][maxBins]uint8, len(splits))
	for i := range splits {
		f.t.sides(&rights[i], &splits[i].split)
		for b := range rights[i] {
			rights[i][b] ^= 1
		}
	}
	f.each(2*len(splits), func(from, to int) {
		places := f.places[from:to]
		clear(places)
		for i := range splits {
			column, right := f.t.bins.columns[splits[i].feature][from:to], &rights[i]
			for r, b := range column[:len(places)] {
				places[r] = places[r]<<1 | uint16(right[b])
			}
		}
	})
}

// tree writes an oblivious tree as nodes, for group k.
func (f *catFit) tree(splits []obliviousSplit, stats []stat, values [][]float64, k int) tree {
	inner := 1<<len(splits) - 1
	t := tree{nodes: make([]node, inner+len(stats)), stats: make([]stat, inner+len(stats))}
	copy(t.stats[inner:], stats)
	for i := range stats {
		t.nodes[inner+i] = node{feature: leaf, value: float32(values[i][k])}
	}
	for i := inner - 1; i >= 0; i-- {
		level := 0
		for 1<<(level+1)-1 <= i {
			level++
		}
		s := &splits[level]
		t.nodes[i] = f.node(s, int32(2*i+1))
		l, r := t.stats[2*i+1], t.stats[2*i+2]
		t.stats[i] = stat{gain: finite(s.gain), cover: l.cover + r.cover, rows: l.rows + r.rows}
	}
	return t
}

// locateIn finds the leaf of each row in a tree that is not symmetric.
func (f *catFit) locateIn(nodes []grownNode) {
	rights := make([][maxBins]uint8, len(nodes))
	for i := range nodes {
		if nodes[i].left == 0 {
			continue
		}
		f.t.sides(&rights[i], &nodes[i].split)
		for b := range rights[i] {
			rights[i][b] ^= 1
		}
	}
	f.each(20, func(from, to int) {
		for r := from; r < to; r++ {
			at := int32(0)
			for nodes[at].left > 0 {
				at = nodes[at].left + int32(rights[at][f.t.bins.columns[nodes[at].feature][r]])
			}
			f.places[r] = nodes[at].place
		}
	})
}

// grownTree writes a tree that is not symmetric, for group k.
func (f *catFit) grownTree(nodes []grownNode, stats []stat, values [][]float64, k int) tree {
	t := tree{nodes: make([]node, len(nodes)), stats: make([]stat, len(nodes))}
	for i := len(nodes) - 1; i >= 0; i-- { // children are behind their parents
		n := &nodes[i]
		if n.left == 0 {
			t.nodes[i], t.stats[i] = node{feature: leaf, value: float32(values[n.place][k])}, stats[n.place]
			continue
		}
		t.nodes[i] = f.node(&n.obliviousSplit, n.left)
		l, r := t.stats[n.left], t.stats[n.left+1]
		t.stats[i] = stat{gain: finite(n.gain), cover: l.cover + r.cover, rows: l.rows + r.rows}
	}
	return t
}

// node writes a split, whose children begin at left.
func (f *catFit) node(s *obliviousSplit, left int32) node {
	n := node{feature: s.feature, value: s.threshold, left: left, defaultLeft: s.defaultLeft}
	if target := f.t.bins.features[s.feature].targets; target != nil {
		target.split(&n, s.bin)
	}
	return n
}
