package forms

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/pgowl/pgowl/integration/pgtest"
)

// homes makes a project whose rows are preprocessed in every way; homes_all is what it was trained on. The forms with arrays take 10 features. rents is a linear model of some of it.
const homes = `
CREATE VIEW homes AS SELECT a, CASE WHEN b % 5 < 4 THEN (ARRAY['Oslo', 'Rome', 'Lim"a', 'été'])[b % 5 + 1] END AS city, (ARRAY['low', 'mid', 'high'])[a % 3 + 1]::char(6) AS size,
	(ARRAY['x', 'y', 'z'])[a % 3 + 1]::varchar AS code, (ARRAY['p', 'q'])[b % 2 + 1] AS side, CASE WHEN a % 4 > 0 THEN a / 7.0 END AS age, ARRAY[a, b]::float8[] AS v,
	CASE WHEN a % 6 > 0 THEN 9007199254740993 - a END AS big, CASE WHEN a > 14 THEN 'many' WHEN b % 5 = 1 THEN 'Rome''s' ELSE '' END AS label FROM points;
SELECT * FROM pgml.train('homes', 'classification', 'homes', 'label', 'xgboost', '{"n_estimators": 20}', test_sampling => 'random', preprocess =>
	'{"city": {"impute": "mode"}, "size": {"encode": {"ordinal": ["low", "mid", "high"]}, "scale": "standard"}, "code": {"encode": "one_hot"}, "side": {"encode": "target", "impute": "mean"},
	"age": {"impute": "median", "scale": "robust"}, "v": {"scale": "min_max"}, "big": {"impute": "zero", "scale": "max_abs"}}');
CREATE VIEW rents AS SELECT city, code, age, v, 3.5 * a - b + CASE city WHEN 'Rome' THEN 7 ELSE 0 END AS rent FROM homes CROSS JOIN LATERAL (SELECT v[2] AS b) s;
SELECT * FROM pgml.train('rents', 'regression', 'rents', 'rent', test_sampling => 'last', preprocess =>
	'{"city": {"encode": "one_hot"}, "code": {"encode": "target", "scale": "standard"}, "age": {"impute": "mean", "scale": "min_max"}, "v": {"scale": "robust"}}');
CREATE VIEW homes_rows AS SELECT a, city, size, code, side, age, v, big FROM homes`

