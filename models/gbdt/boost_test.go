package gbdt

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"math"
	"reflect"
	"runtime"
	"testing"

	"github.com/pgowl/pgowl/models/learn"
)

// withCategories makes two features of a data set categories.
func withCategories(d *learn.Dataset) *learn.Dataset {
	for r := range d.Rows {
		for f, n := range map[int]float64{0: 3, 1: 30} {
			v := &d.X[r*d.Features+f]
			*v = float32(math.Floor(float64(*v) * n))
		}
	}
	d.Categorical = make([]bool, d.Features)
	d.Categorical[0], d.Categorical[1] = true, true
	return d
}

// few keeps the fits of tests small.
var few = map[string]map[string]any{
	"lightgbm":                {"n_estimators": 6.0, "bagging_fraction": .7, "bagging_freq": 2.0, "feature_fraction_bynode": .8, "min_data_per_group": 5.0},
	"xgboost_random_forest":   {"n_estimators": 6.0},
	"hist_gradient_boosting":  {"max_iter": 6.0},
	"gradient_boosting_trees": {"n_estimators": 6.0, "subsample": .6, "max_features": "sqrt"},
	"catboost":                {"iterations": 6.0, "rsm": .7},
}

func TestBoostThreads(t *testing.T) {
	for algorithm, train := range trainers {
		for _, classes := range []int{0, 2, 3} {
			params := maps.Clone(few[algorithm])
			d := withCategories(noisy(1500, 18, classes, .1))
			if classes == 0 { // enough for several blocks of rows
				d = withCategories(noisy(40_000, 4, classes, .1))
				for _, rounds := range []string{"n_estimators", "max_iter", "iterations"} {
					if params[rounds] != nil {
						params[rounds] = 2.0
					}
				}
			}
			var first []byte
			for _, threads := range []int{1, 2, 5} {
				before := runtime.GOMAXPROCS(threads) // not all have a parameter for it
				m, err := train(context.Background(), d, taskOf(classes), params, nil)
				runtime.GOMAXPROCS(before)
				if err != nil {
					t.Fatalf("%s: %v", algorithm, err)
				}
				got := encode(t, m)
				if first == nil {
					first = got
				} else if !bytes.Equal(got, first) {
					t.Errorf("%s with %d classes: another model for %v threads", algorithm, classes, threads)
				}
			}
			again, err := Decode(first)
			if err != nil {
				t.Fatalf("%s: %v", algorithm, err)
			}
			if !bytes.Equal(encode(t, again), first) {
				t.Errorf("%s: other bytes after a round trip", algorithm)
			}
		}
	}
}

// Categories reach the model as sets, and every way to predict takes them the same.
func TestSets(t *testing.T) {
	for _, algorithm := range []string{"lightgbm", "hist_gradient_boosting", "catboost"} {
		d := withCategories(noisy(2000, 4, 2, 0))
		for r := range d.Y { // only sets can tell
			d.Y[r] = float32(int(d.Row(r)[1]*7) % 2)
		}
		fitted, err := trainers[algorithm](context.Background(), d, learn.Classification, few[algorithm], nil)
		if err != nil {
			t.Fatal(err)
		}
		m := fitted.(*Model)
		if !tree.hasSets(m.trees[0]) && !tree.hasSets(m.trees[1]) {
			t.Errorf("%s: no set", algorithm)
		}
		x := append([]float32(nil), d.X[:400]...)
		for i, odd := range []float32{float32(math.NaN()), -3, 1.5, 1e30, float32(math.Inf(1)), float32(math.Copysign(0, -1))} {
			x[4*i+1] = odd
		}
		all := make([]float32, len(x)/4)
		m.Predict(all, x)
		right := 0
		for r := range all {
			one := []float32{0}
			m.Predict(one, x[4*r:4*r+4])
			margin := m.base
			for i := range m.trees {
				margin += m.trees[i].value(x[4*r : 4*r+4])
			}
			if one[0] != all[r] || m.value(margin) != all[r] {
				t.Fatalf("%s: row %d is %v, %v alone, %v by walking", algorithm, r, all[r], one[0], m.value(margin))
			}
			if all[r] == d.Y[r] {
				right++
			}
			contributions := make([]float64, 5)
			m.Contributions(contributions, x[4*r:4*r+4])
			sum := 0.0
			for _, c := range contributions {
				sum += c
			}
			if math.Abs(sum-float64(margin)) > 1e-4 {
				t.Fatalf("%s: row %d has the margin %v and contributions of %v", algorithm, r, margin, sum)
			}
		}
		if right < 90 {
			t.Errorf("%s: %d of 100 rows right", algorithm, right)
		}
		other, err := FromForest(m.Forest())
		if err != nil || !reflect.DeepEqual(outputs(other, x), outputs(m, x)) {
			t.Errorf("%s: other predictions as a forest, %v", algorithm, err)
		}
		again, err := Decode(encode(t, m))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(outputs(again, x), outputs(m, x)) {
			t.Errorf("%s: other predictions after a round trip", algorithm)
		}
	}
}

