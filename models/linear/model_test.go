package linear

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/models/learn"
)

// models are fits of every kind.
func models(t testing.TB) map[kind]*Model {
	t.Helper()
	return map[kind]*Model{
		regression:  fitted(t, noisy(300, 7, 0), nil),
		binary:      fitted(t, noisy(300, 7, 2), nil),
		multinomial: fitted(t, noisy(300, 7, 4), nil),
		oneVsRest:   fitted(t, noisy(300, 7, 40), map[string]any{"multi_class": "ovr"}),
	}
}

// A row alone and rows among others agree to the bit, and classes with probabilities.
func TestPredict(t *testing.T) {
	for name, m := range models(t) {
		if m.kind != name {
			t.Errorf("%s is a %s", name, m.kind)
		}
		x := noisy(10_001, 7, 0).X
		rows := len(x) / 7
		values, one := make([]float32, rows), make([]float32, 1)
		m.Predict(values, x)
		k := m.classes
		probabilities, own := make([]float32, rows*k), make([]float32, k)
		m.Probabilities(probabilities, x)
		for r := range rows {
			row := x[7*r:][:7]
			if m.Predict(one, row); one[0] != values[r] {
				t.Fatalf("%s: row %d is %v alone and %v among others", name, r, one[0], values[r])
			}
			if k == 0 {
				continue
			}
			if m.Probabilities(own, row); !reflect.DeepEqual(own, probabilities[r*k:][:k]) {
				t.Fatalf("%s: row %d has %v alone and %v among others", name, r, own, probabilities[r*k:][:k])
			}
			sum := 0.0
			for _, p := range own {
				sum += float64(p)
				if p > own[int(one[0])] {
					t.Fatalf("%s: row %d is class %v with %v", name, r, one[0], own)
				}
			}
			if math.Abs(sum-1) > 1e-5 {
				t.Fatalf("%s: row %d has %v", name, r, own)
			}
		}
	}
}

// What is missing gives what is missing, and infinities what they mean.
func TestNoNumbers(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for name, m := range models(t) {
		for _, bad := range []float32{nan, inf, -inf} {
			x := make([]float32, 5*7)
			x[2*7+3] = bad
			got := make([]float32, 5)
			m.Predict(got, x)
			for r, v := range got {
				if (v != v) != (r == 2 && bad != bad) {
					t.Errorf("%s: with %v row %d is %v", name, bad, r, v)
				}
			}
			if m.classes == 0 || bad == bad {
				continue
			}
			p := make([]float32, 5*m.classes)
			m.Probabilities(p, x)
			for i, v := range p {
				if (v != v) != (i/m.classes == 2) {
					t.Errorf("%s: with %v probability %d of row %d is %v", name, bad, i%m.classes, i/m.classes, v)
				}
			}
		}
	}
}

