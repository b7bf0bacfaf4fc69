package predict

import (
	"math"
	"slices"
	"testing"

	"github.com/pgowl/pgowl/models/learn"
	"github.com/pgowl/pgowl/models/store"
)

// mute is a model of which nothing is known but its predictions.
type mute struct{ learn.Model }

// told is a model whose contributions are written down.
type told struct {
	learn.Model
	margins    int
	importance []learn.Importance
}

func (m told) Margins() int { return m.margins }
func (m told) Contributions(dst []float64, _ []float32) {
	for i := range dst {
		dst[i] = float64(i + 1)
	}
}
func (m told) Importance() []learn.Importance { return m.importance }

func TestExplain(t *testing.T) {
	regression, line := fit(t, learn.Regression, store.Label{Column: "y", Kind: store.Float})
	binary, two := fit(t, learn.Classification, store.Label{Column: "y", Kind: store.Bool, Classes: []string{"false", "true"}})
	several, three := fit(t, learn.Classification, store.Label{Column: "y", Kind: store.Int, Classes: []string{"-7", "40", "900"}})
	class := func(c float32) *float32 { return &c }
	for _, c := range []struct {
		name     string
		header   store.Header
		model    learn.Model
		features []float32
		class    *float32
		want     []float64 // two features and the bias
		fails    string
	}{
		{"regression", regression, told{Model: line, margins: 1}, []float32{3, 1}, nil, []float64{1, 2, 3}, ""},
		{"log-odds", binary, told{Model: two, margins: 1}, []float32{3, 1}, nil, []float64{1, 2, 3}, ""},
		{"of true", binary, told{Model: two, margins: 1}, []float32{3, 1}, class(1), []float64{1, 2, 3}, ""},
		{"of false", binary, told{Model: two, margins: 1}, []float32{3, 1}, class(0), []float64{-1, -2, -3}, ""},
		{"predicted", several, told{Model: three, margins: 3}, []float32{58, 1}, nil, []float64{7, 8, 9}, ""},
		{"asked for", several, told{Model: three, margins: 3}, []float32{58, 1}, class(40), []float64{4, 5, 6}, ""},
		{"no class", several, told{Model: three, margins: 3}, []float32{58, 1}, class(41), nil, "22023 model 4 has no class 41"},
		{"class of a regression", regression, told{Model: line, margins: 1}, []float32{3, 1}, class(0), nil, "22023 model 4 is a regression and has no classes"},
		{"shape", regression, told{Model: line, margins: 1}, []float32{3}, nil, nil, "XX000 cannot reshape array of size 1 into shape (2)"},
		{"not kept", regression, told{Model: line}, []float32{3, 1}, nil, nil, "55000 model 4 cannot be explained"},
		{"cannot", store.Header{Algorithm: "svm"}, mute{line}, []float32{3, 1}, nil, nil, "0A000 pgml.explain is not available for algorithm svm in PgOwl"},
	} {
		x, err := New(4, c.header, c.model).Explain(c.features, c.class)
		if message(err) != c.fails {
			t.Errorf("%s: got %v, want %s", c.name, err, c.fails)
		}
		if got := append(x.Contributions, x.Bias); err == nil && (!slices.Equal(got, c.want) || !slices.Equal(x.Names, []string{"x[1]", "x[2]"})) {
			t.Errorf("%s: %v of %v, want %v", c.name, got, x.Names, c.want)
		}
	}
}

func TestImportance(t *testing.T) {
	h, line := fit(t, learn.Regression, store.Label{Column: "y", Kind: store.Float})
	h.Features = []store.Feature{{Name: "a", Type: "float4", Width: 1}, {Name: "b", Type: "int4", Width: 1}, {Name: "c", Type: "_int4", Width: 1}, {Name: "d", Type: "bool", Width: 1}}
	all, err := New(4, h, told{Model: line, importance: []learn.Importance{{Weight: 1}, {Weight: -3}, {Gain: 2}, {Gain: math.Inf(1)}}}).Importance()
	var got []string
	for _, f := range all {
		got = append(got, f.Name)
	}
	if want := []string{"d", "c[1]", "b", "a"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v %v, want %v", got, err, want)
	}
	if _, err := New(4, h, told{Model: line}).Importance(); message(err) != "55000 model 4 cannot be ranked by its features" {
		t.Errorf("got %v", err)
	}
	if _, err := New(4, store.Header{Algorithm: "svm"}, mute{line}).Importance(); message(err) != "0A000 pgml.importance is not available for algorithm svm in PgOwl" {
		t.Errorf("got %v", err)
	}
}
