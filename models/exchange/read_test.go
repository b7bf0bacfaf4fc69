package exchange

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/models/gbdt"
	"github.com/pgowl/pgowl/models/learn"
)

// refused says whether an error is one that Read may give.
func refused(err error) bool {
	var unsupported *Unsupported
	return errors.Is(err, ErrFormat) || errors.Is(err, ErrTask) || errors.As(err, &unsupported)
}

// Each change of a sound file is refused, and says why.
func TestReadRefuses(t *testing.T) {
	for _, c := range []struct {
		file, old, new string
		want           string
	}{
		{"squared.json", `"num_feature":"4","num_target"`, `"num_feature":"0","num_target"`, "num_feature"},
		{"squared.json", `"num_feature":"4","num_target"`, `"num_feature":"99999999999","num_target"`, "num_feature"},
		{"squared.json", `"num_feature":"4","num_target"`, `"num_feature":"","num_target"`, "num_feature"},
		{"squared.json", `"num_feature":"4","num_target"`, `"num_feature":"1048577","num_target"`, "more than 1048576 features"},
		{"squared.json", `"num_feature":"4","num_target"`, `"num_feature":"5","num_target"`, "4 names of 5 features"},
		{"squared.json", `["a",`, `["a\u0000",`, "a feature is named"},
		{"squared.json", `"name":"gbtree"`, `"name":"gblinear"`, "0 weights"},
		{"squared.json", `"name":"gbtree"`, `"name":"gbother"`, "gbother"},
		{"linear.json", `"weights":[`, `"weights":[1,`, "6 weights"},
		{"squared.json", `"name":"gbtree"`, `"name":"dart"`, "dart"},
		{"squared.json", `"num_target":"1"`, `"num_target":"2"`, "several targets"},
		{"squared.json", `"name":"reg:squarederror"`, `"name":"reg:other"`, `"reg:other"`},
		{"squared.json", `"name":"reg:squarederror"`, `"name":"multi:softprob"`, "is for classification"},
		{"squared.json", `"tree_info":[0,`, `"tree_info":[1,`, "class 1"},
		{"squared.json", `"tree_info":[0,`, `"tree_info":[0,0,`, "3 trees"},
		{"squared.json", `"left_children":[1,`, `"left_children":[0,`, "two ways"},
		{"squared.json", `"left_children":[1,`, `"left_children":[2,`, "two ways"},
		{"squared.json", `"left_children":[1,`, `"left_children":[-2,`, "node -2"},
		{"squared.json", `"left_children":[1,`, `"left_children":[1000000,`, "node 1000000"},
		{"squared.json", `"left_children":[1,`, `"left_children":[1,1,`, "left children"},
		{"squared.json", `"split_indices":[0,`, `"split_indices":[4,`, "feature 4 of 4"},
		{"squared.json", `"split_indices":[0,`, `"split_indices":[-1,`, "feature -1"},
		{"squared.json", `"split_conditions":[`, `"split_conditions":[1e400,`, "1e400"},
		{"squared.json", `"split_type":[0,`, `"split_type":[1,`, "no categories"},
		{"categories.json", `"categories_nodes":[`, `"categories_nodes":[1,`, "segments"},
		{"categories.json", `"categories_nodes":[0`, `"categories_nodes":[99`, "at node 99"},
		{"categories.json", `"categories_segments":[0`, `"categories_segments":[-1`, "categories -1"},
		{"categories.json", `"categories_segments":[0`, `"categories_segments":[9223372036854775807`, "categories 92"},
		{"categories.json", `"categories_sizes":[8`, `"categories_sizes":[9223372036854775807`, "categories 0"},
		{"categories.json", `"categories":[0,`, `"categories":[-5,`, "category -5"},
		{"lgb-categories.txt", "num_cat=4", "num_cat=900", "num_cat"},
		{"lgb-categories.txt", "num_cat=4", "num_cat=0", "set 0"},
		{"lgb-categories.txt", "num_cat=4", "num_cat=3", "cat_boundaries"},
		{"lgb-categories.txt", "cat_boundaries=0", "cat_boundaries=2", "words"},
		{"lgb-categories.txt", "cat_threshold=", "cat_threshold=4294967296 ", "cat_threshold"},
		{"squared.json", `"size_leaf_vector":"1"`, `"size_leaf_vector":"3"`, "vector"},
		{"squared.json", `"default_left":[`, `"default_left":[7,`, "syntax"},
		{"squared.json", `"base_score":"[`, `"base_score":"[1,`, "2 base scores"},
		{"squared.json", `"base_score":"[`, `"base_score":"[x`, "base_score is"},
		{"squared.json", `"base_score":"[`, `"base_score":"[NaN,`, "base_score is"},
		{"logistic.json", `"base_score":"[`, `"base_score":"[1`, "base score"}, // not a probability
		{"dart.json", `"weight_drop":[`, `"weight_drop":[1,`, "dart"},
		{"lgb-regression.txt", "tree\n", "wood\n", "tree"},
		{"lgb-regression.txt", "version=v4", "version=v9", "version"},
		{"lgb-regression.txt", "max_feature_idx=3", "max_feature_idx=2", "4 names"},
		{"lgb-regression.txt", "max_feature_idx=3", "max_feature_idx=x", "max_feature_idx"},
		{"lgb-regression.txt", "num_tree_per_iteration=1", "num_tree_per_iteration=0", "trees a round"},
		{"lgb-regression.txt", "num_tree_per_iteration=1", "num_tree_per_iteration=2", "trees for 2 margins"},
		{"lgb-regression.txt", "objective=regression", "objective=regression sqrt", "sqrt"},
		{"lgb-regression.txt", "objective=regression", "objective=lambdamart", "lambdamart"},
		{"lgb-each.txt", "sigmoid:1.3", "sigmoid:0", "sigmoid"},
		{"lgb-binary.txt", "sigmoid:1.7", "sigmoid:-1", "sigmoid"},
		{"lgb-regression.txt", "num_leaves=6", "num_leaves=600000000", "fewer than"},
		{"lgb-regression.txt", "num_leaves=6", "num_leaves=5", "leaf_value"},
		{"lgb-regression.txt", "num_leaves=6", "num_leaves=0", "num_leaves"},
		{"lgb-regression.txt", "is_linear=0", "is_linear=1", "leaf_const"},
		{"lgb-linear.txt", "leaf_const=", "leaf_const=nan ", "leaf_const"},
		{"lgb-linear.txt", "num_features=", "num_features=-1 ", "num_features"},
		{"lgb-linear.txt", "leaf_features=0", "leaf_features=9", "feature 9"},
		{"lgb-linear.txt", "leaf_coeff=", "leaf_coeff=1 ", "leaf_coeff"},
		{"lgb-regression.txt", "decision_type=", "decision_type=1 ", "decision_type"},
		{"lgb-regression.txt", "split_feature=", "feature=", "split_feature"},
		{"lgb-regression.txt", "threshold=", "threshold=nan ", "threshold"},
		{"lgb-regression.txt", "left_child=1", "left_child=0", "two ways"},
		{"lgb-regression.txt", "left_child=1", "left_child=-99", "child -99"},
		{"lgb-regression.txt", "leaf_value=", "leaf_value=nan ", "leaf_value"},
		{"lgb-regression.txt", "end of trees", "", "ends early"},
	} {
		data := string(read(t, c.file))
		if !strings.Contains(data, c.old) {
			t.Errorf("%s has no %s", c.file, c.old)
			continue
		}
		format, task := XGBoostJSON, learn.Regression
		if strings.HasPrefix(c.file, "lgb") {
			format = LightGBMText
		}
		if strings.Contains(c.file, "logistic") || strings.Contains(c.file, "binary") {
			task = learn.Classification
		}
		_, err := Read(format, []byte(strings.Replace(data, c.old, c.new, 1)), task)
		if err == nil || !refused(err) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s with %s for %s: %v", c.file, c.new, c.old, err)
		}
	}
	for _, f := range append(Formats, "pickle") {
		for _, data := range []string{"", "{}", "null", "[]", `{"learner": null}`, `{"learner": {}}`, "tree", "tree\n"} {
			if _, err := Read(f, []byte(data), learn.Regression); err == nil || !refused(err) {
				t.Errorf("%q as %s: %v", data, f, err)
			}
		}
	}
	if _, err := Read(XGBoostJSON, read(t, "squared.json"), learn.Classification); err == nil || !strings.Contains(err.Error(), "does not classify") {
		t.Errorf("a regression for a classification: %v", err)
	}
}

