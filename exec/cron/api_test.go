package cron

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

func TestValidatorAgreesWithTable(t *testing.T) {
	conn := dial(t, newDatabase(t).owner)
	for _, c := range schedules {
		if got := value[bool](t, conn, "SELECT pgowl.cron_schedule_ok($1)", c.text); got != c.ok {
			t.Errorf("%q: PL/pgSQL says %v, want %v", c.text, got, c.ok)
		}
	}
	if value[bool](t, conn, "SELECT pgowl.cron_schedule_ok('* * * * *' || repeat(' ', 991))") {
		t.Error("a schedule of 1000 bytes was accepted")
	}
}

// Texts put together at random from what schedules are made of: Go's reader and PL/pgSQL's say the same about each.
func TestValidatorAgreesWithParser(t *testing.T) {
	conn := dial(t, newDatabase(t).owner)
	pieces := []string{"*", "*", "0", "1", "5", "7", "12", "23", "31", "59", "60", "-", ",", "/", "$", "mon", "FRI", "jan", "x", " ", " ", " ", " ",
		"\t", "\n", "\r", "#", "@daily", "@", "seconds", "second", "+", "* * * ", "0 0 "}
	rnd := rand.New(rand.NewPCG(1, 2))
	texts := make([]string, 20000)
	accepted := 0
	for i := range texts {
		for range 1 + rnd.IntN(12) {
			texts[i] += pieces[rnd.IntN(len(pieces))]
		}
	}
	rows, err := conn.Query(context.Background(), "SELECT pgowl.cron_schedule_ok(s) FROM unnest($1::text[]) WITH ORDINALITY u(s, i) ORDER BY i", texts)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[bool])
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range texts {
		_, err := ParseSchedule(text)
		if (err == nil) != got[i] {
			t.Errorf("%q: PL/pgSQL says %v, Go %v", text, got[i], err)
		}
		if got[i] {
			accepted++
		}
	}
	if accepted < 100 {
		t.Errorf("only %d texts were accepted", accepted)
	}
}

// wantError runs a statement in a transaction of its own and compares SQLSTATE, message, detail and hint.
func wantError(t *testing.T, conn *pgx.Conn, sql, code, message string, more ...string) {
	t.Helper()
	_, err := conn.Exec(context.Background(), sql)
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		t.Errorf("%s: got %v, want %s %s", sql, err, code, message)
		return
	}
	if pg.Code != code || pg.Message != message {
		t.Errorf("%s: got %s %q, want %s %q", sql, pg.Code, pg.Message, code, message)
	}
	for _, m := range more {
		if pg.Detail != m && pg.Hint != m {
			t.Errorf("%s: got detail %q, hint %q; want %q", sql, pg.Detail, pg.Hint, m)
		}
	}
}

