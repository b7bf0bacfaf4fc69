package predict

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/pgowl/pgowl/models/bygroup"
	"github.com/pgowl/pgowl/models/gbdt"
	"github.com/pgowl/pgowl/models/joint"
	"github.com/pgowl/pgowl/models/learn"
	"github.com/pgowl/pgowl/models/linear"
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

// TestExplainModelsOfSeveral: of a joint model the first label's is explained, of groups the one of the row's group, as they predict.
func TestExplainModelsOfSeveral(t *testing.T) {
	const far = 1000 // between the groups' values, and between the labels'
	d := &learn.Dataset{Features: 3, Classes: 3}
	var other []float32
	for i := range 300 {
		group := float32(i % 2)
		d.X = append(d.X, float32(i%7), group, float32(i%5))
		d.Y = append(d.Y, float32(i%7)+group*far)
		other = append(other, -far)
	}
	d.Rows = len(d.Y)
	header := store.Header{Algorithm: "xgboost", Task: learn.Regression, Label: store.Label{Column: "y", Kind: store.Float},
		Features: []store.Feature{{Name: "day", Type: "int4", Width: 1}, {Name: "shop", Type: "int4", Width: 1}, {Name: "c", Type: "int4", Width: 1}}}
	regression := *d
	regression.Classes = 0
	hyperparams := map[string]any{"n_estimators": 50.0}
	several, err := joint.Train(t.Context(), gbdt.Train, &regression, [][]float32{other}, hyperparams, nil)
	if err != nil {
		t.Fatal(err)
	}
	grouped, err := bygroup.Train(t.Context(), gbdt.Train, &regression, 1, float32(math.NaN()), learn.Regression, hyperparams, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, m := range map[string]*Model{"joint": New(4, header, several), "groups": New(4, header, grouped)} {
		for _, row := range [][]float32{{3, 0, 1}, {6, 1, 4}, {3, 17, 1}} {
			want, err := m.Predict(row)
			if err != nil {
				t.Fatal(err)
			}
			x, err := m.Explain(row, nil)
			sum := x.Bias
			for _, c := range x.Contributions {
				sum += c
			}
			if err != nil || math.Abs(sum-float64(want)) > 1e-3 || !slices.Equal(x.Names, []string{"day", "shop", "c"}) || len(x.Contributions) != 3 {
				t.Errorf("%s: %v of %v is %v: %+v %v", name, row, want, sum, x, err)
			}
			// The group's own model knows of no other group: nothing adds as much as the groups are apart.
			if name == "groups" && (x.Contributions[1] != 0 || row[1] < 2 && math.Abs(x.Bias-float64(row[1]*far)) > 10) {
				t.Errorf("%s: %v: %+v", name, row, x)
			}
		}
		all, err := m.Importance()
		if err != nil || len(all) != 3 {
			t.Fatalf("%s: %v %v", name, all, err)
		}
		for _, f := range all {
			if f.Name == "shop" && (f.Weight == 0) != (name == "groups") || f.Name == "day" && f.Weight == 0 {
				t.Errorf("%s: %+v", name, all)
			}
		}
		if _, err := m.Explain([]float32{3, 1}, nil); message(err) != "XX000 cannot reshape array of size 2 into shape (3)" {
			t.Errorf("%s: %v", name, err)
		}
		if data, err := m.Engine().Encode(); err != nil || footprint(m.Engine(), len(data)) <= footprint(nil, len(data)) {
			t.Errorf("%s: its parts are not counted: %v", name, err)
		}
	}

	// A group's classes are the whole model's.
	header.Task, header.Label = learn.Classification, store.Label{Column: "y", Kind: store.Int, Classes: []string{"10", "20", "30"}}
	for i := range d.Y {
		d.Y[i] = float32(i%2 + i%7/4) // 0 and 1, or 1 and 2
	}
	grouped, err = bygroup.Train(t.Context(), gbdt.Train, d, 1, float32(math.NaN()), learn.Classification, hyperparams, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := New(5, header, grouped)
	own, row := grouped.Of([]float32{6, 1, 4})
	margins := make([]float64, 3*3)
	own.(learn.Explainer).Contributions(margins, row)
	third := float32(30)
	for _, class := range []*float32{nil, &third} {
		x, err := m.Explain([]float32{6, 1, 4}, class)
		if err != nil || !slices.Equal(x.Contributions, []float64{margins[6], 0, margins[7]}) || x.Bias != margins[8] {
			t.Errorf("got %+v %v of %v", x, err, margins)
		}
	}

	// The engine's parts may lack what others have.
	cannot := func(context.Context, *learn.Dataset, learn.Task, map[string]any, learn.Progress) (learn.Model, error) {
		return mute{several.Output(0)}, nil
	}
	several, err = joint.Train(t.Context(), cannot, &regression, [][]float32{other}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	header.Algorithm = "svm"
	if _, err := New(4, header, several).Explain([]float32{3, 0, 1}, nil); message(err) != "0A000 pgml.explain is not available for algorithm svm in PgOwl" {
		t.Errorf("got %v", err)
	}
}

// TestExplainWithoutAValue: a linear model has no class for a row that lacks a feature, and an explanation of it must not look for one.
func TestExplainWithoutAValue(t *testing.T) {
	d := &learn.Dataset{Features: 2, Classes: 3}
	for i := range 90 {
		d.X, d.Y = append(d.X, float32(i), float32(i%4)), append(d.Y, float32(i/30))
	}
	d.Rows = len(d.Y)
	line, err := linear.Train(t.Context(), d, learn.Classification, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	h := store.Header{Algorithm: "linear", Task: learn.Classification, Label: store.Label{Column: "y", Kind: store.Int, Classes: []string{"1", "2", "3"}},
		Features: []store.Feature{{Name: "x", Type: "_float4", Width: 2}}}
	x, err := New(4, h, line).Explain([]float32{float32(math.NaN()), 1}, nil)
	if err != nil || x.Contributions[0] == x.Contributions[0] {
		t.Errorf("got %+v %v", x, err)
	}
}
