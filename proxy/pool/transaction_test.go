package pool

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pgowl/pgowl/integration/pgtest"
)

const backend = "SELECT pg_backend_pid()::text"

func TestTransactionsShareAServerConnection(t *testing.T) {
	server := pgtest.Start(t)
	db := server.Database(t)
	b := newBench(t, server, Options{Mode: Transaction, Size: 1})
	one, two := b.connect(db), b.connect(db)
	if a, b := value(t, one, backend), value(t, two, backend); a != b {
		t.Errorf("two server processes: %s, %s", a, b)
	}
	exec(t, one, "BEGIN")
	got := make(chan string)
	go func() { got <- value(t, two, "SELECT 'two'") }()
	until(t, func() bool { return !(b.pool.Stats().Waiting == 0) })
	if v := value(t, one, "SELECT 'one'"); v != "one" {
		t.Errorf("inside a transaction: %s", v)
	}
	exec(t, one, "COMMIT")
	if v := <-got; v != "two" {
		t.Errorf("after the other's transaction: %s", v)
	}
	if st := b.pool.Stats(); st.Opened != 1 || st.Pins != 0 {
		t.Errorf("%+v", st)
	}
}

func TestNamedStatementsMove(t *testing.T) {
	server := pgtest.Start(t)
	db := server.Database(t)
	b := newBench(t, server, Options{Mode: Transaction, Size: 2})
	one, two := b.connect(db), b.connect(db)
	ctx := context.Background()
	prepare := func(conn *pgx.Conn, name, sql string) error {
		_, err := conn.PgConn().Prepare(ctx, name, sql, nil)
		return err
	}
	run := func(conn *pgx.Conn, name string, args ...string) (string, error) {
		var values [][]byte
		for _, a := range args {
			values = append(values, []byte(a))
		}
		r := conn.PgConn().ExecPrepared(ctx, name, values, nil, nil).Read()
		if r.Err != nil {
			return "", r.Err
		}
		return string(r.Rows[0][0]), nil
	}
	want := func(got string, err error, want string) {
		t.Helper()
		if err != nil || got != want {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
	if err := prepare(one, "s", "SELECT 'one ' || $1::text"); err != nil {
		t.Fatal(err)
	}
	if err := prepare(two, "s", "SELECT 'two ' || $1::text"); err != nil {
		t.Fatal(err)
	}
	// The first server connection is kept busy, so that the statement runs on another one than it was prepared on.
	for range 3 {
		exec(t, two, "BEGIN")
		got, err := run(one, "s", "x")
		want(got, err, "one x")
		got, err = run(two, "s", "y")
		want(got, err, "two y")
		exec(t, two, "COMMIT")
		exec(t, one, "BEGIN")
		got, err = run(two, "s", "z")
		want(got, err, "two z")
		exec(t, one, "COMMIT")
	}
	// Errors tell the client's name, never the pool's.
	_, err := run(one, "s", "x", "y")
	wantError(t, err, "08P01", `bind message supplies 2 parameters, but prepared statement "s" requires 1`)
	wantError(t, prepare(one, "s", "SELECT 1"), "42P05", `prepared statement "s" already exists`)
	wantError(t, prepare(one, "s", "SELECT FROM FROM"), "42601", `syntax error at or near "FROM"`)
	wantError(t, prepare(one, "bad", "SELECT * FROM nowhere"), "42P01", `relation "nowhere" does not exist`)
	_, err = run(one, "bad")
	wantError(t, err, "26000", `prepared statement "bad" does not exist`)
	// By SQL.
	exec(t, one, "EXECUTE s('q')", "DEALLOCATE s")
	_, err = run(one, "s", "x")
	wantError(t, err, "26000", `prepared statement "s" does not exist`)
	got, err := run(two, "s", "x")
	want(got, err, "two x")
	exec(t, two, "DISCARD ALL")
	_, err = run(two, "s", "x")
	wantError(t, err, "26000", `prepared statement "s" does not exist`)
	if err := prepare(two, "s", "SELECT 'new ' || $1::text"); err != nil {
		t.Fatal(err)
	}
	got, err = run(two, "s", "x")
	want(got, err, "new x")
	if st := b.pool.Stats(); st.Pins != 0 {
		t.Errorf("a session was kept: %+v", st)
	}
}

func wantError(t *testing.T, err error, code, message string) {
	t.Helper()
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != code || pg.Message != message {
		t.Errorf("got %v, want %s (SQLSTATE %s)", err, message, code)
	}
}

// A statement whose table has gone is refused in the place of its Bind, in the server's words.
func TestPreparedAgainOnAChangedTable(t *testing.T) {
	server := pgtest.Start(t)
	db := server.Database(t)
	b := newBench(t, server, Options{Mode: Transaction, Size: 2})
	one, two := b.connect(db), b.connect(db)
	exec(t, one, "CREATE TABLE t (a int)")
	ctx := context.Background()
	if _, err := one.PgConn().Prepare(ctx, "s", "SELECT * FROM t", nil); err != nil {
		t.Fatal(err)
	}
	exec(t, two, "BEGIN") // takes the server connection that knows the statement
	exec(t, one, "DROP TABLE t")
	wantError(t, one.PgConn().ExecPrepared(ctx, "s", nil, nil, nil).Read().Err, "42P01", `relation "t" does not exist`)
	exec(t, one, "CREATE TABLE t (b text, c int)", "INSERT INTO t VALUES ('x', 1)")
	r := one.PgConn().ExecPrepared(ctx, "s", nil, nil, nil).Read()
	if r.Err != nil || len(r.Rows) != 1 || len(r.Rows[0]) != 2 {
		t.Errorf("got %v, %v", r.Rows, r.Err)
	}
	exec(t, two, "ROLLBACK")
}

func TestSettingsFollow(t *testing.T) {
	server := pgtest.Start(t)
	db := server.Database(t)
	b := newBench(t, server, Options{Mode: Transaction, Size: 1})
	one := b.connect(db, "application_name", "one", "TimeZone", "Europe/Berlin")
	two := b.connect(db, "application_name", "two", "TimeZone", "Europe/Berlin")
	three := b.connect(db, "application_name", "three", "DateStyle", "German", "options", "-c work_mem=7MB")
	exec(t, one, "SET DateStyle = 'SQL, DMY'", "BEGIN", "SET TimeZone = 'UTC'", "ROLLBACK", `SET application_name = 'it''s \ "one"'`)
	for range 2 {
		for _, c := range []struct {
			conn *pgx.Conn
			want string
		}{
			{one, `it's \ "one" SQL, DMY Europe/Berlin 4MB`},
			{two, `two ISO, MDY Europe/Berlin 4MB`},
			{three, `three German, DMY ` + value(t, three, "SHOW TimeZone") + ` 7MB`},
		} {
			got := value(t, c.conn, "SELECT current_setting('application_name') || ' ' || current_setting('DateStyle') || ' ' || current_setting('TimeZone') || ' ' || current_setting('work_mem')")
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		}
	}
	if got := three.PgConn().ParameterStatus("application_name"); got != "three" {
		t.Errorf("application_name as told at the start: %s", got)
	}
	if st := b.pool.Stats(); st.Pins != 0 {
		t.Errorf("a session was kept: %+v", st)
	}
}

// What stays with a server connection keeps it: the session works as it would alone, and nobody else sees any of it.
func TestPinned(t *testing.T) {
	server := pgtest.Start(t)
	db := server.Database(t)
	for _, c := range []struct {
		name, sql, look, want string
	}{
		{"setting", "SET work_mem = '9MB'", "SHOW work_mem", "9MB"},
		{"custom setting", "SET my.own = 'mine'", "SHOW my.own", "mine"},
		{"set_config", "SELECT set_config('work_mem', '9MB', false)", "SHOW work_mem", "9MB"},
		{"temporary table", "CREATE TEMP TABLE t AS SELECT 5 AS a", "SELECT a::text FROM t", "5"},
		{"in pg_temp", "CREATE TABLE pg_temp.t AS SELECT 5 AS a", "SELECT a::text FROM t", "5"},
		{"selected into", "SELECT 5 AS a INTO TEMPORARY t", "SELECT a::text FROM t", "5"},
		{"listen", "LISTEN news", "SELECT pg_listening_channels()", "news"},
		{"advisory lock", "SELECT pg_advisory_lock(7)", "SELECT pg_advisory_unlock(7)::text", "true"},
		{"cursor", "BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT 'held'; COMMIT", "FETCH c", "held"},
		{"prepared by SQL", "PREPARE p AS SELECT 'p'", "EXECUTE p", "p"},
		{"role", "SET ROLE pg_monitor", "SELECT current_user::text", "pg_monitor"},
		{"authorization", "SET SESSION AUTHORIZATION pg_monitor", "SELECT session_user::text", "pg_monitor"},
		{"characteristics", "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", "SHOW transaction_read_only", "on"},
		{"block", "DO $$ BEGIN EXECUTE 'CREATE TEMP TABLE t AS SELECT 5 AS a'; END $$", "SELECT a::text FROM t", "5"},
		{"in a row", "SELECT 1; SELECT 2; SET work_mem = '9MB'; SELECT 3", "SHOW work_mem", "9MB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, server, Options{Mode: Transaction, Size: 2})
			one, two := b.connect(db), b.connect(db)
			value(t, two, "SELECT 'warm'")
			before := state(t, two)
			exec(t, one, c.sql)
			for range 3 {
				if got := state(t, two); got != before {
					t.Errorf("the other session sees\n%s\nwant\n%s", got, before)
				}
			}
			if got := simple(t, one, c.look); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if st := b.pool.Stats(); st.Pins != 1 {
				t.Errorf("%+v", st)
			}
			end(one)
			until(t, func() bool { return !(b.pool.Stats().Idle < 2) })
			exec(t, two, "BEGIN")
			three := b.connect(db)
			if got := state(t, three); got != before {
				t.Errorf("the next session sees\n%s\nwant\n%s", got, before)
			}
			exec(t, two, "COMMIT")
		})
	}
}

// simple runs a simple query and gives its first value.
func simple(t *testing.T, conn *pgx.Conn, sql string) string {
	t.Helper()
	r, err := conn.PgConn().Exec(context.Background(), sql).ReadAll()
	if err != nil || len(r) == 0 || len(r[0].Rows) == 0 {
		t.Fatalf("%s: %v", sql, err)
	}
	return string(r[0].Rows[0][0])
}

// state is what a session can see of what others may have left in it.
func state(t *testing.T, conn *pgx.Conn) string {
	t.Helper()
	return simple(t, conn, `SELECT concat_ws(E'\n',
		(SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings WHERE source IN ('session', 'client', 'override') AND name <> 'application_name'),
		'locks ' || (SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'),
		'prepared ' || (SELECT count(*) FROM pg_prepared_statements WHERE name NOT LIKE 'pgowl%'),
		'channels ' || (SELECT count(*) FROM pg_listening_channels()),
		'cursors ' || (SELECT count(*) FROM pg_cursors WHERE is_holdable),
		'temporary ' || (SELECT count(*) FROM pg_class WHERE relnamespace = pg_my_temp_schema()),
		'roles ' || session_user || ' ' || current_user, current_setting('my.own', true))`)
}

// A block that only touches tables keeps nothing; what is local to a transaction doesn't, either.
func TestNotPinned(t *testing.T) {
	server := pgtest.Start(t)
	db := server.Database(t)
	b := newBench(t, server, Options{Mode: Transaction, Size: 1})
	one, two := b.connect(db), b.connect(db)
	exec(t, one, "CREATE TABLE t (temp int, listen text)", "INSERT INTO t VALUES (1, 'set role x; LISTEN y'); UPDATE t SET temp = 2 -- SET work_mem = 1",
		"BEGIN; SET LOCAL work_mem = '9MB'; SELECT set_config('work_mem', '8MB', true); SET TRANSACTION READ ONLY; COMMIT",
		"BEGIN; SELECT pg_advisory_xact_lock(1); COMMIT", "SELECT temp FROM t", "DO $$ BEGIN PERFORM 1; END $$", "RESET ALL", "NOTIFY x",
		"BEGIN; DECLARE c CURSOR FOR SELECT 1; FETCH c; COMMIT", "UNLISTEN *", `SET TimeZone = 'UTC'; SET TIME ZONE 'UTC'; SET NAMES 'UTF8'`)
	if got := value(t, two, "SHOW work_mem"); got != "4MB" {
		t.Errorf("work_mem of the other session: %s", got)
	}
	if st := b.pool.Stats(); st.Pins != 0 {
		t.Errorf("%+v %s", st, b.links[""].Pinned())
	}
}

func TestDiscardAllUnpins(t *testing.T) {
	server := pgtest.Start(t)
	db := server.Database(t)
	b := newBench(t, server, Options{Mode: Transaction, Size: 1})
	one, two := b.connect(db), b.connect(db)
	exec(t, one, "SET work_mem = '9MB'", "LISTEN x", "DISCARD ALL")
	if got := value(t, two, "SHOW work_mem"); got != "4MB" {
		t.Errorf("got %s", got)
	}
}

// The last value of a sequence is nobody else's.
func TestSequenceValues(t *testing.T) {
	server := pgtest.Start(t)
	db := server.Database(t)
	b := newBench(t, server, Options{Mode: Transaction, Size: 1})
	one, two := b.connect(db), b.connect(db)
	exec(t, one, "CREATE SEQUENCE s", "SELECT nextval('s')")
	if got := code(t, two, "SELECT currval('s')"); got != "55000" {
		t.Errorf("another session's value: %s", got)
	}
	exec(t, two, "BEGIN; SELECT nextval('s'); SELECT currval('s'); COMMIT")
	end(two)
	exec(t, one, "BEGIN", "SELECT nextval('s')", "SELECT lastval()", "COMMIT")
}

func TestCancelHitsTheRightStatement(t *testing.T) {
	server := pgtest.Start(t)
	db := server.Database(t)
	b := newBench(t, server, Options{Mode: Transaction, Size: 1})
	one, two := b.connect(db, "application_name", "one"), b.connect(db, "application_name", "two")
	ended := make(chan string)
	watcher, err := pgx.Connect(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	defer end(watcher)
	go func() { ended <- code(t, one, "SELECT pg_sleep(300)") }()
	// A server that has not begun with it forgets the request.
	until(t, func() bool {
		return value(t, watcher, "SELECT count(*)::text FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'") == "1"
	})
	if err := one.PgConn().CancelRequest(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := <-ended; got != "57014" {
		t.Errorf("the cancelled statement: %s", got)
	}
	// While the other one has the server connection, there is nothing to cancel for the first.
	go func() { ended <- code(t, two, "SELECT pg_sleep(0.3)") }()
	until(t, func() bool { return !(b.pool.Stats().Idle > 0) })
	if err := one.PgConn().CancelRequest(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := <-ended; got != "<nil>" {
		t.Errorf("another session's statement: %s", got)
	}
}

// Cancel requests that race with the end of their statement never hit the next session's.
func TestCancelNeverStraysEvenLate(t *testing.T) {
	server := pgtest.Start(t)
	db := server.Database(t)
	b := newBench(t, server, Options{Mode: Transaction, Size: 1})
	one, two := b.connect(db, "application_name", "one"), b.connect(db, "application_name", "two")
	b.mu.Lock()
	link := b.links["one"]
	b.mu.Unlock()
	var wait sync.WaitGroup
	stop := make(chan struct{})
	for _, f := range []func(){
		func() { link.Cancel(context.Background()) },
		func() { one.PgConn().Exec(context.Background(), "SELECT 1").ReadAll() },
	} {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for {
				select {
				case <-stop:
					return
				default:
					f()
				}
			}
		}()
	}
	for range 40 {
		if got := code(t, two, "SELECT count(*) FROM generate_series(1, 2000)"); got != "<nil>" {
			t.Fatalf("another session's statement: %s", got)
		}
	}
	close(stop)
	wait.Wait()
}

func TestWaitHasAnEnd(t *testing.T) {
	server := pgtest.Start(t)
	db := server.Database(t)
	b := newBench(t, server, Options{Mode: Transaction, Size: 1, Wait: 100 * time.Millisecond})
	one, two := b.connect(db), b.connect(db)
	exec(t, one, "BEGIN")
	if got := code(t, two, "SELECT 1"); got != "53300" {
		t.Errorf("got %s", got)
	}
	exec(t, one, "COMMIT")
	if got := value(t, b.connect(db), "SELECT 'free'"); got != "free" {
		t.Errorf("got %s", got)
	}
}

func TestFirstComeFirstServed(t *testing.T) {
	server := pgtest.Start(t)
	db := server.Database(t)
	b := newBench(t, server, Options{Mode: Transaction, Size: 1})
	holder := b.connect(db)
	exec(t, holder, "CREATE TABLE turns (n serial, who int)", "BEGIN")
	var wait sync.WaitGroup
	for i := range 5 {
		conn := b.connect(db)
		wait.Add(1)
		go func() {
			defer wait.Done()
			exec(t, conn, fmt.Sprintf("INSERT INTO turns (who) VALUES (%d)", i))
		}()
		until(t, func() bool { return !(b.pool.Stats().Waiting <= i) })
	}
	exec(t, holder, "COMMIT")
	wait.Wait()
	if got := value(t, holder, "SELECT string_agg(who::text, '' ORDER BY n) FROM turns"); got != "01234" {
		t.Errorf("got %s", got)
	}
}

// A client that breaks off in a transaction leaves it to nobody.
func TestBrokenOff(t *testing.T) {
	server := pgtest.Start(t)
	db := server.Database(t)
	b := newBench(t, server, Options{Mode: Transaction, Size: 1})
	watch := b.connect(db)
	exec(t, watch, "CREATE TABLE t (a int)")
	for _, sql := range []string{"BEGIN; INSERT INTO t VALUES (1)", "SET work_mem = '9MB'", "SELECT pg_advisory_lock(1)", "BEGIN; SELECT 1/0"} {
		conn := b.connect(db)
		conn.PgConn().Exec(context.Background(), sql).ReadAll()
		conn.PgConn().Conn().Close()
		if got := value(t, watch, "SELECT count(*) || current_setting('work_mem') || (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory') FROM t"); got != "04MB0" {
			t.Errorf("after %s: %s", sql, got)
		}
	}
}

// Server processes that die while nobody has them are nobody's trouble.
func TestDeadWhileIdle(t *testing.T) {
	server := pgtest.Start(t)
	db := server.Database(t)
	b := newBench(t, server, Options{Mode: Transaction, Size: 3})
	one := b.connect(db)
	admin, err := pgx.Connect(context.Background(), db)
	if err != nil {
		t.Fatal(err)
	}
	defer end(admin)
	for range 5 {
		pid := value(t, one, backend)
		value(t, admin, "SELECT pg_terminate_backend($1::int, 5000)::text", pid)
		if value(t, one, backend) == pid {
			t.Error("it was not killed")
		}
	}
}
