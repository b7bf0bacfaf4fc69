package ops

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/pgowl/pgowl/integration/pgtest"
)

// metric reads one value of /metrics, by its name with labels.
func metric(t *testing.T, o *owl, name string) float64 {
	t.Helper()
	_, body := get("http://" + o.http + "/metrics")
	for line := range strings.SplitSeq(body, "\n") {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			v, err := strconv.ParseFloat(rest, 64)
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			return v
		}
	}
	t.Fatalf("no %s in\n%s", name, body)
	return 0
}

func TestMetrics(t *testing.T) {
	url := pgtest.Start(t).Database(t)
	for _, driver := range drivers {
		t.Run(driver, func(t *testing.T) {
			o := launch(t, url, "PGOWL_DRIVER="+driver)
			owl := through(url, o.sql)
			idle, inside := connect(t, owl), connect(t, owl)
			one(t, idle, "SELECT repeat('x', 10000)")
			for range 9 {
				one(t, idle, "SELECT 1")
			}
			if _, err := try(idle, "SELECT 1/0"); code(err) != "22012" {
				t.Fatal(err)
			}
			one(t, inside, "BEGIN")
			for name, want := range map[string]float64{
				`pgowl_sessions{state="idle"}`:                        1,
				`pgowl_sessions{state="idle in transaction"}`:         1,
				`pgowl_sessions{state="active"}`:                      0,
				`pgowl_connections_total`:                             2,
				`pgowl_statements_total{lane="pass"}`:                 12,
				`pgowl_statement_duration_seconds_count{lane="pass"}`: 12,
				`pgowl_statements_total{lane="stream"}`:               0,
				`pgowl_errors_total{sqlstate="22012"}`:                1,
				`pgowl_upstream_up{host="` + hostOf(t, url) + `"}`:    1,
			} {
				if got := metric(t, o, name); got != want {
					t.Errorf("%s: got %v, want %v", name, got, want)
				}
			}
			if got := metric(t, o, `pgowl_bytes_total{direction="from_server"}`); got < 10000 || got > 20000 {
				t.Errorf("bytes from the server: %v", got)
			}
			sum := metric(t, o, `pgowl_bytes_total{direction="from_client"}`)
			idle.Close(context.Background())
			inside.Close(context.Background())
			// Nothing goes down when sessions end.
			if got := metric(t, o, `pgowl_bytes_total{direction="from_client"}`); got < sum {
				t.Errorf("bytes from clients: %v, before %v", got, sum)
			}
		})
	}
}

// A statement counts each time that it is executed, in its lane, also a plain one while one of ours is prepared.
func TestStatementsByLane(t *testing.T) {
	url := pgtest.Start(t).Database(t)
	o := launch(t, url, "PGOWL_SERVICE="+url)
	conn, ctx := connect(t, through(url, o.sql)), context.Background()
	const extension, call = "CREATE EXTENSION IF NOT EXISTS pgml", "SELECT 'pgml.embed'"
	if _, err := conn.Prepare(ctx, "e", extension); err != nil {
		t.Fatal(err)
	}
	lane := func(name string) float64 { return metric(t, o, `pgowl_statements_total{lane="`+name+`"}`) }
	if got := lane("extension"); got != 0 {
		t.Errorf("a Parse counts as %v statements", got)
	}
	pass := lane("pass")
	run := func(sql string, args ...any) {
		t.Helper()
		if _, err := conn.Exec(ctx, sql, args...); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		run("e")
	}
	run(extension, pgx.QueryExecModeSimpleProtocol)
	for range 50 {
		run("SELECT 1", pgx.QueryExecModeExec)
	}
	run(call, pgx.QueryExecModeExec)
	run(call, pgx.QueryExecModeSimpleProtocol)
	for name, want := range map[string]float64{"extension": 4, "call": 2, "fold": 0, "stream": 0} {
		if got := lane(name); got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	if got := lane("pass") - pass; got < 50 { // PgOwl's own sessions count, too
		t.Errorf("pass: got %v, want 50", got)
	}
	if got := metric(t, o, `pgowl_statement_duration_seconds_count{lane="extension"}`); got != 5 { // the Parse is one
		t.Errorf("durations of lane extension: got %v, want 5", got)
	}
	if got := metric(t, o, `pgowl_engine_mailboxes{state="idle"}`); got != 1 {
		t.Errorf("mailboxes: got %v, want 1", got)
	}
}

func hostOf(t *testing.T, url string) string {
	t.Helper()
	c, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	return c.Host + ":" + strconv.Itoa(int(c.Port))
}

// The log of a session names who it was, and no password, key or value, whatever happens.
func TestLogHoldsNoSecrets(t *testing.T) {
	server := pgtest.Start(t, pgtest.Password("p4ssw0rd-one"))
	url := strings.Replace(server.URL("postgres"), "postgres@", "postgres:p4ssw0rd-one@", 1)
	o := launch(t, url, "PGOWL_LOG_LEVEL=debug", "PGOWL_LOG_CONNECTIONS=on", "PGOWL_SERVICE="+url)
	named := func(c *pgx.ConnConfig) { c.RuntimeParams["application_name"] = "till" }
	conn := connect(t, through(url, o.sql), named)
	ctx := context.Background()
	var text string
	if err := conn.QueryRow(ctx, "SELECT $1::text || 'literal-s3cret'", pgx.QueryExecModeCacheStatement, "parameter-s3cret").Scan(&text); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{"SELECT 'literal-s3cret'::int", "SELECT pgml.embed('no-such-model-s3cret', 'literal-s3cret')", "ALTER ROLE postgres PASSWORD 'p4ssw0rd-one'"} {
		try(conn, sql)
	}
	if _, err := dial(t, strings.Replace(through(url, o.sql), "p4ssw0rd-one", "p4ssw0rd-wrong", 1), named); code(err) != "28P01" {
		t.Errorf("a wrong password: got %v", err)
	}
	conn.Close(ctx)
	ended := o.logged(t, "connection ended", 2)
	authorized := o.logged(t, "connection authorized", 1)[0]
	for name, want := range map[string]string{"user": "postgres", "database": "postgres", "application": "till", "level": "info"} {
		if authorized[name] != want {
			t.Errorf("%s: got %v, want %s", name, authorized[name], want)
		}
	}
	if authorized["session"] == "" || !strings.HasPrefix(authorized["client"].(string), "127.0.0.1:") {
		t.Errorf("got %v", authorized)
	}
	for _, e := range ended {
		if e["reason"] == "" || e["duration"] == nil {
			t.Errorf("got %v", e)
		}
	}
	for _, secret := range []string{"p4ssw0rd", "s3cret", "SCRAM-SHA-256$"} {
		if log := o.log(); strings.Contains(log, secret) {
			t.Errorf("%s is in the log:\n%s", secret, log)
		}
	}
}
