package preprocess

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

var nan = float32(math.NaN())

func TestOptionsRoundTrip(t *testing.T) {
	for _, c := range []struct{ in, out string }{
		{`{}`, `{"encode":"native","impute":"error","scale":"preserve"}`},
		{`{"impute": null, "scale": "robust"}`, `{"encode":"native","impute":"error","scale":"robust"}`},
		{`{"encode": "one_hot", "impute": "mode"}`, `{"encode":"one_hot","impute":"mode","scale":"preserve"}`},
		{`{"encode": {"ordinal": ["low", "high"]}}`, `{"encode":{"ordinal":["low","high"]},"impute":"error","scale":"preserve"}`},
	} {
		var o Options
		if err := json.Unmarshal([]byte(c.in), &o); err != nil {
			t.Errorf("%s: %v", c.in, err)
		}
		out, err := json.Marshal(o)
		if err != nil || string(out) != c.out {
			t.Errorf("%s: got %s %v, want %s", c.in, out, err, c.out)
		}
	}
}

func TestOptionsSayWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`[]`, "expected an object"},
		{`{"encoding": "native"}`, `there is no option "encoding"`},
		{`{"encode": "hash"}`, `"encode" must be one of native, target, one_hot, ordinal, not "hash"`},
		{`{"encode": "ordinal"}`, "must list the values"},
		{`{"encode": {"ordinal": []}}`, "must be a name or"},
		{`{"encode": {"ordinal": ["a"], "x": ["b"]}}`, "must be a name or"},
		{`{"encode": {"ordinal": ["a", "a"]}}`, `lists "a" twice`},
		{`{"impute": 3}`, `"impute" must be one of error, mean`},
		{`{"scale": "log"}`, `"scale" must be one of preserve, standard`},
	} {
		var o Options
		if err := json.Unmarshal([]byte(c.in), &o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", c.in, err, c.want)
		}
	}
	for _, c := range []struct {
		o    Options
		text bool
		ok   bool
	}{
		{Default, true, true}, {Default, false, true},
		{Options{Encode: OneHot, Impute: Error}, false, false},
		{Options{Encode: Native, Impute: Mean}, true, false},
		{Options{Encode: Target, Impute: Mean}, true, true},
		{Options{Encode: Native, Impute: Mean}, false, true},
	} {
		if err := c.o.Check(c.text); (err == nil) != c.ok {
			t.Errorf("%+v, text %v: %v", c.o, c.text, err)
		}
	}
}

// put gives what a column makes of a text.
func put(c *Column, text string) []float32 {
	v, ok := c.Index()[text]
	if !ok {
		v = nan
	}
	dst := make([]float32, c.Width())
	if !c.Put(dst, v) {
		return nil
	}
	return dst
}

