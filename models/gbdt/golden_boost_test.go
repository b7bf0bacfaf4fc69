package gbdt

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/pgowl/pgowl/models/learn"
)

// trainers are the learn.Trainers that testdata/golden_boost.py has a library for.
var trainers = map[string]learn.Trainer{
	"lightgbm": TrainLightGBM, "xgboost_random_forest": TrainRandomForest, "catboost": TrainCatBoost, "hist_gradient_boosting": TrainHistGradientBoosting,
	"gradient_boosting_trees": TrainGradientBoosting,
}

// boostTest is the number of rows that are scored.
const boostTest = 1500

// boostCase is a fit by another library (testdata/golden_boost.py).
type boostCase struct {
	Algorithm string
	Kind      string // of the labels
	Rows      int
	Params    map[string]any
	Score     float64              // on the test rows: RMSE, AUC of two classes, log loss of several; without margins, the mean over some seeds
	Spread    float64              // standard deviation of that score, for other seeds
	Margins   []float64            // of the first test rows, where the library draws nothing
	Scores    map[string][]float64 // of the first rounds, by metric, on the rows that are held apart for early stopping
}

// data makes what the function of that name in golden_boost.py makes.
func (c *boostCase) data() *learn.Dataset {
	s := uint32(11)
	draw := func() float64 {
		s = s*1664525 + 1013904223
		return float64(s>>8) / (1 << 24)
	}
	d := &learn.Dataset{Rows: c.Rows + boostTest, Features: 8, Classes: map[string]int{"binary": 2, "multi": 3}[c.Kind]}
	for range d.Rows {
		v := make([]float64, d.Features)
		for f := range v {
			v[f] = draw()
		}
		noise, gap := draw(), draw()
		v[4] = math.Floor(v[4]*7) - 3
		v[6] = math.Floor(v[6] * 3)
		v[7] = math.Floor(float64(v[7]*v[7]) * 40)
		// The conversions keep a compiler from fusing a multiplication with an addition.
		y := float64(3*v[0]) - float64(float64(2*v[1])*v[2])
		if v[3] > .5 {
			y++
		}
		y += float64(.2 * v[4])
		if v[6] == 1 {
			y += .5
		}
		y += math.Mod(v[7]*7, 5) / 4
		y += noise - .5
		if gap < .15 {
			v[5] = math.NaN()
			y += .5
			if c.Algorithm == "gradient_boosting_trees" { // which takes no gaps
				v[5] = -1
			}
		}
		y = math.Floor(y*64) / 64
		switch c.Kind {
		case "binary":
			y = float64(b2i(y > 2))
		case "multi":
			y = float64(b2i(y > 1.5) + b2i(y > 2.5))
		case "count":
			y = math.Floor(max(y, 0))
		case "positive":
			y = max(y, 0) + .25
		case "share":
			y = min(max(math.Floor(y*8), 0), 64) / 64
		}
		for _, a := range v {
			if c.Algorithm == "gradient_boosting_trees" {
				a = math.Floor(float64(float32(a))*128) / 128
			}
			d.X = append(d.X, float32(a))
		}
		d.Y = append(d.Y, float32(y))
	}
	return d
}

func boostCases(t testing.TB) []boostCase { return casesIn(t, "testdata/golden_boost.json") }

func casesIn(t testing.TB, file string) []boostCase {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var cases []boostCase
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

// margins are the sums of the trees, row by row.
func (m *Model) margins(x []float32) []float64 {
	var out []float64
	for row := range slices.Chunk(x, m.features) {
		for g := range m.groups {
			out = append(out, float64(m.fast[g].addOne(m.base, row)))
		}
	}
	return out
}

// scoreOf is the function of that name in golden_boost.py.
func scoreOf(m learn.Model, x, y []float32) float64 {
	p := outputs(m, x)
	total := 0.0
	switch k := m.Classes(); k {
	case 0:
		for i, v := range y {
			total += float64(p[i]-v) * float64(p[i]-v)
		}
		return math.Sqrt(total / float64(len(y)))
	case 2:
		return areaUnderCurve(p, y)
	default:
		for i, v := range y {
			total -= math.Log(float64(p[i*k+int(v)]))
		}
		return total / float64(len(y))
	}
}

// areaUnderCurve is that of the second of two classes; p has two probabilities a row.
func areaUnderCurve(p, y []float32) float64 {
	order := make([]int, len(y))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(p[2*a+1], p[2*b+1]) })
	ranks, positives := 0.0, 0.0
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && p[2*order[j]+1] == p[2*order[i]+1] {
			j++
		}
		for _, r := range order[i:j] {
			if y[r] == 1 {
				ranks += float64(i+j+1) / 2
				positives++
			}
		}
		i = j
	}
	return (ranks - positives*(positives+1)/2) / positives / (float64(len(y)) - positives)
}

func TestBoosting(t *testing.T) {
	for _, c := range boostCases(t) {
		t.Run(fmt.Sprint(c.Algorithm, c.Kind, c.Params), func(t *testing.T) {
			train, x, y := holdOut(c.data(), boostTest)
			draws := 1
			if c.Spread > 1e-12 {
				draws = 2
			}
			var m *Model
			got := 0.0
			for seed := range draws {
				params := maps.Clone(c.Params)
				params["random_state"] = float64(seed)
				fitted, err := trainers[c.Algorithm](context.Background(), train, taskOf(train.Classes), params, nil)
				if err != nil {
					t.Fatal(err)
				}
				m = fitted.(*Model)
				got += scoreOf(m, x, y) / float64(draws)
			}
			// Beside two in a thousand, what the means of so many draws differ by.
			near := .002*c.Score + 2*c.Spread/math.Sqrt(float64(draws)/2)
			t.Logf("score %.5f, the library's %.5f: %+.3f %%", got, c.Score, 100*(got/c.Score-1))
			if math.Abs(got-c.Score) > near {
				t.Errorf("score %v, the library's %v: %+.3f %%", got, c.Score, 100*(got/c.Score-1))
			}
			if len(c.Margins) == 0 {
				return
			}
			margins := m.margins(x[:len(c.Margins)/m.groups*m.features])
			if m.groups > 1 {
				for row := range slices.Chunk(margins, m.groups) {
					centre(row)
				}
			}
			for i, want := range c.Margins {
				if math.Abs(margins[i]-want) > 1e-4*max(1, math.Abs(want)) {
					t.Errorf("margin %d is %v, the library's %v", i, margins[i], want)
				}
			}
		})
	}
}
