package predict

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/models/gbdt"
	"github.com/pgowl/pgowl/models/learn"
	"github.com/pgowl/pgowl/models/store"
)

// fit trains a small model on two features, the first of which decides.
func fit(tb testing.TB, task learn.Task, label store.Label) (store.Header, learn.Model) {
	tb.Helper()
	d := &learn.Dataset{Rows: 60, Features: 2, Classes: len(label.Classes)}
	for i := range d.Rows {
		d.X = append(d.X, float32(i), float32(i%7))
		y := float32(i) / 60
		if d.Classes > 0 {
			y = float32(i * d.Classes / d.Rows)
		}
		d.Y = append(d.Y, y)
	}
	m, err := gbdt.Train(context.Background(), d, task, nil, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return store.Header{Algorithm: "xgboost", Task: task, Label: label,
		Features: []store.Feature{{Name: "x", Type: "_float4", Width: 2}}}, m
}

func message(err error) string {
	var e *function.Error
	if errors.As(err, &e) {
		return e.Code + " " + e.Message
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func TestPredictsCodes(t *testing.T) {
	for _, c := range []struct {
		label store.Label
		want  []float32
	}{
		{store.Label{Column: "y", Kind: store.Int, Classes: []string{"-7", "40", "900"}}, []float32{-7, 40, 900}},
		{store.Label{Column: "y", Kind: store.Bool, Classes: []string{"false", "true"}}, []float32{0, 0, 1}},
		{store.Label{Column: "y", Kind: store.Text, Classes: []string{"a", "b", "c"}}, []float32{0, 1, 2}},
	} {
		h, fitted := fit(t, learn.Classification, c.label)
		m := New(4, h, fitted)
		rows := []float32{3, 1, 29, 1, 58, 1}
		got, err := m.PredictBatch(rows)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%v: batch %v %v, want %v", c.label.Classes, got, err, c.want)
		}
		for i, want := range c.want {
			if got, err := m.Predict(rows[2*i : 2*i+2]); err != nil || got != want {
				t.Errorf("%v: row %d %v %v, want %v", c.label.Classes, i, got, err, want)
			}
		}
		p, err := m.Proba(rows)
		if err != nil || len(p) != 3*len(c.label.Classes) {
			t.Fatalf("%v %v", p, err)
		}
		for i := range 3 {
			row := p[i*len(c.label.Classes) : (i+1)*len(c.label.Classes)]
			if best := slices.Index(row, slices.Max(row)); m.Header.Code(best) != c.want[i] {
				t.Errorf("%v: probabilities %v, want %v", c.label.Classes, row, c.want[i])
			}
		}
		if _, err := m.Joint(rows); message(err) != "XX000 You can't predict joint probabilities for a classification model" {
			t.Errorf("got %v", err)
		}
	}
}

func TestRegressionAndShapes(t *testing.T) {
	h, fitted := fit(t, learn.Regression, store.Label{Column: "y", Kind: store.Float})
	m := New(12, h, fitted)
	if v, err := m.Predict([]float32{59, 3}); err != nil || v < 0.5 {
		t.Errorf("got %v %v", v, err)
	}
	if _, err := m.Proba([]float32{1, 2}); message(err) != "XX000 You can't predict probabilities for a regression model" {
		t.Errorf("got %v", err)
	}
	if v, err := m.Joint([]float32{1, 2, 3, 4}); err != nil || len(v) != 2 {
		t.Errorf("got %v %v", v, err)
	}
	for _, n := range []int{0, 1, 3, 4} {
		_, err := m.Predict(make([]float32, n))
		var e *function.Error
		if !errors.As(err, &e) || e.Code != "XX000" || e.Message != "cannot reshape array of size "+string(rune('0'+n))+" into shape (2)" ||
			e.Detail != "Model 12 takes 2 features in a row, but received "+string(rune('0'+n))+"." {
			t.Errorf("%d features: %v", n, err)
		}
		if _, err := m.PredictBatch(make([]float32, n)); (err == nil) != (n == 4) {
			t.Errorf("%d features in a batch: %v", n, err)
		}
	}
}

func TestPredictAllocatesNothing(t *testing.T) {
	h, fitted := fit(t, learn.Classification, store.Label{Column: "y", Kind: store.Bool, Classes: []string{"false", "true"}})
	m := New(1, h, fitted)
	row := []float32{40, 2}
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := m.Predict(row); err != nil {
			t.Error(err)
		}
	}); n != 0 && !raceEnabled {
		t.Errorf("%v allocations a row", n)
	}
}

func BenchmarkPredict(b *testing.B) {
	h, fitted := fit(b, learn.Classification, store.Label{Column: "y", Kind: store.Bool, Classes: []string{"false", "true"}})
	m := New(1, h, fitted)
	row := []float32{40, 2}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Predict(row); err != nil {
			b.Fatal(err)
		}
	}
}
