package predict

import (
	"math"
	"slices"
	"testing"

	"github.com/pgowl/pgowl/models/learn"
	"github.com/pgowl/pgowl/models/linear"
	"github.com/pgowl/pgowl/models/preprocess"
	"github.com/pgowl/pgowl/models/store"
)

var fill = float32(7)

// rowModel has a column of each kind: 7 features.
func rowModel(tb testing.TB) *Model {
	h, fitted := fit(tb, learn.Classification, store.Label{Column: "y", Kind: store.Text, Classes: []string{"", "b"}})
	h.Features = []store.Feature{
		{Name: "n", Type: "int8", Width: 1},
		{Name: "city", Type: "text", Width: 1, Preprocess: &preprocess.Column{Encode: preprocess.Target, Categories: []string{"a", "é\"", preprocess.Null}, Values: []float32{.5, 1, 2}, Fill: &fill}},
		{Name: "code", Type: "bpchar", Width: 2, Preprocess: &preprocess.Column{Encode: preprocess.OneHot, Categories: []string{"x", "y", "z"}, Values: []float32{0, 1, 2}}},
		{Name: "age", Type: "numeric", Width: 1, Preprocess: &preprocess.Column{Fill: &fill, Shift: 1, Span: 2}},
		{Name: "v", Type: "_float4", Width: 2},
	}
	return New(9, h, fitted)
}

func TestRow(t *testing.T) {
	m := rowModel(t)
	nan := float32(math.NaN())
	for _, c := range []struct {
		row  string
		want []float32
		err  string
	}{
		{`{"f1":1,"f2":"a","f3":"y   ","f4":3,"f5":[1,2]}`, []float32{1, .5, 0, 1, 1, 1, 2}, ""},
		{`{"f1":true, "f2":"\u00e9\"", "f3":"z", "f4":null, "f5":[[0.5],["NaN"]]}`, []float32{1, 1, 0, 0, 3, .5, nan}, ""},
		{`{"f1":9007199791611905,"f2":null,"f3":"x","f4":"NaN","f5":["Infinity","-Infinity"]}`, []float32{9007200328482816, 2, 1, 0, 3, float32(math.Inf(1)), float32(math.Inf(-1))}, ""},
		{`{"f1":"NaN","f2":"nowhere","f3":"x","f4":1e300,"f5":[1e-60,false]}`, []float32{nan, 7, 1, 0, float32(math.Inf(1)), 0, 0}, ""},
		{`2{"f1":1,"f2":"a"}`, nil, `XX000 Type information missing for column: "city".`},
		{`null`, nil, "XX000 This preprocessing requires Postgres `record` types created with `row()`."},
		{`5`, nil, "XX000 This preprocessing requires Postgres `record` types created with `row()`."},
		{`[1]`, nil, "XX000 This preprocessing requires Postgres `record` types created with `row()`."},
		{`{"f1":null,"f2":"a","f3":"y","f4":3,"f5":[1,2]}`, nil, "XX000 1 missing values for n. You may provide a preprocessor to impute a value."},
		{`{"f1":1,"f2":"a","f3":"w","f4":3,"f5":[1,2]}`, nil, "XX000 1 missing values for code. You may provide a preprocessor to impute a value."},
		{`{"f1":1,"f2":2,"f3":"w","f4":3,"f5":[1,2]}`, nil, `42804 column "city" of the row must be a text, as the model has learned it`},
		{`{"f1":"2","f2":"a","f3":"x","f4":3,"f5":[1,2]}`, nil, `42804 column "n" of the row must be a number, as the model has learned it, and not a text`},
		{`{"f1":{"a":1},"f2":"a","f3":"x","f4":3,"f5":[1,2]}`, nil, `0A000 column "n" of the row is a record, which predict does not take`},
		{`{"f1":1,"f2":"a","f3":"x","f4":3,"f5":[1,2,3]}`, nil, "XX000 Mismatched array length for feature `v`. Expected: 2 Received: 3"},
		{`{"f1":1,"f2":"a","f3":"x","f4":3,"f5":[1,null]}`, nil, "XX000 An array of feature `v` has an element that is NULL. Arrays and their elements must not be NULL."},
		{`{"f1":1,"f2":"a","f3":"x","f4":3}`, nil, "XX000 cannot reshape array of size 4 into shape (5)"},
		{`{"f1":1,"f2":"a","f3":"x","f4":3,"f5":[1,2],"f6":{"x":[1,"2"]},"f7":"}"}`, nil, "XX000 cannot reshape array of size 7 into shape (5)"},
		{`{}`, nil, "XX000 cannot reshape array of size 0 into shape (5)"},
		{`{"f1":1`, nil, "XX000 malformed row"},
	} {
		got, err := m.Row(nil, []byte(c.row))
		if message(err) != c.err || err == nil && !slices.EqualFunc(got, c.want, func(a, b float32) bool { return a == b || a != a && b != b }) {
			t.Errorf("%s:\n got %v %v\nwant %v %s", c.row, got, err, c.want, c.err)
		}
	}
}

