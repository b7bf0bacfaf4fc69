package gbdt

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/pgowl/pgowl/models/learn"
)

// TestLightGBM compares margins with those of LightGBM itself, draws and all.
func TestLightGBM(t *testing.T) {
	for _, c := range lightCases(t) {
		t.Run(fmt.Sprint(c.Kind, c.Params), func(t *testing.T) {
			train, x, _ := holdOut(c.data(), boostTest)
			scores := map[string][]float64{}
			fitted, err := TrainLightGBM(t.Context(), train, taskOf(train.Classes), c.Params, func(_, _ int, now ...learn.Score) {
				for _, s := range now {
					scores[s.Name] = append(scores[s.Name], s.Value)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range c.Scores {
				if got := scores[name]; len(got) < len(want) || !close(got[:len(want)], want, 1e-5) {
					t.Errorf("%s is %v, LightGBM's %v", name, got, want)
				}
			}
			m := fitted.(*Model)
			margins := m.margins(x[:len(c.Margins)/m.groups*m.features])
			if m.objective == softmax { // what is the same for all classes means nothing
				for row := range slices.Chunk(margins, m.groups) {
					centre(row)
				}
			}
			for i, want := range c.Margins {
				if sigmoid, ok := c.Params["sigmoid"].(float64); ok {
					want *= sigmoid // which is in our leaves
				}
				if math.Abs(margins[i]-want) > 1e-4*max(1, math.Abs(want)) {
					t.Errorf("margin %d is %v, LightGBM's %v", i, margins[i], want)
				}
			}
		})
	}
}

// close says whether numbers are the same but for a share of them.
func close(got, want []float64, share float64) bool {
	for i, v := range want {
		if !(math.Abs(got[i]-v) <= share*math.Abs(v)) {
			return false
		}
	}
	return true
}

// centre subtracts the mean.
func centre(row []float64) {
	mean := 0.0
	for _, v := range row {
		mean += v / float64(len(row))
	}
	for i := range row {
		row[i] -= mean
	}
}

func lightCases(t testing.TB) []boostCase { return casesIn(t, "testdata/golden_lightgbm.json") }
