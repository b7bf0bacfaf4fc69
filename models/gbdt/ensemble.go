package gbdt

import "math"

// The form of the trees for predictions (engines.md section 1.6). Shallow trees are complete: node i has the children 2i+1
// and 2i+2, so a step is an addition and never a branch, and trees that end early repeat their leaf. Four trees (for one row)
// or four rows (for many) go down together, as a single walk would wait for memory most of the time. Deeper trees keep their
// pointers.

// completeDepth is the largest depth of a complete tree: 2^8 leaves.
const completeDepth = 8

// together is the number of trees that share a depth, and of walks that run side by side.
const together = 4

// step is a node of a complete tree. Values below the threshold go left.
type step struct {
	threshold float32
	feature   uint32
}

// missingLeft marks, in step.feature, that missing values go left.
const missingLeft = 1 << 31

// quartet is four complete trees of equal depth, one after the other; or, when that would not do (splits by categories and leaves that are lines are among the reasons), up to
// four trees that keep their pointers.
type quartet struct {
	depth  int
	steps  []step    // together * (2^depth - 1)
	leaves []float32 // together * 2^depth
	walked []tree    // not nil: these instead
}

// ensemble is the trees of one margin.
type ensemble struct {
	quartets []quartet
	// anyLeft is set when a missing value goes left somewhere: else "not below" is all there is to a step.
	anyLeft bool
}

// newEnsemble lays out trees, in their order.
func newEnsemble(trees []tree) ensemble {
	var e ensemble
	for len(trees) > 0 {
		n := min(together, len(trees))
		q := newQuartet(trees[:n])
		e.quartets = append(e.quartets, q)
		for _, s := range q.steps {
			e.anyLeft = e.anyLeft || s.feature&missingLeft != 0
		}
		trees = trees[n:]
	}
	return e
}

func newQuartet(trees []tree) quartet {
	depth, nodes := 0, 0
	sets := false
	for i := range trees {
		depth = max(depth, trees[i].depth(completeDepth+1))
		nodes += len(trees[i].nodes)
		sets = sets || trees[i].hasSets() || trees[i].lines != nil
	}
	// 16 times: a tree file must not make a server use memory out of proportion.
	if sets || len(trees) < together || depth > completeDepth || together<<(depth+1) > 16*nodes+256 {
		return quartet{walked: trees}
	}
	q := quartet{depth: depth, steps: make([]step, together*(1<<depth-1)), leaves: make([]float32, together<<depth)}
	for i := range trees {
		q.fill(i, trees[i].nodes, 0, 0, 0)
	}
	return q
}

// depth is the number of steps to the lowest leaf, or limit when it is that or more.
func (t *tree) depth(limit int) int {
	type at struct {
		node  int32
		depth int
	}
	deepest := 0
	stack := []at{{0, 0}}
	for len(stack) > 0 && deepest < limit {
		top := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		deepest = max(deepest, top.depth)
		if n := t.nodes[top.node]; n.feature != leaf {
			stack = append(stack, at{n.left, top.depth + 1}, at{n.left + 1, top.depth + 1})
		}
	}
	return min(deepest, limit)
}

// fill copies a subtree of the tree with nodes t into place i of the quartet. at is the node's index in the complete tree. The depth of the
// recursion is that of a complete tree.
func (q *quartet) fill(i int, t []node, from int32, at, depth int) {
	n := t[from]
	if depth == q.depth {
		q.leaves[i<<q.depth+at-(1<<q.depth-1)] = n.value
		return
	}
	if n.feature == leaf {
		// Any test will do, as both ways end the same. Feature 0 is always there.
		q.steps[i*(1<<q.depth-1)+at] = step{threshold: float32(math.Inf(-1))}
		q.fill(i, t, from, 2*at+1, depth+1)
		q.fill(i, t, from, 2*at+2, depth+1)
		return
	}
	s := step{n.value, uint32(n.feature)}
	if n.defaultLeft {
		s.feature |= missingLeft
	}
	q.steps[i*(1<<q.depth-1)+at] = s
	q.fill(i, t, n.left, 2*at+1, depth+1)
	q.fill(i, t, n.left+1, 2*at+2, depth+1)
}

