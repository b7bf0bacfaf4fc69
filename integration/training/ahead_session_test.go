package training

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pgowl/pgowl/proxy"
	"github.com/pgowl/pgowl/proxy/pool"
)

const small = `, 'y', 'xgboost', '{"n_estimators": 1}', test_sampling => 'last')`

// TestReadAheadIsSeen tells by what the server is asked whether a relation is read ahead.
func TestReadAheadIsSeen(t *testing.T) {
	w := open(t)
	w.run(relations)
	train := func(project string) string {
		return `SELECT deployed FROM pgml.train('` + project + `', 'classification', 'watched'` + small
	}
	read := func(by string) {
		t.Helper()
		if !w.told("NOTICE: reading by " + by) {
			t.Errorf("not read by %s: %q", by, w.said)
		}
	}
	w.want(train("a"), "t")
	read("COPY")
	if got := w.askInBlock(train("b1")); got != "t" {
		t.Error(got)
	}
	read("COPY")
	if got := w.askExtended(train("c1")); got != "t" {
		t.Error(got)
	}
	read("COPY")
	if got := w.askPrepared(train("d1")); got != "t" {
		t.Error(got)
	}
	read("COPY")
	w.want(`SELECT pgml.train('e', 'classification', 'watched'`+small, "(e,classification,xgboost,t)")
	read("COPY")
	w.want(`SELECT deployed FROM pgml.train_joint('f', 'regression', 'watched', '{y,b}', 'xgboost', '{"n_estimators": 1}')`, "t")
	read("COPY")
	// Not where something stands between the statement and the call.
	w.want(`SELECT deployed FROM pgml.train('g', 'classification', 'watch' || 'ed'`+small, "t")
	read("SELECT")
	w.want(`DO $$ BEGIN PERFORM pgml.train('h', 'classification', 'watched'`+small+`; END $$`, "")
	read("DO")
	w.want("SET pgowl.lanes = 'call'", "")
	w.want(train("i"), "t")
	read("SELECT")
	w.want("RESET pgowl.lanes", "")
	// Nor where the statement fails before it would read.
	for _, refused := range []string{
		`SELECT * FROM pgml.train('a', 'regression', 'watched'` + small,
		`SELECT * FROM pgml.train('new', NULL, 'watched'` + small,
		`SELECT * FROM pgml.train('new', 'classification', 'watched', 'y', 'xgboost', search_params => '{"max_depth": 1}', search => 'grid')`,
		`SELECT none FROM pgml.train('new', 'classification', 'watched'` + small,
	} {
		if answer := w.ask(refused); w.told("NOTICE: reading") || len(answer) < 6 || answer[5] != ' ' {
			t.Errorf("%s: %s, said %q", refused, answer, w.said)
		}
	}
	// What chance or a sequence decides is decided once.
	w.run("CREATE TABLE before AS SELECT last_value FROM drawn")
	w.want(`SELECT deployed FROM pgml.train('j', 'classification', 'lottery'`+small, "t")
	w.want(`SELECT last_value FROM drawn`, "5000")
	// A relation may call us itself.
	w.run("CREATE VIEW scored AS SELECT pgml.predict('a', ARRAY[a, b]) + a AS a, saying(a) AS b, y FROM numbers WHERE a < 1000; GRANT SELECT ON scored TO PUBLIC")
	w.want(`SELECT deployed FROM pgml.train('l', 'classification', 'scored'`+small, "t")
	read("COPY")
	// Who may train and nothing else reads as before.
	w.run("REVOKE EXECUTE ON FUNCTION pgml.train_arguments(text,text,text,text,pgml.algorithm,jsonb,pgml.search,jsonb,jsonb,real,pgml.sampling,pgml.runtime,boolean,boolean,jsonb,text,text,text,text) FROM PUBLIC")
	w.want(train("m"), "t")
	read("SELECT")
	w.run("REVOKE EXECUTE ON FUNCTION pgml.train(text,text,text,text,pgml.algorithm,jsonb,pgml.search,jsonb,jsonb,real,pgml.sampling,pgml.runtime,boolean,boolean,jsonb,text,text,text,text) FROM PUBLIC")
	w.want(train("k"), "42501 permission denied for function train")
	if w.told("NOTICE: reading") {
		t.Error("read for a role that may not train")
	}
}

