package cron

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"
)

// Options are a Scheduler's. Service and Dial are required.
type Options struct {
	// Service connects as the owner of schema cron to the database that holds it. A scheduler keeps two such connections, one
	// of which listens; they must be sessions of their own (no pooler that shares them between transactions).
	Service func(ctx context.Context) (*pgx.Conn, error)
	// Dial opens the session that a job runs in: as this user in this database, through PgOwl, with application_name pg_cron.
	Dial func(ctx context.Context, database, username string) (*pgx.Conn, error)
	// Clock is the time; nil: the system's.
	Clock Clock
	// Log is for the operator; nil: nothing is logged.
	Log *zap.Logger
	// Lease is how long a leader that hangs is waited for, on the server's clock; one whose connection is gone is replaced
	// within about a second. Zero: 10 s.
	Lease time.Duration
	// MaxRunning bounds the runs that go on at the same time, all proxies together. Zero: 32. The database's setting
	// cron.max_running_jobs goes before it.
	MaxRunning int
}

// Scheduler runs jobs. Make one with New.
type Scheduler struct {
	opts  Options
	me    string // names this scheduler in the database
	store store
	log   *zap.Logger
	clock Clock

	wake  chan struct{} // something may have changed: look at once
	ended chan *run
	tasks sync.WaitGroup // goroutines other than the loop

	mu     sync.Mutex
	cancel context.CancelCauseFunc
	done   chan struct{}

	life    context.Context // from Start to Stop
	leading atomic.Bool
	loop    loop
	observe func(event) // for tests; never nil
	// connectLimit is how long a job's session may take to open: pg_cron's CronTaskStartTimeout, on the scheduler's clock.
	connectLimit time.Duration
}

// event tells a test what happened: "turn" (the loop has looked and now waits), "lead", "lost", "start", "end".
type event struct {
	kind  string
	at    time.Time
	jobid int64
	runid int64
}

// The causes that end a run before its command does.
var (
	errStopped     = errors.New("the scheduler stops")
	errUnscheduled = errors.New("the job was unscheduled or deactivated")
	errReaped      = errors.New("another scheduler took this one for dead")
)

// New makes a scheduler; Start starts it.
func New(opts Options) *Scheduler {
	if opts.Clock == nil {
		opts.Clock = systemClock{}
	}
	if opts.Log == nil {
		opts.Log = zap.NewNop()
	}
	if opts.Lease <= 0 {
		opts.Lease = 10 * time.Second
	}
	if opts.MaxRunning <= 0 {
		opts.MaxRunning = 32
	}
	return &Scheduler{
		opts: opts, me: rand.Text(), log: opts.Log, clock: opts.Clock,
		store:   store{service: opts.Service, limit: max(5*time.Second, opts.Lease/2)},
		wake:    make(chan struct{}, 1),
		ended:   make(chan *run),
		observe: func(event) {}, connectLimit: 10 * time.Second,
	}
}

// Start begins the work and returns; it fails only for a second start or missing options. A database that can't be reached, has no
// schema cron yet or is read-only is waited for. The work ends with ctx or with Stop, whichever comes first.
func (s *Scheduler) Start(ctx context.Context) error {
	if s.opts.Service == nil || s.opts.Dial == nil {
		return fmt.Errorf("cron: options Service and Dial are required")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.done != nil {
		return fmt.Errorf("cron: started already")
	}
	ctx, s.cancel = context.WithCancelCause(ctx)
	s.life = ctx
	s.done = make(chan struct{})
	s.tasks.Go(func() { s.listen(ctx) })
	go func() {
		defer close(s.done)
		s.run(ctx)
		// ctx is over. Runs notice it too: their commands are cancelled and they write their last line.
		ended := make(chan struct{})
		go func() { s.tasks.Wait(); close(ended) }()
		for open := true; open; {
			select {
			case <-s.ended:
			case <-ended:
				open = false
			}
		}
		s.store.close()
	}()
	return nil
}

// Stop ends the work: running commands are cancelled on the server and recorded as failed, "server restarted"; another proxy then
// leads at once. It returns when everything has ended, and may be called again, or before Start.
func (s *Scheduler) Stop() {
	s.mu.Lock()
	cancel, done := s.cancel, s.done
	s.mu.Unlock()
	if done == nil {
		return
	}
	cancel(errStopped)
	<-done
}

// Leading reports whether this scheduler is the one that starts jobs now.
func (s *Scheduler) Leading() bool { return s.leading.Load() }

// poke makes the loop look at once.
func (s *Scheduler) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// sleep waits for d, and reports whether ctx still lives.
func (s *Scheduler) sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-s.clock.After(d):
		return true
	}
}