func TestBaseScore(t *testing.T) {
	for text, want := range map[string][]float64{
		`"5E-1"`: {.5}, `0.5`: {.5}, `"[1E0,-2.5E0]"`: {1, -2.5}, `[1, 2]`: {1, 2}, `" [ 3 ] "`: {3},
		`""`: nil, `"[]"`: nil, `"[1"`: nil, `"1]"`: nil, `"inf"`: nil, `"1E39"`: nil, `"[1,]"`: nil, ``: nil, `null`: nil, `{}`: nil,
	} {
		got, err := readBaseScore([]byte(text))
		if (err == nil) != (want != nil) {
			t.Errorf("%s: %v", text, err)
		}
		for i := range want {
			if len(got) != len(want) || math.Abs(got[i]-want[i]) > 1e-7 {
				t.Errorf("%s: got %v, want %v", text, got, want)
				break
			}
		}
	}
}

// Classes whose trees do not come in turn are put in turn.
func TestOrder(t *testing.T) {
	leaf := func(v float32) []gbdt.Point { return []gbdt.Point{{Feature: -1, Value: v}} }
	b := book{groups: []int{1, 1, 0, 0}, forest: gbdt.Forest{Margins: 2, Parallel: 1, Trees: [][]gbdt.Point{leaf(10), leaf(11), leaf(0), leaf(1)}}}
	if err := b.order(); err != nil {
		t.Fatal(err)
	}
	for i, want := range []float32{0, 10, 1, 11} {
		if got := b.forest.Trees[i][0].Value; got != want {
			t.Errorf("tree %d is %v, want %v", i, got, want)
		}
	}
	b.groups = []int{1, 1, 1, 0}
	if err := b.order(); !errors.Is(err, ErrFormat) {
		t.Errorf("unequal classes: %v", err)
	}
}

