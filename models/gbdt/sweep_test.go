package gbdt

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

// sprout is a random tree for tests of predictions.
type sprout struct {
	dice     *rand.Rand
	cuts     []float32
	features int
	sets     bool
}

// grow makes a tree of so many leaves. lean is the share of them that is to the left of a split; below 0 it is by chance.
func (s *sprout) grow(leaves int, lean float64) []Point {
	var points []Point
	var down func(leaves int) int
	down = func(leaves int) int {
		at := len(points)
		if leaves == 1 {
			points = append(points, Point{Feature: leaf, Value: float32(s.dice.NormFloat64())})
			return at
		}
		p := Point{Feature: s.dice.IntN(s.features), Value: s.cuts[s.dice.IntN(len(s.cuts))], DefaultLeft: s.dice.IntN(2) == 0}
		if s.sets && s.dice.IntN(4) == 0 {
			p.Set = []float32{0, 1, 3}
		}
		share := lean
		if share < 0 {
			share = s.dice.Float64()
		}
		left := min(max(int(share*float64(leaves)+.5), 1), leaves-1)
		points = append(points, p)
		l := down(left)
		r := down(leaves - left)
		points[at].Left, points[at].Right = l, r
		return at
	}
	down(leaves)
	return points
}

// odd are numbers at the edges of float32, and what an ordering may get wrong.
var odd = []float32{0, float32(math.Copysign(0, -1)), math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32, 1e-40, math.MaxFloat32, -math.MaxFloat32, 1, -1}

// sweptForests are models of trees of all shapes.
func sweptForests(t *testing.T) map[string]*Model {
	dice := rand.New(rand.NewPCG(1, 2))
	many := make([]float32, 3000)
	for i := range many {
		many[i] = float32(dice.NormFloat64())
	}
	out := map[string]*Model{}
	for name, c := range map[string]struct {
		cuts           []float32
		features       int
		trees, margins int
		leaves         func() int
		lean           float64
		sets           bool
	}{
		"stumps":            {odd, 3, 9, 1, func() int { return 2 }, .5, false},
		"leaves and stumps": {odd, 3, 9, 1, func() int { return 1 + dice.IntN(2) }, .5, false},
		"complete":          {odd, 5, 12, 1, func() int { return 64 }, .5, false},
		"depth 8":           {many, 28, 7, 1, func() int { return 256 }, .5, false},
		"few cuts":          {many[:14], 1, 6, 1, func() int { return 30 }, -1, false},
		"15 cuts":           {many[:15], 1, 40, 1, func() int { return 30 }, -1, false},
		"16 cuts":           {many[:16], 1, 40, 1, func() int { return 30 }, -1, false},
		"255 cuts":          {many[:255], 1, 40, 1, func() int { return 60 }, -1, false},
		"256 cuts":          {many[:256], 1, 40, 1, func() int { return 60 }, -1, false},
		"many cuts":         {many, 2, 60, 1, func() int { return 100 }, -1, false},
		"any shape":         {many, 10, 23, 1, func() int { return 1 + dice.IntN(256) }, -1, false},
		"left":              {many, 4, 5, 1, func() int { return 256 }, 1, false},
		"right":             {many, 4, 5, 1, func() int { return 256 }, 0, false},
		"some too large":    {many, 4, 21, 1, func() int { return 200 + dice.IntN(100) }, -1, false},
		"some with sets":    {odd, 4, 21, 1, func() int { return 1 + dice.IntN(6) }, -1, true},
		"classes":           {odd, 4, 21, 3, func() int { return 1 + dice.IntN(40) }, -1, false},
	} {
		s := sprout{dice, c.cuts, c.features, c.sets}
		f := &Forest{Objective: "reg:squarederror", Features: c.features, Margins: c.margins, Parallel: 1, Base: .5}
		if c.margins > 1 {
			f.Objective, f.Classes = "multi:softprob", c.margins
		}
		for range c.trees {
			f.Trees = append(f.Trees, s.grow(c.leaves(), c.lean))
		}
		m, err := FromForest(f)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		// Whatever is faster, and wherever.
		by := make([][]tree, m.groups)
		for i, tr := range m.trees {
			by[m.group(i)] = append(by[m.group(i)], tr)
		}
		m.sweep = newSweepLayout(by).sweeper(by)
		if again := newSweepLayout(by).sweeper(by); !reflect.DeepEqual(again, m.sweep) {
			t.Fatalf("%s: laid out in another way the second time", name)
		}
		out[name] = m
	}
	return out
}

// oddRows are rows of what is at, above and below thresholds, and of what is no number.
func oddRows(m *Model, rows int, dice *rand.Rand) []float32 {
	values := slices.Concat(odd, []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), 2, 3, 3.5, 1 << 24})
	for _, t := range m.trees {
		for _, n := range t.nodes {
			if n.feature != leaf {
				values = append(values, n.value, math.Nextafter32(n.value, 2), math.Nextafter32(n.value, -2))
			}
		}
	}
	x := make([]float32, rows*m.features)
	for i := range x {
		x[i] = values[dice.IntN(len(values))]
		if dice.IntN(8) == 0 {
			x[i] = values[dice.IntN(len(odd)+7)]
		}
	}
	return x
}

// Margins of swept rows are to the bit the sums of the plain walk, tree by tree, for every number of rows.
func TestSweep(t *testing.T) {
	dice := rand.New(rand.NewPCG(3, 4))
	for name, m := range sweptForests(t) {
		swept := 0
		for rows := 1; rows <= 200; rows++ {
			x := oddRows(m, rows, dice)
			got := make([]float32, rows)
			for g := range m.groups {
				for from := 0; from < rows; from += sweepRows {
					to := min(from+sweepRows, rows)
					b := m.block(to-from, x[from*m.features:to*m.features])
					if b.scratch != nil {
						swept++
					}
					b.margins(g, got[from:to])
					b.done()
				}
				for r, v := range got {
					want := m.base
					for i := range m.trees {
						if m.group(i) == g {
							want += m.trees[i].value(x[r*m.features:][:m.features])
						}
					}
					if math.Float32bits(v) != math.Float32bits(want) {
						t.Fatalf("%s, %d rows: margin %d of row %d is %v, by walking %v: %v", name, rows, g, r, v, want, x[r*m.features:][:m.features])
					}
				}
			}
			if m.groups == 1 {
				values := make([]float32, rows)
				m.Predict(values, x)
				if !slices.Equal(values, got) {
					t.Fatalf("%s, %d rows: other values than margins", name, rows)
				}
			}
		}
		if swept == 0 {
			t.Errorf("%s: nothing was swept", name)
		}
	}
}

// A model that has no tree that could be swept has no use for ranks, nor has one with more columns than steps.
func TestSweepPays(t *testing.T) {
	s := sprout{dice: rand.New(rand.NewPCG(5, 6)), cuts: odd, features: 40}
	trees := func(n, leaves int) [][]tree {
		by := [][]tree{make([]tree, n)}
		for i := range n {
			var err error
			if by[0][i], err = fromPoints(s.grow(leaves, .5), s.features); err != nil {
				t.Fatal(err)
			}
		}
		return by
	}
	for _, c := range []struct {
		trees, leaves int
		want          bool
	}{{0, 1, false}, {10, 1, false}, {1, 64, false}, {10, 257, false}, {100, 64, true}, {1000, 2, true}} {
		t.Run(fmt.Sprint(c.trees, " trees of ", c.leaves), func(t *testing.T) {
			if got := newSweeper(trees(c.trees, c.leaves)) != nil; got != c.want {
				t.Errorf("swept: %v", got)
			}
		})
	}
}
