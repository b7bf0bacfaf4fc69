package gbdt

// node is one node of a tree. The two children of a split lie side by side, the left one first.
type node struct {
	value       float32 // of a leaf: what it adds; of a split: the threshold, and values below it go left
	feature     int32   // -1: a leaf
	left        int32   // index of the left child
	defaultLeft bool    // where missing values go
}

const leaf = -1

// tree is a decision tree; the first node is the root.
type tree []node

// value walks down with a row.
func (t tree) value(row []float32) float32 {
	n := &t[0]
	for n.feature != leaf {
		next := n.left
		v := row[n.feature]
		if v != v {
			if !n.defaultLeft {
				next++
			}
		} else if !(v < n.value) {
			next++
		}
		n = &t[next]
	}
	return n.value
}

// mirrored is the tree with the signs of its leaves turned.
func (t tree) mirrored() tree {
	m := append(make(tree, 0, len(t)), t...)
	for i := range m {
		if m[i].feature == leaf {
			m[i].value = -m[i].value
		}
	}
	return m
}
