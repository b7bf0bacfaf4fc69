package train

import (
	"fmt"
	"strings"
	"testing"
)

// weighed has rows of two kinds for the same features: those with weight 0 say what is wrong.
const weighed = `
CREATE TABLE public.weighed AS SELECT i % 20 AS a, (i / 20) % 3 AS b, (CASE WHEN i % 4 = 0 THEN 0 ELSE 1 + i % 2 END)::real AS w,
	CASE WHEN i % 4 = 0 THEN -1000 ELSE i % 20 + 7 * ((i / 20) % 3) END::real AS y, (i % 4 = 0) <> (i % 20 > 9) AS yes, NULL::real AS absent, 'x' AS word,
	CASE WHEN i = 5 THEN 'NaN'::float8 ELSE 1 END AS odd, i - 5 AS signed, 0 AS zero FROM generate_series(1, 1200) i;
GRANT SELECT ON weighed TO PUBLIC`

// refused trains in vain, and gives the error's code and text.
func (d *database) refused(args string) string {
	d.tb.Helper()
	s, _, err := d.train(args)
	if err := s.tx.Rollback(d.tb.Context()); err != nil {
		d.tb.Error(err)
	}
	return code(err)
}

func TestWeights(t *testing.T) {
	d := newDatabase(t)
	d.sql(weighed + `; CREATE VIEW public.w AS SELECT a, w, b, y FROM weighed; CREATE VIEW public.wc AS SELECT a, w, b, yes FROM weighed; GRANT SELECT ON w, wc TO PUBLIC`)
	for _, algorithm := range []string{"xgboost", "linear", "lightgbm", "hist_gradient_boosting"} {
		for relation, label := range map[string]string{"w": "y", "wc": "yes"} {
			task := map[string]string{"y": "regression", "yes": "classification"}[label]
			s, _ := d.mustTrain(fmt.Sprintf(`{"project_name": "%s %[2]s", "task": "%s", "relation_name": "%[4]s", "y_column_name": "%[2]s", "algorithm": "%[1]s", "weight": "w"}`, algorithm, label, task, relation))
			if !s.told(`INFO: Dataset { num_features: 2, `) {
				t.Errorf("%s: messages %q", algorithm, s.messages)
			}
			// Those of weight 0 are a quarter of the test part, and are all wrong.
			metric, least, most := "accuracy", 0.6, 0.8
			if task == "regression" {
				metric, least, most = "mean_absolute_error", 200.0, 330.0
			}
			got := d.value(fmt.Sprintf(`SELECT (metrics->>'%s')::float8 BETWEEN %v AND %v FROM pgml.models ORDER BY id DESC LIMIT 1`, metric, least, most))
			if got != "true" {
				t.Errorf("%s %s: %s", algorithm, task, d.value("SELECT metrics FROM pgml.models ORDER BY id DESC LIMIT 1"))
			}
		}
	}
	if got := d.value("SELECT string_agg(c->>'name' || coalesce(':' || (c->>'role'), ''), ' ' ORDER BY i) FROM pgml.snapshots, jsonb_array_elements(columns) WITH ORDINALITY AS e(c, i) WHERE id = 1"); !strings.Contains(got, "w:weight") {
		t.Errorf("the snapshot's columns are %s", got)
	}
	if got := d.value("SELECT lineage->>'weight' FROM pgml.models WHERE id = 1"); got != "w" {
		t.Errorf("the lineage has the weight %s", got)
	}
}

// The next training of a project reads what its snapshot says, unless it is told otherwise; what has had a role is no feature then either.
func TestRolesOfASnapshot(t *testing.T) {
	d := newDatabase(t)
	d.sql(weighed + `; CREATE VIEW public.two AS SELECT a, w, b, 1 + b AS v, y FROM weighed; GRANT SELECT ON two TO PUBLIC`)
	const again = `{"project_name": "p", "algorithm": "xgboost"%s}`
	d.mustTrain(`{"project_name": "p", "task": "regression", "relation_name": "two", "y_column_name": "y", "algorithm": "xgboost", "weight": "w", "materialize_snapshot": true}`)
	features := func(want int, weight string) {
		t.Helper()
		if got := d.value("SELECT num_features || ' ' || (lineage->>'weight') FROM pgml.models ORDER BY id DESC LIMIT 1"); got != fmt.Sprint(want, " ", weight) {
			t.Errorf("features and weight: %s, want %d %s", got, want, weight)
		}
	}
	features(3, "w")
	d.mustTrain(fmt.Sprintf(again, ""))
	features(3, "w")
	d.mustTrain(fmt.Sprintf(again, `, "weight": "v"`))
	features(2, "v")
	d.mustTrain(fmt.Sprintf(again, ``))
	features(3, "w")
}

