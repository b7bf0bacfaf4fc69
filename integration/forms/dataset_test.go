package forms

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/integration/pgtest"
)

// TestDatasets loads the built-in data sets and trains the default algorithm on each, as PostgresML's examples do.
func TestDatasets(t *testing.T) {
	w := open(t, pgtest.Start(t), 16384)
	owl := w.dial(w.owl)
	for name, rows := range map[string]int{"breast_cancer": 569, "diabetes": 442, "digits": 1797, "iris": 150, "linnerud": 20, "wine": 178} {
		if got, want := ask(t, owl, fmt.Sprintf("SELECT table_name || ' ' || rows FROM pgml.load_dataset('%s')", name)), fmt.Sprintf("pgml.%s %d ", name, rows); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if got, want := ask(t, owl, "SELECT count(*) FROM pgml."+name), fmt.Sprint(rows, " "); got != want {
			t.Errorf("%s has %s rows", name, got)
		}
	}
	for _, c := range [][2]string{
		{"SELECT image::text || target FROM pgml.digits LIMIT 1", "{{0,0,5,13,9,1,0,0},{0,0,13,15,10,15,5,0},{0,3,15,2,0,11,8,0},{0,4,12,0,0,8,8,0},{0,5,8,0,0,9,8,0},{0,4,11,0,1,12,7,0},{0,2,14,5,10,12,0,0},{0,0,6,13,10,0,0,0}}0 "},
		{"SELECT concat_ws(' ', sepal_length, petal_width, target) FROM pgml.iris OFFSET 149", "5.9 1.8 2 "},
		{`SELECT concat_ws(' ', "mean radius", malignant) FROM pgml.breast_cancer LIMIT 1`, "17.99 t "},
		{`SELECT concat_ws(' ', hue, "od280/od315_of_diluted_wines", proline) FROM pgml.wine LIMIT 1`, "1.04 3.92 1065 "},
		{"SELECT concat_ws(' ', pg_typeof(image), pg_typeof(target)) FROM pgml.digits LIMIT 1", "smallint[] smallint "},
		{"SELECT rows FROM pgml.load_dataset('iris', \"limit\" => 60)", "60 "},
		{"SELECT count(*) || ' ' || max(target) FROM pgml.iris", "60 1 "},
		{"SELECT rows FROM pgml.load_dataset('linnerud', NULL, 0, '{}')", "0 "},
		{"SELECT rows FROM pgml.load_dataset('linnerud', NULL, 1000)", "20 "},
		{"SELECT (pgml.load_dataset('iris')).rows", "150 "},
		{"SELECT rows FROM pgml.load_dataset('iris', \"limit\" => -1)", `22023 pgml.load_dataset: "limit" must not be negative /  / `},
		{"SELECT rows FROM pgml.load_dataset(NULL)", "22004 pgml.load_dataset: source must not be NULL /  / "},
		{"SELECT rows FROM pgml.load_dataset('imdb', 'en')", `0A000 pgml.load_dataset: data set "imdb" is not available in PgOwl yet /  / ` +
			"Data sets of a hub are not fetched yet. Built in are breast_cancer, diabetes, digits, iris, linnerud, wine."},
		{"INSERT INTO pgml.iris VALUES (1)", "42501 permission denied for table iris /  / "},
	} {
		if got := ask(t, owl, c[0]); got != c[1] {
			t.Errorf("%s: got %q, want %q", c[0], got, c[1])
		}
	}
	for _, c := range []struct {
		project, task, relation, label, metric string
		least                                  float64
		sampling                               string // by chance where the classes have to be mixed
	}{
		{"diabetes", "regression", "diabetes", "target", "r2", .3, "last"},
		{"chins", "regression", "linnerud", "chins", "r2", -20, "last"},
		{"digits", "classification", "digits", "target", "accuracy", .93, "stratified"},
		{"iris", "classification", "iris", "target", "accuracy", .85, "stratified"},
		{"wine", "classification", "wine", "target", "accuracy", .85, "stratified"},
		{"cancer", "classification", "breast_cancer", "malignant", "roc_auc", .95, "stratified"},
	} {
		sql := fmt.Sprintf("SELECT concat_ws(' ', project, task, algorithm, deployed) FROM pgml.train('%s', '%s', 'pgml.%s', '%s', test_sampling => '%s')", c.project, c.task, c.relation, c.label, c.sampling)
		if got, want := ask(t, owl, sql), c.project+" "+c.task+" linear t "; got != want {
			t.Errorf("%s: got %q, want %q", sql, got, want)
		}
		if got := ask(t, w.dial(w.url), fmt.Sprintf("SELECT (metrics->>'%s')::float8 > %v FROM pgml.models m JOIN pgml.projects p ON p.id = m.project_id WHERE name = '%s'", c.metric, c.least, c.project)); got != "t " {
			t.Errorf("%s: metrics %s", c.project, ask(t, w.dial(w.url), "SELECT metrics FROM pgml.models ORDER BY id DESC LIMIT 1"))
		}
	}
	if got := ask(t, w.dial(w.url), "SELECT string_agg(DISTINCT p.task || ' ' || m.runtime, ', ') FROM pgml.models m JOIN pgml.projects p ON p.id = m.project_id"); got != "classification python, regression rust " {
		t.Errorf("runtimes: %s", got)
	}
	// By arrays, by rows, and by a column of arrays.
	for _, sql := range []string{
		"SELECT avg((pgml.predict('digits', image) = target)::int) > 0.95 FROM pgml.digits",
		"SELECT avg((pgml.predict('iris', ARRAY[sepal_length, sepal_width, petal_length, petal_width]) = target)::int) > 0.93 FROM pgml.iris",
		"SELECT avg((pgml.predict('iris', (sepal_length, sepal_width, petal_length, petal_width)) = target)::int) > 0.93 FROM pgml.iris",
		"SELECT avg((p = malignant::int)::int) > 0.93 FROM (SELECT pgml.predict('cancer', ROW(" + columns(30, "c") + ")) AS p, malignant FROM pgml.breast_cancer AS b (" + columns(30, "c") + ", malignant)) q",
		"SELECT corr(pgml.predict('diabetes', (age, sex, bmi, bp, s1, s2, s3, s4, s5, s6)), target) > 0.65 FROM pgml.diabetes",
		"SELECT count(*) = 20 FROM pgml.linnerud, LATERAL (SELECT pgml.predict('chins', ARRAY[situps, jumps, weight, waist, pulse]) AS p) q WHERE p BETWEEN -40 AND 60",
		"SELECT count(*) = 0 FROM pgml.wine WHERE abs(1 - (SELECT sum(p) FROM unnest(pgml.predict_proba('wine', ARRAY[" + `alcohol, malic_acid, ash, alcalinity_of_ash, magnesium, total_phenols, flavanoids,
			nonflavanoid_phenols, proanthocyanins, hue, color_intensity, "od280/od315_of_diluted_wines", proline` + "])) p)) > 1e-6",
	} {
		if got := ask(t, owl, sql); got != "t " {
			t.Errorf("%s: %s", sql, got)
		}
	}
	// In a transaction that is rolled back, and with what depends on a table.
	run(t, owl, "CREATE VIEW big AS SELECT * FROM pgml.wine WHERE alcohol > 14")
	run(t, owl, "BEGIN; SELECT * FROM pgml.load_dataset('wine', \"limit\" => 3); ROLLBACK")
	if got := ask(t, owl, "SELECT count(*) FROM pgml.wine WHERE (SELECT count(*) FROM big) > 0"); got != "178 " {
		t.Errorf("after a rollback %s", got)
	}
	run(t, owl, "SELECT * FROM pgml.load_dataset('wine')")
	if got := ask(t, owl, "SELECT count(*) FROM big"); got != "22 " {
		t.Errorf("a view, after the table was loaded anew: %s", got)
	}
	if got := ask(t, w.dial(w.as(w.alice)), "SELECT * FROM pgml.load_dataset('wine')"); !strings.HasPrefix(got, "55000 ") {
		t.Errorf("around PgOwl: %s", got)
	}
}