func TestBoostCancel(t *testing.T) {
	d := noisy(3000, 10, 3, .1)
	cause := errors.New("the client went away")
	for algorithm, train := range trainers {
		ctx, cancel := context.WithCancelCause(context.Background())
		rounds := map[string]any{"n_estimators": 100_000.0}
		if algorithm == "hist_gradient_boosting" {
			rounds = map[string]any{"max_iter": 100_000.0}
		}
		if algorithm == "xgboost_random_forest" { // which has one round
			cancel(cause)
		}
		_, err := train(ctx, d, learn.Classification, rounds, func(done, _ int, _ ...learn.Score) {
			if done == 2 {
				cancel(cause)
			}
		})
		if !errors.Is(err, cause) {
			t.Errorf("%s: %v, want the cause", algorithm, err)
		}
		cancel(nil)
	}
}

// Data that leave nothing to learn give a model all the same.
func TestBoostOddData(t *testing.T) {
	nan := float32(math.NaN())
	for algorithm, train := range trainers {
		for name, d := range map[string]*learn.Dataset{
			"one row":     {Rows: 1, Features: 1, X: []float32{1}, Y: []float32{5}},
			"all missing": {Rows: 3, Features: 1, X: []float32{nan, nan, nan}, Y: []float32{5, 5, 5}},
			"constant":    {Rows: 3, Features: 1, X: []float32{2, 2, 2}, Y: []float32{5, 5, 5}},
			"huge":        {Rows: 3, Features: 1, X: []float32{-math.MaxFloat32, 0, math.MaxFloat32}, Y: []float32{5, 5, 5}},
			"one class":   {Rows: 3, Features: 1, X: []float32{1, 2, 3}, Y: []float32{0, 0, 0}, Classes: 1},
			"empty class": {Rows: 40, Features: 1, X: noisy(40, 1, 0, 0).X, Y: make([]float32, 40), Classes: 3},
			"one of two":  {Rows: 40, Features: 1, X: noisy(40, 1, 0, 0).X, Y: make([]float32, 40), Classes: 2},
			"categories":  {Rows: 4, Features: 1, X: []float32{nan, -1, 2, 1e30}, Y: []float32{5, 5, 5, 5}, Categorical: []bool{true}},
		} {
			m, err := train(context.Background(), d, taskOf(d.Classes), few[algorithm], nil)
			if err != nil {
				t.Errorf("%s, %s: %v", algorithm, name, err)
				continue
			}
			if _, err := Decode(encode(t, m)); err != nil {
				t.Errorf("%s, %s: %v", algorithm, name, err)
			}
			for i, v := range outputs(m, d.X) {
				if v != v || d.Classes == 0 && math.Abs(float64(v)-5) > .5 {
					t.Errorf("%s, %s: row %d gives %v", algorithm, name, i, v)
				}
			}
		}
		if _, err := train(context.Background(), nil, learn.Regression, nil, nil); err == nil {
			t.Errorf("%s: trained on nothing", algorithm)
		}
		weighted := noisy(20, 2, 0, 0)
		weighted.Weights = make([]float32, 20)
		weighted.Weights[3] = 1
		if _, err := train(context.Background(), weighted, learn.Regression, few[algorithm], nil); err != nil {
			t.Errorf("%s with weights: %v", algorithm, err)
		}
	}
}

// TestEarlyStopping: the rounds end when rows that were not learned from say so.
func TestBoostStopping(t *testing.T) {
	d := noisy(400, 3, 0, 0)
	for r := range d.Y {
		d.Y[r] = float32(unit(draw(9, uint64(r)))) // nothing to learn
	}
	for algorithm, params := range map[string]map[string]any{
		"lightgbm":                {"n_estimators": 200.0, "early_stopping_round": 3.0},
		"hist_gradient_boosting":  {"max_iter": 200.0, "early_stopping": true},
		"gradient_boosting_trees": {"n_estimators": 200.0, "n_iter_no_change": 3.0},
	} {
		m, err := trainers[algorithm](context.Background(), d, learn.Regression, params, nil)
		if err != nil {
			t.Fatal(err)
		}
		if n := m.(*Model).Trees(); n >= 100 {
			t.Errorf("%s: %d rounds", algorithm, n)
		}
	}
}
