package gbdt

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/pgowl/pgowl/models/learn"
)

const (
	goldenRows     = 800
	goldenTest     = 25
	goldenFeatures = 6
)

// goldenCase is a fit by XGBoost 3.2.0 (testdata/golden.py): its parameters, and what it predicts for the test rows.
type goldenCase struct {
	Name    string
	Kind    string // how the labels are made
	Classes int
	Missing bool
	// Weighted rows have weights that are made with them.
	Weighted bool
	Params   map[string]any
	Want     []float64
	Rounds   int // of the best model, with early stopping
	// Scores are metrics of the training rows at the end.
	Scores map[string]float64
}

// data makes the rows and labels that golden.py made; the last goldenTest rows are the test.
func (c *goldenCase) data() *learn.Dataset { return c.dataOf(goldenRows + goldenTest) }

func (c *goldenCase) dataOf(rows int) *learn.Dataset {
	s := uint32(7)
	draw := func() float64 {
		s = s*1664525 + 1013904223
		return float64(s>>8) / (1 << 24)
	}
	d := &learn.Dataset{Rows: rows, Features: goldenFeatures, Classes: c.Classes}
	for range d.Rows {
		v := make([]float64, d.Features)
		for f := range v {
			v[f] = draw()
		}
		noise := draw()
		if c.Weighted {
			d.Weights = append(d.Weights, float32(math.Floor(noise*8)/4))
		}
		// The conversions keep a compiler from fusing a multiplication with an addition.
		y := float64(3*v[0]) - float64(2*v[1]*v[2])
		if v[3] > .5 {
			y++
		}
		y += float64(.5 * (noise - .5))
		y = math.Floor(y*64) / 64
		if c.Missing {
			for f := range v {
				v[f] = math.Floor(v[f]*100) / 64
			}
			for f := range v {
				if draw() < .15 {
					v[f] = math.NaN()
				}
			}
		}
		for _, a := range v {
			d.X = append(d.X, float32(a))
		}
		switch {
		case c.Classes == 2 || c.Kind == "binary":
			y = float64(b2i(y > 1.5))
		case c.Classes == 3:
			y = float64(b2i(y > .8) + b2i(y > 1.8))
		case c.Kind == "count":
			y = math.Floor(max(y, 0))
		case c.Kind == "positive":
			y = max(y, 0) + .25
		case c.Kind == "time":
			y = max(y, 0) + .25
			if int(math.Floor(y*64))%3 == 0 {
				y = -y
			}
		case c.Kind == "ranks":
			y = math.Floor(max(y, 0))
		case c.Kind == "relevant":
			y = float64(b2i(y > 1.5))
		case c.Kind == "bounds":
			way := int(math.Floor((y+10)*64)) % 4
			y = max(y, 0) + .25
			low, high := y, y
			switch way {
			case 1:
				high = math.Inf(1)
			case 2:
				low = 0
			case 3:
				high = y + .5
			}
			y = low
			d.Upper = append(d.Upper, float32(high))
		}
		if c.Kind == "ranks" || c.Kind == "relevant" {
			q := int32(math.Sqrt(float64(len(d.Y))) * 1.5)
			d.Queries = append(d.Queries, q)
			if c.Weighted {
				d.Weights[len(d.Y)] = float32(q%4)/2 + .25
			}
		}
		d.Y = append(d.Y, float32(y))
	}
	return d
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// holdOut takes the test rows off.
func holdOut(d *learn.Dataset, test int) (train *learn.Dataset, x, y []float32) {
	n := d.Rows - test
	train = &learn.Dataset{X: d.X[:n*d.Features], Y: d.Y[:n], Rows: n, Features: d.Features, Classes: d.Classes}
	if d.Weights != nil {
		train.Weights = d.Weights[:n]
	}
	if d.Queries != nil {
		train.Queries = d.Queries[:n]
	}
	if d.Upper != nil {
		train.Upper = d.Upper[:n]
	}
	return train, d.X[n*d.Features:], d.Y[n:]
}

func taskOf(classes int) learn.Task {
	if classes > 0 {
		return learn.Classification
	}
	return learn.Regression
}

// outputs is what a model says of rows: probabilities of a classifier, else values.
func outputs(m learn.Model, x []float32) []float32 {
	out := make([]float32, len(x)/m.Features()*max(1, m.Classes()))
	if m.Classes() > 0 {
		m.Probabilities(out, x)
	} else {
		m.Predict(out, x)
	}
	return out
}

func goldenCases(t testing.TB) []goldenCase {
	t.Helper()
	text, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []goldenCase
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

func TestXGBoost(t *testing.T) {
	for _, c := range goldenCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			train, x, _ := holdOut(c.data(), goldenTest)
			var last []learn.Score
			m, err := Train(context.Background(), train, taskOf(c.Classes), c.Params, func(_, _ int, scores ...learn.Score) { last = scores })
			if err != nil {
				t.Fatal(err)
			}
			if trees, ok := m.(*Model); ok && c.Rounds > 0 && trees.Trees() != c.Rounds*trees.groups {
				t.Errorf("%d trees, want those of %d rounds", trees.Trees(), c.Rounds)
			}
			for _, s := range last {
				if want, ok := c.Scores[s.Name]; ok && math.Abs(s.Value-want) > 1e-5*math.Max(1, math.Abs(want)) {
					t.Errorf("%s is %v, XGBoost's %v", s.Name, s.Value, want)
				}
			}
			if len(c.Scores) > 0 && len(last) != len(c.Scores) {
				t.Errorf("metrics %v, want %v", last, c.Scores)
			}
			got := outputs(m, x)
			if len(got) != len(c.Want) {
				t.Fatalf("%d values, want %d", len(got), len(c.Want))
			}
			// The trees are the same; what remains is the rounding of exp and of sums in another order.
			const tolerance = 5e-6
			for i, want := range c.Want {
				if math.Abs(float64(got[i])-want) > tolerance*math.Max(1, math.Abs(want)) {
					t.Errorf("value %d is %v, XGBoost's %v", i, got[i], want)
				}
			}
		})
	}
}

// What draws at random is as good as XGBoost's: the mean loss over seeds is the same, but for what chance does.
func TestNoise(t *testing.T) {
	text, err := os.ReadFile("testdata/noise.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name            string
		Params          map[string]any
		Mean, Deviation float64
	}
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	train, x, y := holdOut((&goldenCase{}).dataOf(3000), 1000)
	for _, c := range cases {
		const seeds = 10
		sum, squares := 0.0, 0.0
		for seed := range seeds {
			c.Params["seed"], c.Params["n_estimators"] = float64(seed), 30.0
			now := 0.0
			for i, v := range outputs(fit(t, train, c.Params), x) {
				now += math.Pow(float64(v-y[i]), 2) / float64(len(y))
			}
			now = math.Sqrt(now)
			sum += now / seeds
			squares += now * now / seeds
		}
		deviation := math.Sqrt(max(0, squares-sum*sum))
		chance := 4 * math.Hypot(c.Deviation, deviation) / math.Sqrt(seeds)
		if math.Abs(sum-c.Mean) > chance+1e-4 {
			t.Errorf("%s: loss %.5f (deviation %.5f), XGBoost's %.5f (%.5f)", c.Name, sum, deviation, c.Mean, c.Deviation)
		}
	}
}