// TestReadAheadInTransactions reads what the transaction sees, and leaves it as the statement would.
func TestReadAheadInTransactions(t *testing.T) {
	w := open(t)
	w.run(relations)
	rows := func(n int) {
		t.Helper()
		if !w.told(fmt.Sprintf("INFO: Dataset { num_features: 1, num_labels: 1, num_distinct_labels: 2, num_rows: %d,", n)) {
			t.Errorf("not %d rows: %q", n, w.said)
		}
	}
	const train = `SELECT deployed FROM pgml.train('p', 'classification', 'mine.fresh'` + small
	for _, level := range []string{"READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"} {
		w.want("BEGIN ISOLATION LEVEL "+level, "")
		w.want("CREATE TABLE mine.fresh AS SELECT i::real AS a, i % 2 AS y FROM generate_series(1, 70) i", "")
		w.want(train, "t")
		rows(70)
		w.want("INSERT INTO mine.fresh VALUES (1, 1), (2, 0)", "")
		if got := w.askExtended(strings.Replace(train, "'p'", "'p1'", 1)); got != "t" {
			t.Error(got)
		}
		rows(72)
		w.want("SAVEPOINT s", "")
		w.want("UPDATE mine.fresh SET y = NULL WHERE a = 5", "")
		w.want(train, `XX000 The training data labels in "y" contain 1 NULL values.`)
		w.want(train, "25P02 current transaction is aborted, commands ignored until end of transaction block")
		w.want("ROLLBACK TO s", "")
		w.want(train, "t")
		rows(72)
		w.want("ROLLBACK", "")
		w.want(`SELECT pgml.predict('p', ARRAY[1])`, "XX000 No deployed model exists for the project named: `p`")
	}
	w.want("CREATE TABLE mine.fresh AS SELECT i::real AS a, i % 2 AS y FROM generate_series(1, 50) i", "")
	w.want("SET default_transaction_read_only = on; SET pgowl.lanes = 'call'", "")
	w.want(train, "25006 cannot execute SELECT in a read-only transaction")
	w.want("RESET pgowl.lanes", "")
	w.want(train, "25006 cannot execute SELECT in a read-only transaction")
	w.want("RESET default_transaction_read_only", "")
	w.want("SET statement_timeout = '200ms'", "")
	w.run("CREATE VIEW slow AS SELECT a, y FROM numbers, LATERAL (SELECT pg_sleep(a * 0 + 0.01)) s; GRANT SELECT ON slow TO PUBLIC")
	w.want(strings.Replace(train, "mine.fresh", "slow", 1), "57014 canceling statement due to statement timeout")
	w.want("RESET statement_timeout", "")
	w.want(train, "t")
	rows(50)

	// One after the other without a Sync between them: each reads for itself.
	pipeline := w.alice.PgConn().StartPipeline(t.Context())
	w.said = nil
	for range 2 {
		pipeline.SendQueryParams(train, nil, nil, nil, nil)
		pipeline.SendQueryParams("INSERT INTO mine.fresh VALUES (3, 1)", nil, nil, nil, nil)
	}
	if err := pipeline.Sync(); err != nil {
		t.Fatal(err)
	}
	if err := pipeline.Close(); err != nil {
		t.Fatal(err)
	}
	rows(51)
	rows(50)
}

