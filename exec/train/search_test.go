package train

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// searched reads the arguments of a search as checkArguments does.
func searched(t *testing.T, text string) (*search, error) {
	t.Helper()
	separator := ","
	if text == "{}" {
		separator = ""
	}
	req, err := Decode([]byte(`{"project_name": "p"` + separator + strings.TrimPrefix(text, "{")))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	r := &run{req: req}
	err = r.checkArguments()
	return r.search, err
}

// list writes the candidates.
func list(s *search) (out []string) {
	for i := range s.count() {
		text, _ := json.Marshal(s.candidate(i))
		out = append(out, string(text))
	}
	return out
}

func TestCandidates(t *testing.T) {
	for _, c := range []struct {
		args  string
		folds int
		want  []string
	}{
		{`{}`, 1, []string{`{}`}},
		{`{"hyperparams": {"a": [1, 2]}}`, 1, []string{`{"a":[1,2]}`}},
		{`{"search": "grid"}`, 5, []string{`{}`}},
		{`{"search": "grid", "search_args": {"cv": null}}`, 5, []string{`{}`}},
		{`{"search": "random", "search_args": {"cv": 0}, "search_params": {"a": [1]}}`, 1, []string{`{"a":1}`}},
		{`{"search_args": {"cv": 3}}`, 3, []string{`{}`}},
		{`{"search_params": {"b": [1, "x"], "a": [null, [2], 3]}, "hyperparams": {"c": true}}`, 1, []string{
			`{"a":null,"b":1,"c":true}`, `{"a":null,"b":"x","c":true}`, `{"a":[2],"b":1,"c":true}`,
			`{"a":[2],"b":"x","c":true}`, `{"a":3,"b":1,"c":true}`, `{"a":3,"b":"x","c":true}`}},
		{`{"search": "random", "search_params": {"a": [1, 2]}, "search_args": {"n_iter": 100}}`, 5, []string{`{"a":1}`, `{"a":2}`}},
		{`{"search": "grid", "search_params": {"a": [1, 2, 3]}, "search_args": {"n_iter": 1, "cv": 2}}`, 2, []string{`{"a":1}`, `{"a":2}`, `{"a":3}`}},
	} {
		s, err := searched(t, c.args)
		if err != nil {
			t.Errorf("%s: %v", c.args, err)
			continue
		}
		s.draw(1)
		if got := list(s); !slices.Equal(got, c.want) || s.folds != c.folds {
			t.Errorf("%s: %d folds, %q, want %d, %q", c.args, s.folds, got, c.folds, c.want)
		}
	}
}

func TestRandomCandidates(t *testing.T) {
	args := `{"search": "random", "search_params": {"a": [1, 2, 3, 4, 5, 6, 7, 8], "b": [1, 2, 3, 4]}}`
	s, err := searched(t, args)
	if err != nil {
		t.Fatal(err)
	}
	met := map[string]int{}
	for seed := range uint64(500) {
		s.draw(seed)
		tried := list(s)
		if len(tried) != 10 {
			t.Fatalf("%d candidates", len(tried))
		}
		for _, c := range tried {
			met[c]++
		}
		slices.Sort(tried)
		if len(slices.Compact(tried)) != 10 {
			t.Fatalf("seed %d draws one twice: %q", seed, tried)
		}
	}
	if len(met) != 32 {
		t.Errorf("%d of 32 are ever tried", len(met))
	}
	for c, n := range met { // 156 on average, deviation 10
		if n < 100 || n > 220 {
			t.Errorf("%s was drawn %d times of 500", c, n)
		}
	}
	s.draw(7)
	first := list(s)
	if s.draw(7); !slices.Equal(first, list(s)) {
		t.Error("the same seed draws others")
	}
}

func TestSearchArgumentsThatAreRefused(t *testing.T) {
	million := strings.TrimSuffix(strings.Repeat("1,", 1000), ",")
	huge := "{"
	for i := range 13 {
		huge += fmt.Sprintf(`"p%d": [%s],`, i, strings.TrimSuffix(strings.Repeat("1,", 50), ","))
	}
	for _, c := range []struct{ args, want string }{
		{`{"search_params": {"a": 1}}`, `22023 pgml.train: search_params "a" must be an array of values to try, not 1`},
		{`{"search_params": {"a": null}}`, `22023 pgml.train: search_params "a" must be an array of values to try, not null`},
		{`{"search_params": {"a": {"b": 1}}}`, `22023 pgml.train: search_params "a" must be an array of values to try, not {"b": 1}`},
		{`{"search_params": {"a": [1]}, "hyperparams": {"a": 1}}`, "XX000 `a` cannot be present in both hyperparams and search_params. Please choose one or the other."},
		{`{"search_args": {"folds": "x"}}`, `XX000 Unknown search_args => "folds": "x"`},
		{`{"search_args": {"cv": -1}}`, `22023 pgml.train: search_args "cv" must be a whole number from 0 on, not -1`},
		{`{"search_args": {"cv": "5"}}`, `22023 pgml.train: search_args "cv" must be a whole number from 0 on, not "5"`},
		{`{"search_args": {"n_iter": 1e99}}`, `22023 pgml.train: search_args "n_iter" must be a whole number from 1 on, not 1e99`},
		{`{"search": "grid", "search_params": {"a": [` + million + `], "b": [` + million + `]}}`, `54000 pgml.train: a search of 1000000 combinations is too large, the most is 100000`},
		{`{"search": "random", "search_params": ` + strings.TrimSuffix(huge, ",") + `}}`, `54000 pgml.train: search_params have more combinations than can be counted`},
	} {
		_, err := searched(t, c.args)
		if got := code(err); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", clip(c.args, 100), got, c.want)
		}
	}
	if _, err := searched(t, `{"search": "random", "search_params": {"a": [`+million+`], "b": [`+million+`]}}`); err != nil {
		t.Errorf("ten of a million: %v", err)
	}
}

