package gbdt

import "sync"

// The form of the trees for many rows where the processor has vectors of bytes (AVX2). Each feature is first replaced by its rank among the thresholds that
// the trees have for it, which fits in a byte; then all nodes of a tree, not just those on a row's way, look at a whole block of rows: that is a
// few vector instructions a node and no branch, load or wait that depends on a row. A row's leaf comes out as a number, and leaves are added row by row in
// the order of the trees, so the margins are to the bit those of the walk. After Lucchese et al., "Exploiting CPU SIMD Extensions to Speed-up
// Document Scoring with Tree Ensembles" (2016), and Ye et al., "RapidScorer" (2018), but with a leaf's number in place of sets of leaves.
//
// Leaves are numbered from left to right, and a row stands at the first leaf of the subtree that it has come to. A node moves the rows that stand at
// its first leaf, and do not go left, to the first leaf of its right child. Where ancestors come first, those that stand there are just the rows that came
// to the node: all who went another way stand before or behind it, and nodes with the same first leaf are on one way down to the left.

const (
	// sweepRows is the number of rows of a block: four vectors.
	sweepRows = 128
	// sweepLeaves is the largest number of leaves of a tree: their numbers are bytes.
	sweepLeaves = 256
	// sweepLeast is the number of rows from which a block is worth sweeping; it takes as long as a whole one.
	sweepLeast = 24
)

// sweeper is all trees of a model in that form.
type sweeper struct {
	columns []sweepColumn
	margins [][]sweptTree // of each margin, in their order
}

// sweepColumn makes ranks of a feature's values: the number of cuts that are not above them.
type sweepColumn struct {
	feature uint32
	missing uint8 // what a missing value has in place of a rank: 0, left of all thresholds, or 255, right of them
	// table is the bits of float32 numbers: 16 pivots, then the cuts, up to 255, in groups of 16. Pivot i is the last cut of group i. What is left over is
	// NaN, which nothing is above. (Bits, as models are compared in tests, and NaN is not equal to itself.)
	table []uint32
}

// sweptTree is a tree of up to sweepLeaves leaves. nodes come behind their parents. From the lowest bit on they have: 32 bits, where in the codes of the block
// the column begins; 8, the rank from which values go right, with its highest bit turned as the instructions compare signed bytes; 8, the node's first leaf;
// 8, its right child's.
type sweptTree struct {
	nodes  []uint64
	leaves *[sweepLeaves]float32 // the tree's own first; what follows belongs to others
	walked *tree                 // not nil: this instead (splits by categories are among the reasons)
}

// scratch is what sweeping a block needs.
type scratch struct {
	codes []uint8 // sweepRows a column, with their highest bits turned
	at    [4][sweepRows]uint8
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// rank fills in the codes of up to sweepRows rows.
func (s *sweeper) rank(c *scratch, x []float32, width int) {
	if n := len(s.columns) * sweepRows; cap(c.codes) < n {
		c.codes = make([]uint8, n)
	}
	c.codes = c.codes[:len(s.columns)*sweepRows]
	rows := len(x) / width
	for i := range s.columns {
		col := &s.columns[i]
		rankColumn((*[sweepRows]uint8)(c.codes[i*sweepRows:]), x[col.feature:], width, rows, col.table, col.missing)
	}
}

// add adds the trees of margin g to the margins of the rows whose codes are in c. For each row the order is that of the trees.
func (s *sweeper) add(c *scratch, g int, margins, x []float32, width int) {
	for trees := s.margins[g]; len(trees) > 0; {
		// Four at a time, as margins then are read and written once for them.
		if n := len(c.at); len(trees) >= n && !anyWalked(trees[:n]) {
			for k := range c.at {
				sweepTree(&c.at[k], c.codes, trees[k].nodes)
			}
			l0, l1, l2, l3 := trees[0].leaves, trees[1].leaves, trees[2].leaves, trees[3].leaves
			a0, a1, a2, a3 := c.at[0][:len(margins)], c.at[1][:len(margins)], c.at[2][:len(margins)], c.at[3][:len(margins)]
			for r, v := range margins {
				v += l0[a0[r]]
				v += l1[a1[r]]
				v += l2[a2[r]]
				v += l3[a3[r]]
				margins[r] = v
			}
			trees = trees[n:]
			continue
		}
		t := &trees[0]
		if t.walked != nil {
			for r := range margins {
				margins[r] += t.walked.value(x[r*width:][:width])
			}
		} else {
			sweepTree(&c.at[0], c.codes, t.nodes)
			for r := range margins {
				margins[r] += t.leaves[c.at[0][r]]
			}
		}
		trees = trees[1:]
	}
}

func anyWalked(trees []sweptTree) bool {
	for i := range trees {
		if trees[i].walked != nil {
			return true
		}
	}
	return false
}

// rankColumnGo is rankColumn in Go: it writes the codes of a feature, whose values are x[0], x[width] and so on.
func rankColumnGo(dst *[sweepRows]uint8, x []float32, width, rows int, table []uint32, missing uint8) {
	for r := range rows {
		v := x[r*width]
		code := missing
		if v == v {
			group := notAbove(table[:16], v)
			code = uint8(16*group + notAbove(table[16+16*group:][:16], v))
		}
		dst[r] = code ^ 0x80
	}
}

// sweepTreeGo is sweepTree in Go: it writes the numbers of the leaves that the rows of a block come to.
func sweepTreeGo(at *[sweepRows]uint8, codes []uint8, nodes []uint64) {
	clear(at[:])
	for _, n := range nodes {
		column := (*[sweepRows]uint8)(codes[uint32(n):])
		from, first, right := int8(n>>32), uint8(n>>40), uint8(n>>48)
		for r, code := range column {
			if at[r] == first && int8(code) >= from {
				at[r] = right
			}
		}
	}
}
