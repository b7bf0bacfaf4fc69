package training

import (
	"strings"
	"testing"
)

const tables = `
	CREATE TABLE body AS SELECT (i % 20)::real AS chins, (i % 20) * 2.5 AS weight, i AS situps, -(i % 20)::int AS waist FROM generate_series(1, 200) i;
	CREATE TABLE flowers AS SELECT (i % 30)::real AS petal, ARRAY[i % 7, 1]::real[] AS sepal, i % 30 / 10 AS kind FROM generate_series(1, 300) i;
	CREATE TABLE fresh AS SELECT i % 30 / 10 AS kind, ARRAY[0, 1] AS sepal, (i % 30)::int AS petal, i AS id FROM generate_series(1, 60) i;
	CREATE TABLE secret AS SELECT * FROM fresh;
	GRANT SELECT ON body, flowers, fresh TO PUBLIC`

func TestJointly(t *testing.T) {
	w := open(t)
	w.run(tables)
	w.want(`SELECT * FROM pgml.train_joint('body', 'regression', 'body', ARRAY['waist', 'weight'], 'xgboost', '{"n_estimators": 60}')`, "body regression xgboost t")
	if !w.told("INFO: Dataset { num_features: 2, num_labels: 2, ") || !w.told("INFO: Deploying model id: ") {
		t.Errorf("messages %q", w.said)
	}
	near := `SELECT abs(j[1] - 17.5) < 1 AND abs(j[2] + 7) < 0.5 AND abs(j[3] - 30) < 1 AND abs(j[4] + 12) < 0.5 AND cardinality(j) = 4 FROM `
	for _, call := range []string{
		`pgml.predict_joint('body', ARRAY[7, 107, 12, 112]) j`,
		`pgml.predict_joint('body', ARRAY[[7, 107], [12, 112]]) j`,
		`pgml.predict_joint('body', '{7,107,12,112}') j`,
		`pgml.predict_joint((SELECT id FROM pgml.deployed_models), ARRAY[7.0, 107, 12, 112]) j`,
	} {
		if strings.Contains(call, "deployed_models") {
			w.run("GRANT SELECT ON pgml.deployed_models TO " + w.name)
		}
		w.want(near+call, "t")
	}
	w.want(`SELECT pgml.predict('body', ARRAY[7, 107]) = (pgml.predict_joint('body', ARRAY[7, 107]))[1]`, "t")
	w.want(`SELECT count(*) FROM (SELECT pgml.predict_joint('body', ARRAY[chins, situps]) FROM body) x`, "200")
	w.want(`SELECT pgml.predict_joint('body', NULL) IS NULL`, "t")
	w.want(`SELECT pgml.predict_joint('body', ARRAY[1, 2, 3])`, "XX000 cannot reshape array of size 3 into shape (2) / Model 1 takes 2 features in a row, but received 3.")
	w.want(`SELECT pgml.predict_joint('nobody', ARRAY[1])`, "XX000 No deployed model exists for the project named: `nobody`")
	w.want(`SELECT pgml.predict_joint(99, ARRAY[1])`, "XX000 pgml.models WHERE id = 99 could not be loaded. Does it exist?")
	w.want(`SELECT deployed FROM pgml.train('flowers', 'classification', 'flowers', 'kind', 'xgboost')`, "t")
	w.want(`SELECT pgml.predict_joint('flowers', ARRAY[1, 2, 3])`, "XX000 You can't predict joint probabilities for a classification model")
	w.want(`SELECT pgml.train_joint('flowers', y_column_name => '{kind,petal}', relation_name => 'flowers', algorithm => 'xgboost')`,
		"0A000 pgml.train_joint: a classification has one label; training on several jointly is for regression")
	w.want(`SELECT (pgml.evaluate('body', 'body')->>'r2')::float8 > 0.95`, "t")
}

