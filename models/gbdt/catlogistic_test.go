package gbdt

import (
	"math"
	"testing"
)

// The series is the sum of the gradients, as far as it is used.
func TestLogisticSeries(t *testing.T) {
	margins := []float64{-30, -6, -2.5, -1, -.3, 0, .2, 1.1, 4, 17}
	for away := -logisticReach; away <= logisticReach; away += logisticReach / 4 {
		var sums [logisticWidth]float64
		g, h := 0.0, 0.0
		for i, m := range margins {
			y, w := float64(i%2), 1+float64(i%3)
			p := expit(m)
			logisticAdd(&sums, w, p-y, p)
			q := expit(m + away)
			g, h = g+w*(q-y), h+w*q*(1-q)
		}
		series := newLogisticSeries(&sums)
		gotG, gotH := series.at(away)
		if math.Abs(gotG-g) > 2e-9 || math.Abs(gotH-h) > 1e-7 {
			t.Errorf("%v away: %v and %v, want %v and %v", away, gotG, gotH, g, h)
		}
	}
}
