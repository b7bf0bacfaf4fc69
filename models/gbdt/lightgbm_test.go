package gbdt

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"runtime"
	"testing"

	"github.com/pgowl/pgowl/models/learn"
)

// lightKinds are kinds of fits that take ways of their own.
var lightKinds = []map[string]any{
	{"linear_tree": true},
	{"linear_tree": true, "boosting": "rf", "feature_fraction": .8, "bagging_fraction": .7, "bagging_freq": 1.0},
	{"boosting": "dart", "drop_rate": .5, "skip_drop": 0.0, "linear_tree": true},
	{"boosting": "dart", "drop_rate": .5, "skip_drop": 0.0, "bagging_fraction": .7, "bagging_freq": 1.0},
	{"use_quantized_grad": true, "quant_train_renew_leaf": true},
	{"data_sample_strategy": "goss", "learning_rate": .9},
	{"extra_trees": true, "feature_fraction_bynode": .5},
	{"early_stopping_round": 2.0},
	{"monotone_constraints": []any{0.0, 0.0, 1.0, -1.0}, "interaction_constraints": "[0,1,2],[2,3]"},
}

// Models of all kinds are the same for any number of threads, and predict the same after a round trip, as a forest, and row by row.
func TestLightGBMKinds(t *testing.T) {
	for _, kind := range lightKinds {
		for _, classes := range []int{0, 2, 3} {
			params := maps.Clone(kind)
			params["n_estimators"] = 5.0
			if classes == 3 {
				params["objective"] = "multiclassova"
			}
			t.Run(fmt.Sprint(classes, kind), func(t *testing.T) {
				d := withCategories(noisy(20_000, 4, classes, .1))
				var first []byte
				var m learn.Model
				for _, threads := range []int{1, 3} {
					before := runtime.GOMAXPROCS(threads)
					fitted, err := TrainLightGBM(t.Context(), d, taskOf(classes), params, nil)
					runtime.GOMAXPROCS(before)
					if err != nil {
						t.Fatal(err)
					}
					if m = fitted; first == nil {
						first = encode(t, m)
					} else if !bytes.Equal(encode(t, m), first) {
						t.Errorf("another model for %v threads", threads)
					}
				}
				x := d.X[:4*200]
				again, err := Decode(first)
				if err != nil {
					t.Fatal(err)
				}
				forest, err := FromForest(m.(*Model).Forest())
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(encode(t, again), first) || !reflect.DeepEqual(outputs(again, x), outputs(m, x)) || !reflect.DeepEqual(outputs(forest, x), outputs(m, x)) {
					t.Error("other predictions after a round trip")
				}
				for r := range 200 {
					if one, all := outputs(m, x[4*r:4*r+4]), outputs(m, x); !reflect.DeepEqual(one, all[r*len(one):][:len(one)]) {
						t.Fatalf("row %d: %v alone", r, one)
					}
				}
			})
		}
	}
}

// Data that leave nothing to learn give a model all the same, by all kinds of fits.
func TestLightGBMOddData(t *testing.T) {
	nan := float32(math.NaN())
	for _, kind := range lightKinds {
		for name, d := range map[string]*learn.Dataset{
			"one row":     {Rows: 1, Features: 4, X: []float32{1, 2, 3, 4}, Y: []float32{5}},
			"missing":     {Rows: 2, Features: 4, X: []float32{nan, nan, nan, nan, nan, nan, nan, nan}, Y: []float32{5, 5}},
			"few":         {Rows: 40, Features: 4, X: noisy(40, 4, 0, .5).X, Y: make([]float32, 40)},
			"empty class": {Rows: 40, Features: 4, X: noisy(40, 4, 0, .5).X, Y: make([]float32, 40), Classes: 2},
		} {
			m, err := TrainLightGBM(t.Context(), d, taskOf(d.Classes), kind, nil)
			if err != nil {
				t.Errorf("%v, %s: %v", kind, name, err)
				continue
			}
			for _, v := range outputs(m, d.X) {
				if v != v {
					t.Errorf("%v, %s: %v", kind, name, v)
				}
			}
		}
	}
}

// What is missing of a line's features makes it the plain leaf.
func TestLine(t *testing.T) {
	l := &line{constant: 1, features: []int32{1, 0}, slopes: []float64{2, -1}}
	for _, c := range []struct {
		row  []float32
		want float64
	}{{[]float32{3, 4}, 6}, {[]float32{float32(math.NaN()), 4}, 9}, {[]float32{3, float32(math.NaN())}, 9}} {
		if got := l.value(c.row, 9); got != c.want {
			t.Errorf("%v: %v, want %v", c.row, got, c.want)
		}
	}
	if got := (*line)(nil).value(nil, 9); got != 9 {
		t.Error(got)
	}
}

// Unknowns that the equations say nothing of are 0, and the others are solved for.
func TestSolve(t *testing.T) {
	q := newEquations(3)
	for _, row := range [][]float64{{1, 2, 1}, {2, 4, 1}, {3, 6, 1}, {5, 10, 1}} { // the second column is twice the first
		q.add(row, 3*row[0]+7, 1)
	}
	b := q.solve()
	if got := b[0] + 2*b[1]; math.Abs(got-3) > 1e-9 || math.Abs(b[2]-7) > 1e-9 || b[0] != 0 && b[1] != 0 {
		t.Errorf("%v", b)
	}
}

// TestCorruptLines: whatever is wrong with linear leaves is an error.
func TestCorruptLines(t *testing.T) {
	for _, l := range []*Line{
		{Features: []int{0}}, {Features: []int{2}, Slopes: []float64{1}}, {Features: []int{-1}, Slopes: []float64{1}}, {Constant: math.NaN()},
		{Features: []int{0}, Slopes: []float64{math.Inf(1)}},
	} {
		f := &Forest{Objective: "reg:squarederror", Features: 2, Margins: 1, Parallel: 1, Trees: [][]Point{{{Feature: -1, Line: l}}}}
		if _, err := FromForest(f); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%+v: %v", l, err)
		}
	}
}
