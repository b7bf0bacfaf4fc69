package gbdt

import "math"

// node is one node of a tree. The two children of a split lie side by side, the left one first.
type node struct {
	value       float32 // of a leaf: what it adds; of a split: the threshold, and values below it go left
	feature     int32   // -1: a leaf
	left        int32   // index of the left child
	defaultLeft bool    // where missing values go
	// set makes it a split by categories, in place of the threshold. nil: it is none.
	set *categories
}

const leaf = -1

// stat is what training knew of a node. Predictions do not need it, so it lies beside the nodes.
type stat struct {
	gain  float32 // of a split: what it gained (XGBoost's loss_changes); of a leaf 0
	cover float32 // sum of the second derivatives of its rows
	rows  uint32  // number of its rows that the tree was grown from; 0 when only the cover is known
}

// tree is a decision tree; the first node is the root.
type tree struct {
	nodes []node
	stats []stat  // one a node, or none: unknown
	lines []*line // one a node, or none; nil at splits and at leaves that are a value
}

// value walks down with a row.
func (t *tree) value(row []float32) float32 {
	at := t.leafOf(row)
	if t.lines != nil {
		return float32(t.lines[at].value(row, t.nodes[at].value))
	}
	return t.nodes[at].value
}

// exact is value as it is before rounding to a float32, which only lines know.
func (t *tree) exact(row []float32) float64 {
	at := t.leafOf(row)
	if t.lines != nil {
		return t.lines[at].value(row, t.nodes[at].value)
	}
	return float64(t.nodes[at].value)
}

// leafOf is the leaf that a row comes to.
func (t *tree) leafOf(row []float32) int32 {
	nodes := t.nodes
	n := &nodes[0]
	next := int32(0)
	for n.feature != leaf {
		next = n.left
		v := row[n.feature]
		if v != v {
			if !n.defaultLeft {
				next++
			}
		} else if n.set != nil {
			if n.set.has(v) != n.set.left {
				next++
			}
		} else if !(v < n.value) {
			next++
		}
		n = &nodes[next]
	}
	return next
}

// mirrored is the tree with the signs of its leaves turned.
func (t *tree) mirrored() tree {
	m := tree{nodes: append(make([]node, 0, len(t.nodes)), t.nodes...), stats: t.stats}
	for i := range m.nodes {
		if m.nodes[i].feature == leaf {
			m.nodes[i].value = -m.nodes[i].value
		}
	}
	return m
}

// covered is the statistics of a new node, for now a leaf.
func covered(s sum, rows int) stat {
	return stat{cover: finite(s.h), rows: uint32(rows)}
}

// finite is the nearest float32 that is a number.
func finite(x float64) float32 {
	if x != x {
		return 0
	}
	return float32(min(max(x, -math.MaxFloat32), math.MaxFloat32))
}
