package exchange

import (
	"math"
	"testing"
)

func TestExplain(t *testing.T) {
	w := open(t)
	c := w.dial(w.owl)
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-5*math.Max(1, math.Abs(want)) {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
	}

	if got, want := valueOf[string](w, c, `SELECT string_agg(feature || '=' || coalesce(value::text, ''), ' ') FROM pgml.explain('line', ARRAY[3,4,12,-1])`),
		"a=3 b=4 x y[1]=12 x y[2]=-1 (bias)="; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	// Every place where a set may stand; the sum is the prediction, for every row.
	for _, sql := range []string{
		`SELECT max(abs(p - s)) FROM (SELECT pgml.predict('line', f) AS p, (SELECT sum(contribution) FROM pgml.explain('line', f)) AS s
			FROM (SELECT array_cat(ARRAY[a, b]::real[], "x y") AS f FROM points) rows) sums`,
		`SELECT max(abs(pgml.predict('line', f) - s)) FROM (SELECT f, sum(contribution) AS s FROM (SELECT array_cat(ARRAY[a, b]::real[], "x y") AS f FROM points) rows,
			LATERAL pgml.explain('line', f) GROUP BY f) sums`,
		`SELECT max(abs(pgml.predict('line', f) - s)) FROM (SELECT f, sum((e).contribution) AS s FROM (SELECT f, pgml.explain('line', f) AS e
			FROM (SELECT array_cat(ARRAY[a, b]::real[], "x y") AS f FROM points WHERE a < 4) rows) each GROUP BY f) sums`,
	} {
		near(sql, valueOf[float64](w, c, sql), 0)
	}
	w.run(c, `CREATE VIEW explained AS SELECT a, b, e.* FROM points, pgml.explain('updown', ARRAY[a, b]) e`)
	near("log-odds", valueOf[float64](w, c, `SELECT max(abs(1 / (1 + exp(-s)) - (pgml.predict_proba('updown', ARRAY[a, b]))[2])) FROM (SELECT a, b, sum(contribution) AS s FROM explained GROUP BY a, b) t`), 0)
	near("the other class", valueOf[float64](w, c, `SELECT sum(contribution) FROM (SELECT contribution FROM pgml.explain('updown', ARRAY[3, 4], 0) UNION ALL SELECT contribution FROM pgml.explain('updown', ARRAY[3, 4], 1)) t`), 0)
	// Of several margins that of the predicted class.
	near("the predicted class", valueOf[float64](w, c, `SELECT sum(abs(p.contribution - q.contribution)) FROM pgml.explain('kinds', ARRAY[7, 4]) p
		JOIN pgml.explain('kinds', ARRAY[7, 4], pgml.predict('kinds', ARRAY[7, 4])) q USING (feature)`), 0)
	near("softmax", valueOf[float64](w, c, `WITH m AS (SELECT k, (SELECT sum(contribution) FROM pgml.explain('kinds', ARRAY[7, 4], k)) AS s FROM unnest(ARRAY[0, 10, 20]) k)
		SELECT max(abs(exp(s) / (SELECT sum(exp(s)) FROM m) - p)) FROM (SELECT s, (pgml.predict_proba('kinds', ARRAY[7, 4]))[k / 10 + 1] AS p FROM m) t`), 0)

	id := valueOf[int64](w, c, "SELECT id FROM pgml.deployed_models WHERE name = 'line'")
	near("by id", valueOf[float64](w, c, `SELECT sum(contribution) FROM pgml.explain($1::bigint, ARRAY[3,4,12,-1])`, id), valueOf[float64](w, c, `SELECT pgml.predict('line', ARRAY[3,4,12,-1])`))
	near("gaps", valueOf[float64](w, c, `SELECT sum(contribution) FROM pgml.explain($1::bigint, '{3,NaN,12,Infinity}')`, id), valueOf[float64](w, c, `SELECT pgml.predict('line', '{3,NaN,12,Infinity}')`))
	if n := valueOf[int](w, c, "SELECT count(*) FROM pgml.explain('line', NULL)"); n != 0 {
		t.Errorf("%d rows of NULL", n)
	}
	w.fails(c, [][2]string{
		{"SELECT * FROM pgml.explain('nosuch', ARRAY[1])", "XX000 No deployed model exists for the project named: `nosuch`"},
		{"SELECT * FROM pgml.explain(999, ARRAY[1])", "XX000 pgml.models WHERE id = 999 could not be loaded. Does it exist?"},
		{"SELECT * FROM pgml.explain('line', ARRAY[1,2])", "XX000 cannot reshape array of size 2 into shape (4)"},
		{"SELECT * FROM pgml.explain('line', ARRAY[1,NULL,3,4])", "22004 features may not hold NULL"},
		{"SELECT * FROM pgml.explain('line', ARRAY[1,2,3,4], 1)", "22023 model 1 is a regression and has no classes"},
		{"SELECT * FROM pgml.explain('kinds', ARRAY[1,2], 7)", "22023 model 3 has no class 7"},
		{"SELECT * FROM pgml.importance('nosuch')", "XX000 No deployed model exists for the project named: `nosuch`"},
		{"SELECT * FROM pgml.importance(999)", "XX000 pgml.models WHERE id = 999 could not be loaded. Does it exist?"},
	})
}

