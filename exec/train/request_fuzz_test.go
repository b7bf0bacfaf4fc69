package train

import "testing"

// FuzzRequest reads arguments as pgml.train, pgml.train_joint and pgml.evaluate do, up to the candidates of a search.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		`{"project_name": "p", "search": "random", "search_params": {"a": [1, 2], "b": ["x", null, {}]}, "search_args": {"n_iter": 3, "cv": 2}, "hyperparams": {"c": 1}}`,
		`{"project_name": "p", "y_column_name": ["a", "b"], "group_by": "c", "test_size": 1e30}`,
		`{"project_name": "p", "weight": "w", "qid": "q", "label_upper_bound": ""}`,
		`{"project_name": "p", "search_params": {"a": 1}}`,
		`{"project_name": "p", "relation_name": "t", "y_column_name": null}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		_, _ = DecodeEvaluation(text)
		req, err := Decode(text)
		if err != nil {
			return
		}
		r := &run{req: req}
		if r.checkArguments() != nil {
			return
		}
		r.search.draw(1)
		n := r.search.count()
		if n < 1 || n > maxCandidates {
			t.Fatalf("%d candidates", n)
		}
		for _, i := range []int{0, n / 2, n - 1} {
			if c := r.search.candidate(i); len(c) != len(r.search.fixed)+len(r.search.names) {
				t.Fatalf("candidate %d is %v", i, c)
			}
		}
	})
}
