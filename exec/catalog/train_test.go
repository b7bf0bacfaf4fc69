package catalog

import (
	"slices"
	"strings"
	"testing"
)

// postgresMLsTrain are the arguments of pgml.train in PostgresML, with a value each that is not the default.
var postgresMLsTrain = []struct{ name, value string }{
	{"project_name", `'p'`}, {"task", `'regression'`}, {"relation_name", `'public.t'`}, {"y_column_name", `'y'`}, {"algorithm", `'xgboost'`},
	{"hyperparams", `'{"n_estimators": 10}'`}, {"search", `'grid'`}, {"search_params", `'{"max_depth": [1, 2]}'`}, {"search_args", `'{"cv": 2}'`},
	{"test_size", `0.5`}, {"test_sampling", `'last'`}, {"runtime", `'python'`}, {"automatic_deploy", `false`}, {"materialize_snapshot", `true`},
	{"preprocess", `'{"a": {"impute": "mean"}}'`},
}

// TestCallsOfTrainResolve has the server resolve calls of pgml.train as PostgresML's users write them, without running them, and calls with its argument more.
func TestCallsOfTrainResolve(t *testing.T) {
	conn := migrated(t)
	var calls, positional, named []string
	for _, a := range postgresMLsTrain {
		positional = append(positional, a.value)
		named = append(named, a.name+" => "+a.value)
	}
	for i := range named {
		calls = append(calls, strings.Join(positional[:i+1], ", "), strings.Join(named[:i+1], ", "), strings.Join(slices.Concat(positional[:i], named[i:]), ", "))
		if i > 0 {
			calls = append(calls, `'p', `+named[i], `'p', `+named[i]+`, group_by => 'shop'`, `'p', `+named[i]+`, weight => 'w', qid => 'q', label_upper_bound => 'u'`, named[i]+`, project_name => 'p'`)
		}
	}
	backwards := slices.Clone(named)
	slices.Reverse(backwards)
	calls = append(calls, strings.Join(backwards, ", "),
		strings.Join(positional, ", ")+`, 'shop'`,
		strings.Join(positional, ", ")+`, NULL`,
		strings.Join(positional, ", ")+`, NULL, 'w', 'q'`,
		strings.Join(named, ", ")+`, group_by => 'shop'`,
		// As in PostgresML's documentation and notebooks, and with the types that drivers give.
		`'Handwritten Digits', 'classification', 'pgml.digits', 'target'`,
		`'Handwritten Digits', algorithm => 'svm', hyperparams => '{"random_state": 0}'`,
		`project_name => 'Breast Cancer'::text, task => 'classification', relation_name => 'pgml.breast_cancer', y_column_name => 'malignant', preprocess => '{"a": {"impute": "mode"}}'::jsonb`,
		`'p', NULL, NULL, NULL, 'linear'::pgml.algorithm`,
		`'p'::varchar, y_column_name => 'y'::name, test_size => 0.25::real`,
		`project_name := 'p', search := 'random', search_params := '{}', search_args := '{"n_iter": 3}'`)
	for _, c := range calls {
		exec(t, conn, `PREPARE x AS SELECT * FROM pgml.train(`+c+`)`, `DEALLOCATE x`)
	}
	exec(t, conn, `PREPARE x(text, varchar) AS SELECT pgml.train($1, 'regression', $2, 'y', test_size => 10)`, `DEALLOCATE x`,
		`PREPARE x AS SELECT pgml.train($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`, `DEALLOCATE x`)
}

// TestEarlierTrain runs the scripts over catalogs that have pgml.train without its last arguments.
func TestEarlierTrain(t *testing.T) {
	const (
		arguments = `text,text,text,text,pgml.algorithm,jsonb,pgml.search,jsonb,jsonb,real,pgml.sampling,pgml.runtime,boolean,boolean,jsonb`
		defaults  = `text, text = NULL, text = NULL, text = NULL, pgml.algorithm = 'linear', jsonb = '{}', pgml.search = NULL, jsonb = '{}', jsonb = '{}', real = 0.25,
			pgml.sampling = 'stratified', pgml.runtime = NULL, boolean = true, boolean = false, jsonb = '{}'`
		returns = ` RETURNS text LANGUAGE sql AS 'SELECT NULL::text'`
		revoked = `REVOKE EXECUTE ON FUNCTION pgml.train FROM PUBLIC`
		granted = `GRANT EXECUTE ON FUNCTION pgml.train TO `
	)
	conn := migrated(t)
	for _, name := range []string{`"A trainer"`, "teacher", "by_default"} {
		role(t, conn, name, "")
	}
	for _, c := range []struct {
		name   string
		rights []string
		want   string
	}{
		{"PUBLIC's", nil, "PUBLIC"},
		{"nobody's", []string{revoked}, ""},
		{"some roles'", []string{revoked, granted + `"A trainer"`, granted + `teacher WITH GRANT OPTION`}, `"A trainer" teacher*`},
		{"PUBLIC's and a role's", []string{granted + `teacher`}, `PUBLIC teacher`},
		{"nobody's, and another's by default", []string{revoked, `ALTER DEFAULT PRIVILEGES IN SCHEMA pgml GRANT EXECUTE ON FUNCTIONS TO by_default`}, ""},
	} {
		for _, more := range []string{"", ", text = NULL"} {
			exec(t, conn, `DROP FUNCTION pgml.train`, `ALTER DEFAULT PRIVILEGES IN SCHEMA pgml REVOKE EXECUTE ON FUNCTIONS FROM by_default`, `CREATE FUNCTION pgml.train(`+defaults+more+`)`+returns)
			if more == "" {
				exec(t, conn, `CREATE FUNCTION pgml.train_grouped(text, text, `+strings.TrimPrefix(defaults, "text, ")+`)`+returns)
			}
			exec(t, conn, c.rights...)
			// As if the scripts had changed.
			exec(t, conn, `UPDATE pgowl.migrations SET sha256 = 'old' WHERE version = 0`, `UPDATE pgowl.scripts SET sha256 = 'old' WHERE version = 0`)
			migrateOK(t, conn)
			if got := column(t, conn, `SELECT pronargs::text FROM pg_proc WHERE pronamespace = 'pgml'::regnamespace AND proname IN ('train', 'train_grouped')`); !slices.Equal(got, []string{"19"}) {
				t.Errorf("%s: functions of %v arguments", c.name, got)
			}
			got := column(t, conn, `SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END || CASE WHEN a.is_grantable THEN '*' ELSE '' END
			FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
			WHERE p.oid = 'pgml.train(`+arguments+`,text,text,text,text)'::regprocedure AND a.grantee <> p.proowner`)
			slices.Sort(got)
			if strings.Join(got, " ") != c.want {
				t.Errorf("the right is %s: afterwards of %v, want %s", c.name, got, c.want)
			}
		}
	}
}