// answers are those of 60 queries: how well they suit is known of ten rows each.
const answers = `
CREATE TABLE public.answers AS SELECT 'q' || i % 60 AS query, (i * 7 % 61)::real AS near, (i * 13 % 17) AS noise, (i * 7 % 61) / 20 AS grade FROM generate_series(1, 600) i;
GRANT SELECT ON answers TO PUBLIC`

func TestQueries(t *testing.T) {
	d := newDatabase(t)
	d.sql(answers)
	const args = `{"project_name": "search", "task": "regression", "relation_name": "answers", "y_column_name": "grade", "algorithm": "xgboost", "qid": "query", "hyperparams": %s%s}`
	for _, sampling := range []string{"random", "stratified", "last"} {
		s, _ := d.mustTrain(fmt.Sprintf(args, `{"objective": "rank:ndcg"}`, `, "test_sampling": "`+sampling+`"`))
		if !s.told(`INFO: Dataset { num_features: 2, num_labels: 1, num_distinct_labels: 4, num_rows: 600, num_train_rows: 450, num_test_rows: 150 }`) {
			t.Errorf("%s: messages %q", sampling, s.messages)
		}
		if got := d.value("SELECT (metrics->>'ndcg')::float8 > 0.98 AND (metrics->>'r2')::float8 < 0.9 FROM pgml.models ORDER BY id DESC LIMIT 1"); got != "true" {
			t.Errorf("%s: metrics %s", sampling, d.value("SELECT metrics FROM pgml.models ORDER BY id DESC LIMIT 1"))
		}
	}
	s, _ := d.mustTrain(fmt.Sprintf(args, `{"objective": "rank:pairwise", "n_estimators": 2}`, `, "search": "grid", "search_params": {"eta": [0, 0.3]}, "search_args": {"cv": 3}`))
	if !s.told("INFO: Comparing to deployed model ndcg") {
		t.Errorf("messages %q", s.messages)
	}
	if got := d.value("SELECT hyperparams->>'eta' FROM pgml.models ORDER BY id DESC LIMIT 1"); got != "0.3" {
		t.Errorf("the search chose an eta of %s", got)
	}
	for args, want := range map[string]string{
		`"hyperparams": {"objective": "rank:ndcg"}`: `22023 hyperparameter "objective": "rank:ndcg" ranks the rows within each query`,
		`"qid": "grade"`:                        `22023 pgml.train: "grade" is the label, and cannot be the qid`,
		`"qid": "near"`:                         `42804 pgml.train: "near" is of type float4, and cannot be the qid`,
		`"qid": "query", "algorithm": "linear"`: `0A000 pgml.train: the algorithm takes no queries of rows in PgOwl, and qid names a column`,
		`"qid": "query", "search": "grid", "search_args": {"cv": 46}`: `22023 pgml.train: cv = 46 is too large. The training rows are of 45 queries.`,
		`"weight": "query"`: `42804 pgml.train: "query" is of type text, and cannot be the weight`,
	} {
		if got := d.refused(`{"project_name": "x", "task": "regression", "relation_name": "answers", "y_column_name": "grade", "algorithm": "xgboost", ` + args + `}`); !strings.HasPrefix(got, want) {
			t.Errorf("%s:\n got %s\nwant %s", args, got, want)
		}
	}
	d.sql(`CREATE VIEW public.alone AS SELECT 1 AS q, near, grade FROM answers; GRANT SELECT ON alone TO PUBLIC`)
	if got := d.refused(`{"project_name": "x", "task": "regression", "relation_name": "alone", "y_column_name": "grade", "algorithm": "xgboost", "qid": "q"}`); got != "22023 pgml.train: all rows are of one query, which leaves none to test on" {
		t.Error(got)
	}
}

