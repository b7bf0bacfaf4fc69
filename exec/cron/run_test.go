package cron

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Every kind of result, in one minute, all at once.
func TestReturnMessages(t *testing.T) {
	d := newDatabase(t)
	alice, owner, super := dial(t, d.alice), dial(t, d.owner), dial(t, d.super)
	do(t, super, "GRANT CREATE ON SCHEMA public TO PUBLIC")
	do(t, alice, "CREATE TABLE public.x (a int)")
	do(t, alice, "CREATE PROCEDURE public.p() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.x VALUES (7); COMMIT; END $$")
	cases := []struct{ command, status, message string }{
		{"SELECT 1", "succeeded", "1 row"},
		{"SELECT generate_series(1, 3)", "succeeded", "3 rows"},
		{"SELECT", "succeeded", "1 row"},
		{"SELECT 1 WHERE false", "succeeded", "0 rows"},
		{"", "succeeded", "0 rows"},
		{"SELECT 1; INSERT INTO public.x VALUES (1)", "succeeded", "INSERT 0 1"},
		{"INSERT INTO public.x VALUES (2); SELECT 1 FROM generate_series(1, 2)", "succeeded", "2 rows"},
		{"INSERT INTO public.x VALUES (3) RETURNING a", "succeeded", "1 row"},
		{"VACUUM public.x", "succeeded", "VACUUM"},
		{"CALL public.p()", "succeeded", "CALL"},
		{"DO $$ BEGIN RAISE NOTICE 'hello'; END $$", "succeeded", "DO"},
		{"BEGIN; INSERT INTO public.x VALUES (4); COMMIT", "succeeded", "COMMIT"},
		{"BEGIN; INSERT INTO public.x VALUES (666)", "succeeded", "INSERT 0 1"},
		{"INSERT INTO public.x VALUES (666); SELECT 1/0", "failed", "ERROR:  division by zero\n"},
		{"SELECT * FROM nowhere", "failed", "ERROR:  relation \"nowhere\" does not exist\nLINE 1: SELECT * FROM nowhere\n                      ^\n"},
		{"DO $$ BEGIN RAISE 'no' USING DETAIL = 'd', HINT = 'h'; END $$", "failed",
			"ERROR:  no\nDETAIL:  d\nHINT:  h\nCONTEXT:  PL/pgSQL function inline_code_block line 1 at RAISE\n"},
		{"COPY public.x TO STDOUT", "failed", "COPY not supported"},
		{"COPY public.x FROM STDIN", "failed", "COPY not supported"},
		{"SELECT pg_terminate_backend(pg_backend_pid())", "failed", "FATAL:  terminating connection due to administrator command\n"},
		{"SELECT current_setting('application_name') || current_user || current_database() FROM generate_series(1,1) WHERE current_setting('application_name') = 'pg_cron'", "succeeded", "1 row"},
	}
	ids := make([]int64, len(cases))
	for i, c := range cases {
		ids[i] = value[int64](t, alice, "SELECT cron.schedule($1, '* * * * *', $2)", name(i), c.command)
	}
	nobody := schedule(t, owner, "* * * * *", "SELECT 1")
	do(t, super, "UPDATE cron.job SET username = 'nobody_here' WHERE jobid = $1", nobody)
	wrong := schedule(t, owner, "* * * * *", "SELECT 1")
	do(t, super, "UPDATE cron.job SET schedule = 'nonsense' WHERE jobid = $1", wrong)

	b := start(t, d, nil)
	b.clock.set(b.clock.Now().Add(time.Minute))
	b.wait("end", len(cases)+1)
	for i, c := range cases {
		if status, message := history(t, owner, ids[i]); status != c.status || message != c.message {
			t.Errorf("%s:\n got %s %q\nwant %s %q", c.command, status, message, c.status, c.message)
		}
	}
	if status, message := history(t, owner, nobody); status != "failed" || message != "connection failed" {
		t.Errorf("a job without a role: %s %q", status, message)
	}
	if n := value[int](t, owner, "SELECT count(*)::int FROM cron.job_run_details WHERE jobid = $1", wrong); n != 0 {
		t.Error("a job with a bad schedule ran")
	}
	if n := value[int](t, owner, `SELECT count(*)::int FROM cron.job_run_details
		WHERE status = 'succeeded' AND (job_pid IS NULL OR start_time IS NULL OR end_time < start_time)`); n != 0 {
		t.Errorf("%d runs without pid or times", n)
	}
	if got := value[string](t, alice, "SELECT string_agg(a::text, ',' ORDER BY a) FROM public.x"); got != "1,2,3,4,7" {
		t.Errorf("rows in x: %s", got)
	}
	if n := value[int](t, alice, "SELECT count(*)::int FROM pg_stat_activity WHERE application_name = 'pg_cron' AND datname = current_database() AND pid <> pg_backend_pid() AND state = 'idle in transaction'"); n != 0 {
		t.Errorf("%d sessions left in a transaction", n)
	}
	// The history belongs to the job's user.
	if n := value[int](t, dial(t, d.bob), "SELECT count(*)::int FROM cron.job_run_details"); n != 0 {
		t.Errorf("bob sees %d runs of alice's", n)
	}
	do(t, alice, "DELETE FROM cron.job_run_details")
}

