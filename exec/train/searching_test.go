package train

import (
	"fmt"
	"strings"
	"testing"
)

// TestSearches looks at what a search leaves in the registry and tells its client.
func TestSearches(t *testing.T) {
	d := newDatabase(t)
	d.sql(points)
	d.sql("GRANT SELECT ON points TO " + quote(d.alice))
	const on = `{"project_name": "p", "task": "regression", "relation_name": "points", "y_column_name": "amount", "algorithm": "xgboost", `
	for _, c := range []struct {
		name, args           string
		candidates, folds    int
		fits                 int
		search, hyperparams  string
		searchParams, resort string // the stored arguments
	}{
		{"grid", `"search": "grid", "search_params": {"n_estimators": [1, 40], "max_depth": [1, 6]}, "hyperparams": {"eta": 0.5}`,
			4, 5, 21, "grid", `{"eta": 0.5, "max_depth": 6, "n_estimators": 40}`, `{"max_depth": [1, 6], "n_estimators": [1, 40]}`, `{}`},
		{"random", `"search": "random", "search_params": {"n_estimators": [30, 1, 1, 1]}, "search_args": {"n_iter": 4, "cv": 2}`,
			4, 2, 9, "random", `{"n_estimators": 30}`, `{"n_estimators": [30, 1, 1, 1]}`, `{"cv": 2, "n_iter": 4}`},
		{"without search", `"search_params": {"n_estimators": [1, 40]}`, 2, 1, 2, "NULL", `{"n_estimators": 40}`, `{"n_estimators": [1, 40]}`, `{}`},
		{"cv alone", `"search_args": {"cv": 3}`, 1, 3, 4, "NULL", `{}`, `{}`, `{"cv": 3}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, result := d.mustTrain(on + c.args + `}`)
			if !s.told(fmt.Sprintf("INFO: Hyperparameter searches: %d, cross validation folds: %d", c.candidates, c.folds)) {
				t.Errorf("messages %q", s.messages)
			}
			said := map[string]int{}
			for _, m := range s.messages {
				for _, start := range []string{"INFO: Hyperparams: {", "INFO: Testing regression estimator xgboost", "INFO: Metrics: {"} {
					if strings.HasPrefix(m, start) {
						said[start]++
					}
				}
			}
			if len(said) != 3 {
				t.Errorf("messages %v", said)
			}
			for start, n := range said {
				if n != c.fits {
					t.Errorf("%q %d times, want %d", start, n, c.fits)
				}
			}
			const last = " FROM pgml.models ORDER BY id DESC LIMIT 1"
			if got := d.value("SELECT hyperparams" + last); got != c.hyperparams {
				t.Errorf("hyperparams %s", got)
			}
			if got := d.value("SELECT search" + last); got != c.search {
				t.Errorf("search %s", got)
			}
			if got := d.value("SELECT search_params::text || ' ' || search_args::text" + last); got != c.searchParams+" "+c.resort {
				t.Errorf("arguments %s", got)
			}
			if got := d.value("SELECT jsonb_array_length(metrics->'search_results'->'mean_test_score') || ' ' || (metrics->'search_results'->>'n_splits')" + last); got != fmt.Sprintf("%d %d", c.candidates, c.folds) {
				t.Errorf("search_results: %s", d.value("SELECT metrics"+last))
			}
			// The winner is the one with the best mean, and the figures beside it are those of the test part.
			if got := d.value(`SELECT metrics->'search_results'->'params'->(metrics->'search_results'->>'best_index')::int = hyperparams
				AND (metrics->'search_results'->'mean_test_score'->>(metrics->'search_results'->>'best_index')::int)::float8
					= (SELECT max(v::float8) FROM jsonb_array_elements_text(metrics->'search_results'->'mean_test_score') v)
				AND metrics ? 'r2' AND metrics ? 'fit_time'` + last); got != "true" {
				t.Errorf("winner: %s", d.value("SELECT metrics"+last))
			}
			if got := d.value("SELECT metrics->'r2' <> metrics->'search_results'->'mean_test_score'->(metrics->'search_results'->>'best_index')::int" + last); got != fmt.Sprint(c.folds > 1) {
				t.Errorf("the score of the test part: %s", d.value("SELECT metrics"+last))
			}
			if result.Rows != 150 {
				t.Errorf("learnt from %d rows, not all of the training part", result.Rows)
			}
		})
	}
}

// TestSearchIsTheSameTwice has two searches with one seed write the same file, whichever candidates came before the winner.
func TestSearchIsTheSameTwice(t *testing.T) {
	d := newDatabase(t)
	d.sql(points)
	d.sql("GRANT SELECT ON points TO " + quote(d.alice))
	const args = `{"project_name": "p", "task": "classification", "relation_name": "points", "y_column_name": "size", "algorithm": "xgboost", `
	d.mustTrain(args + `"search": "random", "search_args": {"n_iter": 3, "cv": 3}, "search_params": {"n_estimators": [2, 5], "max_depth": [1, 2], "subsample": [0.5, 0.9]}}`)
	d.mustTrain(args + `"search": "random", "search_args": {"n_iter": 3, "cv": 3}, "search_params": {"n_estimators": [2, 5], "max_depth": [1, 2], "subsample": [0.5, 0.9]}}`)
	d.mustTrain(args + `"hyperparams": ` + d.value("SELECT hyperparams FROM pgml.models ORDER BY id LIMIT 1") + `}`)
	if got := d.value("SELECT count(*) || ' ' || count(DISTINCT data) FROM pgml.files"); got != "3 1" {
		t.Errorf("files, different ones: %s", got)
	}
	if got := d.value("SELECT count(DISTINCT hyperparams) || ' ' || count(DISTINCT metrics->'search_results'->'mean_test_score') FROM pgml.models"); got != "1 1" {
		t.Errorf("winners, scores: %s", got)
	}
}

// TestClassesMissingFromTheTestPart: PostgresML refuses to score those; the other classes have their figures all the same.
func TestClassesMissingFromTheTestPart(t *testing.T) {
	d := newDatabase(t)
	d.sql(`CREATE TABLE public.sorted AS SELECT i AS x, least(i / 20, 2) AS y FROM generate_series(0, 99) i`)
	d.sql("GRANT SELECT ON sorted TO " + quote(d.alice))
	d.mustTrain(`{"project_name": "p", "task": "classification", "relation_name": "sorted", "y_column_name": "y", "algorithm": "xgboost", "test_sampling": "last"}`)
	if got := d.value("SELECT (metrics->>'f1')::float8 || ' ' || (metrics->>'accuracy') FROM pgml.models"); got != "1 1" {
		t.Errorf("f1, accuracy: %s", got)
	}
	d.sql(`CREATE TABLE public.two AS SELECT i AS x, i > 49 AS y FROM generate_series(0, 99) i`)
	d.sql("GRANT SELECT ON two TO " + quote(d.alice))
	d.mustTrain(`{"project_name": "q", "task": "classification", "relation_name": "two", "y_column_name": "y", "algorithm": "xgboost", "test_sampling": "last"}`)
	if got := d.value("SELECT metrics - '{fit_time,score_time,log_loss}'::text[] FROM pgml.models ORDER BY id DESC LIMIT 1"); got !=
		`{"f1": 1, "mcc": 0, "recall": 1, "roc_auc": null, "accuracy": 1, "precision": 1}` {
		t.Errorf("metrics: %s", got)
	}
}
