package training

import "testing"

// TestWeightsAndQueries trains with columns that say something of rows and are no features.
func TestWeightsAndQueries(t *testing.T) {
	w := open(t)
	w.run(`CREATE TABLE dear AS SELECT i % 20 AS a, CASE WHEN i % 4 = 0 THEN 0 ELSE 1 + i % 2 END AS w, i / 20 % 3 AS b, (CASE WHEN i % 4 = 0 THEN -1000 ELSE i % 20 + 7 * (i / 20 % 3) END)::real AS y
		FROM generate_series(1, 1200) i; GRANT SELECT ON dear TO PUBLIC`)
	for _, algorithm := range []string{"xgboost", "linear", "xgboost_random_forest", "lightgbm", "hist_gradient_boosting"} {
		w.want(`SELECT * FROM pgml.train('`+algorithm+`', 'regression', 'dear', 'y', '`+algorithm+`', '{}', weight => 'w', test_size => 0)`, algorithm+" regression "+algorithm+" t")
		// Whatever has no weight is not learned from, and the weight has no place in a row.
		w.want(`SELECT bool_and(pgml.predict('`+algorithm+`', ARRAY[a, b]) BETWEEN -5 AND 40), bool_and(pgml.predict('`+algorithm+`', (a, b)) BETWEEN -5 AND 40) FROM dear`, "t t")
	}
	w.want(`SELECT (pgml.evaluate('linear', 'dear')->>'mean_absolute_error')::real BETWEEN 200 AND 400`, "t")
	w.want(`SELECT * FROM pgml.train('linear', algorithm => 'linear')`, "linear regression linear t") // the last snapshot's weights
	w.want(`SELECT pgml.train('x', 'regression', 'dear', 'y', weight => 'nothing')`, `42703 pgml.train: there is no column "nothing" to be the weight`)

	w.run(`CREATE TABLE answers AS SELECT 'q' || i % 60 AS query, (i * 7 % 61)::real AS near, i * 13 % 17 AS noise, i * 7 % 61 / 20 AS grade FROM generate_series(1, 600) i; GRANT SELECT ON answers TO PUBLIC`)
	w.want(`SELECT deployed FROM pgml.train('search', 'regression', 'answers', 'grade', 'xgboost', '{"objective": "rank:ndcg"}', qid => 'query')`, "t")
	w.want(`SELECT (metrics->>'ndcg')::real > 0.98 FROM pgml.compare('search')`, "t")
	w.want(`SELECT corr(pgml.predict('search', ARRAY[near, noise]), grade) > 0.9 FROM answers`, "t")
	w.want(`SELECT convert_from(pgml.export_model((SELECT model_id FROM pgml.compare('search'))), 'UTF8')::json->'learner'->'objective'->>'name'`, "rank:ndcg")
	w.want(`SELECT deployed FROM pgml.train('search', algorithm => 'xgboost', hyperparams => '{"objective": "rank:pairwise", "n_estimators": 1, "eta": 0}')`, "f")
	w.want(`SELECT * FROM pgml.deploy('search', 'best_score')`, "search best_score xgboost")

	w.run(`CREATE TABLE parts AS SELECT i % 10 AS load, exp(3 - i % 10 / 5.0)::real AS seen, CASE WHEN i % 3 > 0 THEN exp(3 - i % 10 / 5.0) END AS gone FROM generate_series(1, 900) i; GRANT SELECT ON parts TO PUBLIC`)
	w.want(`SELECT deployed FROM pgml.train('life', 'regression', 'parts', 'seen', 'xgboost', '{"objective": "survival:aft", "aft_loss_distribution_scale": 0.3, "n_estimators": 60}', label_upper_bound => 'gone')`, "t")
	w.want(`SELECT pgml.predict('life', ARRAY[0]) > 20, pgml.predict('life', ARRAY[9]) < 6`, "t t")
}
