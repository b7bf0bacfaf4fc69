package cron

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap/zaptest"
)

// fakeClock moves only when a test says so.
type fakeClock struct {
	mu     sync.Mutex
	now    time.Time
	timers []fakeTimer
}

type fakeTimer struct {
	at time.Time
	c  chan time.Time
}

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) After(d time.Duration) <-chan time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := fakeTimer{c.now.Add(d), make(chan time.Time, 1)}
	if d <= 0 {
		t.c <- c.now
	} else {
		c.timers = append(c.timers, t)
	}
	return t.c
}

func (c *fakeClock) set(to time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = to
	var left []fakeTimer
	for _, t := range c.timers {
		if t.at.After(to) {
			left = append(left, t)
		} else {
			t.c <- to
		}
	}
	c.timers = left
}

// bench is one scheduler under test, with everything that it does noted.
type bench struct {
	t      testing.TB
	s      *Scheduler
	clock  *fakeClock
	events chan event
}

const patience = 20 * time.Second

func newScheduler(t testing.TB, d database, change func(*Options)) (*Scheduler, chan event) {
	return newLimited(t, d, 0, change)
}

// newLimited makes a scheduler with a limit for connecting of its own.
func newLimited(t testing.TB, d database, limit time.Duration, change func(*Options)) (*Scheduler, chan event) {
	o := Options{
		Service: func(ctx context.Context) (*pgx.Conn, error) { return pgx.Connect(ctx, d.owner) },
		Dial: func(ctx context.Context, db, user string) (*pgx.Conn, error) {
			u, err := url.Parse(as(t, d.super, user))
			if err != nil {
				return nil, err
			}
			u.Path = "/" + db
			c, err := pgx.ParseConfig(u.String())
			if err != nil {
				return nil, err
			}
			c.RuntimeParams["application_name"] = "pg_cron"
			return pgx.ConnectConfig(ctx, c)
		},
		Log:   zaptest.NewLogger(t),
		Lease: time.Minute,
	}
	change(&o)
	s := New(o)
	if _, fake := o.Clock.(*fakeClock); fake && limit == 0 {
		limit = 1000 * time.Hour // a fake clock runs away from a real server
	}
	if limit != 0 {
		s.connectLimit = limit
	}
	events := make(chan event, 10000)
	s.observe = func(e event) { events <- e }
	if err := s.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s, events
}

// start starts a scheduler that leads, with a clock that stands at a full minute.
func start(t testing.TB, d database, change func(*Options)) *bench {
	t.Helper()
	b := &bench{t: t, clock: &fakeClock{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}}
	b.s, b.events = newScheduler(t, d, func(o *Options) {
		o.Clock = b.clock
		if change != nil {
			change(o)
		}
	})
	b.wait("lead", 1)
	b.settle()
	return b
}

// wait gives the n next events of a kind, and drops all others on the way.
func (b *bench) wait(kind string, n int) (list []event) {
	b.t.Helper()
	limit := time.After(patience)
	for len(list) < n {
		select {
		case e := <-b.events:
			if e.kind == kind {
				list = append(list, e)
			}
		case <-limit:
			b.t.Fatalf("%d of %d events %q came", len(list), n, kind)
		}
	}
	return list
}

// settle waits until the loop has looked once more, and forgets the events until then.
func (b *bench) settle() { b.t.Helper(); b.seen() }

// drain gives what has happened.
func (b *bench) drain() (list []event) {
	for {
		select {
		case e := <-b.events:
			list = append(list, e)
		default:
			return list
		}
	}
}

// seen gives what has happened, and what does until the loop has looked twice from now on: the first of these may have
// begun before.
func (b *bench) seen() (list []event) {
	b.t.Helper()
	list = b.drain()
	for range 2 {
		b.s.poke()
		limit := time.After(patience)
		for turned := false; !turned; {
			select {
			case e := <-b.events:
				list = append(list, e)
				turned = e.kind == "turn"
			case <-limit:
				b.t.Fatal("the loop does not turn")
			}
		}
	}
	return list
}

// until makes the loop look at once, again and again, until an event of this kind comes.
func (b *bench) until(kind string) {
	b.t.Helper()
	for deadline := time.Now().Add(patience); ; {
		for _, e := range b.seen() {
			if e.kind == kind {
				return
			}
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("no event %q came", kind)
		}
	}
}

// advance moves the clock and gives the number of runs that were started because of it.
func (b *bench) advance(d time.Duration) int {
	b.t.Helper()
	b.drain()
	b.clock.set(b.clock.Now().Add(d))
	n := 0
	for _, e := range b.seen() {
		if e.kind == "start" {
			n++
		}
	}
	return n
}

// history gives the newest run of a job.
func history(t testing.TB, conn *pgx.Conn, jobid int64) (status, message string) {
	t.Helper()
	err := conn.QueryRow(context.Background(), `SELECT status, coalesce(return_message, '<null>') FROM cron.job_run_details
		WHERE jobid = $1 ORDER BY runid DESC LIMIT 1`, jobid).Scan(&status, &message)
	if err != nil {
		t.Fatal(err)
	}
	return status, message
}

func schedule(t testing.TB, conn *pgx.Conn, when, command string) int64 {
	t.Helper()
	return value[int64](t, conn, "SELECT cron.schedule($1, $2)", when, command)
}

func name(i int) string { return fmt.Sprintf("job%d", i) }
