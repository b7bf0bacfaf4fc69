package gbdt

import (
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

// catCase is a fit by CatBoost (testdata/golden_catboost.py).
type catCase struct {
	Kind     string // of the labels
	Rows     int
	Params   map[string]any
	Weighted bool
	Trees    int
	Score    float64 // on the test rows: RMSE, or log loss of classes; where something is drawn, the mean over ten seeds
	Spread   float64 // standard deviation of that score
	Margins  []float64
}

type catGolden struct {
	Borders []struct {
		Rows, Values, Most int
		Borders            []float32
	}
	Cases   []catCase
	Decided []struct {
		Loss                            string
		Classes, Rows, Features, Rounds int
		Params, Decided                 map[string]any
	}
}

func readCatGolden(t testing.TB) (g catGolden) {
	t.Helper()
	text, err := os.ReadFile("testdata/golden_catboost.json")
	if err == nil {
		err = json.Unmarshal(text, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// catTest is the number of rows that are scored, catSeeds that of seeds where something is drawn.
const catTest, catSeeds = 500, 10

// data makes what the function of that name in golden_catboost.py makes.
func (c *catCase) data() *learn.Dataset {
	s := uint32(7)
	draw := func() float64 {
		s = s*1664525 + 1013904223
		return float64(s>>8) / (1 << 24)
	}
	d := &learn.Dataset{Rows: c.Rows + catTest, Features: 7, Classes: map[string]int{"binary": 2, "multi": 3}[c.Kind]}
	for range d.Rows {
		v := make([]float64, d.Features)
		for f := range v {
			v[f] = draw()
		}
		noise, gap := draw(), draw()
		v[2] = math.Floor(v[2]*9) - 4
		v[4] = math.Floor(v[4] * 4)
		v[5] = math.Floor(float64(v[5]*v[5]) * 12)
		v[6] = math.Floor(v[6] * 2)
		// The conversions keep a compiler from fusing a multiplication with an addition.
		y := float64(2*v[0]) - float64(v[1]*v[1]) + float64(float64(.25*v[2])*v[6])
		if v[4] == 1 {
			y += .75
		}
		y += math.Mod(v[5]*5, 7)/8 + (noise - .5)
		if gap < .2 {
			v[3] = math.NaN()
			y += .5
		}
		y = math.Floor(y*64) / 64
		switch c.Kind {
		case "binary":
			y = float64(b2i(y > 1.5))
		case "multi":
			y = float64(b2i(y > 1) + b2i(y > 2))
		case "count":
			y = math.Floor(max(y, 0))
		}
		for _, a := range v {
			d.X = append(d.X, float32(a))
		}
		d.Y = append(d.Y, float32(y))
	}
	return d
}

// score is the function of that name in golden_catboost.py.
func (c *catCase) score(m learn.Model, x, y []float32) float64 {
	p, total := outputs(m, x), 0.0
	for i, v := range y {
		if k := m.Classes(); k > 0 {
			total -= math.Log(max(float64(p[i*k+int(v)]), 1e-9)) / float64(len(y))
		} else {
			total += float64(p[i]-v) * float64(p[i]-v)
		}
	}
	if m.Classes() == 0 {
		return math.Sqrt(total / float64(len(y)))
	}
	return total
}

// What CatBoost makes of the same rows, ours makes too: the same margins where nothing is drawn; else scores whose means over ten seeds are not
// farther apart than chance goes.
func TestCatBoost(t *testing.T) {
	for _, c := range readCatGolden(t).Cases {
		t.Run(fmt.Sprint(c.Kind, c.Params, c.Weighted), func(t *testing.T) {
			train, x, y := holdOut(c.data(), catTest)
			if c.Weighted {
				for r := range train.Rows {
					train.Weights = append(train.Weights, float32(1+r%3))
				}
			}
			seeds := catSeeds
			if len(c.Margins) > 0 {
				seeds = 1
			}
			var m *Model
			var scores []float64
			for seed := range seeds {
				params := maps.Clone(c.Params)
				params["random_seed"] = float64(seed)
				fitted, err := TrainCatBoost(context.Background(), train, taskOf(train.Classes), params, nil)
				if err != nil {
					t.Fatal(err)
				}
				m = fitted.(*Model)
				scores = append(scores, c.score(m, x, y))
			}
			if len(c.Margins) == 0 {
				c.compareMeans(t, scores)
				return
			}
			if trees := len(m.trees) / m.groups; trees != c.Trees {
				t.Errorf("%d trees, CatBoost has %d", trees, c.Trees)
			}
			margins := m.margins(x[:len(c.Margins)/m.groups*m.features])
			for row := range slices.Chunk(margins, m.groups) {
				mean := 0.0
				for _, v := range row {
					mean += v / float64(m.groups)
				}
				for k := range row {
					if m.groups > 1 {
						row[k] -= mean
					}
				}
			}
			for i, want := range c.Margins {
				if math.Abs(margins[i]-want) > 1e-4*max(1, math.Abs(want)) {
					t.Errorf("margin %d is %v, CatBoost's %v", i, margins[i], want)
				}
			}
		})
	}
}

// compareMeans tells a difference of the means that three standard errors and a part in five hundred do not explain.
func (c *catCase) compareMeans(t *testing.T, scores []float64) {
	mean, square := 0.0, 0.0
	for _, s := range scores {
		mean += s / float64(len(scores))
	}
	for _, s := range scores {
		square += (s - mean) * (s - mean) / float64(len(scores))
	}
	near := .002*c.Score + 3*math.Sqrt((square+c.Spread*c.Spread)/float64(len(scores)-1))
	t.Logf("score %.5f, CatBoost's %.5f: %+.2f %%, may be %.2f %%", mean, c.Score, 100*(mean/c.Score-1), 100*near/c.Score)
	if math.Abs(mean-c.Score) > near {
		t.Errorf("score %v, CatBoost's %v: %+.2f %%", mean, c.Score, 100*(mean/c.Score-1))
	}
}

// Borders are cut where CatBoost's are, also where many gain the same.
func TestGreedyLogSum(t *testing.T) {
	for _, c := range readCatGolden(t).Borders {
		s := uint32(3)
		var values []float32
		for range c.Rows {
			s = s*1664525 + 1013904223
			u := float64(s>>8) / (1 << 24)
			values = append(values, float32(math.Floor(float64(u*u)*float64(c.Values))/16))
		}
		slices.Sort(values)
		if got := greedyLogSum(values, c.Most); !slices.Equal(got, c.Borders) {
			t.Errorf("%d rows of %d values: %d borders %v, CatBoost's %d %v", c.Rows, c.Values, len(got), got, len(c.Borders), c.Borders)
		}
	}
}

// What nobody has given is decided as CatBoost does.
func TestCatDecide(t *testing.T) {
	for _, c := range readCatGolden(t).Decided {
		p := catDefaults()
		given := maps.Clone(c.Params)
		given["loss_function"], given["iterations"] = c.Loss, float64(c.Rounds)
		if _, err := catTable.read(&p, given); err != nil {
			t.Fatal(err)
		}
		d := noisy(c.Rows, c.Features, c.Classes, 0)
		if err := p.catDecide(d, taskOf(c.Classes)); err != nil {
			t.Fatal(err)
		}
		cat := &p.catting
		got := map[string]any{"learning_rate": p.eta, "leaf_estimation_method": cat.leafMethod, "leaf_estimation_iterations": float64(cat.leafIterations),
			"boost_from_average": cat.fromMean == 1, "bootstrap_type": cat.bootstrap, "subsample": cat.share, "bagging_temperature": cat.temperature}
		for name, want := range c.Decided {
			if x, ok := want.(float64); ok && math.Abs(got[name].(float64)-x) < 1e-6 {
				continue
			}
			if got[name] != want {
				t.Errorf("%s, %d rows of %d, %d rounds, %v: %s is %v, CatBoost's %v", c.Loss, c.Rows, c.Features, c.Rounds, c.Params, name, got[name], want)
			}
		}
	}
}
