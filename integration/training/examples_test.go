package training

import "testing"

// TestExamples plays SQL of the kind that PostgresML's examples have, on its data sets: joint training, searches, deploys and comparisons.
func TestExamples(t *testing.T) {
	w := open(t)
	w.want(`SELECT rows FROM pgml.load_dataset('linnerud')`, "20")
	w.want(`SELECT * FROM pgml.train_joint('Exercise vs Physiology', task => 'regression', relation_name => 'pgml.linnerud', y_column_name => ARRAY['weight', 'waist', 'pulse'])`,
		"Exercise vs Physiology regression linear t")
	w.want(`SELECT bool_and(j[1] BETWEEN 100 AND 360 AND j[2] BETWEEN 25 AND 65 AND j[3] BETWEEN -60 AND 80 AND cardinality(j) = 3) FROM (
		SELECT pgml.predict_joint('Exercise vs Physiology', ARRAY[chins, situps, jumps]) AS j FROM pgml.linnerud) x`, "t")
	w.want(`SELECT deployed IS NOT NULL FROM pgml.train_joint('Exercise vs Physiology', algorithm => 'xgboost', hyperparams => '{"n_estimators": 10}')`, "t")

	w.want(`SELECT rows FROM pgml.load_dataset('diabetes')`, "442")
	w.want(`SELECT algorithm FROM pgml.train('Diabetes Progression', 'regression', 'pgml.diabetes', 'target')`, "linear")
	w.want(`SELECT algorithm FROM pgml.train('Diabetes Progression', algorithm => 'xgboost', hyperparams => '{"n_estimators": 20}',
		search => 'random', search_params => '{"max_depth": [1, 2, 4, 8], "eta": [0.05, 0.1, 0.3]}', search_args => '{"n_iter": 4}')`, "xgboost")
	w.want(`SELECT count(*), count(*) FILTER (WHERE (metrics->>'r2')::float8 > 0.2), bool_or(deployed) FROM pgml.compare('Diabetes Progression')`, "2 2 t")
	w.want(`SELECT (pgml.evaluate('Diabetes Progression', 'pgml.diabetes')->>'r2')::float8 > 0.3`, "t")

	w.want(`SELECT rows FROM pgml.load_dataset('digits')`, "1797")
	w.want(`SELECT deployed FROM pgml.train('Handwritten Digits', 'classification', 'pgml.digits', 'target', 'xgboost', hyperparams => '{"n_estimators": 10}',
		search => 'grid', search_params => '{"max_depth": [1, 3]}', search_args => '{"cv": 2}', test_size => 0.5, test_sampling => 'last')`, "t")
	w.want(`SELECT hyperparams, (metrics->>'f1')::float8 > 0.8 FROM pgml.compare('Handwritten Digits')`, `{"max_depth": 3, "n_estimators": 10} t`)
	w.want(`SELECT deployed FROM pgml.train('Handwritten Digits', algorithm => 'linear', hyperparams => '{"C": 1e-7}')`, "f")
	w.want(`SELECT algorithm FROM pgml.deploy('Handwritten Digits', 'most_recent')`, "linear")
	w.want(`SELECT algorithm FROM pgml.deploy('Handwritten Digits', 'rollback')`, "xgboost")
	w.want(`SELECT algorithm FROM pgml.deploy('Handwritten Digits', 'best_score', 'linear')`, "linear")
}
