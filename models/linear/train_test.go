package linear

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/models/crew"
	"github.com/pgowl/pgowl/models/learn"
)

// noisy is a data set whose labels follow its first features.
func noisy(rows, features, classes int) *learn.Dataset {
	r := rand.New(rand.NewPCG(uint64(rows), uint64(features)))
	d := &learn.Dataset{Rows: rows, Features: features, Classes: classes}
	for range rows {
		y := 0.0
		for j := range features {
			v := float32(r.NormFloat64())*float32(j%5+1) + float32(j)
			d.X = append(d.X, v)
			y += float64(v) / float64(j+2)
		}
		y += r.NormFloat64()
		if classes > 0 {
			y = math.Mod(math.Abs(math.Floor(y)), float64(classes))
		}
		d.Y = append(d.Y, float32(y))
	}
	return d
}

func taskOf(d *learn.Dataset) learn.Task {
	if d.Classes > 0 {
		return learn.Classification
	}
	return learn.Regression
}

func fitted(t testing.TB, d *learn.Dataset, params map[string]any) *Model {
	t.Helper()
	m, err := Train(context.Background(), d, taskOf(d), params, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m.(*Model)
}

func encoded(t testing.TB, m *Model) []byte {
	t.Helper()
	data, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestThreads: the number of threads changes nothing, by whichever way the fit goes.
func TestThreads(t *testing.T) {
	dependent := noisy(5000, 9, 0)
	for r := range dependent.Rows {
		row := dependent.Row(r)
		row[4] = row[2] * 4
	}
	for name, c := range map[string]struct {
		data   *learn.Dataset
		params map[string]any
	}{
		"normal equations":   {noisy(9000, 70, 0), nil},
		"orthogonal":         {dependent, nil},
		"wide":               {noisy(60, 200, 0), nil},
		"positive":           {noisy(4000, 12, 0), map[string]any{"positive": true}},
		"two classes":        {noisy(6000, 20, 2), nil},
		"three classes":      {noisy(6000, 8, 3), nil},
		"conjugate gradient": {noisy(3000, 180, 3), map[string]any{"max_iter": 3.0}},
		"sizes":              {noisy(3000, 8, 3), map[string]any{"penalty": "l1", "C": 0.05}},
		"one against rest":   {noisy(3000, 8, 3), map[string]any{"multi_class": "ovr"}},
	} {
		var first []byte
		for _, threads := range []float64{1, 2, 7} {
			params := map[string]any{"n_jobs": threads}
			for k, v := range c.params {
				params[k] = v
			}
			data := encoded(t, fitted(t, c.data, params))
			if first == nil {
				first = data
			}
			if !bytes.Equal(data, first) {
				t.Errorf("%s: %v threads make another model", name, threads)
			}
		}
	}
}

// TestBothWays: the matrix of second derivatives and the conjugate gradients end in the same place.
func TestBothWays(t *testing.T) {
	for _, classes := range []int{2, 4} {
		d := noisy(1500, 12, classes)
		f := newFit(t, d)
		if err := f.run(func(int, int) {}); err != nil {
			t.Fatal(err)
		}
		want := &Model{}
		f.finish(want)
		f = newFit(t, d)
		f.prepare()
		f.at(f.u, &f.now)
		var next state
		for range 30 {
			size := largest(f.now.slope)
			step := f.conjugate(size)
			if size < 1e-9 || !f.search(step, dot(step, f.now.slope), &next) {
				break
			}
			f.now, next = next, f.now
		}
		got := &Model{}
		f.finish(got)
		if w, b := off(t, "coefficients", got.weights, want.weights), off(t, "intercepts", got.bias, want.bias); w > 1e-6 || b > 1e-6 {
			t.Errorf("%d classes: coefficients off by %v, intercepts by %v", classes, w, b)
		}
	}
}

func newFit(t *testing.T, d *learn.Dataset) *fit {
	t.Helper()
	p, err := parseLogistic(nil)
	if err != nil {
		t.Fatal(err)
	}
	c, release := crew.New(context.Background(), 2)
	t.Cleanup(func() { release() })
	cols, err := examine(c, d, true)
	if err != nil {
		t.Fatal(err)
	}
	weights, err := p.classWeights(d)
	if err != nil {
		t.Fatal(err)
	}
	return &fit{crew: c, design: design{data: d, columns: cols, ones: true}, params: p, kind: p.kind(d.Classes), one: 1, weights: weights}
}

// TestOptimum: at the end the slope of what is minimised is 0, computed here from its definition.
func TestOptimum(t *testing.T) {
	d := noisy(800, 5, 3)
	m := fitted(t, d, map[string]any{"C": 0.3, "class_weight": map[string]any{"1": 2.5}})
	slope := make([]float64, len(m.weights)+3)
	for k := range 3 {
		for j := range 5 {
			slope[k*5+j] = m.weights[k*5+j] / 0.3
		}
	}
	for r := range d.Rows {
		var p [3]float32
		m.Probabilities(p[:], d.Row(r))
		weight := 1.0
		if d.Y[r] == 1 {
			weight = 2.5
		}
		for k := range 3 {
			e := float64(p[k])
			if int(d.Y[r]) == k {
				e--
			}
			for j, v := range d.Row(r) {
				slope[k*5+j] += weight * e * float64(v)
			}
			slope[15+k] += weight * e
		}
	}
	if worst := largest(slope); worst > 1e-3 { // probabilities are float32
		t.Errorf("a slope of %v is left", worst)
	}
}

// TestSparseOptimum: with a penalty of sizes, each slope is the penalty against the coefficient's sign, or smaller where that is 0.
func TestSparseOptimum(t *testing.T) {
	d := noisy(800, 30, 2)
	m := fitted(t, d, map[string]any{"C": 0.02, "penalty": "elasticnet", "l1_ratio": 0.8})
	slope := make([]float64, 31)
	for r := range d.Rows {
		e := sigmoid(m.margin(0, d.Row(r))) - float64(d.Y[r])
		for j, v := range d.Row(r) {
			slope[j] += e * float64(v)
		}
		slope[30] += e
	}
	zeros := 0
	for j, w := range m.weights {
		g := slope[j] + .2/.02*w
		if w == 0 {
			zeros++
			if math.Abs(g) > .8/.02 {
				t.Errorf("coefficient %d is 0 at a slope of %v", j, g)
			}
		} else if math.Abs(g+math.Copysign(.8/.02, w)) > 1e-4 {
			t.Errorf("coefficient %d is %v at a slope of %v", j, w, g)
		}
	}
	if math.Abs(slope[30]) > 1e-4 || zeros == 0 || zeros == 30 {
		t.Errorf("%d zeros, the intercept's slope is %v", zeros, slope[30])
	}
}

// TestExtremes: what a fit has to survive.
func TestExtremes(t *testing.T) {
	separable := &learn.Dataset{Rows: 40, Features: 1, Classes: 2}
	constant := &learn.Dataset{Rows: 40, Features: 2, Classes: 2}
	offset := &learn.Dataset{Rows: 1000, Features: 2}
	r := rand.New(rand.NewPCG(1, 1))
	for i := range 40 {
		y := float32(i / 20)
		separable.X, separable.Y = append(separable.X, float32(i)), append(separable.Y, y)
		constant.X, constant.Y = append(constant.X, 7e30, -1e-30), append(constant.Y, y)
	}
	for range 1000 {
		a, b := float32(1e6+r.Float64()*4), float32(r.Float64()*1e-6)
		offset.X, offset.Y = append(offset.X, a, b), append(offset.Y, 3*(a-1e6)+float32(2e6)*b)
	}
	m := fitted(t, separable, map[string]any{"penalty": nil})
	for i := range 40 {
		var got [1]float32
		if m.Predict(got[:], separable.Row(i)); got[0] != separable.Y[i] {
			t.Errorf("separable: row %d is %v", i, got[0])
		}
	}
	if m = fitted(t, constant, nil); m.weights[0] != 0 || m.weights[1] != 0 || math.Abs(m.bias[0]) > 1e-9 {
		t.Errorf("constant columns: %v %v", m.weights, m.bias)
	}
	if m = fitted(t, offset, nil); math.Abs(m.weights[0]-3) > 1e-5 || math.Abs(m.weights[1]-2e6) > 20 {
		t.Errorf("offset: %v", m.weights)
	}
	// A target that is constant, and one row.
	same := &learn.Dataset{Rows: 3, Features: 1, X: []float32{1, 2, 3}, Y: []float32{5, 5, 5}}
	if m = fitted(t, same, nil); m.weights[0] != 0 || m.bias[0] != 5 {
		t.Errorf("constant target: %v %v", m.weights, m.bias)
	}
	one := &learn.Dataset{Rows: 1, Features: 2, X: []float32{1, 2}, Y: []float32{5}}
	if m = fitted(t, one, nil); m.weights[0] != 0 || m.bias[0] != 5 {
		t.Errorf("one row: %v %v", m.weights, m.bias)
	}
	// A class without rows.
	absent := noisy(200, 3, 2)
	absent.Classes = 3
	if m = fitted(t, absent, map[string]any{"class_weight": "balanced"}); m.Classes() != 3 {
		t.Errorf("%d classes", m.Classes())
	}
	// The largest numbers that there are.
	huge := &learn.Dataset{Rows: 4, Features: 2, X: []float32{3e38, 1e-45, -3e38, 0, 1, 0, 2, 1e-45}, Y: []float32{3e38, -3e38, 1, 2}}
	if _, err := Train(context.Background(), huge, learn.Regression, nil, nil); err != nil {
		t.Errorf("huge: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	missing := noisy(600, 3, 0)
	missing.X[3*599+1] = float32(math.NaN())
	infinite := noisy(600, 3, 2)
	infinite.X[3*20+2] = float32(math.Inf(-1))
	for _, c := range []struct {
		data *learn.Dataset
		task learn.Task
		want string
	}{
		{missing, learn.Regression, "feature 2 is missing in row 600"},
		{infinite, learn.Classification, "feature 3 is infinite in row 21"},
		{nil, learn.Regression, "no rows or no features"},
		{&learn.Dataset{Rows: 1, Features: 1}, learn.Regression, "do not make"},
		{noisy(5, 1, 2), "clustering", "neither"},
		{&learn.Dataset{Rows: 1, Features: 1, X: []float32{1}, Y: []float32{1}, Classes: 1}, learn.Classification, "two classes"},
		{&learn.Dataset{Rows: 1, Features: 1, X: []float32{1}, Y: []float32{.5}, Classes: 2}, learn.Classification, "not a class"},
		{&learn.Dataset{Rows: 1, Features: 1, X: []float32{1}, Y: []float32{float32(math.NaN())}}, learn.Regression, "label of row 1"},
	} {
		if m, err := Train(context.Background(), c.data, c.task, nil, nil); err == nil || m != nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}

// TestStops: a fit ends soon after its context, with its cause, wherever it is.
func TestStops(t *testing.T) {
	gone := errors.New("gone")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(gone)
	if _, err := Train(ctx, noisy(100, 2, 0), learn.Regression, nil, nil); err != gone {
		t.Errorf("before it begins: %v", err)
	}
	ctx, cancel = context.WithCancelCause(context.Background())
	rounds := 0
	_, err := Train(ctx, noisy(2000, 10, 3), learn.Classification, nil, func(done, total int, _ ...learn.Score) {
		if rounds++; rounds == 3 { // the first is the beginning
			cancel(gone)
		}
	})
	if err != gone || rounds != 3 {
		t.Errorf("after %d rounds: %v", rounds, err)
	}
}

func BenchmarkTrain(b *testing.B) {
	for _, c := range []struct{ rows, features, classes int }{{100_000, 20, 0}, {100_000, 20, 2}, {12_000, 384, 2}, {3000, 1000, 0}} {
		d := noisy(c.rows, c.features, c.classes)
		b.Run(fmt.Sprintf("%dx%d-%d", c.rows, c.features, c.classes), func(b *testing.B) {
			for b.Loop() {
				fitted(b, d, nil)
			}
		})
	}
}