// TestPlainRow takes numbers however they are spread over columns.
func TestPlainRow(t *testing.T) {
	h, fitted := fit(t, learn.Classification, store.Label{Column: "y", Kind: store.Text, Classes: []string{"", "b"}})
	m := New(1, h, fitted)
	for _, row := range []string{`{"a":3,"b":4.5}`, `{"a":[3,4.5]}`, `{"a":[[3],[4.5]]}`} {
		if got, err := m.Row([]float32{1}, []byte(row)); err != nil || !slices.Equal(got, []float32{1, 3, 4.5}) {
			t.Errorf("%s: got %v %v", row, got, err)
		}
	}
	if _, err := m.Row(nil, []byte(`{"a":3,"b":null}`)); message(err) != "XX000 1 missing values for b. You may provide a preprocessor to impute a value." {
		t.Errorf("got %v", err)
	}
	for features, want := range map[[2]float32]string{{3, 1}: "", {58, 1}: "b"} {
		if got, err := m.Label(features[:]); err != nil || got == nil || *got != want {
			t.Errorf("%v: %v %v", features, got, err)
		}
	}
	h, fitted = fit(t, learn.Regression, store.Label{Column: "y", Kind: store.Float})
	if _, err := New(4, h, fitted).Label([]float32{1, 2}); message(err) != "42809 pgml.predict_label is for classification, and model 4 is for regression" {
		t.Errorf("got %v", err)
	}
}

func TestRowAllocatesNothing(t *testing.T) {
	m := rowModel(t)
	row := []byte(`{"f1":1,"f2":"a","f3":"y   ","f4":3.25,"f5":[1,2]}`)
	var dst []float32
	if n := testing.AllocsPerRun(1000, func() {
		var err error
		if dst, err = m.Row(dst[:0], row); err != nil {
			t.Error(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a row", n)
	}
}

func FuzzRow(f *testing.F) {
	m := rowModel(f)
	for _, row := range []string{`{"f1":1,"f2":"a","f3":"y","f4":3,"f5":[1,2]}`, `{"a":null,"b":"\"","c":{"d":[]}}`, `3{"a":1}`} {
		f.Add([]byte(row))
	}
	f.Fuzz(func(t *testing.T, row []byte) {
		before := string(row)
		got, err := m.Row(nil, row)
		if err == nil && len(got) != 7 {
			t.Fatalf("%d features", len(got))
		}
		if string(row) != before {
			t.Fatal("the row was changed")
		}
	})
}

// A linear model has no class for a row without a feature that it needs.
func TestNoLabel(t *testing.T) {
	data := &learn.Dataset{X: []float32{0, 1, 2, 3}, Y: []float32{0, 0, 1, 1}, Rows: 4, Features: 1, Classes: 2}
	fitted, err := linear.Train(t.Context(), data, learn.Classification, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	h := store.Header{Algorithm: "linear", Task: learn.Classification, Features: []store.Feature{{Name: "x", Type: "float4", Width: 1}},
		Label: store.Label{Column: "y", Kind: store.Text, Classes: []string{"low", "high"}}}
	m := New(1, h, fitted)
	if got, err := m.Label([]float32{float32(math.NaN())}); got != nil || err != nil {
		t.Errorf("got %v %v", got, err)
	}
	if got, err := m.Label([]float32{3}); err != nil || *got != "high" {
		t.Errorf("got %v %v", got, err)
	}
}
