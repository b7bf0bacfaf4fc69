package train

import (
	"strings"
	"testing"
)

func TestDecodeTakesDefaultsForNull(t *testing.T) {
	for _, args := range []string{
		`{"project_name": "p"}`,
		`{"project_name": "p", "task": null, "relation_name": null, "y_column_name": null, "algorithm": null, "hyperparams": null, "search": null,
		"search_params": null, "search_args": null, "test_size": null, "test_sampling": null, "runtime": null, "automatic_deploy": null,
		"materialize_snapshot": null, "preprocess": null}`,
		`{"project_name": "p", "algorithm": "linear", "hyperparams": {}, "search_params": {}, "search_args": {}, "test_size": 0.25,
		"test_sampling": "stratified", "automatic_deploy": true, "materialize_snapshot": false, "preprocess": {}}`,
	} {
		r, err := Decode([]byte(args))
		if err != nil {
			t.Fatal(err)
		}
		if r.Project != "p" || r.Task != nil || r.Relation != nil || r.Label != nil || r.Algorithm != "linear" || string(r.Hyperparams) != "{}" ||
			r.Search != "" || r.TestSize != 0.25 || r.TestSampling != "stratified" || !r.AutomaticDeploy || r.Materialize || string(r.Preprocess) != "{}" {
			t.Errorf("%s: %+v", args, r)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{``, "22023"}, {`[]`, "22023"}, {`{"project_name": "p"} x`, "22023"}, {`{"project_name": "p", "colour": 1}`, "22023"},
		{`{"project_name": null}`, "22004 pgml.train: project_name must not be NULL"},
		{`{"project_name": "p", "hyperparams": [1]}`, "22023 pgml.train: hyperparams must be a JSON object, not [1]"},
		{`{"project_name": "p", "test_size": "NaN"}`, `22023 pgml.train: test_size must be a number of rows or a fraction, not "NaN"`},
		{`{"project_name": "p", "test_size": -1}`, "22023 pgml.train: test_size must be a number of rows or a fraction, not -1"},
	} {
		if _, err := Decode([]byte(c.args)); !strings.HasPrefix(code(err), c.want) {
			t.Errorf("%s: got %s, want %s", c.args, code(err), c.want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"project_name": "p", "test_size": 3, "hyperparams": {"eta": 1}}`))
	f.Fuzz(func(t *testing.T, args []byte) {
		r, err := Decode(args)
		if err == nil && (r.TestSize < 0 || len(r.Hyperparams) == 0) {
			t.Fatalf("%q: %+v", args, r)
		}
	})
}
