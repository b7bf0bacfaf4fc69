package gbdt

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Forest is a model as the formats of other programs see it: trees of nodes that point at each other.
type Forest struct {
	Objective string // XGBoost's name; lightgbm:multiclassova and lightgbm:cross_entropy_lambda, which it has not
	Features  int
	Classes   int       // 0 for a regression
	Margins   int       // of a row: one, or one a class
	Parallel  int       // trees a round and margin
	Base      float32   // the margin that every row starts from
	ByRows    bool      // explanations weigh the children of a split by rows (LightGBM) instead of by cover (XGBoost)
	Trees     [][]Point // tree i is of margin i / Parallel % Margins; the first point of each is its root
}

// Point is a node of a tree. A value below the threshold goes left; at a split by categories, a code that is in the set goes right. A code with a
// fraction is the one below it, and negative ones are in no set.
type Point struct {
	Feature     int       // of a split; -1: a leaf
	Value       float32   // the threshold, or what a leaf adds
	Set         []float32 // of a split by categories: codes, in rising order, one at least
	Left, Right int       // places of the children in the tree
	DefaultLeft bool      // where missing values go
	Gain, Cover float32   // as in stat
	Rows        uint32
	Known       bool  // that Gain, Cover and Rows are known
	Line        *Line // of a leaf that is linear, else nil; Value is for rows without one of its features
}

// Line is a leaf of LightGBM's linear trees: what it adds is the constant and the features times their slopes.
type Line struct {
	Constant float64
	Features []int
	Slopes   []float64
}

// ErrSets says that a model cannot split by some category: codes go up to maxCategory, 2^24.
var ErrSets = errors.New("gbdt: a split by categories with a code above 16777216")

// Forest returns a copy of the model in that form. A left child stands behind its parent, and the right one next to it: XGBoost 1 counts on that.
func (m *Model) Forest() *Forest {
	f := &Forest{Objective: m.objective.name(m.classes), Features: m.features, Classes: m.classes, Margins: m.groups, Parallel: m.parallel, Base: m.base, ByRows: m.byRows}
	known := m.statistics()
	for i := range m.trees {
		t := &m.trees[i]
		points := make([]Point, len(t.nodes))
		for at := range points {
			n := &t.nodes[at]
			points[at] = Point{Feature: int(n.feature), Value: n.value, DefaultLeft: n.defaultLeft, Known: known}
			if n.feature != leaf {
				points[at].Value = min(n.value, math.MaxFloat32) // infinite where only missing values go right
				points[at].Left, points[at].Right = int(n.left), int(n.left)+1
			}
			if n.set != nil {
				points[at].Set = slices.Clone(n.set.codes)
			}
			if t.lines != nil {
				points[at].Line = t.lines[at].point()
			}
			if known {
				s := &t.stats[at]
				points[at].Gain, points[at].Cover, points[at].Rows = s.gain, s.cover, s.rows
			}
		}
		// From the back: what is below a node is done before its children change places.
		for at := len(points) - 1; at >= 0; at-- {
			if n := &t.nodes[at]; n.set != nil && n.set.left {
				p := &points[at]
				p.DefaultLeft = !p.DefaultLeft
				points[p.Left], points[p.Right] = points[p.Right], points[p.Left]
			}
		}
		f.Trees = append(f.Trees, points)
	}
	return f
}

// name is XGBoost's name of an objective.
func (o objectiveID) name(classes int) string {
	for name, id := range lightOnly {
		if id == o {
			return name
		}
	}
	best := ""
	for name, id := range objectives {
		if id == o && (best == "" || name < best) {
			best = name
		}
	}
	switch {
	case o == softmax:
		return "multi:softprob"
	case o == logistic && classes == 0:
		return "reg:logistic"
	}
	return best
}

// HasObjective says whether models may have the objective with the name that Forest has for it.
func HasObjective(name string) bool { return objectiveOf(name) != 0 }

// objectiveOf is the objective with a name, 0 where there is none.
func objectiveOf(name string) objectiveID { return max(objectives[name], lightOnly[name]) }