// A threshold of LightGBM's sends every float32 the same way here, and back again.
func TestThresholds(t *testing.T) {
	for _, at := range []float64{0, 1e-35, -1e-35, 0.1, -0.1, 1, 1 + 1e-9, 1 - 1e-9, 16777217, 3e38, -3e38, 1e300, -1e300, 1e-46, -1e-46} {
		threshold, _, err := decision(at, lgbMissingNaN)
		if err != nil {
			t.Fatal(err)
		}
		x := float32(at)
		if math.IsInf(float64(x), 0) {
			x = float32(math.Copysign(math.MaxFloat32, at))
		}
		below, above := float32(math.Inf(-1)), float32(math.Inf(1))
		for _, v := range []float32{x, math.Nextafter32(x, below), math.Nextafter32(x, above), 0, 1, -1} {
			if math.IsInf(float64(v), 0) || v == math.MaxFloat32 {
				continue
			}
			if here, there := v < threshold, float64(v) <= at; here != there {
				t.Errorf("%v at %v: left here is %v, in LightGBM %v", v, at, here, there)
			}
			if here, back := v < threshold, float64(v) <= lastBelow(threshold); here != back {
				t.Errorf("%v at %v: left is %v, written again %v", v, at, here, back)
			}
		}
	}
}

func TestMissingZero(t *testing.T) {
	for _, c := range []struct {
		at          float64
		left        int
		want        float32
		defaultLeft bool
		fails       bool
	}{
		{0.5, lgbDefaultLeft, math.Nextafter32(0.5, 1), true, false},
		{-0.5, 0, math.Nextafter32(-0.5, 1), false, false},
		{0.5, 0, 0, false, true}, // zeros would have to leave the middle of what goes left
		{-0.5, lgbDefaultLeft, 0, false, true},
		{lgbZero, 0, -lgbZero, false, false},
		{-lgbZero, lgbDefaultLeft, lgbZero, true, false},
	} {
		got, defaultLeft, err := decision(c.at, lgbMissingZero|c.left)
		if (err != nil) != c.fails || err == nil && (math.Abs(float64(got-c.want)) > 1e-37 || defaultLeft != c.defaultLeft || 0 < got != defaultLeft) {
			t.Errorf("%+v: %v %v %v", c, got, defaultLeft, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	_, cases := golden(f)
	for _, c := range cases {
		data := read(f, c.File)
		for i, format := range Formats {
			if format == c.Format && len(data) < 6000 {
				f.Add(data, uint8(i), c.Task == learn.Classification)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, format uint8, classify bool) {
		task := learn.Regression
		if classify {
			task = learn.Classification
		}
		file, err := Read(Formats[int(format)%len(Formats)], data, task)
		if err != nil {
			if !refused(err) {
				t.Errorf("another error: %v", err)
			}
			return
		}
		m := file.Model
		if m.Features() > 1<<12 {
			return
		}
		x := make([]float32, 2*m.Features())
		for i := range x {
			x[i] = float32(i%5) - 2
		}
		out := make([]float32, 2)
		m.Predict(out, x)
		text, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := gbdt.Decode(text); err != nil {
			t.Errorf("what was read cannot be stored: %v", err)
		}
		for _, to := range Formats {
			data, err := Write(to, m, file.Names)
			if err != nil && refused(err) {
				continue // of LightGBM's there is no hinge
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Read(to, data, task); err != nil {
				t.Errorf("what was written as %s cannot be read: %v", to, err)
			}
		}
	})
}

func FuzzUBJSON(f *testing.F) {
	f.Add([]byte("{i\x01a[$U#i\x02\x01\x02i\x01bSi\x01xi\x01c[Zi\x05TFd\x3f\x80\x00\x00]}"))
	f.Add([]byte("{#i\x01i\x01kL\x00\x00\x00\x00\x00\x00\x00\x07"))
	f.Add([]byte("[[[[[[[[[[[["))
	f.Add([]byte("[$Z#l\x7f\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		text, err := ubjsonToJSON(data)
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Errorf("another error: %v", err)
			}
			return
		}
		if len(text) > 30*len(data) {
			t.Errorf("%d bytes of %d", len(text), len(data))
		}
		if !bytes.Contains([]byte("{[\"-0123456789ntf"), text[:1]) {
			t.Errorf("%q is no JSON", text)
		}
	})
}
