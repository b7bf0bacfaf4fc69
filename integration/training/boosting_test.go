package training

import "testing"

// TestBoosting trains each algorithm of boosting from SQL, on texts, gaps and numbers: what it predicts is right, and the same in the proxy and as SQL.
func TestBoosting(t *testing.T) {
	w := open(t)
	w.run(`CREATE TABLE shops AS SELECT ARRAY[i % 11, i % 7]::real[] AS v, (ARRAY['Oslo', 'Rome', 'Lima', 'Quito', 'Bern'])[1 + i % 5] AS city,
			(i % 5 IN (1, 3))::int * 2 + (i % 11 > 5)::int AS kind, (i % 5 IN (1, 3))::int * 10.0 + i % 11 AS sales FROM generate_series(1, 1500) i;
		GRANT SELECT ON shops TO PUBLIC`)
	for algorithm, hyperparams := range map[string]string{
		"lightgbm":                `{"n_estimators": 40}`,
		"xgboost_random_forest":   `{"n_estimators": 40}`,
		"hist_gradient_boosting":  `{"max_iter": 40}`,
		"gradient_boosting_trees": `{"n_estimators": 80, "learning_rate": 0.2}`,
		"catboost":                `{"iterations": 60, "depth": 4, "learning_rate": 0.3}`,
	} {
		train := func(project, task, label, other string) {
			t.Helper()
			w.run(`CREATE OR REPLACE VIEW shop AS SELECT v, city, ` + label + ` FROM shops; GRANT SELECT ON shop TO PUBLIC`)
			w.want(`SELECT algorithm FROM pgml.train('`+project+`', '`+task+`', 'shop', '`+label+`', '`+algorithm+`', '`+hyperparams+`')`, algorithm)
			w.run(`DROP VIEW shop`)
			w.want(`SELECT count(*) FROM pgml.importance('`+project+`')`, "3")
		}
		kinds, sales := algorithm+" kinds", algorithm+" sales"
		train(kinds, "classification", "kind", "sales")
		train(sales, "regression", "sales", "kind")
		for _, forms := range []string{"off", "on"} {
			w.ask(`SET pgowl.forms = '` + forms + `'`)
			w.want(`SELECT count(*) > 95 FROM (SELECT * FROM shops LIMIT 100) s WHERE pgml.predict('`+kinds+`', (v, city)) = kind`, "t")
			w.want(`SELECT avg(abs(p - sales)) < 1 FROM (SELECT sales, pgml.predict('`+sales+`', (v, city)) AS p FROM (SELECT * FROM shops LIMIT 100) s) x`, "t")
		}
		w.ask(`RESET pgowl.forms`)
	}
	w.want(`SELECT pgml.train('shops', 'regression', 'shops', 'sales', 'lightgbm', '{"num_leafs": 3}')`,
		`XX000 Unknown hyperparameter "num_leafs": 3 / Perhaps you meant the hyperparameter "num_leaf".`)
	w.want(`SELECT pgml.train('shops', 'regression', 'shops', 'sales', 'lightgbm', '{"zero_as_missing": true}')`,
		`0A000 pgml.train: hyperparameter "zero_as_missing": not available yet in PgOwl`)
}
