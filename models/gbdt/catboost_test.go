package gbdt

import (
	"bytes"
	"context"
	"maps"
	"testing"
)

// The rows are enough for several blocks of each kind, and for packed histograms.
func TestCatBoostThreads(t *testing.T) {
	for name, c := range map[string]struct {
		classes int
		params  map[string]any
	}{
		"MVS":      {2, map[string]any{"leaf_estimation_iterations": 10.}},
		"Bayesian": {3, map[string]any{"depth": 3.}},
		"no draws": {0, map[string]any{"bootstrap_type": "No", "random_strength": 0.}},
	} {
		d := noisy(70_000, 6, c.classes, .05)
		var first []byte
		for _, threads := range []float64{1, 3, 8} {
			params := maps.Clone(c.params)
			params["iterations"], params["thread_count"] = 4., threads
			m, err := TrainCatBoost(context.Background(), d, taskOf(c.classes), params, nil)
			if err != nil {
				t.Fatal(err)
			}
			switch now := encode(t, m); {
			case first == nil:
				first = now
			case !bytes.Equal(first, now):
				t.Errorf("%s: another model with %v threads", name, threads)
			}
		}
	}
}