// addOne adds the trees of one row to a margin, in order.
func (e *ensemble) addOne(margin float32, row []float32) float32 {
	for i := range e.quartets {
		q := &e.quartets[i]
		for k := range q.walked {
			margin += q.walked[k].value(row)
		}
		if q.walked != nil {
			continue
		}
		n := 1<<q.depth - 1
		s0, s1, s2, s3 := q.steps[:n], q.steps[n:2*n], q.steps[2*n:3*n], q.steps[3*n:4*n]
		var i0, i1, i2, i3 int
		if e.anyLeft {
			for range q.depth {
				i0 = s0[i0].next(i0, row)
				i1 = s1[i1].next(i1, row)
				i2 = s2[i2].next(i2, row)
				i3 = s3[i3].next(i3, row)
			}
		} else {
			for range q.depth {
				i0 = 2*i0 + 1 + notBelow(row[s0[i0].feature], s0[i0].threshold)
				i1 = 2*i1 + 1 + notBelow(row[s1[i1].feature], s1[i1].threshold)
				i2 = 2*i2 + 1 + notBelow(row[s2[i2].feature], s2[i2].threshold)
				i3 = 2*i3 + 1 + notBelow(row[s3[i3].feature], s3[i3].threshold)
			}
		}
		l, w := q.leaves, n+1
		margin += l[i0-n]
		margin += l[w+i1-n]
		margin += l[2*w+i2-n]
		margin += l[3*w+i3-n]
	}
	return margin
}

// notBelow is 1 when v is not below the threshold or is NaN, without a branch.
func notBelow(v, threshold float32) int {
	b := 1
	if v < threshold {
		b = 0
	}
	return b
}

// next is the child that a row goes to from node i.
func (s step) next(i int, row []float32) int {
	v := row[s.feature&^missingLeft]
	right := notBelow(v, s.threshold)
	if v != v {
		right &^= int(s.feature >> 31)
	}
	return 2*i + 1 + right
}

// predictBlock is the number of rows that pass by all trees together: the rows and one tree stay in the cache.
const predictBlock = 64

// addBlock adds the trees to the margins of up to predictBlock rows, for each row in the order of addOne.
func (e *ensemble) addBlock(margins []float32, x []float32, width int) {
	for i := range e.quartets {
		q := &e.quartets[i]
		for k := range q.walked {
			t := &q.walked[k]
			for r := range margins {
				margins[r] += t.value(x[r*width:][:width])
			}
		}
		if q.walked != nil {
			continue
		}
		n := 1<<q.depth - 1
		for k := range together {
			e.addTree(q.steps[k*n:][:n], q.leaves[k*(n+1):][:n+1], q.depth, margins, x, width)
		}
	}
}

func (e *ensemble) addTree(s []step, leaves []float32, depth int, margins, x []float32, width int) {
	n := len(s)
	r := 0
	for ; r+together <= len(margins); r += together {
		x0, x1, x2, x3 := x[r*width:][:width], x[(r+1)*width:][:width], x[(r+2)*width:][:width], x[(r+3)*width:][:width]
		var i0, i1, i2, i3 int
		if e.anyLeft {
			for range depth {
				i0 = s[i0].next(i0, x0)
				i1 = s[i1].next(i1, x1)
				i2 = s[i2].next(i2, x2)
				i3 = s[i3].next(i3, x3)
			}
		} else {
			for range depth {
				i0 = 2*i0 + 1 + notBelow(x0[s[i0].feature], s[i0].threshold)
				i1 = 2*i1 + 1 + notBelow(x1[s[i1].feature], s[i1].threshold)
				i2 = 2*i2 + 1 + notBelow(x2[s[i2].feature], s[i2].threshold)
				i3 = 2*i3 + 1 + notBelow(x3[s[i3].feature], s[i3].threshold)
			}
		}
		margins[r] += leaves[i0-n]
		margins[r+1] += leaves[i1-n]
		margins[r+2] += leaves[i2-n]
		margins[r+3] += leaves[i3-n]
	}
	for ; r < len(margins); r++ {
		row := x[r*width:][:width]
		i := 0
		for range depth {
			i = s[i].next(i, row)
		}
		margins[r] += leaves[i-n]
	}
}
