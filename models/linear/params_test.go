package linear

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/pgowl/pgowl/models/learn"
)

func TestParameters(t *testing.T) {
	for _, c := range []struct {
		task   learn.Task
		params string
		name   string // of the parameter in the error; "" for none
		reason string
		near   string
	}{
		{learn.Regression, `{"fit_intercept": false, "positive": true, "copy_X": true, "n_jobs": -1}`, "", "", ""},
		{learn.Regression, `{"fit_intercept": 0, "n_jobs": null}`, "", "", ""},
		{learn.Regression, `{"fit_intercep": false}`, "fit_intercep", "", "fit_intercept"},
		{learn.Regression, `{"C": 1}`, "C", "", ""},
		{learn.Regression, `{"positive": "yes"}`, "positive", "must be true or false", ""},
		{learn.Classification, `{"penalty": "l2", "C": 0.5, "tol": 1e-6, "max_iter": 500, "fit_intercept": true, "class_weight": "balanced", "solver": "saga",
			"multi_class": "auto", "random_state": 3, "warm_start": false, "n_jobs": 2, "dual": false, "intercept_scaling": 1, "l1_ratio": null, "verbose": 0}`, "", "", ""},
		{learn.Classification, `{"alpha": 0.1, "max_iterations": 20, "gradient_tolerance": 1e-3, "fit_intercept": true}`, "", "", ""},
		{learn.Classification, `{"penalty": null, "class_weight": null, "random_state": null}`, "", "", ""},
		{learn.Classification, `{"penalty": "none", "alpha": 0}`, "", "", ""},
		{learn.Classification, `{"class_weight": {"0": 1, "1": 2.5}}`, "", "", ""},
		{learn.Classification, `{"class_weight": {"2": 1}}`, "class_weight", `there is no class "2"`, ""},
		{learn.Classification, `{"class_weight": {"0": -1}}`, "class_weight", `the weight of class "0" must be a number that is not negative`, ""},
		{learn.Classification, `{"class_weight": {"0": 0}}`, "class_weight", "leaves fewer than two classes", ""},
		{learn.Classification, `{"class_weight": 3}`, "class_weight", `must be "balanced", or an object with a weight for each class`, ""},
		{learn.Classification, `{"penalty": "l3"}`, "penalty", `must be "l2", "l1", "elasticnet" or "none"`, ""},
		{learn.Classification, `{"penalty": "elasticnet"}`, "l1_ratio", "must be given for elasticnet, from 0 to 1", ""},
		{learn.Classification, `{"penalty": "elasticnet", "l1_ratio": 0.5}`, "", "", ""},
		{learn.Classification, `{"penalty": "l1"}`, "", "", ""},
		{learn.Classification, `{"l1_ratio": 0.5}`, "", "", ""},
		{learn.Classification, `{"solver": "adam"}`, "solver", "must be one of lbfgs, liblinear, newton-cg, newton-cholesky, sag, saga", ""},
		{learn.Classification, `{"C": 0}`, "C", "must be more than 0, not 0", ""},
		{learn.Classification, `{"C": 1, "alpha": 1}`, "alpha", "is 1/C, and C is given, too", ""},
		{learn.Classification, `{"max_iter": 1, "max_iterations": 1}`, "max_iterations", "is the same as max_iter, which is given, too", ""},
		{learn.Classification, `{"max_iter": 1.5}`, "max_iter", "must be an integer", ""},
		{learn.Classification, `{"max_iter": -1}`, "max_iter", "must be 0 or more, not -1", ""},
		{learn.Classification, `{"l1_ratio": 2}`, "l1_ratio", "must be from 0 to 1, not 2", ""},
		{learn.Classification, `{"maxiter": 10}`, "maxiter", "", "max_iter"},
		{learn.Classification, `{"c": 10}`, "c", "", "C"},
	} {
		var params map[string]any
		if err := json.Unmarshal([]byte(c.params), &params); err != nil {
			t.Fatal(err)
		}
		d := noisy(50, 2, 0)
		if c.task == learn.Classification {
			d = noisy(50, 2, 2)
		}
		_, err := Train(context.Background(), d, c.task, params, nil)
		var refused *learn.ParamError
		switch {
		case c.name == "" && err != nil:
			t.Errorf("%s: %v", c.params, err)
		case c.name != "" && (!errors.As(err, &refused) || refused.Name != c.name || refused.Reason != c.reason || refused.Nearest != c.near):
			t.Errorf("%s: %#v, want %q %q %q", c.params, err, c.name, c.reason, c.near)
		}
	}
}

// TestClassNames: a weight is for the class with that label, not for the one with that index.
func TestClassNames(t *testing.T) {
	p, err := parseLogistic(map[string]any{"class_weight": map[string]any{"7": 2.0, "no": 3.0}})
	if err != nil {
		t.Fatal(err)
	}
	d := &learn.Dataset{Rows: 3, Classes: 3, Y: []float32{0, 1, 2}, ClassLabels: []string{"-7", "7", "no"}}
	if w, err := p.classWeights(d); err != nil || w[0] != 1 || w[1] != 2 || w[2] != 3 {
		t.Errorf("%v %v", w, err)
	}
}

// FuzzParams reads hyperparameters as clients give them.
func FuzzParams(f *testing.F) {
	f.Add([]byte(`{"C": 0.1, "penalty": "l2", "class_weight": {"0": 1}, "n_jobs": -1}`))
	f.Add([]byte(`{"alpha": [1], "fit_intercept": {}, "max_iter": 1e300, "x": null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var in map[string]any
		if json.Unmarshal(data, &in) != nil {
			return
		}
		_, err := parseLogistic(in)
		_, err2 := parseSquares(in)
		for _, err := range []error{err, err2} {
			var refused *learn.ParamError
			if err != nil && (!errors.As(err, &refused) || err.Error() == "") {
				t.Errorf("%s: %v", data, err)
			}
		}
	})
}