// waitFor asks a query until it gives true; for what a server does in its own time and tells nobody.
func waitFor(t testing.TB, conn *pgx.Conn, sql string, args ...any) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		if value[bool](t, conn, sql, args...) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("never true: %s", sql)
		}
		do(t, conn, "SELECT pg_sleep(0.01)")
	}
}

func TestUnscheduleCancels(t *testing.T) {
	d := newDatabase(t)
	alice, owner, super := dial(t, d.alice), dial(t, d.owner), dial(t, d.super)
	b := start(t, d, nil)
	var ids []int64
	for i := range 3 {
		ids = append(ids, value[int64](t, alice, "SELECT cron.schedule($1, '* * * * *', 'SELECT pg_sleep(1000)')", name(i)))
	}
	b.settle()
	b.clock.set(b.clock.Now().Add(time.Minute))
	const active = "SELECT count(*) = $1::int FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(1000)' AND state = 'active' AND datname = current_database()"
	waitFor(t, super, active, 3)
	waitFor(t, owner, "SELECT count(*) = 3 FROM cron.job_run_details WHERE status = 'running'")
	do(t, alice, "SELECT cron.unschedule($1::bigint)", ids[0])
	do(t, owner, "SELECT cron.alter_job($1, active := false)", ids[1])
	b.wait("end", 2)
	waitFor(t, super, active, 1)
	for _, id := range ids[:2] {
		if status, message := history(t, owner, id); status != "failed" || message != "job canceled" {
			t.Errorf("job %d: %s %q", id, status, message)
		}
	}
	// Stop ends the third, on the server too, and says so.
	b.s.Stop()
	b.s.Stop()
	waitFor(t, super, active, 0)
	if status, message := history(t, owner, ids[2]); status != "failed" || message != "server restarted" {
		t.Errorf("stopped: %s %q", status, message)
	}
	if n := value[int](t, super, "SELECT count(*)::int FROM pgowl.cron_runs"); n != 0 {
		t.Errorf("%d runs left in pgowl.cron_runs", n)
	}
	// Of the owner's sessions this test's own two are left.
	waitFor(t, super, "SELECT count(*) = 2 FROM pg_stat_activity WHERE datname = current_database() AND usename LIKE '%_owner'")
}

// One run of a job at a time; what became due meanwhile comes after it, once per minute, or once for an interval.
func TestOneRunAtATime(t *testing.T) {
	d := newDatabase(t)
	super := dial(t, d.super)
	do(t, super, "SELECT pg_advisory_lock(77)")
	minute := schedule(t, super, "* * * * *", "SELECT pg_advisory_xact_lock_shared(77)")
	second := schedule(t, super, "5 seconds", "SELECT pg_advisory_xact_lock_shared(77)")
	b := start(t, d, nil)
	if n := b.advance(4 * time.Second); n != 0 {
		t.Errorf("%d runs before the first interval", n)
	}
	if n := b.advance(time.Second); n != 1 {
		t.Errorf("%d runs after the first interval, want 1", n)
	}
	if n := b.advance(55 * time.Second); n != 1 {
		t.Errorf("%d runs in the first minute, want 1", n)
	}
	for range 3 {
		if n := b.advance(time.Minute); n != 0 {
			t.Errorf("%d more runs of busy jobs", n)
		}
	}
	do(t, super, "SELECT pg_advisory_unlock(77)")
	runs := map[int64]int{}
	for _, e := range b.wait("end", 2+3+1) {
		runs[e.jobid]++
	}
	if runs[minute] != 4 || runs[second] != 2 {
		t.Errorf("runs: %v; want 4 of job %d and 2 of job %d", runs, minute, second)
	}
	if n := b.advance(0); n != 0 {
		t.Errorf("%d runs too many", n)
	}
}

