package cron

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Two schedulers, whose connections are terminated at random, at any point of their work: every job runs once for every
// minute.
func TestTwoSchedulersUnderFire(t *testing.T) {
	d := newDatabase(t)
	super, alice := dial(t, d.super), dial(t, d.alice)
	do(t, super, "GRANT CREATE ON SCHEMA public TO PUBLIC")
	do(t, alice, "CREATE TABLE public.hits (job text)")
	const jobs, minutes = 4, 12
	for i := range jobs {
		do(t, alice, "SELECT cron.schedule($1, '* * * * *', format('INSERT INTO public.hits VALUES (%L)', $1::text))", name(i))
	}
	clock := &fakeClock{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	var list []*bench
	var leads atomic.Int64
	for range 2 {
		s, events := newScheduler(t, d, func(o *Options) { o.Clock = clock; o.Lease = time.Minute })
		list = append(list, &bench{t: t, s: s, clock: clock, events: events})
		done := make(chan struct{})
		t.Cleanup(func() { s.Stop(); close(done) })
		go func() {
			for {
				select {
				case e := <-events:
					if e.kind == "lead" {
						leads.Add(1)
					}
				case <-done:
					return
				}
			}
		}()
	}
	leading := func() bool { return list[0].s.Leading() || list[1].s.Leading() }
	// step moves the clock a second and gives the schedulers as long as a look at the database takes.
	step := func() {
		clock.set(clock.Now().Add(time.Second))
		do(t, super, "SELECT pg_sleep(0.002)")
	}
	for !leading() {
		step()
	}
	first := clock.Now().Truncate(time.Minute)
	for clock.Now().Before(first.Add(minutes * time.Minute)) {
		step()
		if rand.IntN(8) == 0 {
			do(t, super, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
				WHERE datname = current_database() AND usename LIKE '%\_owner' AND random() < 0.4`)
		}
	}
	got := func() int { return value[int](t, super, "SELECT count(*)::int FROM public.hits") }
	last := clock.Now().Truncate(time.Minute).Sub(first)
	want := jobs * int(last/time.Minute)
	for deadline := time.Now().Add(patience); got() < want && time.Now().Before(deadline); {
		if clock.Now().Add(time.Second).Truncate(time.Minute).After(first.Add(last)) {
			clock.set(clock.Now().Add(-50 * time.Second)) // stay within the last minute
		}
		step()
	}
	if n := got(); n != want {
		t.Errorf("%d runs, want %d", n, want)
	}
	rows, _ := alice.Query(context.Background(), "SELECT job || ': ' || count(*) FROM public.hits GROUP BY job HAVING count(*) <> $1::int", want/jobs)
	if odd, err := pgx.CollectRows(rows, pgx.RowTo[string]); err != nil || len(odd) > 0 {
		t.Errorf("%v %v", odd, err)
	}
	if n := value[int](t, super, "SELECT count(*)::int FROM pgowl.cron_slots WHERE runid IS NULL"); n != 0 {
		t.Errorf("%d occurrences still wait", n)
	}
	t.Logf("%d minutes, %d runs, leadership changed hands %d times", want/jobs, got(), leads.Load())
}

// The leader is killed for good, with the time that the system shows: the other one goes on within seconds.
func TestFailoverTakesSeconds(t *testing.T) {
	d := newDatabase(t)
	super := dial(t, d.super)
	schedule(t, super, "1 second", "SELECT 1")
	change := func(dead *atomic.Bool) func(*Options) {
		return func(o *Options) {
			o.Lease = 3 * time.Second
			service := o.Service
			o.Service = func(ctx context.Context) (*pgx.Conn, error) {
				if dead.Load() {
					return nil, errors.New("this proxy is gone")
				}
				return service(ctx)
			}
		}
	}
	var dead1, dead2 atomic.Bool
	s1, events1 := newScheduler(t, d, change(&dead1))
	b1 := &bench{t: t, s: s1, events: events1}
	b1.wait("end", 2)
	s2, events2 := newScheduler(t, d, change(&dead2))
	b2 := &bench{t: t, s: s2, events: events2}
	b2.wait("turn", 2)
	if s2.Leading() {
		t.Fatal("two leaders")
	}
	dead1.Store(true)
	begin := time.Now()
	do(t, super, `SELECT pg_terminate_backend(l.pid) FROM pg_locks l WHERE l.locktype = 'advisory'
		AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
	b2.wait("lead", 1)
	took := time.Since(begin)
	b2.wait("end", 2)
	if took > 5*time.Second {
		t.Errorf("failover took %s", took)
	}
	t.Logf("failover took %s", took)
	// No two starts of the job are less than the interval apart, whoever started them.
	if n := value[int](t, super, `SELECT count(*)::int FROM (SELECT slot - lag(slot) OVER (ORDER BY slot) AS gap FROM pgowl.cron_slots) g
		WHERE gap < interval '1 second'`); n != 0 {
		t.Errorf("%d starts too early", n)
	}
}

// A leader that stood still (here: its clock did) until another had taken over starts nothing when it comes back.
func TestFrozenLeader(t *testing.T) {
	d := newDatabase(t)
	super := dial(t, d.super)
	id := schedule(t, super, "* * * * *", "SELECT 1")
	frozen := start(t, d, func(o *Options) { o.Lease = time.Second })
	clock := &fakeClock{now: frozen.clock.Now()}
	s, events := newScheduler(t, d, func(o *Options) { o.Clock = clock; o.Lease = time.Minute })
	other := &bench{t: t, s: s, clock: clock, events: events}
	waitFor(t, super, "SELECT expires_at < clock_timestamp() FROM pgowl.cron_leader")
	other.until("lead")
	clock.set(clock.Now().Add(time.Minute))
	other.wait("end", 1)
	if !frozen.s.Leading() {
		t.Error("the frozen leader should not know yet")
	}
	if n := frozen.advance(time.Minute); n != 0 {
		t.Errorf("the frozen leader started %d runs", n)
	}
	if frozen.s.Leading() || !s.Leading() {
		t.Error("leadership is with the wrong one")
	}
	if n := value[int](t, super, "SELECT count(*)::int FROM cron.job_run_details WHERE jobid = $1", id); n != 1 {
		t.Errorf("%d runs, want 1", n)
	}
}

// What a killed proxy left is marked, and its job runs again.
func TestReapsTheDead(t *testing.T) {
	d := newDatabase(t)
	super := dial(t, d.super)
	id := schedule(t, super, "* * * * *", "SELECT 1")
	do(t, super, `INSERT INTO cron.job_run_details (jobid, runid, status) VALUES
		($1, 101, 'running'), ($1, 102, 'starting'), ($1, 103, 'connecting'), ($1, 104, 'succeeded'), ($1, 105, 'running')`, id)
	do(t, super, `INSERT INTO pgowl.cron_runs VALUES (101, $1, 'dead', NULL, now() - interval '1 second')`, id)
	do(t, super, `INSERT INTO pgowl.cron_runs VALUES (105, 77, 'alive', NULL, now() + interval '1 hour')`)
	b := start(t, d, nil)
	if got := value[string](t, super, "SELECT string_agg(concat_ws(' ', runid, status, return_message), ', ' ORDER BY runid) FROM cron.job_run_details"); got !=
		"101 failed server restarted, 102 failed server restarted, 103 failed server restarted, 104 succeeded, 105 running" {
		t.Errorf("got %s", got)
	}
	if n := b.advance(time.Minute); n != 1 {
		t.Errorf("%d runs, want 1", n)
	}
}

// @reboot: when the first scheduler starts, not when one takes over from another.
func TestReboot(t *testing.T) {
	d := newDatabase(t)
	super := dial(t, d.super)
	schedule(t, super, "@reboot", "SELECT 1")
	first := start(t, d, nil)
	count := func(want int) {
		t.Helper()
		waitFor(t, super, "SELECT count(*) = $1 FROM cron.job_run_details WHERE status = 'succeeded'", want)
	}
	count(1)
	s, events := newScheduler(t, d, func(o *Options) { o.Clock = first.clock })
	standby := &bench{t: t, s: s, clock: first.clock, events: events}
	standby.settle()
	// The leader extends its lease while the other stands by.
	first.advance(6 * time.Second)
	first.s.Stop()
	standby.until("lead")
	standby.settle()
	count(1)
	s.Stop()
	start(t, d, func(o *Options) { o.Clock = nil })
	count(2)
}

func TestStartStop(t *testing.T) {
	s := New(Options{})
	s.Stop()
	if s.Start(context.Background()) == nil {
		t.Error("started without a way to connect")
	}
	nowhere := errors.New("nowhere")
	s = New(Options{
		Service: func(context.Context) (*pgx.Conn, error) { return nil, nowhere },
		Dial:    func(context.Context, string, string) (*pgx.Conn, error) { return nil, nowhere },
	})
	ctx, cancel := context.WithCancel(context.Background())
	if err := s.Start(ctx); err != nil {
		t.Fatal(err)
	}
	if s.Start(ctx) == nil {
		t.Error("started twice")
	}
	cancel()
	s.Stop()
	s.Stop()
}
