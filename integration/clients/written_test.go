package clients

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/integration/child"
)

// written is a suite of ours in another language: a program that prints a line a check, its name, a tab and what came of it.
type written struct {
	name string
	args []string // before URL and kind
	env  []string
}

// run gives the lines of the program. kind is what its third argument may be: plain, pooled or pgml.
func (w written) run(t *testing.T, url, kind string) outcomes {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), w.args[0], append(w.args[1:len(w.args):len(w.args)], url, kind)...)
	cmd.Env = append(child.WithoutPrefix(os.Environ(), "PG"), w.env...)
	var out, messages strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &messages
	err := cmd.Run()
	keep(t, w.name+"-"+kind+"-"+url[strings.LastIndex(url, ":")+1:strings.LastIndex(url, "/")], out.String()+messages.String())
	if err != nil {
		t.Fatalf("%s: %v\n%s\n%s", w.name, err, lastLines(out.String(), 5), lastLines(messages.String(), 30))
	}
	got := outcomes{}
	for line := range strings.Lines(out.String()) {
		name, result, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if _, twice := got[name]; !ok || twice {
			t.Fatalf("%s: a line of no use: %q", w.name, line)
		}
		got[name] = result
	}
	return got
}

// address is a side's URL for a program, with TLS where secure.
func (s side) address(secure bool) string {
	mode := "disable"
	if secure {
		mode = "require"
	}
	return "postgres://postgres:pw@" + s.host + ":" + s.port + "/" + database + "?sslmode=" + mode
}

// compare wants the same lines from both sides, with and without TLS to PgOwl.
func (w written) compare(t *testing.T, r *rig, kind string, atLeast int) {
	t.Helper()
	for _, tls := range []bool{false, true} {
		name := w.name + ", " + kind
		if tls {
			name += ", TLS"
		}
		suite{name: name, atLeast: atLeast, run: func(t *testing.T, to side, _ []string) outcomes {
			t.Helper()
			return w.run(t, to.address(tls), kind)
		}}.compare(t, r)
	}
}

// trained makes the project "suites", whose classifier says whether a > 50, and the table that it comes from.
func trained(t *testing.T, r *rig) {
	t.Helper()
	execute(t, r.through.owl.url, `DROP TABLE IF EXISTS suite_train`,
		`CREATE TABLE suite_train AS SELECT x::real AS a, (x % 7)::real AS b, (x > 50)::int AS y FROM generate_series(1, 100) x`,
		`SELECT * FROM pgml.train('suites', 'classification', 'suite_train', 'y', 'xgboost')`)
}

// pgml wants the program's ML statements to give what is so by their making: 384 numbers, a class for each row, Postgres's codes.
func (w written) pgml(t *testing.T, r *rig, want outcomes) {
	t.Helper()
	for _, tls := range []bool{false, true} {
		trained(t, r)
		got := w.run(t, r.through.address(tls), "pgml")
		for _, name := range (suite{}).differences(want, got) {
			t.Errorf("%s: %s\ngot  %s\nwant %s", w.name, name, orNone(got[name]), orNone(want[name]))
		}
	}
}

// TestNode runs checks of ours through three of Node.js's libraries.
func TestNode(t *testing.T) {
	modules := needClient(t, "CLIENT_NODE_MODULES")
	r := suitesRig(t)
	for library, checks := range map[string]int{"pg": 72, "postgres": 70, "knex": 19} {
		t.Run(library, func(t *testing.T) {
			w := written{name: library, args: []string{"node", testdata(t, "suite.js"), library}, env: []string{"NODE_PATH=" + modules}}
			w.compare(t, r, "plain", checks)
			w.pgml(t, r, outcomes{
				library + ": embed":                 `[384,"-0.037"]`,
				library + ": predict a column":      `[{"a":10,"y":0},{"a":30,"y":0},{"a":50,"y":0},{"a":70,"y":1},{"a":90,"y":1}]`,
				library + ": predict, many at once": `[0,1,0,1]`,
				library + ": a mistake":             `error {"code":"XX000","message":"No deployed model exists for the project named: ` + "`no such project`" + `","severity":"ERROR"}`,
				library + ": after it":              `[{"one":1}]`,
			})
		})
	}
}

// jdbc compiles the checks of pgjdbc.
func jdbc(t *testing.T, jars string) written {
	t.Helper()
	classes := t.TempDir()
	driver := filepath.Join(jars, "postgresql.jar")
	compile := exec.Command("java", "-jar", filepath.Join(jars, "ecj.jar"), "-17", "-nowarn", "-cp", driver, "-d", classes, testdata(t, "Suite.java"))
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return written{name: "pgjdbc", args: []string{"java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", driver + ":" + classes, "Suite"}}
}

// TestJDBC runs checks of ours through pgjdbc.
func TestJDBC(t *testing.T) {
	jars := needClient(t, "CLIENT_JARS")
	r := suitesRig(t)
	w := jdbc(t, jars)
	w.compare(t, r, "plain", 55)
	w.pgml(t, r, outcomes{
		"embed":            `384`,
		"predict a column": `10.0 0.0, 30.0 0.0, 50.0 0.0, 70.0 1.0, 90.0 1.0`,
		"predict, a batch": `0.0 1.0 0.0 1.0 0.0 1.0 0.0 1.0`,
		"a mistake":        "error XX000 ERROR: No deployed model exists for the project named: `no such project` [ERROR null null 0 null null null exec_stmt_raise]",
		"after it":         `1`,
	})
}

// pooledRig is a PgOwl with a transaction pool before the server of the suites, until the test ends.
func pooledRig(t *testing.T) *rig {
	t.Helper()
	users := filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(users, []byte("\"postgres\" \"pw\"\n\"app\" \"pw\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := openRig(t, suitesRig(t).server, "PGOWL_POOL=transaction", "PGOWL_AUTH=users", "PGOWL_USERS="+users)
	t.Cleanup(func() { r.through.owl.process.Stop(limit) })
	r.through.owl.url = r.through.address(false)
	return r
}

// TestPooled wants what a transaction pool may do to come out as it does on the server, from named statements to COPY.
func TestPooled(t *testing.T) {
	modules, jars := needClient(t, "CLIENT_NODE_MODULES"), needClient(t, "CLIENT_JARS")
	r := pooledRig(t)
	for library, checks := range map[string]int{"pg": 60, "postgres": 60} {
		w := written{name: library, args: []string{"node", testdata(t, "suite.js"), library}, env: []string{"NODE_PATH=" + modules}}
		w.compare(t, r, "pooled", checks)
	}
	jdbc(t, jars).compare(t, r, "pooled", 45)
}
