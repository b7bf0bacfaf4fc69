package wire

import "strings"

// stackStatements are statements of the stack in each lane, right and wrong.
var stackStatements = []struct{ name, sql, values, results string }{
	{"fold", "SELECT pgml.predict('line', '{3,4}'::real[])", "", ""},
	{"fold, parameters", "SELECT pgml.predict($1::text, $2::real[]), $3::int", "line {3,4} 7", "rf=1 "},
	{"fold, NULL", "SELECT pgml.predict($1::text, $2::real[])", "line null", ""},
	{"fold, bad value", "SELECT pgml.predict($1::text, $2::real[])", "line {3,x}", ""},
	{"fold, failing", "SELECT pgml.predict('nosuch', '{3,4}'::real[])", "", ""},
	{"fold, server fails", "SELECT pgml.predict('line', '{3,4}'::real[]), 1/g FROM generate_series(0, 1) g", "", ""},
	{"stream", "SELECT id, pgml.predict('line', x), t FROM inputs ORDER BY id", "", ""},
	{"stream, binary", "SELECT id, pgml.predict('line', x), t FROM inputs WHERE id > $1::int ORDER BY id", "2", "rf=1,1,0 "},
	{"stream, nothing", "SELECT pgml.predict('line', x) FROM inputs WHERE false", "", ""},
	{"stream, failing", "SELECT pgml.predict('nosuch', x) FROM inputs", "", ""},
	{"stream, server fails", "SELECT pgml.predict('line', x), 6/(id - 4) FROM inputs ORDER BY id", "", ""},
	{"stream, no such column", "SELECT pgml.predict('line', nosuch) FROM inputs", "", ""},
	{"call", "SELECT id FROM inputs WHERE pgml.predict('line', x) > 10 ORDER BY id", "", ""},
	{"call, failing", "SELECT id FROM inputs WHERE pgml.predict('nosuch', x) > 10", "", ""},
	{"insert", "INSERT INTO kept SELECT pgml.predict('line', x) FROM inputs RETURNING value", "", ""},
	{"insert, failing", "INSERT INTO kept SELECT pgml.predict('nosuch', x) FROM inputs", "", ""},
	{"insert, fold", "INSERT INTO kept VALUES (pgml.predict('line', '{3,4}'::real[]))", "", ""},
	{"copy", "COPY (SELECT id, pgml.predict('line', x) FROM inputs ORDER BY id) TO STDOUT", "", ""},
	{"copy, binary", "COPY (SELECT pgml.predict('line', x) FROM inputs ORDER BY id) TO STDOUT (FORMAT binary)", "", ""},
	{"copy, failing", "COPY (SELECT pgml.predict('nosuch', x) FROM inputs) TO STDOUT", "", ""},
	{"cursor", "DECLARE cu CURSOR FOR SELECT pgml.predict('line', x) FROM inputs ORDER BY id", "", ""},
	{"explain", "EXPLAIN (COSTS OFF) SELECT id FROM inputs WHERE id > 1", "", ""},
}

// stackScripts has each at each place among plain statements, outside of a transaction, in one and in a failed one, by both protocols, in
// portions, and prepared.
func stackScripts() (all []script) {
	const table = "Q CREATE TEMP TABLE kept (value real)\nread Z"
	const after = "Q SELECT count(*) FROM kept\nread Z"
	for _, st := range stackStatements {
		values := " " + st.results + st.values
		for _, block := range []struct{ name, before, after string }{
			{"none", table, after},
			{"begun", table + "\nQ BEGIN\nread Z", after + "\nQ COMMIT\n" + after + " Z"},
			{"failed", table + "\nQ BEGIN\nQ SELECT 1/0\nread Z Z", "Q ROLLBACK\n" + after + " Z"},
			{"in the pipeline", table + "\nP - BEGIN\nB - -\nE -", "P - ROLLBACK\nB - -\nE -\nS\nread Z\n" + after},
			{"savepoint", table + "\nQ BEGIN; SAVEPOINT mine\nread Z", "Q ROLLBACK TO mine\nQ SELECT 'on'\nQ COMMIT\n" + after + " Z Z Z"},
		} {
			add := func(kind, lines string) {
				all = append(all, scriptOf("stack/%s/%s/%s", join(block.before, lines, block.after), st.name, block.name, kind))
			}
			ours := "P - " + st.sql + "\nB - -" + values + "\nD P -\nE -"
			for place := range 3 {
				var steps []string
				for n := range 3 {
					if n == place {
						steps = append(steps, ours)
					}
					steps = append(steps, unit(n))
				}
				add(string(rune('0'+place)), join(strings.Join(steps, "\n"), "S", "read Z"))
			}
			add("portions", join("P st "+st.sql, "D S st", "B po st"+values, "E po 2", unit(0), "E po 1", "D P po", "E po", "S", "read Z"))
			add("prepared", join("P st "+st.sql, "S", "read Z", "B - st"+values, "E -", "B - st"+values, "D P -", "E -", "S", "B - st"+values, "E -", "C S st", "S", "read Z Z"))
			add("behind a failure", join("P st "+st.sql, "P - SELECT 1/0", "B - -", "E -", ours, "B - st"+values, "S", "read Z"))
			add("flushed", join(ours, "H", unit(1), "H", "S", "read Z"))
			if st.values == "" && block.name != "in the pipeline" {
				add("simple", join("Q "+st.sql, "read Z"))
				add("first of a text", join("Q "+st.sql+"; SELECT 2", "read Z"))
				add("last of a text", join("Q SELECT 1; INSERT INTO kept VALUES (1); "+st.sql, "read Z"))
				add("before a failure", join("Q "+st.sql+"; SELECT 1/0; SELECT 3", "read Z"))
				add("pipelined", join("Q SELECT 1", "Q "+st.sql, unit(1), "S", "Q "+st.sql, "read Z Z Z Z"))
			}
		}
	}
	return all
}
