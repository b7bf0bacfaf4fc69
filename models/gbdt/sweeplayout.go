package gbdt

import (
	"cmp"
	"maps"
	"math"
	"math/bits"
	"slices"
)

// What rows cost, in tenths of a nanosecond, on the machine that this was measured on: docs/decisions/0007-prediction.md.
const (
	costRank = 25 // a column
	costAdd  = 7  // a tree that is swept
	costNode = 6  // thereof, so many nodes in a tenth
	costStep = 20 // a step of a walk
)

// maxColumns bounds what a block needs for its codes, to 1 MiB.
const maxColumns = 1 << 13

// columnKey is what a column stands for: a feature at the nodes that send missing values one way.
type columnKey struct {
	feature int32
	left    bool
}

// compare orders by feature; where there are both, the one that sends them left comes first.
func (k columnKey) compare(other columnKey) int {
	if k.feature == other.feature && k.left != other.left {
		if k.left {
			return -1
		}
		return 1
	}
	return cmp.Compare(k.feature, other.feature)
}

// newSweeper lays out the trees of each margin; nil where walking is faster.
func newSweeper(by [][]tree) *sweeper {
	l := newSweepLayout(by)
	if !l.pays() {
		return nil
	}
	return l.sweeper(by)
}

// sweepLayout is what is known of the trees before they are laid out.
type sweepLayout struct {
	cuts                 map[columnKey][]float32 // the thresholds, ascending
	columns              int
	trees, leaves, steps int // of trees that can be swept; steps are those of a walk
}

func newSweepLayout(by [][]tree) *sweepLayout {
	l := &sweepLayout{cuts: map[columnKey][]float32{}}
	for _, trees := range by {
		for i := range trees {
			if trees[i].sweepable() {
				l.count(&trees[i])
			}
		}
	}
	for key, cuts := range l.cuts {
		slices.Sort(cuts)
		cuts = slices.Clip(slices.Compact(cuts))
		l.cuts[key] = cuts
		l.columns += (len(cuts) + maxRank - 1) / maxRank
	}
	return l
}

// count adds a tree.
func (l *sweepLayout) count(t *tree) {
	leaves := (len(t.nodes) + 1) / 2
	l.trees++
	l.leaves += leaves
	l.steps += bits.Len(uint(leaves - 1))
	for i := range t.nodes {
		if n := &t.nodes[i]; n.feature != leaf {
			key := columnKey{n.feature, n.defaultLeft}
			l.cuts[key] = append(l.cuts[key], n.value)
		}
	}
}

// sweepable says whether the tree can be swept: it has no sets, no leaves that are lines, and few enough of them.
func (t *tree) sweepable() bool {
	return t.lines == nil && (len(t.nodes)+1)/2 <= sweepLeaves && !slices.ContainsFunc(t.nodes, func(n node) bool { return n.set != nil || n.value != n.value })
}

// pays says whether sweeping is expected to be faster than walking.
func (l *sweepLayout) pays() bool {
	return l.trees > 0 && l.columns <= maxColumns && costRank*l.columns+costAdd*l.trees+(l.leaves-l.trees)/costNode < costStep*l.steps
}

// maxRank is the largest rank. A feature with more cuts has several columns, each for the next so many of them: to a node it makes no difference how far outside a
// value is.
const maxRank = 255

func (l *sweepLayout) sweeper(by [][]tree) *sweeper {
	s := &sweeper{columns: make([]sweepColumn, 0, l.columns), margins: make([][]sweptTree, len(by))}
	f := sweepFill{cuts: l.cuts, first: make(map[columnKey]int, len(l.cuts)), nodes: make([]uint64, 0, l.leaves-l.trees)}
	f.leaves = make([]float32, 0, l.leaves+sweepLeaves) // so that the last tree's, too, are the first of sweepLeaves
	for _, key := range slices.SortedFunc(maps.Keys(l.cuts), columnKey.compare) {
		f.first[key] = len(s.columns)
		for cuts := range slices.Chunk(l.cuts[key], maxRank) {
			s.columns = append(s.columns, newSweepColumn(key, cuts))
		}
	}
	for g, trees := range by {
		s.margins[g] = make([]sweptTree, len(trees))
		for i := range trees {
			s.margins[g][i] = f.tree(&trees[i])
		}
	}
	return s
}

func newSweepColumn(key columnKey, cuts []float32) sweepColumn {
	c := sweepColumn{feature: uint32(key.feature), table: rankTable(cuts)}
	if !key.left {
		c.missing = maxRank
	}
	return c
}

// rankTable is the table for ranks among up to 255 cuts, which rise.
func rankTable(cuts []float32) []uint32 {
	table := make([]uint32, 16+16*(len(cuts)/16+1))
	for i := range table {
		table[i] = math.Float32bits(float32(math.NaN()))
	}
	for i, cut := range cuts {
		table[16+i] = math.Float32bits(cut)
		if i%16 == 15 {
			table[i/16] = math.Float32bits(cut)
		}
	}
	return table
}

// notAbove is the number of numbers of a part of a table that are not above v.
func notAbove(part []uint32, v float32) int {
	n := 0
	for _, b := range part {
		if math.Float32frombits(b) <= v {
			n++
		}
	}
	return n
}

// sweepFill puts trees into the arrays that all of a model share.
type sweepFill struct {
	cuts   map[columnKey][]float32
	first  map[columnKey]int // column
	nodes  []uint64
	leaves []float32
}

func (f *sweepFill) tree(t *tree) sweptTree {
	if !t.sweepable() {
		return sweptTree{walked: t}
	}
	nodes, leaves := len(f.nodes), len(f.leaves)
	f.down(t.nodes, 0, leaves)
	return sweptTree{nodes: slices.Clip(f.nodes[nodes:]), leaves: (*[sweepLeaves]float32)(f.leaves[leaves:][:sweepLeaves])}
}

// down appends a subtree of the tree with nodes t, whose leaves begin at start. The depth of the recursion is below sweepLeaves.
func (f *sweepFill) down(t []node, at int32, start int) {
	n := &t[at]
	if n.feature == leaf {
		f.leaves = append(f.leaves, n.value)
		return
	}
	key := columnKey{n.feature, n.defaultLeft}
	cut, _ := slices.BinarySearch(f.cuts[key], n.value)
	column, from := f.first[key]+cut/maxRank, uint8(cut%maxRank+1)^0x80
	place := len(f.nodes)
	f.nodes = append(f.nodes, uint64(column*sweepRows)|uint64(from)<<32|uint64(len(f.leaves)-start)<<40)
	f.down(t, n.left, start)
	f.nodes[place] |= uint64(len(f.leaves)-start) << 48
	f.down(t, n.left+1, start)
}
