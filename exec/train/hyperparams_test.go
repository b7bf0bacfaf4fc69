package train

import (
	"fmt"
	"strings"
	"testing"
)

// TestHyperparameters trains with what XGBoost has beside plain trees. What each of them does is models/gbdt's to test.
func TestHyperparameters(t *testing.T) {
	d := newDatabase(t)
	d.sql("CREATE TABLE public.t (x real, z real, y bool); INSERT INTO t SELECT i, -i % 7, i > 40 FROM generate_series(1, 80) i; GRANT SELECT ON t TO PUBLIC")
	const args = `{"project_name": "p", "task": "classification", "relation_name": "t", "y_column_name": "y", "algorithm": "xgboost", "hyperparams": %s}`
	for _, params := range []string{
		`{"booster": "gblinear", "updater": "coord_descent", "n_estimators": 200}`,
		`{"booster": "dart", "rate_drop": 0.2, "one_drop": 1}`,
		`{"booster": "gbtree", "monotone_constraints": {"x": 1}, "interaction_constraints": [[0], [1]], "updater": ["grow_histmaker", "prune"]}`,
		`{"early_stopping_rounds": 3, "n_estimators": 50, "eval_metric": ["error", "logloss"], "objective": "binary:logistic"}`,
		`{"objective": "binary:hinge", "sampling_method": "gradient_based", "subsample": 0.8}`,
	} {
		d.mustTrain(fmt.Sprintf(args, params))
		if got := d.value("SELECT (metrics->>'f1')::float8 > 0.85 FROM pgml.models ORDER BY id DESC LIMIT 1"); got != "true" {
			t.Errorf("%s: metrics %s", params, d.value("SELECT metrics FROM pgml.models ORDER BY id DESC LIMIT 1"))
		}
	}
	for params, want := range map[string]string{
		`{"objective": "rank:ndcg"}`:          `22023 hyperparameter "objective": "rank:ndcg" is for regression`,
		`{"process_type": "update"}`:          `22023 hyperparameter "process_type": "update" changes the trees of an earlier model, and pgml.train starts without one`,
		`{"monotone_constraints": {"w": 1}}`:  `22023 hyperparameter "monotone_constraints": there is no feature "w"`,
		`{"eval_metric": "aux"}`:              `22023 hyperparameter "eval_metric": "aux" is no metric`,
		`{"objective": "reg:expectileerror"}`: `0A000 pgml.train: hyperparameter "objective": "reg:expectileerror" came after XGBoost 3.2, and is not available yet in PgOwl`,
		`{"early_stopping_round": 3}`:         `XX000 Unknown hyperparameter "early_stopping_round": 3`,
	} {
		_, _, err := d.train(fmt.Sprintf(args, params))
		if got := code(err); !strings.HasPrefix(got, want) {
			t.Errorf("%s:\n got %s\nwant %s", params, got, want)
		}
	}
}