// ofRows are statements whose rows are preprocessed: values and errors.
var ofRows = []string{
	"SELECT pgml.predict('rents', (city, code, age, v)) FROM rents ORDER BY v",
	"SELECT pgml.predict('rents', ('nowhere'::text, 'x'::text, 1, ARRAY[1, 2]))",
	"SELECT pgml.predict_label('rents', ('Rome'::text, 'x'::text, 1, ARRAY[1, 2]))",
	"SELECT pgml.predict('homes', (a, city, size, code, side, age, v, big)) FROM homes ORDER BY a, v",
	"SELECT pgml.predict_label('homes', h) FROM homes_rows h ORDER BY h",
	"SELECT pgml.predict_label(m.id, h) FROM homes_rows h, (SELECT max(id) AS id FROM pgml.models) m ORDER BY h LIMIT 5",
	"SELECT pgml.predict((SELECT max(id) FROM pgml.models), (15, 'Rome'::text, 'low'::text, 'x'::text, 'p'::text, 1.5, ARRAY[15, 3], 1000::bigint))",
	"SELECT pgml.predict_label('homes', (15, 'Rome'::text, 'low'::text, 'x'::text, 'p'::text, 1.5, ARRAY[15, 3], 1000::bigint))",
	"SELECT pgml.predict_label('homes', (3, 'nowhere'::text, 'low'::char(9), 'y'::text, 'nowhere'::varchar, NULL::numeric, ARRAY[3, 3]::int2[], NULL::int4))",
	"SELECT pgml.predict_label('homes', (3, NULL::text, NULL::text, 'y'::text, NULL::text, 'NaN'::float4, ARRAY[[3], [3]]::numeric[], 'Infinity'::float8))",
	"SELECT pgml.predict('homes', (3, 'Rome', 'low'::text, 'x'::text, 'p'::text, 1.5, ARRAY[15, 3], 1000::bigint))",
	"SELECT pgml.predict('homes', (NULL::int, 'Rome'::text, 'low'::text, 'x'::text, 'p'::text, 1.5, ARRAY[15, 3], 1000::bigint))",
	"SELECT pgml.predict('homes', (3, 'Rome'::text, 'low'::text, 'w'::text, 'p'::text, 1.5, ARRAY[15, 3], 1000::bigint))",
	"SELECT pgml.predict('homes', (3, 'Rome'::text, 'huge'::text, 'x'::text, 'p'::text, 1.5, ARRAY[15, 3], 1000::bigint))",
	"SELECT pgml.predict('homes', (3, 7, 'low'::text, 'x'::text, 'p'::text, 1.5, ARRAY[15, 3], 1000::bigint))",
	"SELECT pgml.predict('homes', (3, 'Rome'::text, 'low'::text, 'x'::text, 'p'::text, 'old'::text, ARRAY[15, 3], 1000::bigint))",
	"SELECT pgml.predict('homes', (3, 'Rome'::text, 'low'::text, 'x'::text, 'p'::text, 1.5, ARRAY[15, 3, 1], 1000::bigint))",
	"SELECT pgml.predict('homes', (3, 'Rome'::text, 'low'::text, 'x'::text, 'p'::text, 1.5, ARRAY[15, NULL], 1000::bigint))",
	"SELECT pgml.predict('homes', (3, 'Rome'::text, 'low'::text, 'x'::text, 'p'::text, 1.5, NULL::int[], 1000::bigint))",
	"SELECT pgml.predict('homes', (3, 'Rome'::text, 'low'::text))",
	"SELECT pgml.predict('homes', h) FROM homes h LIMIT 1",
	"SELECT pgml.predict('homes', ARRAY[1,2,3,0,1,.5,1,1,1,.5]::real[])",
	"SELECT pgml.predict_label('homes', ARRAY[1,2,3,0,1,.5,1,1,1,.5]::real[])",
	"SELECT pgml.predict('homes', ARRAY[1,2,3]::real[])",
}

// TestRowsTheSameEverywhere: by the engine, by SQL through PgOwl and around it, and with PgOwl stopped.
func TestRowsTheSameEverywhere(t *testing.T) {
	w, owl := trained(t, pgtest.Start(t), 16384)
	run(t, owl, homes)
	run(t, owl, "SET pgowl.lanes = 'call'; SET pgowl.forms = 'off'")
	var want []string
	for _, sql := range ofRows {
		answer := ask(t, owl, sql)
		if answer == "" || strings.Contains(answer, "failed inside PgOwl") {
			t.Errorf("%s: %q", sql, answer)
		}
		want = append(want, answer)
	}
	check := func(where string, conn *pgx.Conn) {
		for i, sql := range ofRows {
			if got := ask(t, conn, sql); got != want[i] {
				t.Errorf("%s: %s\n by the engine %s\n here          %s", where, sql, want[i], got)
			}
		}
	}
	run(t, owl, "SET pgowl.forms = 'on'")
	check("through PgOwl, forms on", owl)
	run(t, owl, "RESET pgowl.forms; RESET pgowl.lanes")
	check("through PgOwl", owl)
	check("direct", w.dial(w.as(w.alice)))
	w.stop()
	check("PgOwl stopped", w.dial(w.as(w.alice)))
}