func TestOneRowAllocatesNothing(t *testing.T) {
	for name, m := range models(t) {
		x, out := make([]float32, 7), make([]float32, 1)
		if n := testing.AllocsPerRun(100, func() { m.Predict(out, x) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// Contributions and the bias are the margin.
func TestContributions(t *testing.T) {
	for name, m := range models(t) {
		row := noisy(3, 7, 0).Row(1)
		out := make([]float64, m.Margins()*8)
		m.Contributions(out, row)
		for k := range m.Margins() {
			sum := 0.0
			for _, v := range out[8*k:][:8] {
				sum += v
			}
			if want := m.margin(k, row); math.Abs(sum-want) > 1e-9 {
				t.Errorf("%s: margin %d is %v, its parts %v", name, k, want, sum)
			}
		}
		if got := m.Importance(); len(got) != 7 || got[2] != (learn.Importance{Weight: m.weights[2]}) {
			t.Errorf("%s: importance %v", name, got)
		}
	}
	// The bias is the margin of a row of means.
	d := noisy(300, 7, 0)
	out, mean := make([]float64, 8), 0.0
	fitted(t, d, nil).Contributions(out, d.Row(0))
	for _, y := range d.Y {
		mean += float64(y) / 300
	}
	if math.Abs(out[7]-mean) > 1e-9 {
		t.Errorf("the bias is %v, and least squares go through the mean %v", out[7], mean)
	}
}

func TestRoundTrip(t *testing.T) {
	for name, m := range models(t) {
		data := encoded(t, m)
		again, err := Decode(data)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !reflect.DeepEqual(again, m) || !bytes.Equal(encoded(t, again.(*Model)), data) {
			t.Errorf("%s: another model after a round trip", name)
		}
	}
}

func TestDecodeErrors(t *testing.T) {
	whole := encoded(t, fitted(t, noisy(60, 3, 2), nil))
	for i := range whole {
		if _, err := Decode(whole[:i]); !errors.Is(err, ErrCorrupt) {
			t.Errorf("cut to %d bytes: %v", i, err)
		}
	}
	sound := document{Kind: binary, Features: 2, Classes: 2, Intercepts: []float64{1}, Coefficients: []float64{1, 2}, Means: []float64{0, 0}}
	for name, change := range map[string]func(d *document){
		"kind":          func(d *document) { d.Kind = "tree" },
		"classes":       func(d *document) { d.Classes = 3 },
		"regression":    func(d *document) { d.Kind = regression },
		"one class":     func(d *document) { d.Kind, d.Classes = multinomial, 1 },
		"features":      func(d *document) { d.Features = 3 },
		"no features":   func(d *document) { d.Features, d.Coefficients, d.Means = 0, nil, nil },
		"negative":      func(d *document) { d.Features = -1 },
		"intercepts":    func(d *document) { d.Intercepts = nil },
		"margins":       func(d *document) { d.Kind, d.Classes = oneVsRest, 1<<16 },
		"more classes":  func(d *document) { d.Kind, d.Classes = oneVsRest, math.MaxInt },
		"means":         func(d *document) { d.Means = d.Means[:1] },
		"mean":          func(d *document) { d.Means[0] = 1e39 },
		"coefficient":   func(d *document) { d.Coefficients[1] = 1e251 },
		"an intercept":  func(d *document) { d.Intercepts[0] = -1e300 },
		"many features": func(d *document) { d.Features = math.MaxInt },
	} {
		d := sound
		d.Means, d.Coefficients, d.Intercepts = append([]float64(nil), d.Means...), append([]float64(nil), d.Coefficients...), append([]float64(nil), d.Intercepts...)
		change(&d)
		text, _ := json.Marshal(d)
		if _, err := Decode(append([]byte(magic), text...)); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	text, _ := json.Marshal(sound)
	if _, err := Decode(append([]byte(magic), text...)); err != nil {
		t.Errorf("a sound model: %v", err)
	}
	for name, data := range map[string]string{
		"version": "PGLN\x02" + string(text), "more": magic + string(text) + "x", "field": magic + strings.Replace(string(text), "kind", "kinds", 1),
	} {
		if _, err := Decode([]byte(data)); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, classes := range []int{0, 2, 3} {
		f.Add(encoded(f, fitted(f, noisy(30, 2, classes), nil)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		decoded, err := Decode(data)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Errorf("error without ErrCorrupt: %v", err)
			}
			return
		}
		m := decoded.(*Model)
		x := make([]float32, 5*m.features)
		for i := range x {
			x[i] = float32(i%11) * 3e37
		}
		m.Predict(make([]float32, 5), x)
		m.Predict(make([]float32, 1), x[:m.features])
		m.Probabilities(make([]float32, 5*m.classes), x)
		m.Contributions(make([]float64, m.Margins()*(m.features+1)), x)
		again, err := Decode(encoded(t, m))
		if err != nil || !reflect.DeepEqual(again, decoded) {
			t.Errorf("not the same after a round trip: %v", err)
		}
	})
}