func TestImportance(t *testing.T) {
	w := open(t)
	c := w.dial(w.owl)
	if got, want := valueOf[string](w, c, `SELECT string_agg(feature, ' ') || ' ' || bool_and(gain > 0 AND cover > 0 AND weight > 0) FROM pgml.importance('updown')`), "a b true"; got != want && got != "b a true" {
		t.Errorf("got %s, want %s", got, want)
	}
	if n := valueOf[int](w, c, `SELECT count(*) FROM (SELECT gain, lag(gain) OVER () AS above FROM pgml.importance('line')) t WHERE gain > above`); n != 0 {
		t.Error("not by descending gain")
	}
	if n := valueOf[int](w, c, `SELECT count(*) FROM pgml.importance((SELECT id FROM pgml.deployed_models WHERE name = 'line'))`); n != 4 {
		t.Errorf("%d features", n)
	}
}

// The linear models explain themselves by the same interfaces.
func TestExplainLinear(t *testing.T) {
	w := open(t)
	c := w.dial(w.owl)
	for _, m := range []struct{ project, task, view, inputs, margin string }{
		{"flat", "regression", "v_line", `array_cat(ARRAY[a, b]::real[], "x y")`, "pgml.predict('flat', f)"},
		{"side", "classification", "v_updown", "ARRAY[a, b]::real[]", "ln((pgml.predict_proba('side', f))[2] / (pgml.predict_proba('side', f))[1])"},
	} {
		label := valueOf[string](w, c, "SELECT attname::text FROM pg_attribute WHERE attrelid = $1::text::regclass ORDER BY attnum DESC LIMIT 1", m.view)
		w.run(c, "SELECT * FROM pgml.train('"+m.project+"', '"+m.task+"', '"+m.view+"', '"+label+"', 'linear')")
		worst := valueOf[float64](w, c, "SELECT max(abs("+m.margin+" - (SELECT sum(contribution) FROM pgml.explain('"+m.project+"', f)))) FROM (SELECT "+m.inputs+" AS f FROM points WHERE a BETWEEN 4 AND 9 AND b BETWEEN 4 AND 9) t")
		if worst > 1e-3 {
			t.Errorf("%s: the contributions are %v off", m.project, worst)
		}
		if n := valueOf[int](w, c, "SELECT count(*) FROM pgml.importance('"+m.project+"') WHERE weight <> 0 AND gain = 0"); n < 2 {
			t.Errorf("%s: %d features", m.project, n)
		}
	}
	w.fails(c, [][2]string{{"SELECT pgml.export_model((SELECT id FROM pgml.deployed_models WHERE name = 'flat'))",
		"0A000 pgml.export_model: a model that is not one of gradient boosting is not available in PgOwl"}})
}

// Who may predict may explain, without any right on the registry; a REVOKE holds; what a transaction has trained it can explain; READ ONLY and repeatable
// transactions can.
func TestExplainRights(t *testing.T) {
	w := open(t)
	admin := w.dial(w.owl)
	w.run(admin, "DROP ROLE IF EXISTS explainer; CREATE ROLE explainer LOGIN; GRANT USAGE ON SCHEMA pgml TO explainer")
	defer w.run(admin, "DROP OWNED BY explainer; DROP ROLE explainer")
	c := w.dial(w.owl)
	w.run(c, "SET ROLE explainer")
	w.run(c, "SELECT * FROM pgml.explain('updown', ARRAY[1,2])")
	w.run(c, "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY; SELECT * FROM pgml.explain('updown', ARRAY[1,2]); SELECT * FROM pgml.importance('updown'); COMMIT")
	w.run(admin, "REVOKE EXECUTE ON FUNCTION pgml.explain(text, real[]), pgml.importance(text) FROM PUBLIC")
	w.fails(c, [][2]string{
		{"SELECT * FROM pgml.explain('updown', ARRAY[1,2])", "42501 permission denied for function explain"},
		{"SELECT * FROM pgml.importance('updown')", "42501 permission denied for function importance"},
		{"SELECT * FROM pgowl.explain(2, ARRAY[1,2], NULL)", "42501 permission denied for function explain"},
	})
	w.run(admin, "BEGIN")
	w.run(admin, `SELECT * FROM pgml.train('fresh', 'regression', 'v_line', 'y', 'xgboost')`)
	w.run(admin, "SELECT * FROM pgml.explain('fresh', ARRAY[1,2,3,4])")
	w.run(admin, "ROLLBACK")
	straight := w.dial(w.straight)
	if _, err := straight.Exec(t.Context(), "SELECT * FROM pgml.explain('line', ARRAY[1,2,3,4])"); code(err)[:5] != "55000" {
		t.Errorf("without a proxy: %s", code(err))
	}
}