func TestLimitsAndSettings(t *testing.T) {
	d := newDatabase(t)
	super := dial(t, d.super)
	db := value[string](t, super, "SELECT current_database()")
	do(t, super, "SELECT pg_advisory_lock(78)")
	for i := range 3 {
		value[int64](t, super, "SELECT cron.schedule($1, '* * * * *', 'SELECT pg_advisory_xact_lock_shared(78)')", name(i))
	}
	b := start(t, d, func(o *Options) { o.MaxRunning = 2 })
	if n := b.advance(time.Minute); n != 2 {
		t.Errorf("%d runs, want the limit of 2", n)
	}
	do(t, super, "SELECT pg_advisory_unlock(78)")
	b.wait("end", 3)
	do(t, super, "ALTER DATABASE "+db+" SET cron.launch_active_jobs = off")
	b.settle()
	if n := b.advance(time.Minute); n != 0 {
		t.Errorf("%d runs while jobs are switched off", n)
	}
	do(t, super, "ALTER DATABASE "+db+" SET cron.launch_active_jobs = on")
	do(t, super, "ALTER DATABASE "+db+" SET cron.enable_superuser_jobs = off")
	do(t, super, "ALTER DATABASE "+db+" SET cron.timezone = 'Asia/Kolkata'")
	do(t, super, "TRUNCATE cron.job_run_details")
	do(t, super, "SELECT cron.unschedule(jobid) FROM cron.job")
	alice := dial(t, d.alice)
	do(t, alice, "SELECT cron.schedule('india', '35 17 * * *', 'SELECT 1'), cron.schedule('gmt', '5 12 * * *', 'SELECT 1')")
	do(t, super, "INSERT INTO cron.job (schedule, command, username) VALUES ('35 17 * * *', 'SELECT 1', 'postgres')")
	b.settle()
	if n := b.advance(3 * time.Minute); n != 1 {
		t.Errorf("%d runs at 17:35 in Kolkata, want 1", n)
	}
	waitFor(t, super, "SELECT count(*) = 2 AND bool_and(status = CASE username WHEN 'postgres' THEN 'failed' ELSE 'succeeded' END) FROM cron.job_run_details")
	do(t, super, "ALTER DATABASE "+db+" SET cron.log_run = off")
	do(t, alice, "SELECT cron.schedule('* * * * *', 'SELECT 1')")
	b.settle()
	b.clock.set(b.clock.Now().Add(time.Minute))
	b.wait("end", 1)
	if n := value[int](t, super, "SELECT count(*)::int FROM cron.job_run_details"); n != 2 {
		t.Errorf("%d rows of history with log_run = off, want the 2 from before", n)
	}
}

// A connection that never comes must not hold up others, nor for ever.
func TestStartupTimeout(t *testing.T) {
	d := newDatabase(t)
	alice, owner := dial(t, d.alice), dial(t, d.owner)
	id := schedule(t, alice, "* * * * *", "SELECT 1")
	begun := make(chan struct{})
	var once sync.Once
	clock := &fakeClock{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	const limit = 10 * time.Second
	s, events := newLimited(t, d, limit, func(o *Options) {
		o.Clock = clock
		o.Dial = func(ctx context.Context, db, user string) (*pgx.Conn, error) {
			once.Do(func() { close(begun) })
			<-ctx.Done()
			return nil, errors.New("too late")
		}
	})
	b := &bench{t: t, s: s, clock: clock, events: events}
	b.until("lead")
	clock.set(clock.Now().Add(time.Minute))
	<-begun
	// The limit's timer is set at about the time that Dial is called: move on until it fires.
	for ended := false; !ended; {
		clock.set(clock.Now().Add(limit))
		for _, e := range b.seen() {
			ended = ended || e.kind == "end"
		}
	}
	if status, message := history(t, owner, id); status != "failed" || message != "job startup timeout" {
		t.Errorf("%s %q", status, message)
	}
}

// The scheduler may be there before the schema, and outlives it.
func TestWaitsForSchema(t *testing.T) {
	d := newDatabase(t)
	super, owner := dial(t, d.super), dial(t, d.owner)
	do(t, owner, "ALTER SCHEMA cron RENAME TO cron_away")
	clock := &fakeClock{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	s, events := newScheduler(t, d, func(o *Options) { o.Clock = clock })
	b := &bench{t: t, s: s, clock: clock, events: events}
	b.settle()
	if s.Leading() {
		t.Error("leads without a schema")
	}
	do(t, owner, "ALTER SCHEMA cron_away RENAME TO cron")
	b.until("lead")
	do(t, super, "ALTER SCHEMA cron RENAME TO cron_away")
	b.until("lost")
	do(t, super, "ALTER SCHEMA cron_away RENAME TO cron")
	b.until("lead")
}
