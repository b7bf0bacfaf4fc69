package gbdt

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// TestLightGBM compares margins with those of LightGBM itself, draws and all.
func TestLightGBM(t *testing.T) {
	for _, c := range lightCases(t) {
		t.Run(fmt.Sprint(c.Kind, c.Params), func(t *testing.T) {
			train, x, _ := holdOut(c.data(), boostTest)
			fitted, err := TrainLightGBM(t.Context(), train, taskOf(train.Classes), c.Params, nil)
			if err != nil {
				t.Fatal(err)
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
