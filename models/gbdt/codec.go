package gbdt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/pgowl/pgowl/models/learn"
)

// The bytes of a model, all little-endian:
//
//	"PGBT", version 2 (1 byte), objective (1 byte), features, classes, groups, parallel trees and trees (uvarints),
//	base margin (float32), then the trees. A tree is its nodes in pre-order: a uvarint u and a float32.
//	u = 0: a leaf, with its value. Else (u-1)>>1 is the feature, (u-1)&1 says that missing values go left, and the float32
//	is the threshold; the left subtree follows, then the right one.
//	After the trees come sections, in rising order but for the last one, each a uvarint that says what it is, and its content:
//	1: statistics of all nodes in the order of the trees: cover (float32), rows (uvarint), and of a split the gain (float32).
//	2, without content: explanations weigh the children of a split by their rows, as LightGBM does, and not by their cover.
//	3: the leaves that are lines, in the order of the trees: 0 for one that is not, else 1 more than the number of its features, the constant (float64), and for
//	   each feature its number and its slope (float64).
//	0: the end.
//
// Version 1 ends after the trees; it had no statistics. Version 3 is for models that split by categories: in it (u-1)>>2 is the feature, and
// (u-1)&2 says that a set follows in place of the threshold: twice the number of categories, which is 1 or more, and 1 more when they go left
// (uvarint), the smallest code, and for each further one its distance from the one before (uvarints). Version 4 is the same for models with
// lines, or with an objective that LightGBM alone has. All other models are written as version 2. Nothing in the file is an index into it, so there is none that could point
// astray. pgowl.write_form reads it too, up to the end of the trees (exec/catalog/sql/pgowl/repeatable/16_forms.sql).
const (
	magic        = "PGBT"
	version      = 2
	versionSets  = 3
	versionLight = 4

	sectionEnd        = 0
	sectionStatistics = 1
	sectionByRows     = 2
	sectionLines      = 3
)

// maxTreeDepth bounds the depth of a tree, in training and in decoding. Predictions are loops, so only time depends on it.
const maxTreeDepth = 1 << 16

// ErrCorrupt is returned, wrapped with what is wrong, for bytes that are not a whole and sound model.
var ErrCorrupt = errors.New("gbdt: not a model")

// Encode returns the model's bytes, equal for equal models.
func (m *Model) Encode() ([]byte, error) {
	out := append([]byte(magic), version, byte(m.objective))
	lines := slices.ContainsFunc(m.trees, func(t tree) bool { return t.lines != nil })
	sets := slices.ContainsFunc(m.trees, tree.hasSets)
	switch {
	case lines || m.objective >= objectiveEnd:
		out[len(magic)], sets = versionLight, true
	case sets:
		out[len(magic)] = versionSets
	}
	for _, n := range []int{m.features, m.classes, m.groups, m.parallel, len(m.trees)} {
		out = binary.AppendUvarint(out, uint64(n))
	}
	out = binary.LittleEndian.AppendUint32(out, math.Float32bits(m.base))
	for i := range m.trees {
		nodes := m.trees[i].nodes
		preOrder(nodes, func(at int32) {
			n := &nodes[at]
			out = binary.AppendUvarint(out, n.key(sets))
			if n.set != nil {
				out = n.set.append(out)
				return
			}
			out = appendFloat(out, n.value)
		})
	}
	if m.statistics() {
		out = m.appendStatistics(binary.AppendUvarint(out, sectionStatistics))
	}
	if m.byRows {
		out = binary.AppendUvarint(out, sectionByRows)
	}
	if lines {
		out = m.appendLines(binary.AppendUvarint(out, sectionLines))
	}
	return binary.AppendUvarint(out, sectionEnd), nil
}

// key is the number that a node begins with, where trees may split by sets or not.
func (n *node) key(sets bool) uint64 {
	if n.feature == leaf {
		return 0
	}
	u := uint64(n.feature)
	if sets {
		u <<= 1
		if n.set != nil {
			u++
		}
	}
	u <<= 1
	if n.defaultLeft {
		u++
	}
	return u + 1
}

// append adds the set's bytes.
func (c *categories) append(out []byte) []byte {
	n := uint64(len(c.codes)) << 1
	if c.left {
		n++
	}
	out = binary.AppendUvarint(out, n)
	before := float32(0)
	for _, code := range c.codes {
		out = binary.AppendUvarint(out, uint64(code-before))
		before = code
	}
	return out
}

