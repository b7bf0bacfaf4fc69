package cron

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"
	"go.uber.org/zap"
)

// cancelLimit is how long a cancelled command may take to end before its connection is closed.
const cancelLimit = 10 * time.Second

// run is one execution of a job.
type run struct {
	id, jobid                   int64
	database, username, command string
	cancel                      context.CancelCauseFunc
	// finished: the row in pgowl.cron_runs is deleted, or about to be.
	finished atomic.Bool
	end      result
	written  bool // the end is in the database
}

// startDue starts what is pending, as far as limits allow.
func (s *Scheduler) startDue(ctx context.Context) error {
	for _, j := range s.loop.due() {
		if len(s.loop.runs)+len(s.loop.foreign) >= s.loop.settings.maxRunning || s.loop.settings.asleep {
			return nil
		}
		if err := s.startJob(ctx, j); err != nil {
			return err
		}
	}
	return nil
}

// startJob claims the first pending occurrence of a job and runs it.
func (s *Scheduler) startJob(ctx context.Context, j *job) error {
	var outcome string
	var id *int64
	var database, username, command *string
	_, err := s.store.do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `SELECT * FROM pgowl.cron_start($1::bigint, $2::float8, $3::text, $4::bigint, $5::timestamptz, $6::boolean, $7::boolean)`,
			pgx.QueryExecModeExec, s.loop.epoch, s.opts.Lease.Seconds(), s.me, j.id, j.pending[0],
			s.loop.settings.logRun, s.loop.settings.superusers).Scan(&outcome, &id, &database, &username, &command)
	})
	if err != nil {
		return err
	}
	if outcome == "busy" {
		s.loop.foreign[j.id] = true
		s.loop.nextPoll = s.clock.Now().Add(s.pollInterval())
		return nil
	}
	j.pending = j.pending[1:]
	j.base = s.clock.Now()
	if outcome != "started" {
		s.log.Debug("cron: not started", zap.Int64("jobid", j.id), zap.String("why", outcome))
		return nil
	}
	r := &run{id: *id, jobid: j.id, database: *database, username: *username, command: *command}
	ctx, r.cancel = context.WithCancelCause(ctx)
	s.loop.runs[r.id] = r
	s.observe(event{kind: "start", jobid: r.jobid, runid: r.id})
	s.tasks.Go(func() {
		defer r.cancel(nil)
		s.execute(ctx, r)
		s.ended <- r
	})
	return nil
}

// execute runs the command and keeps the history row. ctx's end cancels the command; its cause says what is written then.
func (s *Scheduler) execute(ctx context.Context, r *run) {
	s.record(ctx, r, `UPDATE cron.job_run_details SET status = 'connecting' WHERE runid = $1::bigint AND status = 'starting'`)
	conn, err := s.connect(ctx, r)
	if err != nil {
		message := "connection failed"
		if errors.Is(err, errStartTimeout) {
			message = err.Error()
		}
		s.log.Info("cron: job could not connect", zap.Int64("jobid", r.jobid), zap.String("user", r.username), zap.Error(err))
		s.finish(ctx, r, endOf(ctx, result{failed: true, message: message}))
		return
	}
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		conn.Close(end)
		<-conn.PgConn().CleanupDone()
	}()
	link := &link{conn: conn}
	if ctx.Err() != nil {
		s.finish(ctx, r, endOf(ctx, result{}))
		return
	}
	// From here on, a cancel goes to the server.
	var cancelling sync.WaitGroup
	cancelling.Add(1)
	over := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer cancelling.Done()
		s.cancelRun(ctx, r, link, over)
	})
	pid := int32(conn.PgConn().PID())
	recorded := s.record(ctx, r, `WITH r AS (UPDATE pgowl.cron_runs SET pid = $2::integer WHERE runid = $1::bigint)
		UPDATE cron.job_run_details SET status = 'sending', job_pid = $2::integer WHERE runid = $1::bigint AND status = 'connecting'`, pid)
	res := result{failed: true, message: "connection lost"}
	// A run without a pid counts as not begun and may be given back (pgowl.cron_unclaim): nothing is sent before it has one.
	if recorded && link.send(r.command) == nil {
		s.record(ctx, r, `UPDATE cron.job_run_details SET status = 'running', start_time = pg_catalog.clock_timestamp()
			WHERE runid = $1::bigint AND status = 'sending'`)
		res = readResult(link, r.command)
	}
	close(over)
	if !stop() {
		cancelling.Wait()
	}
	s.finish(ctx, r, endOf(ctx, res))
}

