package forms

import (
	"strings"
	"testing"

	"github.com/pgowl/pgowl/integration/pgtest"
)

// linearStatements ask models of the default algorithm.
var linearStatements = []string{
	"SELECT pgml.predict('flat', x) FROM points ORDER BY a, b LIMIT 50",
	"SELECT pgml.predict('tilt', array_prepend(a, x)) FROM points ORDER BY a, b LIMIT 50",
	"SELECT pgml.predict('fan', x) FROM points ORDER BY a, b",
	"SELECT pgml.predict('rest', x) FROM points ORDER BY a, b",
	"SELECT count(*) FROM points WHERE pgml.predict('flat', x) > 20",
	"SELECT pgml.predict('flat', ROW(1, true, 3.5))",
	"SELECT pgml.predict('flat', ARRAY['NaN',1,2]::real[])",
	"SELECT pgml.predict('tilt', ARRAY[1,'NaN',1,2]::real[])",
	"SELECT pgml.predict('fan', ARRAY['NaN',1,2]::real[])",
	"SELECT pgml.predict('flat', ARRAY[1,2,'Infinity']::real[])",
	"SELECT pgml.predict('flat', ARRAY[3e38,3e38,-3e38]::real[])",
	"SELECT pgml.predict('flat', ARRAY[1,NULL,3]::real[])",
	"SELECT pgml.predict('flat', ARRAY[1,2]::real[])",
	"SELECT pgml.predict_proba('tilt', ARRAY[1,2,3,4]::real[])",
	"SELECT pgml.predict_proba('tilt', ARRAY[1e4,2,3,4]::real[])",
	"SELECT pgml.predict_proba('fan', ARRAY[1,2,3]::real[])",
	"SELECT pgml.predict_proba('fan', ARRAY['NaN',2,3]::real[])",
	"SELECT pgml.predict_proba('rest', ARRAY[1,2,3,4,5,6]::real[])",
	"SELECT pgml.predict_proba('flat', ARRAY[1,2,3]::real[])",
	"SELECT pgml.predict_batch('fan', array_agg(x ORDER BY a, b)) FROM points WHERE a < 3",
}

// TestLinear: a linear model is SQL whatever the limit, and says the same through PgOwl, around it, and with PgOwl stopped.
func TestLinear(t *testing.T) {
	w := open(t, pgtest.Start(t), 0)
	owl := w.dial(w.owl)
	run(t, owl, `CREATE VIEW v_line AS SELECT x, y FROM points; CREATE VIEW v_updown AS SELECT a, x, up FROM points; CREATE VIEW v_kinds AS SELECT x, a / 7 AS kind FROM points`)
	run(t, owl, `SELECT * FROM pgml.train('flat', 'regression', 'v_line', 'y')`)
	run(t, owl, `SELECT * FROM pgml.train('tilt', 'classification', 'v_updown', 'up')`)
	run(t, owl, `SELECT * FROM pgml.train('fan', 'classification', 'v_kinds', 'kind')`)
	run(t, owl, `SELECT * FROM pgml.train('rest', 'classification', 'v_kinds', 'kind', hyperparams => '{"multi_class": "ovr"}')`)
	run(t, owl, "SET pgowl.lanes = 'call'; SET pgowl.forms = 'off'")
	var want []string
	for _, sql := range linearStatements {
		want = append(want, ask(t, owl, sql))
	}
	// y is a sum of columns, which least squares find.
	if got := ask(t, owl, "SELECT round(max(abs(pgml.predict('flat', x) - y))::numeric, 4) FROM points"); got != "0.0000 " {
		t.Errorf("the largest error is %s", got)
	}
	check := func(where string, answer func(sql string) string) {
		t.Helper()
		for i, sql := range linearStatements {
			if got := answer(sql); got != want[i] && !(strings.Contains(sql, "proba") && close(want[i], got)) {
				t.Errorf("%s: %s\n by the engine %s\n here          %s", where, sql, want[i], got)
			}
		}
	}
	run(t, owl, "SET pgowl.forms = 'on'")
	check("forms on", func(sql string) string { return ask(t, owl, sql) })
	run(t, owl, "RESET pgowl.forms; RESET pgowl.lanes")
	check("by any lane", func(sql string) string { return ask(t, owl, sql) })
	direct := w.dial(w.as(w.alice))
	check("direct", func(sql string) string { return ask(t, direct, sql) })
	w.stop()
	direct = w.dial(w.as(w.alice))
	check("PgOwl stopped", func(sql string) string {
		run(t, direct, "BEGIN READ ONLY")
		defer run(t, direct, "ROLLBACK")
		return ask(t, direct, sql)
	})
}