// FromForest makes a model of a forest, whatever is in it: errors wrap ErrCorrupt or ErrSets. Points that the root does not lead to are left out.
// Statistics are kept where all points have them.
func FromForest(f *Forest) (*Model, error) {
	m := &Model{objective: objectiveOf(f.Objective), features: f.Features, classes: f.Classes, groups: f.Margins, parallel: f.Parallel, base: f.Base}
	switch {
	case f.Features < 1 || f.Features > maxFeatures:
		return nil, fmt.Errorf("%w: %d features", ErrCorrupt, f.Features)
	case f.Classes < 0 || f.Classes > maxClasses || f.Margins < 1 || f.Margins > maxClasses || f.Parallel < 1 || f.Parallel > maxParallelTrees:
		return nil, fmt.Errorf("%w: %d margins of %d trees for %d classes", ErrCorrupt, f.Margins, f.Parallel, f.Classes)
	case !isFinite(f.Base):
		return nil, fmt.Errorf("%w: a base margin of %v", ErrCorrupt, f.Base)
	}
	if err := m.sound(len(f.Trees)); err != nil {
		return nil, err
	}
	known := true
	for i, points := range f.Trees {
		t, err := fromPoints(points, f.Features)
		if err != nil {
			return nil, fmt.Errorf("tree %d: %w", i, err)
		}
		m.trees = append(m.trees, t)
		known = known && t.stats != nil
	}
	if !known {
		for i := range m.trees {
			m.trees[i].stats = nil
		}
	}
	m.byRows = f.ByRows && m.statistics()
	m.layOut()
	return m, nil
}

func isFinite(v float32) bool { return !math.IsNaN(float64(v)) && !math.IsInf(float64(v), 0) }

// fromPoints makes a tree, in the order of nodes that Decode makes too.
func fromPoints(points []Point, features int) (t tree, err error) {
	bad := func(format string, args ...any) (tree, error) {
		return tree{}, fmt.Errorf("%w: "+format, append([]any{ErrCorrupt}, args...)...)
	}
	if len(points) == 0 {
		return bad("no nodes")
	}
	if len(points) > math.MaxInt32/2 {
		return bad("%d nodes", len(points))
	}
	type slot struct {
		point int
		node  int32
		depth int32
	}
	seen := make([]bool, len(points))
	t.nodes, t.stats = make([]node, 1, len(points)), make([]stat, 1, len(points))
	known := true
	for stack := []slot{{}}; len(stack) > 0; {
		at := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if at.point < 0 || at.point >= len(points) {
			return bad("node %d of %d", at.point, len(points))
		}
		if seen[at.point] {
			return bad("two ways lead to node %d", at.point)
		}
		seen[at.point] = true
		p := &points[at.point]
		if !isFinite(p.Value) {
			return bad("node %d has the value %v", at.point, p.Value)
		}
		known = known && p.Known && isFinite(p.Gain) && isFinite(p.Cover) && p.Cover >= 0
		if p.Feature == leaf {
			t.nodes[at.node] = node{value: p.Value, feature: leaf}
			if err := t.setLine(at.node, p.Line, features); err != nil {
				return tree{}, err
			}
			t.stats[at.node] = stat{0, p.Cover, p.Rows}
			continue
		}
		set, err := setOf(p.Set)
		if err != nil {
			return tree{}, err
		}
		if p.Feature < 0 || p.Feature >= features {
			return bad("feature %d of %d", p.Feature, features)
		}
		if at.depth >= maxTreeDepth {
			return bad("it is deeper than %d", maxTreeDepth)
		}
		child := int32(len(t.nodes))
		t.nodes[at.node] = node{value: p.Value, feature: int32(p.Feature), left: child, defaultLeft: p.DefaultLeft, set: set}
		t.stats[at.node] = stat{p.Gain, p.Cover, p.Rows}
		t.nodes, t.stats = append(t.nodes, node{}, node{}), append(t.stats, stat{}, stat{})
		stack = append(stack, slot{p.Right, child + 1, at.depth + 1}, slot{p.Left, child, at.depth + 1})
	}
	t.nodes = slices.Clip(t.nodes)
	if t.lines != nil {
		t.lines = append(t.lines, make([]*line, len(t.nodes)-len(t.lines))...)
	}
	if !known {
		t.stats = nil
	}
	return t, nil
}

// setOf checks a point's set.
func setOf(codes []float32) (*categories, error) {
	if codes == nil {
		return nil, nil
	}
	for i, code := range codes {
		switch {
		case code > maxCategory:
			return nil, ErrSets
		case !(code >= 0) || code != category(code) || i > 0 && code <= codes[i-1]:
			return nil, fmt.Errorf("%w: category %v of a set", ErrCorrupt, code)
		}
	}
	if len(codes) == 0 {
		return nil, fmt.Errorf("%w: a set of no categories", ErrCorrupt)
	}
	return &categories{codes: slices.Clone(codes)}, nil
}