// columns is the names of n columns.
func columns(n int, prefix string) string {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprint(prefix, i))
	}
	return strings.Join(names, ", ")
}

// TestHyperparameters: the default algorithm's hyperparameters through SQL, and what is refused.
func TestHyperparameters(t *testing.T) {
	w := open(t, pgtest.Start(t), 16384)
	owl := w.dial(w.owl)
	run(t, owl, `CREATE VIEW ups AS SELECT x, up FROM points; CREATE VIEW words AS SELECT x, CASE WHEN up THEN 'yes' ELSE 'no' END AS word FROM points; CREATE VIEW line AS SELECT x, y FROM points`)
	for _, c := range []struct{ task, relation, label, params, want string }{
		{"classification", "ups", "up", `{"class_weight": {"true": 2, "false": 1}}`, "t "},
		{"classification", "ups", "up", `{"class_weight": {"1": 2}, "solver": "saga", "C": 0.5, "max_iter": 1000}`, "t "},
		{"classification", "words", "word", `{"class_weight": {"yes": 2}, "alpha": 0.1}`, "t "},
		{"classification", "words", "word", `{"class_weight": {"maybe": 2}}`, `22023 hyperparameter "class_weight": there is no class "maybe" /  / `},
		{"classification", "words", "word", `{"penalty": "l1", "C": 10}`, "t "},
		{"classification", "words", "word", `{"max_iters": 3}`, `XX000 Unknown hyperparameter "max_iters": 3 /  / Perhaps you meant the hyperparameter "max_iter".`},
		{"regression", "line", "y", `{"positive": true, "fit_intercept": false}`, "t "},
		{"regression", "line", "y", `{"C": 1}`, `XX000 Unknown hyperparameter "C": 1 /  / `},
		{"clustering", "line", "y", `{}`, `0A000 pgml.train: task "clustering" is not available in PgOwl yet /  / `},
	} {
		sql := fmt.Sprintf(`SELECT deployed FROM pgml.train('%s %s', '%[1]s', '%[2]s', '%s', hyperparams => '%s')`, c.task, c.relation, c.label, c.params)
		if got := ask(t, owl, sql); got != c.want {
			t.Errorf("%s: got %s, want %s", sql, got, c.want)
		}
	}
	// What is behind a prediction adds up to it.
	run(t, owl, `SELECT * FROM pgml.train('sum', 'regression', 'line', 'y')`)
	for _, sql := range []string{
		"SELECT abs(sum(contribution) - pgml.predict('sum', ARRAY[3, 4, 1]::real[])) < 1e-5 FROM pgml.explain('sum', ARRAY[3, 4, 1]::real[])",
		"SELECT bool_and(abs(weight - w) < 1e-5) FROM pgml.importance('sum') JOIN (VALUES ('x[1]', 1.0), ('x[2]', 2.5), ('x[3]', 0)) v (f, w) ON f = feature HAVING count(*) = 3",
	} {
		if got := ask(t, owl, sql); got != "t " {
			t.Errorf("%s: %s, of %s", sql, got, ask(t, owl, "SELECT string_agg(concat_ws(' ', feature, weight), ', ') FROM pgml.importance('sum')"))
		}
	}
}
