package texts

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/pgowl/pgowl/exec"
)

// TestSettings: PostgresML's settings can be shown, set and taken back, in every protocol, with the names and tags of SHOW.
func TestSettings(t *testing.T) {
	owl, straight := connect(t, exec.Options{})
	show := func(name, want string) {
		t.Helper()
		for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeSimpleProtocol, pgx.QueryExecModeCacheStatement, pgx.QueryExecModeExec, pgx.QueryExecModeDescribeExec} {
			rows, err := owl.Query(t.Context(), "SHOW "+name, mode)
			if err != nil {
				t.Fatal(err)
			}
			got := "no row"
			for rows.Next() {
				if err := rows.Scan(&got); err != nil {
					t.Error(err)
				}
			}
			column := ""
			if f := rows.FieldDescriptions(); len(f) == 1 {
				column = f[0].Name
			}
			if got != want || rows.Err() != nil || column != "pgml.huggingface_whitelist" && want == "" || rows.CommandTag().String() != "SHOW" {
				t.Errorf("%v: %s: %q of %q, %v, %v; want %q", mode, name, got, column, rows.CommandTag(), rows.Err(), want)
			}
		}
	}
	show("pgml.huggingface_whitelist", "")
	show(`PGML."huggingface_whitelist"`, "")
	show("pgml.huggingface_trust_remote_code", "off")
	show("pgml.omp_num_threads", "1")
	run(t, owl, `SET pgml.huggingface_whitelist = 'a/b, c'`)
	show("pgml.huggingface_whitelist", "a/b, c")
	run(t, owl, `BEGIN; SET LOCAL pgml.huggingface_whitelist TO 'x'`)
	show("pgml.huggingface_whitelist", "x")
	run(t, owl, `ROLLBACK`)
	show("pgml.huggingface_whitelist", "a/b, c")
	run(t, owl, `RESET pgml.huggingface_whitelist`)
	show("pgml.huggingface_whitelist", "")
	var name string
	if err := straight.QueryRow(t.Context(), `SELECT current_database()`).Scan(&name); err != nil {
		t.Fatal(err)
	}
	run(t, straight, `ALTER DATABASE `+name+` SET pgml.huggingface_whitelist = 'of/the-database'`)
	if _, err := owl.Exec(t.Context(), `SHOW pgml.nonsense`); err == nil {
		t.Error("SHOW of what is no setting")
	}
}