func TestUpperBounds(t *testing.T) {
	d := newDatabase(t)
	d.sql(`CREATE TABLE public.parts AS SELECT i % 10 AS load, exp(3 - (i % 10) / 5.0)::real AS seen, CASE WHEN i % 3 = 0 THEN NULL ELSE exp(3 - (i % 10) / 5.0) END AS gone FROM generate_series(1, 900) i;
		GRANT SELECT ON parts TO PUBLIC`)
	s, _ := d.mustTrain(`{"project_name": "life", "task": "regression", "relation_name": "parts", "y_column_name": "seen", "algorithm": "xgboost", "label_upper_bound": "gone",
		"hyperparams": {"objective": "survival:aft", "aft_loss_distribution_scale": 0.3, "n_estimators": 60}}`)
	if !s.told("INFO: Dataset { num_features: 1, ") {
		t.Errorf("messages %q", s.messages)
	}
	// Whatever is still there at the end lasts longer than it was seen.
	if got := d.value("SELECT (metrics->>'mean_absolute_error')::float8 BETWEEN 0.1 AND 6 FROM pgml.models"); got != "true" {
		t.Errorf("metrics %s", d.value("SELECT metrics FROM pgml.models"))
	}
	for args, want := range map[string]string{
		`"label_upper_bound": "gone"`:                                               `22023 hyperparameter "objective": only survival:aft takes upper bounds of labels`,
		`"label_upper_bound": "gone", "weight": "gone"`:                             `22023 pgml.train: "gone" cannot be both the weight and the label_upper_bound`,
		`"label_upper_bound": "lode", "hyperparams": {"objective": "survival:aft"}`: `42703 pgml.train: there is no column "lode" to be the label_upper_bound`,
		`"label_upper_bound": "load", "hyperparams": {"objective": "survival:aft"}, "preprocess": {"gone": {"impute": "zero"}}`: `22023 hyperparameter "objective": the upper bound of a label is below it`,
		`"weight": "gone"`: `22004 pgml.train: 300 values of "gone", the weight, are NULL`,
		`"algorithm": "linear", "label_upper_bound": "gone"`:                                    `0A000 pgml.train: the algorithm takes no upper bounds of rows in PgOwl, and label_upper_bound names a column`,
		`"weight": "seen", "preprocess": {"seen": {"impute": "mean"}}, "y_column_name": "load"`: `22023 pgml.train: "seen" is the weight, and cannot be preprocessed`,
	} {
		if !strings.Contains(args, "y_column_name") {
			args += `, "y_column_name": "seen"`
		}
		if !strings.Contains(args, "algorithm") {
			args += `, "algorithm": "xgboost"`
		}
		if got := d.refused(`{"project_name": "x", "task": "regression", "relation_name": "parts", ` + args + `}`); !strings.HasPrefix(got, want) {
			t.Errorf("%s:\n got %s\nwant %s", args, got, want)
		}
	}
}

func TestWeightsThatSayNothing(t *testing.T) {
	d := newDatabase(t)
	d.sql(weighed)
	for column, want := range map[string]string{
		"odd":    `22023 pgml.train: 1 values of "odd", the weight, are negative or no finite numbers`,
		"signed": `22023 pgml.train: 4 values of "signed", the weight, are negative or no finite numbers`,
		"zero":   `22023 pgml.train: all values of "zero", the weight, are 0`,
		"absent": `22004 pgml.train: 1200 values of "absent", the weight, are NULL`,
		"word":   `42804 pgml.train: "word" is of type text, and cannot be the weight`,
		"yes":    `42804 pgml.train: "yes" is of type bool, and cannot be the weight`,
	} {
		if got := d.refused(fmt.Sprintf(`{"project_name": "x", "task": "regression", "relation_name": "weighed", "y_column_name": "y", "algorithm": "xgboost", "weight": "%s"}`, column)); !strings.HasPrefix(got, want) {
			t.Errorf("%s:\n got %s\nwant %s", column, got, want)
		}
	}
}

func TestEmptyNames(t *testing.T) {
	for _, name := range []string{"weight", "qid", "label_upper_bound"} {
		if _, err := Decode([]byte(`{"project_name": "p", "` + name + `": ""}`)); code(err) != "22023 pgml.train: "+name+" must be the name of a column, or NULL" {
			t.Errorf("%s: %v", name, err)
		}
	}
}