// endOf gives what a run is recorded as, given how its context ended.
func endOf(ctx context.Context, res result) result {
	switch cause := context.Cause(ctx); {
	case cause == nil:
		return res
	case errors.Is(cause, errUnscheduled):
		return result{failed: true, message: "job canceled"}
	default:
		return result{failed: true, message: "server restarted"}
	}
}

// cancelRun writes down at once that the job was cancelled, stops the command on the server, and closes the connection if that
// does not help.
func (s *Scheduler) cancelRun(ctx context.Context, r *run, link *link, over <-chan struct{}) {
	end := endOf(ctx, result{})
	s.record(ctx, r, `UPDATE cron.job_run_details SET status = 'failed', return_message = $2::text, end_time = pg_catalog.clock_timestamp()
		WHERE runid = $1::bigint AND status NOT IN ('succeeded', 'failed')`, end.message)
	for tries := 0; tries < int(cancelLimit/time.Second); tries++ {
		// Again and again: a cancel that arrives between two statements, or before the first, is without effect.
		link.cancel()
		select {
		case <-over:
			return
		case <-s.clock.After(time.Second):
		}
	}
	link.conn.PgConn().Conn().Close()
}

var errStartTimeout = errors.New("job startup timeout")

// connect opens the job's session, within connectLimit on the scheduler's clock.
func (s *Scheduler) connect(ctx context.Context, r *run) (*pgx.Conn, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	connected := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-connected:
		case <-ctx.Done():
		case <-s.clock.After(s.connectLimit):
			cancel(errStartTimeout)
		}
	})
	conn, err := s.opts.Dial(ctx, r.database, r.username)
	close(connected)
	watch.Wait()
	if err != nil && errors.Is(context.Cause(ctx), errStartTimeout) {
		return nil, errStartTimeout
	}
	return conn, err
}

// record writes to the history. While the scheduler lives it tries until the database is there; when it stops, once more.
func (s *Scheduler) record(ctx context.Context, r *run, sql string, args ...any) (done bool) {
	for {
		stopping := s.life.Err() != nil
		write, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.store.limit)
		_, err := s.store.exec(write, sql, append([]any{r.id}, args...)...)
		cancel()
		if err == nil {
			return true
		}
		if stopping || !broken(err) {
			s.log.Warn("cron: history not written", zap.Int64("runid", r.id), zap.Error(err))
			return false
		}
		s.sleep(s.life, time.Second)
	}
}

// finish writes the run's end, unless an end was written already, and lets the job run again.
func (s *Scheduler) finish(ctx context.Context, r *run, res result) {
	r.end = res
	r.finished.Store(true)
	r.written = s.record(ctx, r, finishSQL, r.finishArgs(s.leading.Load())...)
}

// finishSQL also notifies when this scheduler does not lead: the one that does may wait for the end of this run.
const finishSQL = `WITH r AS (DELETE FROM pgowl.cron_runs WHERE runid = $1::bigint),
	d AS (UPDATE cron.job_run_details SET status = $2::text, return_message = $3::text, end_time = pg_catalog.clock_timestamp()
		WHERE runid = $1::bigint AND status NOT IN ('succeeded', 'failed'))
	SELECT CASE WHEN NOT $4::boolean THEN pg_catalog.pg_notify('` + channel + `', '') END`

func (r *run) finishArgs(leading bool) []any {
	status := "succeeded"
	if r.end.failed {
		status = "failed"
	}
	return []any{status, r.end.message, leading}
}

// link is a job's session, one query long.
type link struct {
	conn *pgx.Conn
}

func (l *link) send(command string) error {
	f := l.conn.PgConn().Frontend()
	f.Send(&pgproto3.Query{String: command})
	return f.Flush()
}

func (l *link) receive() (pgproto3.BackendMessage, error) {
	return l.conn.PgConn().ReceiveMessage(context.Background())
}

func (l *link) refuseCopyIn() error {
	f := l.conn.PgConn().Frontend()
	f.Send(&pgproto3.CopyFail{Message: copyRefused})
	return f.Flush()
}

func (l *link) cancel() {
	ctx, cancel := context.WithTimeout(context.Background(), cancelLimit)
	defer cancel()
	// An error shows by the command going on, which is looked at anyway.
	_ = l.conn.PgConn().CancelRequest(ctx)
}