func (m *Model) appendStatistics(out []byte) []byte {
	for i := range m.trees {
		t := &m.trees[i]
		preOrder(t.nodes, func(at int32) {
			s := &t.stats[at]
			out = appendFloat(out, s.cover)
			out = binary.AppendUvarint(out, uint64(s.rows))
			if t.nodes[at].feature != leaf {
				out = appendFloat(out, s.gain)
			}
		})
	}
	return out
}

func appendFloat(out []byte, v float32) []byte {
	return binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
}

// preOrder calls do for each node: a split, its left subtree, its right one.
func preOrder(nodes []node, do func(at int32)) {
	stack := []int32{0}
	for len(stack) > 0 {
		at := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if n := &nodes[at]; n.feature != leaf {
			stack = append(stack, n.left+1, n.left)
		}
		do(at)
	}
}

// reader takes bytes from the front; after the first error it only gives zeros.
type reader struct {
	data []byte
	err  error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: "+format, append([]any{ErrCorrupt}, args...)...)
	}
	r.data = nil
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.data)
	if n <= 0 {
		r.fail("it ends early")
		return 0
	}
	r.data = r.data[n:]
	return v
}

// count reads a number from low to high.
func (r *reader) count(what string, low, high uint64) int {
	v := r.uvarint()
	if r.err == nil && (v < low || v > high) {
		r.fail("%d %s", v, what)
		return 0
	}
	return int(v)
}

func (r *reader) float() float32 {
	if len(r.data) < 4 {
		r.fail("it ends early")
		return 0
	}
	v := math.Float32frombits(binary.LittleEndian.Uint32(r.data))
	r.data = r.data[4:]
	if v != v {
		r.fail("a number is missing")
	}
	return v
}

// finite reads a float that is neither missing nor infinite.
func (r *reader) finite(what string) float32 {
	v := r.float()
	if math.IsInf(float64(v), 0) {
		r.fail("a %s of %v", what, v)
		return 0
	}
	return v
}

// Decode reads what Encode wrote. It takes any bytes: its errors wrap ErrCorrupt, and its memory is in proportion to data.
func Decode(data []byte) (learn.Model, error) {
	if len(data) >= len(linearMagic)+2 && string(data[:len(linearMagic)]) == linearMagic {
		return decodeLinear(data[len(linearMagic):])
	}
	if len(data) < len(magic)+2 || string(data[:len(magic)]) != magic {
		return nil, fmt.Errorf("%w: wrong magic", ErrCorrupt)
	}
	v := data[len(magic)]
	if v < 1 || v > versionLight {
		return nil, fmt.Errorf("%w: format version %d, this engine reads 1 to %d", ErrCorrupt, v, versionLight)
	}
	m := &Model{objective: objectiveID(data[len(magic)+1])}
	r := &reader{data: data[len(magic)+2:]}
	m.features = r.count("features", 1, maxFeatures)
	m.classes = r.count("classes", 0, maxClasses)
	m.groups = r.count("groups", 1, maxClasses)
	m.parallel = r.count("parallel trees", 1, maxParallelTrees)
	// A tree has 5 bytes at least.
	trees := r.count("trees", 0, uint64(len(data)/5))
	m.base = r.float()
	if r.err != nil {
		return nil, r.err
	}
	if err := m.sound(trees); err != nil {
		return nil, err
	}
	m.trees = make([]tree, 0, trees)
	for range trees {
		t := r.tree(m.features, v >= versionSets)
		if r.err != nil {
			return nil, r.err
		}
		m.trees = append(m.trees, t)
	}
	if v > 1 {
		r.sections(m)
	}
	if r.err != nil {
		return nil, r.err
	}
	if len(r.data) > 0 {
		return nil, fmt.Errorf("%w: %d bytes too many", ErrCorrupt, len(r.data))
	}
	m.layOut()
	return m, nil
}

