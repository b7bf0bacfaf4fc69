package gbdt

// sampleRows fills t.rows with the rows of a tree, in order, and returns the gradients to use for them. Rows that are held out are in no tree.
func (t *trainer) sampleRows(number uint64, grads []gradient) []gradient {
	t.rows = t.rows[:0]
	p := &t.params
	if p.byGradient && p.subsample < 1 {
		return t.sampleByGradient(number, grads)
	}
	if t.held == nil && p.subsample >= 1 {
		t.rows = t.rows[:t.data.Rows]
		t.eachRow(1, func(from, to int) {
			for r := from; r < to; r++ {
				t.rows[r] = int32(r)
			}
		})
		return grads
	}
	for r := range t.data.Rows {
		if t.held.has(r) || p.subsample < 1 && unit(draw(p.seed, drawRows, number, uint64(r))) >= p.subsample {
			continue
		}
		t.rows = append(t.rows, int32(r))
	}
	return grads
}

// sampleColumns chooses the features of a tree, and forgets those of the levels of the tree before.
func (t *trainer) sampleColumns(number uint64) {
	p := &t.params
	t.number = number
	t.levels = t.levels[:0]
	if t.columns != nil {
		t.use(t.columns.ofTree())
		return
	}
	used := choose(t.every, p.colTree, draw(p.seed, drawTree, number))
	if t.used != nil && len(used) == len(t.every) {
		return // as before
	}
	t.use(used)
}

// use makes these the features of the tree.
func (t *trainer) use(used []int32) {
	t.used = used
	for g := range t.usedIn {
		t.usedIn[g] = t.usedIn[g][:0]
	}
	for _, f := range used {
		g := f / groupWidth
		t.usedIn[g] = append(t.usedIn[g], uint8(f%groupWidth))
	}
}

// sampled tells whether levels or nodes of a tree have a choice of its features only.
func (p *params) sampled() bool { return p.colLevel < 1 || p.colNode < 1 }

// chooseLevels chooses the features of the levels down to a depth.
func (t *trainer) chooseLevels(depth int) {
	p := &t.params
	for p.sampled() && len(t.levels) <= depth {
		t.levels = append(t.levels, choose(t.used, p.colLevel, draw(p.seed, drawLevel, t.number, uint64(len(t.levels)))))
	}
}

// allowed tells which features a node may be split by; nil is all that the tree uses.
func (t *trainer) allowed(o *open) []bool {
	p := &t.params
	if o == nil {
		return nil
	}
	if t.columns != nil {
		return t.columns.ofNode(o.path)
	}
	if !p.sampled() {
		return t.interacting(o, nil)
	}
	set := choose(t.levels[o.depth], p.colNode, draw(p.seed, drawNode, t.number, o.place))
	may := make([]bool, len(t.every))
	for _, f := range set {
		may[f] = true
	}
	return t.interacting(o, may)
}