func TestTexts(t *testing.T) {
	seen, means := []string{"b", "a", Null, "c"}, []float64{.5, 1, 2, 0}
	s := Summary{Min: 1, Max: 3, MaxAbs: 3, Mean: 2, Median: 1.5, Mode: 2, StdDev: .5}
	for _, c := range []struct {
		name   string
		o      Options
		widths int
		want   map[string][]float32 // nil: missing
	}{
		{"native", Options{Encode: Native, Impute: Error}, 1, map[string][]float32{"b": {1}, "a": {2}, "c": {3}, Null: {0}, "d": nil}},
		{"native, imputed", Options{Encode: Native, Impute: Median}, 1, map[string][]float32{"b": {1}, "d": {1}}},
		{"native, scaled", Options{Encode: Native, Impute: Mode, Scale: Standard}, 1, map[string][]float32{"b": {-2}, "d": {0}}},
		{"target", Options{Encode: Target, Impute: Mean}, 1, map[string][]float32{"b": {.5}, "a": {1}, Null: {2}, "d": {2}}},
		{"one_hot", Options{Encode: OneHot, Impute: Error, Scale: Standard}, 3, map[string][]float32{"b": {1, 0, 0}, Null: {0, 0, 1}, "c": {0, 0, 0}, "d": nil}},
		{"one_hot, zero", Options{Encode: OneHot, Impute: Zero}, 3, map[string][]float32{"d": {0, 0, 0}}},
		{"one_hot, mode", Options{Encode: OneHot, Impute: Mode}, 3, map[string][]float32{"d": {0, 0, 1}}},
		{"ordinal", Options{Encode: Ordinal, List: []string{"c", "b", "a", "z"}, Impute: Max}, 1, map[string][]float32{"c": {1}, "z": {4}, Null: {0}, "d": {3}}},
	} {
		col, err := FitText(c.o, seen, means)
		if err != nil {
			t.Fatal(err)
		}
		if err := col.Fit(c.o, s); err != nil {
			t.Fatal(err)
		}
		if err := col.Validate(); err != nil || col.Width() != c.widths {
			t.Errorf("%s: width %d, %v", c.name, col.Width(), err)
		}
		for text, want := range c.want {
			if got := put(&col, text); !slices.Equal(got, want) {
				t.Errorf("%s, %s: got %v, want %v", c.name, text, got, want)
			}
		}
	}
	_, err := FitText(Options{Encode: Ordinal, List: []string{"a", "b"}}, seen, means)
	var unlisted *UnlistedError
	if !errors.As(err, &unlisted) || err.Error() != `value is not present in ordinal: "c". Valid values: ["a", "b"]` {
		t.Errorf("got %v", err)
	}
}

func TestNumbers(t *testing.T) {
	s := Summary{Min: -2, Max: 6, MaxAbs: 6, Mean: 1, Median: .5, Mode: 3, StdDev: 4, Quartiles: [2]float64{-1, 1}}
	none := Summary{math.NaN(), math.NaN(), math.NaN(), math.NaN(), math.NaN(), math.NaN(), math.NaN(), [2]float64{math.NaN(), math.NaN()}}
	for _, c := range []struct {
		o       Options
		s       Summary
		in, out float32 // out NaN: missing
	}{
		{Options{Impute: Error}, s, 5, 5},
		{Options{Impute: Error}, s, nan, nan},
		{Options{Impute: Mean}, s, nan, 1},
		{Options{Impute: Median}, s, nan, .5},
		{Options{Impute: Zero}, none, nan, 0},
		{Options{Impute: Max, Scale: MinMax}, s, nan, 1},
		{Options{Impute: Error, Scale: Standard}, s, 5, 1},
		{Options{Impute: Error, Scale: MaxAbs}, s, -3, -.5},
		{Options{Impute: Error, Scale: Robust}, s, 1.5, .5},
		{Options{Impute: Error, Scale: Standard}, Summary{Mean: 7}, 7, 0}, // all the same
		{Options{Impute: Zero, Scale: Standard}, none, nan, 0},
	} {
		c.o.Encode = Native
		var col Column
		if err := col.Fit(c.o, c.s); err != nil {
			t.Fatal(err)
		}
		dst := []float32{9}
		if ok := col.Put(dst, c.in); ok == (c.out != c.out) || ok && dst[0] != c.out {
			t.Errorf("%+v of %v: got %v %v, want %v", c.o, c.in, dst[0], ok, c.out)
		}
	}
	var col Column
	if err := col.Fit(Options{Impute: Mean}, none); err == nil || !strings.Contains(err.Error(), "no value") {
		t.Errorf("got %v", err)
	}
}

func FuzzOptions(f *testing.F) {
	f.Add([]byte(`{"encode": {"ordinal": ["a"]}, "impute": "mode", "scale": "robust"}`))
	f.Add([]byte(`{"encode": 1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var o, back Options
		if json.Unmarshal(text, &o) != nil {
			return
		}
		again, err := json.Marshal(o)
		if err != nil || json.Unmarshal(again, &back) != nil || back.Encode != o.Encode || !slices.Equal(back.List, o.List) {
			t.Fatalf("%s became %s, %v", text, again, err)
		}
	})
}
