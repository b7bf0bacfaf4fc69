package gbdt

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/models/learn"
)

func TestEarlyStopping(t *testing.T) {
	d := noisy(2000, 5, 2, .1)
	for r := range d.Y { // nothing to learn
		d.Y[r] = float32(draw(6, uint64(r)) % 2)
	}
	for _, booster := range []string{"gbtree", "dart", "gblinear"} {
		var last int
		var seen []float64
		m, err := Train(t.Context(), d, learn.Classification, map[string]any{"n_estimators": 500.0, "early_stopping_rounds": 4.0, "booster": booster, "rate_drop": .1,
			"eval_metric": []any{"error", "logloss"}, "objective": "binary:logistic"}, func(done, _ int, scores ...learn.Score) {
			if last = done; done == 0 {
				return
			}
			if len(scores) != 2 || scores[1].Name != "logloss" || !scores[1].Held {
				t.Fatalf("scores %v", scores)
			}
			seen = append(seen, scores[1].Value)
		})
		if err != nil || last == 500 {
			t.Fatalf("%s: round %d, %v", booster, last, err)
		}
		best := slices.Min(seen)
		if best != seen[len(seen)-5] {
			t.Errorf("%s: stopped after %v", booster, seen)
		}
		// The model is that of the best round.
		loss, n := 0.0, 0.0
		p := outputs(m, d.X)
		for r, held := range drawHeldRows(d.Rows, nil, .1, 0) {
			if held {
				loss -= math.Log(float64(p[r*2+int(d.Y[r])]))
				n++
			}
		}
		if math.Abs(loss/n-best) > 1e-5 {
			t.Errorf("%s: the model has a loss of %v, the best was %v", booster, loss/n, best)
		}
	}
}

func TestHeldRows(t *testing.T) {
	if drawHeldRows(1, nil, .1, 0) != nil {
		t.Error("one row was held out")
	}
	for rows := 2; rows < 40; rows++ {
		for _, share := range []float64{.001, .1, .999} {
			n := 0
			for _, held := range drawHeldRows(rows, nil, share, 3) {
				if held {
					n++
				}
			}
			if n == 0 || n == rows {
				t.Errorf("%d of %d rows held out", n, rows)
			}
		}
	}
	// The rows that are held out change nothing but when it stops.
	d := noisy(500, 4, 0, 0)
	params := map[string]any{"early_stopping_rounds": 50.0, "n_estimators": 10.0, "seed": 5.0}
	held := drawHeldRows(500, nil, .1, 5)
	before := fit(t, d, params).(*Model)
	for r := range d.Rows {
		if held[r] {
			d.X[r*4] = -100
		}
	}
	after := fit(t, d, params).(*Model)
	probe := noisy(50, 4, 0, 0).X
	n := min(before.Trees(), after.Trees())
	for i := range 50 {
		for k := range n {
			if a, b := before.trees[k].value(probe[i*4:][:4]), after.trees[k].value(probe[i*4:][:4]); a != b {
				t.Fatalf("tree %d gives %v and %v", k, a, b)
			}
		}
	}
}

func TestFitErrors(t *testing.T) {
	for _, c := range []struct {
		metric  string
		classes int
		params  map[string]any
		reason  string
	}{
		{"mlogloss", 0, nil, "a probability for each class"},
		{"mlogloss", 2, map[string]any{"objective": "binary:logistic"}, "a probability for each class"},
		{"logloss", 3, nil, "merror, mlogloss"},
		{"logloss", 2, nil, ""}, // of the second class
		{"auc", 0, nil, "needs classes, or labels between 0 and 1"},
		{"auc", 3, nil, ""},
		{"quantile", 0, nil, "is needed for a quantile"},
		{"quantile", 0, map[string]any{"quantile_alpha": .2}, ""},
		{"cox-nloglik", 3, nil, "for regression"},
		{"mlogloss", 3, map[string]any{"multi_strategy": "multi_output_tree"}, "a vector in each leaf"},
		{"mlogloss", 3, map[string]any{"num_class": 4.0}, "is 4, and the labels have 3 classes"},
		{"rmse", 0, map[string]any{"objective": "reg:quantileerror"}, "is needed for a quantile"},
	} {
		params := map[string]any{"eval_metric": c.metric, "n_estimators": 1.0}
		for k, v := range c.params {
			params[k] = v
		}
		_, err := Train(t.Context(), noisy(60, 3, c.classes, 0), taskOf(c.classes), params, nil)
		var pe *learn.ParamError
		if c.reason == "" && err != nil || c.reason != "" && (!errors.As(err, &pe) || !strings.Contains(pe.Error(), c.reason)) {
			t.Errorf("%s with %d classes: %v, want %q", c.metric, c.classes, err, c.reason)
		}
	}
}

func TestWeightErrors(t *testing.T) {
	nan := float32(math.NaN())
	for name, w := range map[string][]float32{"short": {1}, "none": {0, 0, 0}, "negative": {1, -1, 1}, "NaN": {1, nan, 1}} {
		d := &learn.Dataset{Rows: 3, Features: 1, X: []float32{1, 2, 3}, Y: []float32{1, 2, 3}, Weights: w}
		if _, err := Train(t.Context(), d, learn.Regression, nil, nil); err == nil {
			t.Errorf("%s: trained", name)
		}
	}
}

// A row of weight n counts as n rows.
func TestWeightsAreCopies(t *testing.T) {
	d := noisy(200, 3, 0, 0)
	many := &learn.Dataset{Features: 3}
	for r := range d.Rows {
		for f := range 3 { // few values, so that the cuts are the same
			d.X[r*3+f] = float32(int(d.X[r*3+f] * 20))
		}
		n := 1 + r%3
		d.Weights = append(d.Weights, float32(n))
		for range n {
			many.X, many.Y = append(many.X, d.Row(r)...), append(many.Y, d.Y[r])
			many.Rows++
		}
	}
	for _, objective := range []string{"reg:squarederror", "reg:gamma", "reg:pseudohubererror", "reg:squaredlogerror"} {
		params := map[string]any{"objective": objective, "min_child_weight": 3.0}
		a, b := outputs(fit(t, d, params), d.X), outputs(fit(t, many, params), d.X)
		for i := range a {
			if math.Abs(float64(a[i]-b[i])) > 1e-4 {
				t.Fatalf("%s: row %d is %v with weights, %v with copies", objective, i, a[i], b[i])
			}
		}
	}
}
