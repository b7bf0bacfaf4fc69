package gbdt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/pgowl/pgowl/models/crew"
	"github.com/pgowl/pgowl/models/learn"
)

// noisy makes a data set with classes (0: a regression); missing is the share of gaps.
func noisy(rows, features, classes int, missing float64) *learn.Dataset {
	d := &learn.Dataset{Rows: rows, Features: features, Classes: classes}
	d.X, d.Y = make([]float32, rows*features), make([]float32, rows)
	for i := range d.X {
		d.X[i] = float32(unit(draw(1, uint64(i))))
		if unit(draw(2, uint64(i))) < missing {
			d.X[i] = float32(math.NaN())
		}
	}
	for r := range d.Y {
		row := d.Row(r)
		y := unit(draw(3, uint64(r)))
		for f, v := range row {
			if v == v {
				y += float64(v) * float64(f%3)
			}
		}
		d.Y[r] = float32(y)
		if classes > 0 {
			d.Y[r] = float32(int(y*7) % classes)
		}
	}
	return d
}

func fit(t testing.TB, d *learn.Dataset, params map[string]any) learn.Model {
	t.Helper()
	m, err := Train(context.Background(), d, taskOf(d.Classes), params, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func encode(t testing.TB, m learn.Model) []byte {
	t.Helper()
	b, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The rows are enough for several row blocks, partition blocks and feature groups.
func TestThreadsChangeNothing(t *testing.T) {
	for _, c := range []struct {
		rows, features, classes int
		params                  map[string]any
	}{
		{70_000, 18, 0, map[string]any{"n_estimators": 2.0}},
		{40_000, 5, 2, map[string]any{"n_estimators": 2.0, "objective": "binary:logistic"}},
		{3_000, 40, 3, map[string]any{"subsample": .6, "colsample_bytree": .7, "colsample_bylevel": .8, "colsample_bynode": .8, "random_state": 5.0}},
		{3_000, 20, 0, map[string]any{"grow_policy": "lossguide", "max_leaves": 40.0, "num_parallel_tree": 2.0, "subsample": .5}},
	} {
		d := noisy(c.rows, c.features, c.classes, .1)
		var first []byte
		for _, threads := range []float64{1, 2, 3, 8} {
			c.params["nthread"] = threads
			got := encode(t, fit(t, d, c.params))
			if first == nil {
				first = got
			} else if !bytes.Equal(got, first) {
				t.Errorf("%d x %d %v: another model", c.rows, c.features, c.params)
			}
		}
	}
}

func TestSeed(t *testing.T) {
	d := noisy(500, 6, 0, 0)
	params := func(seed float64) map[string]any { return map[string]any{"subsample": .5, "seed": seed} }
	if bytes.Equal(encode(t, fit(t, d, params(1))), encode(t, fit(t, d, params(2)))) {
		t.Error("two seeds, one model")
	}
}

// The second class of two is not trained when nothing is sampled. It must come out as if it were.
func TestMirror(t *testing.T) {
	d := noisy(1500, 6, 2, .1)
	m := fit(t, d, nil)
	// Of two copies of each column all but one are drawn: no information is lost, but sampling rules the shortcut out.
	params := map[string]any{"colsample_bynode": 1.0 - 1e-12}
	wide := &learn.Dataset{Rows: d.Rows, Features: 12, Classes: 2, Y: d.Y}
	for r := range d.Rows {
		for _, v := range d.Row(r) { // side by side, so that ties fall the same way
			wide.X = append(wide.X, v, v)
		}
	}
	full := fit(t, wide, params)
	a, b := outputs(m, d.X), outputs(full, wide.X)
	for i := range a {
		if math.Abs(float64(a[i]-b[i])) > 1e-5 {
			t.Fatalf("probability %d: %v with a mirrored class, %v with a trained one", i, a[i], b[i])
		}
	}
}

func TestCancel(t *testing.T) {
	d := noisy(60_000, 30, 3, .1)
	cause := errors.New("the client went away")
	for _, when := range []string{"before", "while binning", "in round 2"} {
		ctx, cancel := context.WithCancelCause(context.Background())
		var asked time.Time
		stop := func() { asked = time.Now(); cancel(cause) }
		switch when {
		case "before":
			stop()
		case "while binning":
			timer := time.AfterFunc(2*time.Millisecond, stop)
			defer timer.Stop()
		}
		progress := func(done, total int, _ ...learn.Score) {
			if done == 2 && when == "in round 2" {
				stop()
			}
		}
		_, err := Train(ctx, d, learn.Classification, map[string]any{"n_estimators": 100_000.0}, progress)
		if !errors.Is(err, cause) {
			t.Errorf("%s: %v, want the cause", when, err)
		}
		t.Logf("%s: returned after %v", when, time.Since(asked))
		cancel(nil)
	}
}

func TestProgress(t *testing.T) {
	var seen []string
	_, err := Train(context.Background(), noisy(50, 2, 0, 0), learn.Regression, map[string]any{"n_estimators": 3.0},
		func(done, total int, _ ...learn.Score) { seen = append(seen, fmt.Sprint(done, "/", total)) })
	if err != nil || fmt.Sprint(seen) != "[0/3 1/3 2/3 3/3]" {
		t.Errorf("%v, %v", seen, err)
	}
}

func TestOddData(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for name, d := range map[string]*learn.Dataset{
		"no rows":         {Features: 1},
		"no features":     {Rows: 1, Y: []float32{1}},
		"short":           {Rows: 2, Features: 1, X: []float32{1}, Y: []float32{1, 2}},
		"infinite":        {Rows: 2, Features: 1, X: []float32{1, inf}, Y: []float32{1, 2}},
		"label NaN":       {Rows: 2, Features: 1, X: []float32{1, 2}, Y: []float32{1, nan}},
		"class too large": {Rows: 2, Features: 1, X: []float32{1, 2}, Y: []float32{0, 2}, Classes: 2},
		"half a class":    {Rows: 2, Features: 1, X: []float32{1, 2}, Y: []float32{0, .5}, Classes: 2},
	} {
		if _, err := Train(context.Background(), d, taskOf(d.Classes), nil, nil); err == nil {
			t.Errorf("%s: trained", name)
		}
	}
	if _, err := Train(context.Background(), nil, learn.Regression, nil, nil); err == nil {
		t.Error("nil: trained")
	}
	for name, d := range map[string]*learn.Dataset{
		"one row":      {Rows: 1, Features: 1, X: []float32{1}, Y: []float32{5}},
		"all missing":  {Rows: 3, Features: 1, X: []float32{nan, nan, nan}, Y: []float32{5, 5, 5}},
		"constant":     {Rows: 3, Features: 1, X: []float32{2, 2, 2}, Y: []float32{5, 5, 5}},
		"huge":         {Rows: 3, Features: 1, X: []float32{-math.MaxFloat32, 0, math.MaxFloat32}, Y: []float32{5, 5, 5}},
		"one class":    {Rows: 3, Features: 1, X: []float32{1, 2, 3}, Y: []float32{0, 0, 0}, Classes: 1},
		"empty class":  {Rows: 40, Features: 1, X: noisy(40, 1, 0, 0).X, Y: make([]float32, 40), Classes: 3},
		"missing only": {Rows: 4, Features: 1, X: []float32{nan, 1, nan, 1}, Y: []float32{5, 5, 5, 5}},
	} {
		m := fit(t, d, map[string]any{"min_child_weight": 0.0, "lambda": 0.0})
		for i, v := range outputs(m, d.X) {
			want := 5.0
			if d.Classes > 0 {
				continue
			}
			if math.Abs(float64(v)-want) > .5 {
				t.Errorf("%s: row %d gives %v", name, i, v)
			}
		}
	}
}

// A model that would predict nothing is an error, not a model that nobody can load.
func TestDivergence(t *testing.T) {
	d := noisy(50, 2, 0, 0)
	wild := &learn.Dataset{X: make([]float32, 100), Y: d.Y, Rows: 50, Features: 2}
	for i := range wild.X {
		wild.X[i] = 1e30 * float32(1+i%7)
	}
	for _, c := range []struct {
		data   *learn.Dataset
		params map[string]any
	}{
		{wild, map[string]any{"booster": "gblinear"}},
		{d, map[string]any{"objective": "reg:squarederror", "eta": 1e38, "n_estimators": 20.0}},
		{d, map[string]any{"objective": "reg:tweedie", "eta": 1e30, "n_estimators": 20.0}},
	} {
		m, err := Train(t.Context(), c.data, learn.Regression, c.params, nil)
		if err == nil {
			if _, err := Decode(encode(t, m)); err != nil {
				t.Errorf("%v: %v", c.params, err)
			}
		} else if !errors.Is(err, errDiverged) {
			t.Errorf("%v: %v", c.params, err)
		}
	}
}

func TestMissingDecides(t *testing.T) {
	// The label is whether the value is there: only the default direction can tell.
	nan := float32(math.NaN())
	d := &learn.Dataset{Rows: 200, Features: 1, Classes: 2}
	for i := range d.Rows {
		if i%2 == 0 {
			d.X, d.Y = append(d.X, nan), append(d.Y, 1)
		} else {
			d.X, d.Y = append(d.X, float32(i)), append(d.Y, 0)
		}
	}
	m := fit(t, d, nil)
	got := make([]float32, 2)
	m.Predict(got, []float32{nan, 150})
	if got[0] != 1 || got[1] != 0 {
		t.Errorf("predicted %v, want 1 for a gap and 0 for a value", got)
	}
}

// Histograms that are given up for want of memory are built again, to the same tree but for rounding.
func TestCrowded(t *testing.T) {
	d := noisy(2000, 6, 0, .1)
	want := outputs(fit(t, d, map[string]any{"max_leaves": 60.0, "max_depth": 0.0}), d.X)
	p, err := parse(map[string]any{"max_leaves": 60.0, "max_depth": 0.0})
	if err != nil {
		t.Fatal(err)
	}
	pl, err := p.plan(d, learn.Regression, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, release := crew.New(context.Background(), 2)
	defer release()
	tr := &trainer{params: p, plan: pl, data: d, crew: c}
	if tr.bins, err = bin(d, nil, p.maxBin, 0, c); err != nil {
		t.Fatal(err)
	}
	tr.memory = 1
	m, err := tr.boost(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range outputs(m, d.X) {
		if math.Abs(float64(v-want[i])) > 1e-3 {
			t.Fatalf("row %d: %v, want %v", i, v, want[i])
		}
	}
}
