package gbdt

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/models/learn"
)

// tables are those of all libraries, with their defaults.
var tables = map[string]struct {
	table    *table
	defaults func() params
}{
	"xgboost":  {&xgboostTable, defaults},
	"lightgbm": {&lightTable, lightDefaults},
	"hist":     {&histTable, histDefaults},
	"catboost": {&catTable, catDefaults},
	"gradient": {&gradientTable, gradientDefaults},
}

func TestAliases(t *testing.T) {
	for name, c := range tables {
		for alias, main := range c.table.aliases {
			if _, ok := c.table.setters[main]; !ok || c.table.setters[alias] != nil {
				t.Errorf("%s: alias %s of %s", name, alias, main)
			}
		}
	}
}

// FuzzTables reads hyperparameters as clients give them, by every table.
func FuzzTables(f *testing.F) {
	f.Add([]byte(`{"num_leaves":7,"objective":"binary","categorical_feature":"0,1"}`))
	f.Add([]byte(`{"max_iter":1e300,"loss":[1],"depth":-1,"categorical_feature":[0,"a"]}`))
	f.Add([]byte(`{"learning_rate":{"a":1},"eta":{"a":1},"verbose":null,"max_features":"sqrt"}`))
	f.Add([]byte(`{"loss_function":"Quantile:alpha=0.7;delta=1e-9","class_weights":{"a":1},"monotone_constraints":"(1,x)","eval_metric":":"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var in map[string]any
		if json.Unmarshal(data, &in) != nil {
			return
		}
		for name, c := range tables {
			p := c.defaults()
			_, err := c.table.read(&p, in)
			var refused *learn.ParamError
			if err != nil && (!errors.As(err, &refused) || err.Error() == "") {
				t.Errorf("%s: %s: %v", name, data, err)
			}
		}
	})
}

// TestBoostParamErrors: what a library does not know, cannot do, or what does not fit.
func TestBoostParamErrors(t *testing.T) {
	for _, c := range []struct {
		algorithm string
		classes   int
		name      string
		value     any
		nearest   string // of an unknown name
		reason    string // part of it, otherwise
	}{
		{"lightgbm", 0, "num_leafs", 3.0, "num_leaf", ""},
		{"lightgbm", 0, "min_data_in_laef", 3.0, "min_data_in_leaf", ""},
		{"lightgbm", 0, "num_leaves", 1.0, "", "2 or more"},
		{"lightgbm", 0, "linear_tree", "yes", "", "true or false"},
		{"lightgbm", 0, "metric", "auc_mu", "", "not available yet"},
		{"lightgbm", 0, "metric", "l9", "", "no metric"},
		{"lightgbm", 0, "metric", "multi_error", "", "does not fit"},
		{"lightgbm", 0, "boosting", "darts", "", "must be gbdt, rf, dart or goss"},
		{"lightgbm", 0, "monotone_constraints_method", "advanced", "", "not available yet"},
		{"lightgbm", 0, "monotone_constraints", []any{1.0, 2.0}, "", "a constraint is"},
		{"lightgbm", 0, "interaction_constraints", "[0,1],[9]", "", "there is no feature 9"},
		{"lightgbm", 0, "interaction_constraints", "0,1", "", "array of arrays"},
		{"lightgbm", 0, "boosting", "rf", "", "bagging_freq"},
		{"lightgbm", 0, "objective", "lambdarank", "", "not available yet"},
		{"lightgbm", 0, "objective", "binary", "", "is for classification"},
		{"lightgbm", 3, "objective", "binary", "", "needs 2 classes"},
		{"lightgbm", 2, "objective", "l2", "", "is for regression"},
		{"lightgbm", 0, "objective", "nonsense", "", "no objective"},
		{"lightgbm", 3, "num_class", 4.0, "", "does not fit"},
		{"lightgbm", 0, "categorical_feature", "name:a", "", "numbers of features"},
		{"lightgbm", 0, "categorical_feature", []any{99.0}, "", "there is no feature 99"},
		{"lightgbm", 0, "zero_as_missing", true, "", "not available yet"},
		{"hist_gradient_boosting", 0, "max_leaf_node", 3.0, "max_leaf_nodes", ""},
		{"hist_gradient_boosting", 0, "max_bins", 256.0, "", "255 or less"},
		{"hist_gradient_boosting", 0, "loss", "log_loss", "", "is for classification"},
		{"hist_gradient_boosting", 0, "loss", "huber", "", "is none of"},
		{"hist_gradient_boosting", 0, "early_stopping", "yes", "", "auto, true or false"},
		{"hist_gradient_boosting", 0, "categorical_features", []any{4.0}, "", "there is no feature 4"},
		{"hist_gradient_boosting", 0, "monotonic_cst", []any{1.0}, "", "not available yet"},
		{"hist_gradient_boosting", 0, "interaction_cst", "pairwise", "", "not available yet"},
		{"hist_gradient_boosting", 2, "class_weight", "balanced", "", "not available yet"},
		{"hist_gradient_boosting", 0, "warm_start", true, "", "not available yet"},
		{"gradient_boosting_trees", 0, "init", "zero", "", "not available yet"},
		{"gradient_boosting_trees", 0, "min_weight_fraction_leaf", .1, "", "not available yet"},
		{"gradient_boosting_trees", 0, "warm_start", true, "", "not available yet"},
		{"gradient_boosting_trees", 3, "loss", "exponential", "", "needs 2 classes"},
		{"gradient_boosting_trees", 0, "max_features", "all", "", "sqrt, log2"},
		{"gradient_boosting_trees", 0, "min_samples_leaf", 1.5, "", "integer"},
		{"gradient_boosting_trees", 0, "ccp_alpha", 0.1, "", "not available yet"},
		{"gradient_boosting_trees", 0, "n_estimator", 3.0, "n_estimators", ""},
		{"catboost", 0, "iteration", 3.0, "iterations", ""},
		{"catboost", 0, "depth", 17.0, "", "16 or less"},
		{"catboost", 0, "loss_function", "Logloss", "", "is for classification"},
		{"catboost", 0, "loss_function", "RMSEWithUncertainty", "", "not available yet"},
		{"catboost", 3, "loss_function", "Logloss", "", "needs 2 classes"},
		{"catboost", 0, "boosting_type", "Ordered", "", "not available yet"},
		{"xgboost_random_forest", 0, "num_parallel_tree", 5.0, "", "n_estimators"},
		{"xgboost_random_forest", 0, "n_estimatrs", 5.0, "n_estimators", ""},
	} {
		_, err := trainers[c.algorithm](t.Context(), noisy(50, 4, c.classes, 0), taskOf(c.classes), map[string]any{c.name: c.value}, nil)
		var pe *learn.ParamError
		if !errors.As(err, &pe) {
			t.Errorf("%s: %s = %v: %v, want a ParamError", c.algorithm, c.name, c.value, err)
			continue
		}
		if pe.Name != c.name || pe.Nearest != c.nearest || c.reason == "" && pe.Reason != "" || !strings.Contains(pe.Reason, c.reason) {
			t.Errorf("%s: %s = %v: %+v", c.algorithm, c.name, c.value, pe)
		}
	}
}