func TestSearching(t *testing.T) {
	w := open(t)
	w.run(tables)
	w.want(`SELECT deployed FROM pgml.train('flowers', 'classification', 'flowers', 'kind', 'xgboost', '{"eta": 0.5}', 'grid', '{"n_estimators": [1, 5], "max_depth": [1, 3]}', '{"cv": 3}')`, "t")
	if !w.told("INFO: Hyperparameter searches: 4, cross validation folds: 3") {
		t.Errorf("messages %q", w.said)
	}
	fits := 0
	for _, m := range w.said {
		if strings.HasPrefix(m, "INFO: Testing classification estimator xgboost") {
			fits++
		}
	}
	if fits != 13 {
		t.Errorf("%d fits", fits)
	}
	w.want(`SELECT count(*) FROM pgml.train('flowers', algorithm => 'xgboost', search => 'random', search_params => '{"n_estimators": [1, 2, 3, 4, 5, 6]}', search_args => '{"n_iter": 2}')`, "1")
	w.want(`SELECT model_id > 0, hyperparams ? 'n_estimators', runtime, metrics ? 'search_results', metrics ? 'f1', fit_time > 0, created_at IS NOT NULL FROM pgml.compare('flowers')`,
		"t t rust f t t t | t t rust f t t t")
	w.want(`SELECT count(*) FILTER (WHERE deployed) FROM pgml.compare('flowers')`, "1")
	w.want(`SELECT pgml.train('flowers', algorithm => 'xgboost', search => 'grid', search_params => '{"max_dept": [3, 4]}')`, `XX000 Unknown hyperparameter "max_dept": 3 / Perhaps you meant the hyperparameter "max_depth".`)
	w.want(`SELECT pgml.train('flowers', algorithm => 'xgboost', search => 'guess')`, `22P02 invalid input value for enum pgml.search: "guess"`)
	w.run("GRANT SELECT ON ALL TABLES IN SCHEMA pgml TO " + w.name)
	w.want(`SELECT search, search_params, search_args, trained_by = current_user, lineage->>'session_user' = session_user, engine LIKE 'pgowl %', status FROM pgml.models ORDER BY id LIMIT 1`,
		`grid {"max_depth": [1, 3], "n_estimators": [1, 5]} {"cv": 3} t t t successful`)
}

func TestEvaluating(t *testing.T) {
	w := open(t)
	w.run(tables)
	w.want(`SELECT deployed FROM pgml.train('flowers', 'classification', 'flowers', 'kind', 'xgboost')`, "t")
	w.want(`SELECT string_agg(k, ' ' ORDER BY k) FROM jsonb_object_keys(pgml.evaluate('flowers', 'fresh')) k`, "accuracy f1 mcc precision recall")
	w.want(`SELECT pgml.evaluate('flowers', relation_name => 'public.fresh', y_column_name => 'kind')->>'f1'`, "1")
	w.want(`CREATE FUNCTION pg_temp.f1() RETURNS float8 LANGUAGE plpgsql AS $$ BEGIN RETURN (pgml.evaluate('flowers', 'fresh')->>'f1')::float8; END $$; SELECT pg_temp.f1()`, "1")
	w.want(`SELECT pgml.evaluate('flowers', 'secret')`, `42501 permission denied for table secret`)
	w.want(`SELECT pgml.evaluate('flowers', 'fresh', 'id')`,
		`22023 The label "id" has the value 3, which is none of the classes of the model. / Its classes are 0, 1, 2.`)
	w.want(`SELECT pgml.evaluate(NULL, 'fresh')`, `22004 pgml.evaluate: project_name and relation_name must not be NULL`)
	w.want(`SELECT pgml.compare('nobody')`, "XX000 Project `nobody` does not exist.")
	w.run("REVOKE EXECUTE ON FUNCTION pgml.evaluate(text, text, text), pgml.compare(text) FROM PUBLIC")
	w.want(`SELECT pgml.evaluate('flowers', 'fresh')`, `42501 permission denied for function evaluate`)
	w.want(`SELECT pgml.compare('flowers')`, `42501 permission denied for function compare`)
}

// TestStrategies deploys the models of one project by every strategy, as a client does.
func TestStrategies(t *testing.T) {
	w := open(t)
	w.run(tables)
	const more = `SELECT deployed FROM pgml.train('flowers', 'classification', 'flowers', 'kind', 'xgboost', `
	w.want(more+`'{"n_estimators": 1, "min_child_weight": 1e6}')`, "t") // 1
	w.want(more+`'{}')`, "t")                                           // 2, the best
	w.want(more+`'{"n_estimators": 1, "min_child_weight": 1e6}')`, "f") // 3
	if !w.told("WARNING: New model's f1 is not better than current model. New: ") || !w.told("WARNING: Not deploying newly trained model.") {
		t.Errorf("messages %q", w.said)
	}
	for _, c := range []struct{ call, row, live string }{
		{`deploy('flowers', 'most_recent')`, "flowers most_recent xgboost", "3"},
		{`deploy('flowers', 'best_score')`, "flowers best_score xgboost", "2"},
		{`deploy('flowers', 'rollback')`, "flowers rollback xgboost", "3"},
		{`deploy('flowers', 'rollback')`, "flowers rollback xgboost", "2"},
		{`deploy(1)`, "flowers specific xgboost", "1"},
		{`deploy('flowers', strategy => 'best_score', algorithm => 'xgboost')`, "flowers best_score xgboost", "2"},
		{`deploy('flowers', 'best_score', 'svm')`, "XX000 called `Result::unwrap()` on an `Err` value: InvalidPosition / No model of project \"flowers\" qualifies for strategy best_score.", "2"},
	} {
		w.want(`SELECT * FROM pgml.`+c.call, c.row)
		if strings.HasPrefix(c.row, "flowers") && !w.told("INFO: Deploying model id: "+c.live) {
			t.Errorf("%s: messages %q", c.call, w.said)
		}
		w.want(`SELECT model_id FROM pgml.compare('flowers') WHERE deployed`, c.live)
	}
}