// sections reads what follows the trees.
func (r *reader) sections(m *Model) {
	for last := uint64(0); r.err == nil; {
		section := r.uvarint()
		switch {
		case r.err != nil:
		case section == sectionEnd:
			return
		case section <= last:
			r.fail("section %d after section %d", section, last)
		case section == sectionStatistics:
			for i := range m.trees {
				r.statistics(&m.trees[i])
			}
			if len(m.trees) == 0 {
				r.fail("statistics of no trees")
			}
		case section == sectionByRows:
			if m.byRows = m.statistics(); !m.byRows {
				r.fail("rows are not known")
			}
		case section == sectionLines:
			for i := range m.trees {
				r.lines(&m.trees[i], m.features)
			}
		default:
			r.fail("section %d", section)
		}
		last = section
	}
}

// statistics reads those of a tree.
func (r *reader) statistics(t *tree) {
	if r.err != nil {
		return
	}
	// A node has 5 bytes at least.
	if len(r.data)/5 < len(t.nodes) {
		r.fail("it ends early")
		return
	}
	t.stats = make([]stat, len(t.nodes))
	preOrder(t.nodes, func(at int32) {
		s := stat{cover: r.finite("cover"), rows: uint32(r.count("rows", 0, math.MaxUint32))}
		if t.nodes[at].feature != leaf {
			s.gain = r.finite("gain")
		}
		if s.cover < 0 {
			r.fail("a cover of %v", s.cover)
		}
		t.stats[at] = s
	})
}

// sound checks that the counts of the head agree.
func (m *Model) sound(trees int) error {
	if !m.objective.known() {
		return fmt.Errorf("%w: objective %d", ErrCorrupt, m.objective)
	}
	ok := suits(m.objective, m.classes, m.groups)
	if !ok || trees%(m.groups*m.parallel) != 0 {
		return fmt.Errorf("%w: %d trees in %d groups for %d classes", ErrCorrupt, trees, m.groups, m.classes)
	}
	// Without trees the groups are not paid for by bytes.
	if trees == 0 && m.groups > 1 {
		return fmt.Errorf("%w: no trees", ErrCorrupt)
	}
	return nil
}

// suits says whether a model of an objective can have so many classes and margins.
func suits(o objectiveID, classes, groups int) bool {
	switch {
	case !o.known():
		return false
	case o.several():
		return classes >= 1 && groups == classes
	case o.binary():
		return groups == 1 && (classes == 0 || classes == 2)
	}
	return groups == 1 && classes == 0
}

// tree reads one tree.
func (r *reader) tree(features int, sets bool) (t tree) {
	type slot struct{ node, depth int32 }
	t.nodes = make([]node, 1, 16)
	stack := []slot{{0, 0}}
	for len(stack) > 0 {
		at := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		n := r.node(features, sets)
		if r.err != nil {
			return tree{}
		}
		if n.feature == leaf {
			t.nodes[at.node] = n
			continue
		}
		if at.depth >= maxTreeDepth {
			r.fail("a tree deeper than %d", maxTreeDepth)
			return tree{}
		}
		child := int32(len(t.nodes))
		n.left = child
		t.nodes[at.node] = n
		t.nodes = append(t.nodes, node{}, node{})
		stack = append(stack, slot{child + 1, at.depth + 1}, slot{child, at.depth + 1})
	}
	return t
}

// node reads a node, all but the place of its children.
func (r *reader) node(features int, sets bool) (n node) {
	u := r.uvarint()
	if u == 0 {
		return node{value: r.float(), feature: leaf}
	}
	u--
	n.defaultLeft = u&1 == 1
	u >>= 1
	set := false
	if sets {
		set = u&1 == 1
		u >>= 1
	}
	if u >= uint64(features) {
		r.fail("feature %d of %d", u, features)
		return n
	}
	n.feature = int32(u)
	if set {
		n.set = r.set()
	} else {
		n.value = r.float()
	}
	return n
}

// set reads a set of categories.
func (r *reader) set() *categories {
	// A code takes a byte at least.
	n := r.count("categories", 2, 2*uint64(len(r.data))+1)
	c := &categories{codes: make([]float32, 0, n/2), left: n&1 == 1}
	code := uint64(0)
	for i := range n / 2 {
		step := r.uvarint()
		if r.err == nil && (step > maxCategory || i > 0 && step == 0) {
			r.fail("a category %d after the one before", step)
		}
		code += step
		if r.err == nil && code > maxCategory {
			r.fail("category %d", code)
		}
		if r.err != nil {
			return nil
		}
		c.codes = append(c.codes, float32(code))
	}
	return c
}