func TestErrors(t *testing.T) {
	d := newDatabase(t)
	super, owner, alice := dial(t, d.super), dial(t, d.owner), dial(t, d.alice)
	db := value[string](t, super, "SELECT current_database()")
	hint := "Use cron format (e.g. 5 4 * * *), or interval format '[1-59] seconds'"
	wantError(t, alice, "SELECT cron.schedule('x', 'SELECT 1')", "22023", "invalid schedule: x", hint)
	wantError(t, alice, "SELECT cron.schedule('j', '61 * * * *', 'SELECT 1')", "22023", "invalid schedule: 61 * * * *", hint)
	wantError(t, alice, "SELECT cron.schedule(NULL, '* * * * *', 'x')", "XX000", "job_name can not be NULL")
	wantError(t, alice, "SELECT cron.schedule('j', NULL, 'x')", "XX000", "schedule can not be NULL")
	wantError(t, alice, "SELECT cron.schedule('j', '* * * * *', NULL)", "XX000", "command can not be NULL")
	wantError(t, alice, "SELECT cron.schedule_in_database('j', '* * * * *', 'x', 'postgres')", "42501", "permission denied for function schedule_in_database")
	wantError(t, alice, "SELECT cron.alter_job(1)", "42501", "permission denied for function alter_job")
	wantError(t, super, "SELECT cron.alter_job(NULL, 'x')", "XX000", "job_id can not be NULL")
	wantError(t, super, "SELECT cron.alter_job(1)", "XX000", "no updates specified", "You must specify at least one job attribute to change when calling alter_job")
	wantError(t, super, "SELECT cron.alter_job(99, active := false)", "XX000", "Job 99 does not exist or you don't own it")
	wantError(t, super, "SELECT cron.alter_job(99, schedule := 'y')", "22023", "invalid schedule: y", hint)
	wantError(t, super, "SELECT cron.schedule_in_database('j', '* * * * *', 'x', 'nowhere')", "3D000", `database "nowhere" does not exist`)
	wantError(t, super, "SELECT cron.schedule_in_database('j', '* * * * *', 'x', 'postgres', 'nobody_here')", "XX000", `role "nobody_here" does not exist`)
	wantError(t, super, "SELECT cron.schedule_in_database('j', '* * * * *', 'x', 'postgres', 'pg_monitor')", "XX000", `role "pg_monitor" can not log in`,
		"Jobs may only be run by roles that have the LOGIN attribute.")
	wantError(t, alice, "SELECT cron.unschedule(99)", "XX000", "could not find valid entry for job 99")
	wantError(t, alice, "SELECT cron.unschedule('none')", "XX000", "could not find valid entry for job 'none'")
	id := value[int64](t, owner, "SELECT cron.schedule('theirs', '* * * * *', 'SELECT 1')")
	if id != 1 {
		t.Errorf("first job has id %d", id)
	}
	wantError(t, alice, "SELECT cron.unschedule(1)", "42501", "permission denied for table job")
	wantError(t, super, "SELECT cron.unschedule('theirs')", "XX000", "could not find valid entry for job 'theirs'")

	do(t, owner, "GRANT EXECUTE ON FUNCTION cron.schedule_in_database, cron.alter_job TO PUBLIC")
	wantError(t, alice, "SELECT cron.schedule_in_database('j', '* * * * *', 'x', 'postgres', 'postgres')", "XX000", "must be superuser to create a job for another role")
	wantError(t, alice, "SELECT cron.alter_job(1, username := 'postgres')", "XX000", "must be superuser to alter username")
	wantError(t, alice, "SELECT cron.alter_job(1, active := false)", "XX000", "Job 1 does not exist or you don't own it")
	do(t, super, "REVOKE CONNECT ON DATABASE "+db+" FROM PUBLIC")
	wantError(t, alice, "SELECT cron.schedule('* * * * *', 'x')", "XX000", "User "+db+"_alice does not have CONNECT privilege on "+db)
	do(t, super, "GRANT CONNECT ON DATABASE "+db+" TO PUBLIC")
	do(t, alice, "SET default_transaction_read_only = on")
	wantError(t, alice, "SELECT cron.schedule('* * * * *', 'x')", "25006", "cannot execute INSERT in a read-only transaction")
	wantError(t, alice, "SELECT cron.schedule('y', 'x')", "22023", "invalid schedule: y", hint)

	do(t, super, "ALTER DATABASE "+db+" SET cron.enable_superuser_jobs = off")
	do(t, super, "SET cron.enable_superuser_jobs = on")
	wantError(t, super, "SELECT cron.schedule('* * * * *', 'x')", "42501", "cannot schedule jobs as superuser",
		"Scheduling jobs as superuser is disallowed when cron.enable_superuser_jobs is set to off.")
}