func TestGroups(t *testing.T) {
	w := open(t)
	w.run(`CREATE TABLE sales AS SELECT (ARRAY['north', 'south', 'west'])[i % 3 + 1] AS shop, i % 40 AS day, CASE i % 3 WHEN 0 THEN i % 40 WHEN 1 THEN 1000 - i % 40 ELSE 77 END::real AS amount
		FROM generate_series(1, 600) i; GRANT SELECT ON sales TO PUBLIC`)
	w.want(`SELECT * FROM pgml.train('sales', 'regression', 'sales', 'amount', 'xgboost', '{"n_estimators": 40}', group_by => 'shop')`, "sales regression xgboost t")
	w.want(`SELECT bool_and(abs(pgml.predict('sales', (shop, day)) - amount) < 3) FROM sales`, "t")
	w.want(`SELECT bool_and(abs(pgml.predict((SELECT model_id FROM pgml.compare('sales')), ROW(shop, day)) - amount) < 3) FROM sales`, "t")
	w.want(`SELECT pgml.predict('sales', ('unseen'::text, 3)) BETWEEN 100 AND 900`, "t")
	w.want(`SELECT (pgml.evaluate('sales', 'sales')->>'r2')::float8 > 0.99`, "t")
	w.want(`SELECT pgml.train('sales', 'regression', 'sales', 'amount', 'xgboost', group_by => '')`, "22023 pgml.train: group_by must be the name of a column, or NULL")
	w.want(`SELECT string_agg(feature, ',' ORDER BY ord), abs(sum(contribution) - 988) < 3, max(contribution) FILTER (WHERE feature = 'shop')
		FROM pgml.explain('sales', ARRAY[(SELECT code FROM generate_series(1, 3) code WHERE abs(pgml.predict('sales', ARRAY[code, 12]) - 988) < 3), 12]) WITH ORDINALITY e(feature, value, contribution, ord)`,
		"shop,day,(bias) t 0")
	w.want(`SELECT string_agg(feature || (weight > 0), ',') FROM pgml.importance('sales')`, "daytrue,shopfalse")
}

// TestImportedLineage: what comes in from elsewhere has its place in the registry, too.
func TestImportedLineage(t *testing.T) {
	w := open(t)
	w.run(tables)
	w.want(`SELECT deployed FROM pgml.train('body', 'regression', 'v', 'weight', 'xgboost')`, `XX000 Relation "v" could not be found in the public schema. Please specify the table schema, e.g. pgml.v`)
	w.want(`SELECT deployed FROM pgml.train('body', 'regression', 'body', 'weight', 'xgboost')`, "t")
	w.want(`SELECT pgml.import_model('copy', 'regression', 'xgboost-json', pgml.export_model(1, 'xgboost-json')) > 1`, "t")
	w.run("GRANT SELECT ON ALL TABLES IN SCHEMA pgml TO " + w.name)
	w.want(`SELECT trained_by = current_user, engine LIKE 'pgowl %', lineage->>'format', (lineage->>'bytes')::int > 100, lineage ? 'pg_snapshot', jsonb_typeof(hyperparams), status, search IS NULL
		FROM pgml.models ORDER BY id DESC LIMIT 1`, "t t xgboost-json t t object successful t")
	w.want(`SELECT d.strategy FROM pgml.deployments d ORDER BY id DESC LIMIT 1`, "specific")
	w.want(`SELECT deployed FROM pgml.compare('copy')`, "t")
	w.want(`SELECT pgml.predict('copy', ARRAY[3, 3, -3]) = pgml.predict('body', ARRAY[3, 3, -3])`, "t")
}
