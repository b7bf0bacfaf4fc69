package main

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/models/learn"
)

func close(a, b float64) bool { return math.Abs(a-b) < 1e-12 }

func TestDeviations(t *testing.T) {
	nan := math.NaN()
	odds := math.Log(9) / 2 // of .9 to .1, each from the mean
	for _, c := range []struct {
		name         string
		ours, theirs []float64
		classes      int
		want         []float64
	}{
		{"the same", []float64{1, -5}, []float64{1, -5}, 0, []float64{0, 0}},
		{"small ones as they are, large ones relative", []float64{0.25, 110}, []float64{0.5, 100}, 0, []float64{0.25, 0.1}},
		{"no number", []float64{nan}, []float64{1}, 0, []float64{math.Inf(1)}},
		{"margins of classes", []float64{0.5, 0.5}, []float64{0.9, 0.1}, 2, []float64{odds / max(1, odds), odds / max(1, odds)}},
		{"both nearly certain", []float64{1, 1e-9}, []float64{1, 1e-5}, 2, []float64{0, 0}},
	} {
		got := deviations(c.ours, c.theirs, c.classes)
		if !slices.EqualFunc(got, c.want, func(a, b float64) bool { return a == b || close(a, b) }) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestScore(t *testing.T) {
	got := score([]float32{0, 1, 2, 1}, []float64{.8, .1, .1, .2, .5, .3, .2, .2, .6, .5, .25, .25}, 3)
	if _, there := got["roc_auc"]; there || got["accuracy"] != .75 {
		t.Errorf("three classes: %v", got)
	}
	if want := -(math.Log(.8) + math.Log(.5) + math.Log(.6) + math.Log(.25)) / 4; !close(got["log_loss"], want) {
		t.Errorf("log loss %v, want %v", got["log_loss"], want)
	}
	got = score([]float32{0, 1}, []float64{.6, .4, .3, .7}, 2)
	if got["roc_auc"] != 1 || got["f1"] != 1 || got["accuracy"] != 1 {
		t.Errorf("two classes: %v", got)
	}
	if got := score([]float32{1, 2, 3}, []float64{1, 2, 3}, 0); got["r2"] != 1 {
		t.Errorf("a regression: %v", got)
	}
}

func TestPair(t *testing.T) {
	for _, c := range []struct {
		name         string
		ours, theirs []float64
		differs      bool
	}{
		{"the same", []float64{.9}, []float64{.9}, false},
		{"one seed, just within", []float64{.9}, []float64{.9015}, false},
		{"one seed, more", []float64{.9}, []float64{.91}, true},
		{"always the same difference", []float64{.9, .8, .7}, []float64{.91, .81, .71}, true},
		{"chance", []float64{.9, .8, .7, .8}, []float64{.92, .78, .72, .79}, false},
		{"no number", []float64{math.NaN()}, []float64{.9}, true},
	} {
		if p := newPair(c.ours, c.theirs); p.differs() != c.differs {
			t.Errorf("%s: %+v", c.name, p)
		}
	}
	if got, want := standardError([]float64{1, 2, 3, 4}), math.Sqrt(5./12); !close(got, want) {
		t.Errorf("standard error %v, want %v", got, want)
	}
}

func TestJudge(t *testing.T) {
	s := &set{name: "x", data: &learn.Dataset{}}
	row := func(theirs ...float64) *comparison {
		return &comparison{setting: setting{algorithm: "linear", task: learn.Regression}, set: s, byRows: true,
			fits: []*fit{{labels: []float32{1, 2, 4}, ours: []float64{1, 2, 3}, theirs: theirs}}}
	}
	o := row(1, 2.0001, 3).judge()
	if len(o.faults) > 0 || o.largest < 4e-5 || o.largest > 6e-5 || o.within != 1 || o.rows != 3 {
		t.Errorf("within tolerance: %+v", o)
	}
	if o := row(1, 2.001, 3).judge(); len(o.faults) != 1 || !strings.HasPrefix(o.faults[0], "margins") {
		t.Errorf("a row too far: %+v", o)
	}
	c := row(1, 2.001, 3)
	if c.fits[0].shuffled = []float64{1, 2.001, 3}; !c.deviates() || len(c.judge().faults) != 1 {
		t.Error("the library is settled")
	}
	c.fits[0].shuffled = []float64{1, 2.002, 3}
	if o := c.judge(); len(o.faults) != 0 || o.by != "metrics: ties" {
		t.Errorf("a row too far, where the library is not settled: %+v", o)
	}
	if o := row(1, 2, 4).judge(); len(o.faults) != 2 || !strings.HasPrefix(o.faults[1], "r2") {
		t.Errorf("another metric: %+v", o)
	}
	c = row()
	c.fits[0].refused = "ValueError"
	if o := c.judge(); len(o.faults) != 1 || o.rows != 0 {
		t.Errorf("refused: %+v", o)
	}
	if got := c.row(c.judge()); !strings.Contains(got, "ValueError") {
		t.Errorf("the table has %s", got)
	}
}
