package gbdt

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

// explained is what XGBoost says of a golden case (testdata/explain.py): a row a feature of gain, cover and weight, and the contributions of
// the first test rows.
type explained struct {
	Name          string
	Scores        [][3]float64
	Contributions []float64
}

func TestExplainsAsXGBoost(t *testing.T) {
	text, err := os.ReadFile("testdata/explain.json")
	if err != nil {
		t.Fatal(err)
	}
	var want []explained
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	cases := map[string]goldenCase{}
	for _, c := range goldenCases(t) {
		cases[c.Name] = c
	}
	near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-5*math.Max(1, math.Abs(b)) }
	for _, w := range want {
		t.Run(w.Name, func(t *testing.T) {
			c := cases[w.Name]
			train, x, _ := holdOut(c.data(), goldenTest)
			m := fit(t, train, c.Params).(*Model)
			for f, got := range m.Importance() {
				if s := w.Scores[f]; !near(got.Gain, s[0]) || !near(got.Cover, s[1]) || got.Weight != s[2] {
					t.Errorf("feature %d: %+v, XGBoost's %v", f, got, s)
				}
			}
			width := (m.Features() + 1) * m.Margins()
			got := make([]float64, width)
			for r := range len(w.Contributions) / width {
				m.Contributions(got, x[r*m.Features():][:m.Features()])
				for i, v := range got {
					if !near(v, w.Contributions[r*width+i]) {
						t.Errorf("row %d: contribution %d is %v, XGBoost's %v", r, i, v, w.Contributions[r*width+i])
					}
				}
			}
		})
	}
}

// What the features and the bias add is the margin.
func TestContributionsSumToTheMargin(t *testing.T) {
	for name, m := range models(t) {
		for _, byRows := range []bool{false, true} {
			m := *m
			m.byRows = byRows
			x := noisy(50, 7, 0, .2).X
			got := make([]float64, m.Margins()*8)
			for r := range 50 {
				row := x[r*7:][:7]
				m.Contributions(got, row)
				for g := range m.groups {
					sum := 0.0
					for _, v := range got[g*8:][:8] {
						sum += v
					}
					if want := float64(m.fast[g].addOne(m.base, row)); math.Abs(sum-want) > 2e-6*math.Max(1, math.Abs(want)) {
						t.Fatalf("%s: the sum of row %d is %v, the margin %v", name, r, sum, want)
					}
				}
			}
		}
	}
}

// By the definition: a feature's share is the mean, over all orders of the features, of what knowing it changes.
func TestContributionsAreShapleyValues(t *testing.T) {
	m := fit(t, noisy(300, 4, 0, .2), map[string]any{"n_estimators": 3.0, "max_depth": 5.0}).(*Model)
	x := noisy(20, 4, 0, .3).X
	for r := range 20 {
		row := x[r*4:][:4]
		got := make([]float64, 5)
		m.Contributions(got, row)
		want := make([]float64, 5)
		want[4] = known(m, row, 0)
		for f := range 4 {
			for set := range 16 {
				if set>>f&1 == 1 {
					continue
				}
				size := 0
				for s := set; s > 0; s &= s - 1 {
					size++
				}
				weight := []float64{1. / 4, 1. / 12, 1. / 12, 1. / 4}[size]
				want[f] += weight * (known(m, row, set|1<<f) - known(m, row, set))
			}
		}
		for i := range got {
			if math.Abs(got[i]-want[i]) > 1e-9 {
				t.Fatalf("row %d: %v, by the definition %v", r, got, want)
			}
		}
	}
}

// known is the margin when only a set of features is known.
func known(m *Model, row []float32, set int) float64 {
	sum := float64(m.base)
	for i := range m.trees {
		w := walk{t: &m.trees[i]}
		var down func(at int32) float64
		down = func(at int32) float64 {
			n := &w.t.nodes[at]
			switch {
			case n.feature == leaf:
				return float64(n.value)
			case set>>n.feature&1 == 0:
				s := w.leftShare(n)
				return s*down(n.left) + (1-s)*down(n.left+1)
			case goesLeft(n, row):
				return down(n.left)
			}
			return down(n.left + 1)
		}
		sum += down(0)
	}
	return sum
}

// Without statistics there is nothing to say, and a tree that would take too long is not begun.
func TestCannotExplain(t *testing.T) {
	m := *fit(t, noisy(60, 3, 0, 0), nil).(*Model)
	m.trees = append([]tree(nil), m.trees...)
	m.trees[2].stats = nil
	if m.Margins() != 0 || m.Importance() != nil {
		t.Errorf("%d margins, importance %v", m.Margins(), m.Importance())
	}
	const depth = maxExplainedPath + 1
	chain := tree{nodes: make([]node, 2*depth+1), stats: make([]stat, 2*depth+1)}
	for i := range depth { // the left child is a leaf, the right one the next split
		chain.nodes[2*i].feature, chain.nodes[2*i].left = int32(i), int32(2*i+1)
		chain.nodes[2*i+1].feature = leaf
	}
	chain.nodes[2*depth].feature = leaf
	deep := &Model{features: depth, groups: 1, parallel: 1, objective: squaredError, trees: []tree{chain}}
	if deep.Margins() != 0 {
		t.Error("a tree that is too deep")
	}
	deep.features = 100 // as many as a way can ask for
	for i := range chain.nodes {
		if chain.nodes[i].feature != leaf {
			chain.nodes[i].feature %= 100
		}
	}
	if deep.Margins() != 1 {
		t.Error("a deep tree of few features")
	}
	deep.Contributions(make([]float64, 101), make([]float32, 100))
}