func TestScheduleAndChange(t *testing.T) {
	d := newDatabase(t)
	owner, alice, bob := dial(t, d.owner), dial(t, d.alice), dial(t, d.bob)
	for i, want := range []int64{1, 1, 1, 4} {
		name := "a"
		if i == 3 {
			name = "b"
		}
		if got := value[int64](t, alice, "SELECT cron.schedule($1, '0 0 * * *', 'SELECT 1')", name); got != want {
			t.Errorf("call %d gave id %d, want %d", i, got, want)
		}
	}
	row := value[string](t, alice, `SELECT format('%s|%s|%s|%s|%s|%s|%s|%s', schedule, command, nodename, nodeport = inet_server_port(),
		database = current_database(), username = current_user, active, jobname) FROM cron.job WHERE jobid = 1`)
	if want := "0 0 * * *|SELECT 1|localhost|t|t|t|t|a"; row != want {
		t.Errorf("row is %s, want %s", row, want)
	}
	// Strict: no job, no error.
	if value[*int64](t, alice, "SELECT cron.schedule(NULL, 'SELECT 1')") != nil {
		t.Error("schedule(NULL, ...) is not NULL")
	}
	// Row security, and the right to write.
	if n := value[int](t, bob, "SELECT count(*)::int FROM cron.job"); n != 0 {
		t.Errorf("bob sees %d jobs of alice's", n)
	}
	wantError(t, bob, "DELETE FROM cron.job", "42501", "permission denied for table job")
	wantError(t, bob, "SELECT nextval('cron.jobid_seq')", "42501", "permission denied for sequence jobid_seq")
	value[int64](t, bob, "SELECT last_value FROM cron.jobid_seq")
	// The same name of another user is another job.
	if id := value[int64](t, bob, "SELECT cron.schedule('a', '1 * * * *', 'SELECT 2')"); id != 5 {
		t.Errorf("bob's job has id %d", id)
	}
	// The owner does it for others; active := false is for new jobs only.
	user := value[string](t, alice, "SELECT current_user")
	db := value[string](t, alice, "SELECT current_database()")
	if id := value[int64](t, owner, "SELECT cron.schedule_in_database('a', '2 2 * * *', 'SELECT 3', $1, $2, false)", db, user); id != 1 {
		t.Errorf("id %d", id)
	}
	if got := value[string](t, alice, "SELECT schedule || active FROM cron.job WHERE jobid = 1"); got != "2 2 * * *true" {
		t.Errorf("got %s", got)
	}
	do(t, owner, "SELECT cron.alter_job(1, active := false, command := 'SELECT 4')")
	if got := value[string](t, alice, "SELECT command || active FROM cron.job WHERE jobid = 1"); got != "SELECT 4false" {
		t.Errorf("got %s", got)
	}
	if !value[bool](t, alice, "SELECT cron.unschedule('a')") || !value[bool](t, owner, "SELECT cron.unschedule(job_id := 4)") {
		t.Error("unschedule is not true")
	}
	if n := value[int](t, owner, "SELECT count(*)::int FROM cron.job"); n != 1 {
		t.Errorf("%d jobs left, want bob's", n)
	}
	// Transactional.
	tx, err := bob.Begin(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	tx.Exec(context.Background(), "SELECT cron.schedule('* * * * *', 'SELECT 1')")
	tx.Rollback(context.Background())
	if n := value[int](t, owner, "SELECT count(*)::int FROM cron.job"); n != 1 {
		t.Errorf("%d jobs after rollback", n)
	}
	// A direct INSERT takes the columns' defaults, whatever way the session came.
	do(t, owner, "INSERT INTO cron.job (schedule, command) VALUES ('nonsense', 'x')")
}

// The name on a job is the caller's, whatever the caller tries.
func TestCallerIsTrue(t *testing.T) {
	d := newDatabase(t)
	super, owner, alice, bob := dial(t, d.super), dial(t, d.owner), dial(t, d.alice), dial(t, d.bob)
	me, victim := value[string](t, alice, "SELECT current_user"), value[string](t, bob, "SELECT current_user")
	userOf := func(conn *pgx.Conn, sql string) string {
		t.Helper()
		id := value[int64](t, conn, sql)
		return value[string](t, super, "SELECT username FROM cron.job WHERE jobid = $1", id)
	}
	forged := strings.ReplaceAll(`UPDATE pgowl.cron_call SET caller = 'VICTIM', op = 'schedule',
		args = '{"schedule":"* * * * *","command":"x","username":"VICTIM","database":"postgres","name":"VICTIM"}' RETURNING result`, "VICTIM", victim)
	if got := userOf(alice, forged); got != me {
		t.Errorf("forged call made a job for %s", got)
	}
	if n := value[int](t, super, "SELECT count(*)::int FROM cron.job WHERE database = 'postgres' OR jobname IS NOT NULL"); n != 0 {
		t.Error("schedule's right gave the arguments of schedule_in_database")
	}
	for _, sql := range []string{
		"SELECT pgowl.cron_do_schedule('" + victim + `', '{"schedule":"* * * * *","command":"x"}')`,
		"SELECT pgowl.cron_do_unschedule('" + victim + `', '{"id":1}')`,
		"SELECT pgowl.cron_do_alter('" + victim + `', '{"id":1}')`,
		"SELECT pgowl.cron_on_call()", "SELECT pgowl.cron_fence(0, 1)", "SELECT FROM pgowl.cron_slots", "SELECT FROM pgowl.cron_runs", "SELECT FROM pgowl.cron_leader",
	} {
		if _, err := alice.Exec(context.Background(), sql); err == nil || !strings.Contains(err.Error(), "42501") {
			t.Errorf("%s: %v, want 42501", sql, err)
		}
	}
	wantError(t, alice, `UPDATE pgowl.cron_call SET op = 'schedule_in_database', args = '{}'`, "42501", "permission denied for function schedule_in_database")
	wantError(t, alice, `UPDATE pgowl.cron_call SET op = 'other', args = '{}'`, "0A000", "unknown operation on view cron_call")
	do(t, owner, "REVOKE EXECUTE ON FUNCTION cron.schedule(text,text) FROM PUBLIC")
	wantError(t, alice, `UPDATE pgowl.cron_call SET op = 'schedule', args = '{"schedule":"* * * * *","command":"x"}'`, "42501", "permission denied for function schedule")
	do(t, owner, "GRANT EXECUTE ON FUNCTION cron.schedule(text,text) TO PUBLIC")

	// SET ROLE, also with a plan that is already cached, and a cached plan inside somebody's SECURITY DEFINER function.
	do(t, super, "GRANT "+victim+" TO "+me)
	for _, role := range []string{me, victim, me} {
		do(t, alice, "SET ROLE "+role)
		if got := userOf(alice, "SELECT cron.schedule('* * * * *', 'x')"); got != role {
			t.Errorf("as %s: job of %s", role, got)
		}
	}
	do(t, super, "CREATE FUNCTION public.for_bob() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$ SELECT cron.schedule('* * * * *', 'x') $$")
	do(t, super, "ALTER FUNCTION public.for_bob() OWNER TO "+victim)
	if got := userOf(alice, "SELECT public.for_bob()"); got != victim {
		t.Errorf("inside bob's definer function: job of %s", got)
	}
	do(t, owner, "REVOKE USAGE ON SCHEMA cron FROM "+victim)
	wantError(t, bob, `UPDATE pgowl.cron_call SET op = 'schedule', args = '{"schedule":"* * * * *","command":"x"}'`, "42501", "permission denied for schema cron")
}
