package gbdt

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/pgowl/pgowl/models/learn"
)

// scikitCase is a fit of testdata/golden_scikit.py.
type scikitCase struct {
	boostCase
	Weights int     // the way in which rows have them
	Near    float64 // part of the score that the scores may be apart; 0: .003
}

func scikitCases(t testing.TB) []scikitCase {
	t.Helper()
	text, err := os.ReadFile("testdata/golden_scikit.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []scikitCase
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

func (c *scikitCase) weighedData() *learn.Dataset {
	d := c.data()
	for r := 0; c.Weights > 0 && r < d.Rows; r++ {
		w := float32(1 + r%3)
		if c.Weights == 2 {
			w = float32(r%4) / 2
		}
		d.Weights = append(d.Weights, w)
	}
	return d
}

// TestScikitLearn compares with scikit-learn's fits, and weighted ones of LightGBM.
func TestScikitLearn(t *testing.T) {
	for _, c := range scikitCases(t) {
		t.Run(fmt.Sprint(c.Algorithm, c.Kind, c.Params, c.Weights), func(t *testing.T) {
			train, x, y := holdOut(c.weighedData(), boostTest)
			draws := 1
			if c.Spread > 1e-9 {
				draws = 3
			}
			got := 0.0
			var m *Model
			for seed := range draws {
				params := maps.Clone(c.Params)
				params["random_state"] = float64(seed)
				fitted, err := trainers[c.Algorithm](t.Context(), train, taskOf(train.Classes), params, nil)
				if err != nil {
					t.Fatal(err)
				}
				m = fitted.(*Model)
				got += scoreOf(m, x, y) / float64(draws)
			}
			t.Logf("score %.5f, the library's %.5f: %+.3f %%", got, c.Score, 100*(got/c.Score-1))
			near := c.Near
			if near == 0 {
				near = .003
			}
			if math.Abs(got-c.Score) > near*c.Score+2*c.Spread/math.Sqrt(float64(draws)/2) {
				t.Errorf("score %v, the library's %v (%v)", got, c.Score, c.Spread)
			}
			if len(c.Margins) == 0 {
				return
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
					t.Errorf("margin %d is %v, the library's %v", i, margins[i], want)
				}
			}
		})
	}
}