func TestFolds(t *testing.T) {
	y := make([]float32, 103)
	for i := range y {
		switch {
		case i%10 == 0:
			y[i] = 2
		case i%3 == 0:
			y[i] = 1
		}
	}
	for _, classes := range []int{0, 3} {
		for _, k := range []int{2, 5, 103} {
			fold, err := folds(y, classes, k, 9)
			if err != nil {
				t.Fatal(err)
			}
			sizes := make([]int, k)
			byClass := make([][]int, 3)
			for c := range byClass {
				byClass[c] = make([]int, k)
			}
			for i, f := range fold {
				sizes[f]++
				byClass[int(y[i])][f]++
			}
			if slices.Max(sizes)-slices.Min(sizes) > 1 {
				t.Errorf("%d classes, %d folds: sizes %v", classes, k, sizes)
			}
			for c, n := range byClass {
				if classes > 0 && slices.Max(n)-slices.Min(n) > 1 {
					t.Errorf("%d folds: class %d is spread %v", k, c, n)
				}
			}
			if again, _ := folds(y, classes, k, 9); !slices.Equal(again, fold) {
				t.Error("the same seed gives other folds")
			}
			if other, _ := folds(y, classes, k, 10); k < 103 && slices.Equal(other, fold) {
				t.Error("another seed gives the same folds")
			}
		}
	}
	// Sorted rows, as data sets come: no fold may be a stretch of them.
	fold, _ := folds(make([]float32, 1000), 0, 2, 1)
	early := 0
	for _, f := range fold[:500] {
		early += int(f)
	}
	if early < 200 || early > 300 {
		t.Errorf("%d of the first 500 rows are in the second of two folds", early)
	}
	if _, err := folds(y, 0, 104, 1); code(err) != "22023 pgml.train: cv = 104 is too large. There are only 103 training rows." {
		t.Errorf("got %v", err)
	}
}

func TestPick(t *testing.T) {
	s := &sample{others: [][]float32{{10, 11, 12, 13}}}
	s.X, s.Y, s.Rows, s.Features, s.Classes = []float32{0, 1, 2, 3, 4, 5, 6, 7}, []float32{0, 1, 0, 1}, 4, 2, 2
	s.Categorical, s.Weights = []bool{true, false}, []float32{1, 2, 3, 4}
	var dst sample
	for range 2 { // the second time into the first one's memory
		s.pick(&dst, func(i int) bool { return i%2 == 1 })
		if got := fmt.Sprint(dst.X, dst.Y, dst.others, dst.Rows, dst.Features, dst.Classes, dst.Categorical, dst.Weights); got != "[2 3 6 7] [1 1] [[11 13]] 2 2 2 [true false] [2 4]" {
			t.Errorf("got %s", got)
		}
	}
}

func TestResults(t *testing.T) {
	s, err := searched(t, `{"search_params": {"a": [1, 2, 3]}, "search_args": {"cv": 2}, "hyperparams": {"b": "x"}}`)
	if err != nil {
		t.Fatal(err)
	}
	r := newResults(s, "f1")
	for i, scores := range [][]float64{{1, 0}, {.5, .75}, {.25, 1}} {
		for _, f1 := range scores {
			r.add(i, &attempt{metrics: []metric{{"accuracy", 1}, {"f1", f1}}, fitTime: 2e9})
		}
	}
	text, err := json.Marshal(r.object())
	if err != nil {
		t.Fatal(err)
	}
	// 0.625 is the mean of the last two: the first of equals wins, though the third has the best fold.
	want := `{"best_index":1,"mean_fit_time":[2,2,2],"mean_score_time":[0,0,0],"mean_test_score":[0.5,0.625,0.625],"n_splits":2,` +
		`"param_a":[1,2,3],"param_b":["x","x","x"],"params":[{"a":1,"b":"x"},{"a":2,"b":"x"},{"a":3,"b":"x"}],` +
		`"split0_test_score":[1,0.5,0.25],"split1_test_score":[0,0.75,1],"std_fit_time":[0,0,0],"std_score_time":[0,0,0],"std_test_score":[0.5,0.125,0.375]}`
	if string(text) != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
	unscored := newResults(s, "roc_auc")
	unscored.add(0, &attempt{})
	if unscored.best() != 0 {
		t.Errorf("without scores %d is best", unscored.best())
	}
}
