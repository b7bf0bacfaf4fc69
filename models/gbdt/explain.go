package gbdt

import "github.com/pgowl/pgowl/models/learn"

var _ learn.Explainer = (*Model)(nil)

// Explanations are path-dependent TreeSHAP values (Lundberg et al., "Consistent individualized feature attribution for tree
// ensembles", 2018, algorithm 2), as XGBoost's pred_contribs gives them: what a feature adds is its Shapley value, where a tree without
// a feature follows both ways at its splits, weighed by the cover of the children.

// Limits of what is explained. Time is the square of the number of features that a way down asks for, at each leaf.
const (
	maxExplainedPath = 1 << 10
	maxExplainedWork = 1 << 32 // about ten seconds
)

// Margins is the number of margins of a row, or 0 for a model without statistics and one whose trees are too deep to be explained, or linear in their leaves.
func (m *Model) Margins() int {
	if !m.explainable() {
		return 0
	}
	return m.groups
}

func (m *Model) explainable() bool {
	if !m.statistics() {
		return len(m.trees) == 0
	}
	work := 0
	for i := range m.trees {
		t := &m.trees[i]
		if t.lines != nil {
			return false
		}
		d := min(t.depth(maxExplainedPath+1), m.features) + 1
		if work += d * d * len(t.nodes); d > maxExplainedPath || work > maxExplainedWork {
			return false
		}
	}
	return true
}

// Contributions writes Features+1 values a margin to dst: of each feature, and the bias. The sum is the margin up to the rounding of
// float32 sums. It must not be called on a model whose Margins is 0.
func (m *Model) Contributions(dst []float64, row []float32) {
	width := m.features + 1
	clear(dst)
	for g := range m.groups {
		dst[(g+1)*width-1] = float64(m.base)
	}
	w := walk{row: row, byRows: m.byRows}
	for i := range m.trees {
		g := m.group(i)
		w.out = dst[g*width : (g+1)*width]
		w.tree(&m.trees[i])
	}
}

// part is a feature on the way to a node.
type part struct {
	feature int32
	zero    float64 // the share of the ways that follow the path without knowing the feature
	one     float64 // 1 where the row goes along, else 0
	weight  float64 // of the subsets of features of each size
}

// walk is the explanation of a row by one tree.
type walk struct {
	row    []float32
	byRows bool
	out    []float64 // the features', then the bias
	t      *tree
	means  []float64 // value of a node without any feature
	parts  []part    // the paths of the nodes above, one after the other
}

func (w *walk) tree(t *tree) {
	w.t = t
	if cap(w.means) < len(t.nodes) {
		w.means = make([]float64, len(t.nodes))
	}
	w.means = w.means[:len(t.nodes)]
	w.mean(0)
	w.out[len(w.out)-1] += w.means[0]
	if t.nodes[0].feature != leaf {
		w.parts = w.parts[:0]
		w.down(0, 0, 0, part{feature: -1, zero: 1, one: 1})
	}
}

// mean fills in w.means below a node.
func (w *walk) mean(at int32) {
	n := &w.t.nodes[at]
	if n.feature == leaf {
		w.means[at] = float64(n.value)
		return
	}
	w.mean(n.left)
	w.mean(n.left + 1)
	share := w.leftShare(n)
	w.means[at] = share*w.means[n.left] + (1-share)*w.means[n.left+1]
}

// leftShare is the part of a split's rows that goes left.
func (w *walk) leftShare(n *node) float64 {
	l, r := &w.t.stats[n.left], &w.t.stats[n.left+1]
	a, b := float64(l.cover), float64(r.cover)
	if w.byRows {
		a, b = float64(l.rows), float64(r.rows)
	}
	if a+b == 0 {
		return 0.5
	}
	return a / (a + b)
}

// down adds what the leaves below a node say. The path to the node above stands in w.parts[from:from+length]; last is what the split there
// adds to it.
func (w *walk) down(at int32, from, length int, last part) {
	// A path of its own: the other child needs the one above as it is.
	start := from + length
	w.parts = append(w.parts[:start], w.parts[from:start]...)
	w.parts = append(w.parts, part{})
	path := w.parts[start:]
	extend(path, last)
	n := &w.t.nodes[at]
	if n.feature == leaf {
		for i := 1; i < len(path); i++ {
			p := &path[i]
			w.out[p.feature] += unwoundSum(path, i) * (p.one - p.zero) * float64(n.value)
		}
		return
	}
	length++
	known := part{zero: 1, one: 1}
	for i := 1; i < len(path); i++ {
		if path[i].feature == n.feature {
			known = path[i]
			unwind(path, i)
			length--
			w.parts = w.parts[:len(w.parts)-1]
			break
		}
	}
	share := w.leftShare(n)
	left := goesLeft(n, w.row)
	for child, s := range [2]float64{share, 1 - share} {
		p := part{feature: n.feature, zero: s * known.zero}
		if (child == 0) == left {
			p.one = known.one
		}
		if p.zero == 0 && p.one == 0 {
			continue // nobody comes there, and it says nothing
		}
		w.down(n.left+int32(child), start, length, p)
	}
}

// goesLeft is a step of tree.value.
func goesLeft(n *node, row []float32) bool {
	v := row[n.feature]
	switch {
	case v != v:
		return n.defaultLeft
	case n.set != nil:
		return n.set.has(v) == n.set.left
	}
	return v < n.value
}

// extend puts p at the end of a path, whose last place is free.
func extend(path []part, p part) {
	d := len(path) - 1
	path[d] = p
	if d == 0 {
		path[0].weight = 1
	}
	for i := d - 1; i >= 0; i-- {
		path[i+1].weight += p.one * path[i].weight * float64(i+1) / float64(d+1)
		path[i].weight = p.zero * path[i].weight * float64(d-i) / float64(d+1)
	}
}

// unwind takes part i out again; the last place is free then.
func unwind(path []part, i int) {
	d := len(path) - 1
	one, zero := path[i].one, path[i].zero
	next := path[d].weight
	for j := d - 1; j >= 0; j-- {
		if one != 0 {
			w := path[j].weight
			path[j].weight = next * float64(d+1) / (float64(j+1) * one)
			next = w - path[j].weight*zero*float64(d-j)/float64(d+1)
		} else {
			path[j].weight = path[j].weight * float64(d+1) / (zero * float64(d-j))
		}
	}
	for j := i; j < d; j++ {
		w := path[j].weight
		path[j] = path[j+1]
		path[j].weight = w
	}
}

// unwoundSum is the sum of the weights that unwind would leave.
func unwoundSum(path []part, i int) float64 {
	d := len(path) - 1
	one, zero := path[i].one, path[i].zero
	next := path[d].weight
	total := 0.0
	for j := d - 1; j >= 0; j-- {
		if one != 0 {
			w := next * float64(d+1) / (float64(j+1) * one)
			total += w
			next = path[j].weight - w*zero*float64(d-j)/float64(d+1)
		} else if zero != 0 {
			total += path[j].weight / (zero * float64(d-j) / float64(d+1))
		}
	}
	return total
}