// TestReadAheadCanBeStopped ends a COPY that would take minutes by a cancel request, by the end of the client, and by the end of the backend.
func TestReadAheadCanBeStopped(t *testing.T) {
	w := open(t)
	w.run(relations + `; CREATE VIEW slow AS SELECT a, y FROM numbers, LATERAL (SELECT pg_sleep(a * 0 + 0.1)) s; GRANT SELECT ON slow TO PUBLIC`)
	const train = `SELECT deployed FROM pgml.train('p', 'classification', 'slow'` + small
	// copying waits until the session reads, and gives its backend.
	copying := func(c *pgx.Conn) (pid int) {
		t.Helper()
		w.wait("a COPY", "SELECT pid FROM pg_stat_activity WHERE query LIKE 'COPY (SELECT%' AND state = 'active'", &pid)
		return pid
	}
	over := func(pid int) {
		t.Helper()
		var none int
		w.wait("the end of the COPY", fmt.Sprintf("SELECT 1 WHERE NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = %d AND state = 'active' AND query LIKE 'COPY%%')", pid), &none)
	}
	for i, ask := range []func(string) string{w.ask, w.askInBlock, w.askExtended} {
		text := strings.Replace(train, "'p'", "'p1'", 1)
		done := make(chan string)
		go func() { done <- ask(text) }()
		pid := copying(w.alice)
		if i == 0 { // for long enough that it is told how far it is
			w.wait("a long COPY", "SELECT pid FROM pg_stat_activity WHERE query LIKE 'COPY (SELECT%' AND state = 'active' AND clock_timestamp() > query_start + interval '5.5 s'", &pid)
		}
		if err := w.alice.PgConn().CancelRequest(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := <-done; got != "57014 canceling statement due to user request" {
			t.Error(got)
		}
		if i == 0 && !w.told(`NOTICE: Reading "public"."slow": `) {
			t.Errorf("said %q", w.said)
		}
		over(pid)
		w.want("SELECT 1", "1")
	}
	// The client goes away without a word.
	gone := w.dial(w.owl)
	socket := gone.PgConn().Conn().(*net.TCPConn)
	go gone.PgConn().Exec(context.Background(), train).ReadAll()
	pid := copying(gone)
	socket.SetLinger(0)
	socket.Close()
	over(pid)
	// The backend does.
	done := make(chan string)
	hit := w.dial(w.owl)
	go func() {
		_, err := hit.PgConn().Exec(context.Background(), train).ReadAll()
		done <- fmt.Sprint(err)
	}()
	pid = copying(hit)
	w.run(fmt.Sprintf("SELECT pg_terminate_backend(%d)", pid))
	if got := <-done; !strings.Contains(got, "57P01") {
		t.Error(got)
	}
	w.want(`SELECT deployed FROM pgml.train('p', 'classification', 'numbers'`+small, "t")
}

// TestReadAheadFromPools reads on connections that the pool lends.
func TestReadAheadFromPools(t *testing.T) {
	for _, mode := range []pool.Mode{pool.Session, pool.Transaction} {
		w := openWith(t, proxy.Options{Pool: pool.Options{Mode: mode, Size: 2}})
		w.run(relations + `; CREATE VIEW slow AS SELECT a, y FROM numbers, LATERAL (SELECT pg_sleep(a * 0 + 0.1)) s; GRANT SELECT ON slow TO PUBLIC`)
		const train = `SELECT deployed FROM pgml.train('p1', 'classification', 'watched'` + small
		for range 3 {
			for _, ask := range []func(string) string{w.ask, w.askInBlock, w.askExtended, w.askPrepared} {
				if got := ask(train); len(got) != 1 || !w.told("NOTICE: reading by COPY") {
					t.Errorf("%s: %s, said %q", mode, got, w.said)
				}
			}
		}
		w.want(`SELECT deployed FROM pgml.train('p2', 'classification', 'broken'`+small, "22012 division by zero")
		done := make(chan string)
		go func() { done <- w.ask(`SELECT deployed FROM pgml.train('p2', 'classification', 'slow'` + small) }()
		var pid int
		w.wait("a COPY", "SELECT pid FROM pg_stat_activity WHERE query LIKE 'COPY (SELECT%' AND state = 'active'", &pid)
		if err := w.alice.PgConn().CancelRequest(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := <-done; got != "57014 canceling statement due to user request" {
			t.Errorf("%s: %s", mode, got)
		}
		w.want("SELECT 1", "1")
	}
}

// wait asks until there is a row.
func (w *world) wait(what, sql string, to any) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute) // only a hang takes that long
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for w.super.QueryRow(ctx, sql).Scan(to) != nil {
		select {
		case <-tick.C:
		case <-ctx.Done():
			w.t.Fatalf("no %s", what)
		}
	}
}

// TestReadAheadReadsTextsAsTheyWereMeant changes how the session reads texts between Parse and Execute.
func TestReadAheadReadsTextsAsTheyWereMeant(t *testing.T) {
	w := open(t)
	w.run(relations + `; CREATE TABLE odds AS SELECT i::real AS "größe", i % 2 AS y FROM generate_series(1, 100) i; GRANT SELECT ON odds TO PUBLIC`)
	for i, set := range []string{"client_encoding = 'LATIN1'", "standard_conforming_strings = off"} {
		name := fmt.Sprint("s", i)
		sql := `SELECT deployed FROM pgml.train('p\', 'classification', $1` + small
		if _, err := w.alice.PgConn().Prepare(t.Context(), name, sql, nil); err != nil {
			t.Fatal(err)
		}
		// Also where the server has not said so yet, as it does at a Sync.
		pipeline := w.alice.PgConn().StartPipeline(t.Context())
		pipeline.SendQueryParams("SET "+set, nil, nil, nil, nil)
		pipeline.SendQueryPrepared(name, [][]byte{[]byte("odds")}, nil, nil)
		if err := pipeline.Sync(); err != nil {
			t.Fatal(err)
		}
		if err := pipeline.Close(); err != nil {
			t.Errorf("%s, pipeline: %v", set, err)
		}
		r := w.alice.PgConn().ExecPrepared(t.Context(), name, [][]byte{[]byte("odds")}, nil, nil).Read()
		if got := w.answer(sql, []*pgconn.Result{r}, r.Err); len(got) != 1 {
			t.Errorf("%s: %s", set, got)
		}
		w.want("RESET "+strings.Fields(set)[0], "")
	}
}

// TestReadAheadEndsTheUnnamedStatement as any simple query does.
func TestReadAheadEndsTheUnnamedStatement(t *testing.T) {
	w := open(t)
	w.run(relations)
	if _, err := w.alice.PgConn().Prepare(t.Context(), "", "SELECT 7", nil); err != nil {
		t.Fatal(err)
	}
	w.want(`SELECT deployed FROM pgml.train('p', 'classification', 'numbers'`+small, "t")
	r := w.alice.PgConn().ExecPrepared(t.Context(), "", nil, nil, nil).Read()
	if got := w.answer("", []*pgconn.Result{r}, r.Err); got != "26000 unnamed prepared statement does not exist" {
		t.Error(got)
	}
}