// TestRowsInTheBatchLane: statements that gather rows give what a call a row gives.
func TestRowsInTheBatchLane(t *testing.T) {
	_, owl := trained(t, pgtest.Start(t), 0)
	run(t, owl, homes)
	const one = "(h.a, h.city, h.size, h.code, h.side, h.age, h.v, h.big)"
	run(t, owl, "SET pgowl.lanes = 'call'; CREATE TABLE called AS SELECT h.a, h.v, pgml.predict('homes', "+one+") AS p FROM homes h; RESET pgowl.lanes")
	run(t, owl, "CREATE TABLE kept AS SELECT * FROM homes")
	for _, sql := range []string{
		"CREATE TABLE batched AS SELECT h.a, h.v, pgml.predict('homes', " + one + ") AS p FROM homes h",
		"CREATE TABLE batched (a int, v float8[], p real); INSERT INTO batched SELECT h.a, h.v, pgml.predict('homes', " + one + ") FROM kept h",
		"CREATE TABLE batched AS SELECT *, NULL::real AS p FROM kept; UPDATE batched h SET p = pgml.predict('homes', " + one + ")",
	} {
		run(t, owl, sql)
		if got := ask(t, owl, "SELECT count(*), sum(c.p) FROM called c JOIN batched b USING (a, v) WHERE c.p = b.p"); !strings.HasPrefix(got, "400 ") {
			t.Errorf("%s: %s", sql, got)
		}
		run(t, owl, "DROP TABLE batched")
	}
	for _, row := range []string{"(h.a, 'Rome', h.size, h.code, h.side, h.age, h.v, h.big)", "(h.a, h.city)", "(h.a, h.city, h.size, h.city, h.side, h.age, h.v, h.big)", "h.a"} {
		insert := "CREATE TABLE batched AS SELECT pgml.predict('homes', " + row + ") AS p FROM kept h ORDER BY h.a, h.v"
		run(t, owl, "SET pgowl.lanes = 'call'")
		want := ask(t, owl, insert)
		run(t, owl, "RESET pgowl.lanes")
		if got := ask(t, owl, insert); got != want || len(got) < 10 {
			t.Errorf("%s:\n got %s\nwant %s", row, got, want)
		}
	}
}

// TestRowsRunNobodysCasts: a type's cast to json is its maker's, and the predictions run as the owner.
func TestRowsRunNobodysCasts(t *testing.T) {
	w, owl := trained(t, pgtest.Start(t), 16384)
	run(t, owl, `CREATE TYPE trap AS (a int); CREATE TABLE sprung (by text); GRANT ALL ON sprung TO PUBLIC; CREATE DOMAIN third AS real;
		CREATE FUNCTION spring(trap) RETURNS json LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'run as %', current_user; END $$;
		CREATE CAST (trap AS json) WITH FUNCTION spring(trap); CREATE TABLE traps (a int, b int, c trap)`)
	for _, conn := range []*pgx.Conn{owl, w.dial(w.as(w.alice))} {
		for _, c := range []struct{ sql, want string }{
			{"SELECT pgml.predict('line', ROW(1::int)::trap)", "XX000 cannot reshape array of size 1 into shape (3)"},
			{"SELECT pgml.predict('line', ROW(1, 2, ROW(1)::trap))", "0A000 column 3 of the row is of type public.trap, which predict does not take"},
			{"SELECT pgml.predict('line', ROW(1, 2, ARRAY[ROW(1)::trap]))", "0A000 column 3 of the row is of type public.trap[], which predict does not take"},
			{"SELECT pgml.predict('line', ROW(1, 2, ROW(ROW(1)::trap)))", "0A000 column 3 of the row is of type record, which predict does not take"},
			{"SELECT pgml.predict('line', ROW(1, 2, ROW(1, 2, ROW(1)::trap)::traps))", "0A000 column 3 of the row is of type public.traps, which predict does not take"},
			{"SELECT pgml.predict('line', ARRAY[ROW(1)::trap])", "XX000 This preprocessing requires"},
			{"SELECT pgml.predict('line', ROW(1, 2, 3::third)) = pgml.predict('line', ROW(1, 2, 3))", "t "},
			{"SELECT pgml.predict_label('kinds', ROW(1, 2, ROW(1)::trap))", "0A000 column 3"},
		} {
			if got := ask(t, conn, c.sql); !strings.HasPrefix(got, c.want) {
				t.Errorf("%s:\n got %s\nwant %s", c.sql, got, c.want)
			}
		}
	}
}
