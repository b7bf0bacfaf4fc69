package cron

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"
)

// resume is how long a time without any leader may be so that the next one goes on where the last one stood, as after a
// failover. After a longer one, as after pg_cron's restart, what was missed is lost.
const resume = smallGap * time.Minute

// ready asks whether there is something to schedule for, and since when we stand by.
func (s *Scheduler) ready(ctx context.Context) (opened int, err error) {
	var installed bool
	var now time.Time
	opened, err = s.store.do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `SELECT pg_catalog.to_regclass('cron.job') IS NOT NULL
			AND pg_catalog.to_regprocedure('pgowl.cron_lead(text, timestamptz, double precision)') IS NOT NULL
			AND NOT pg_catalog.pg_is_in_recovery(), pg_catalog.clock_timestamp()`, pgx.QueryExecModeExec).Scan(&installed, &now)
	})
	if err != nil {
		return opened, err
	}
	if s.loop.started.IsZero() {
		s.loop.started = now
	}
	if !installed {
		return opened, errNotInstalled
	}
	return opened, nil
}

// lead tries to become the leader and, if so, takes over what the last one left.
func (s *Scheduler) lead(ctx context.Context) (bool, error) {
	var epoch *int64
	var boot *bool
	var minute *time.Time
	var silent *time.Duration
	opened, err := s.store.do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `SELECT won_epoch, boot, last_minute, silent
			FROM pgowl.cron_lead($1::text, $2::timestamptz, $3::float8)`,
			pgx.QueryExecModeExec, s.me, s.loop.started, s.opts.Lease.Seconds()).Scan(&epoch, &boot, &minute, &silent)
	})
	if err != nil || epoch == nil {
		return false, err
	}
	now := s.clock.Now()
	s.loop.epoch, s.loop.opened = *epoch, opened
	s.loop.jobs = map[int64]*job{}
	s.loop.minutes = minutes{last: now.UTC().Truncate(time.Minute)}
	s.loop.settings = settings{}
	s.leading.Store(true)
	s.log.Info("cron: leads", zap.Int64("epoch", *epoch), zap.Boolp("start", boot))
	if silent != nil && *silent < resume {
		if minute != nil {
			s.loop.minutes.last = minute.UTC()
		}
		err = s.takeOver(ctx, now)
	} else {
		_, err = s.store.exec(ctx, `DELETE FROM pgowl.cron_slots WHERE runid IS NULL`)
	}
	if err != nil {
		return false, err
	}
	if err := s.reap(ctx, true); err != nil {
		return false, err
	}
	if err := s.load(ctx); err != nil {
		return false, err
	}
	s.observe(event{kind: "lead", at: now})
	return true, s.queueStart(ctx, *boot, now)
}

// takeOver fetches when interval jobs were started last.
func (s *Scheduler) takeOver(ctx context.Context, now time.Time) error {
	last, err := collect(ctx, &s.store, pgx.RowToStructByPos[slot],
		`SELECT jobid, max(slot) FROM pgowl.cron_slots WHERE runid IS NOT NULL AND slot > $1::timestamptz AND slot <= $2::timestamptz
		 GROUP BY jobid`, now.Add(-resume), now)
	for _, sl := range last {
		s.loop.jobs[sl.Job] = &job{id: sl.Job, base: sl.At}
	}
	return err
}

// reap asks whether we still lead, extends the lease, and ends the runs of schedulers that are gone.
func (s *Scheduler) reap(ctx context.Context, first bool) error {
	dead, err := collect(ctx, &s.store, pgx.RowTo[int64], `SELECT * FROM pgowl.cron_reap($1::bigint, $2::float8, $3::boolean)`,
		s.loop.epoch, s.opts.Lease.Seconds(), first)
	if len(dead) > 0 {
		s.log.Warn("cron: runs ended because their scheduler is gone", zap.Int64s("jobs", dead))
	}
	return err
}

// settle clears up a run that the database has under our name and that does not go on here.
func (s *Scheduler) settle(ctx context.Context, id int64) error {
	if r := s.loop.unwritten[id]; r != nil {
		if _, err := s.store.exec(ctx, finishSQL, append([]any{id}, r.finishArgs(true)...)...); err != nil {
			return err
		}
		delete(s.loop.unwritten, id)
		return nil
	}
	// Claimed by a statement whose answer was lost with its connection: it never ran, so it may still.
	_, err := s.store.exec(ctx, `SELECT pgowl.cron_unclaim($1::bigint)`, id)
	return err
}

// keepRuns extends the lease of our runs and cancels those that are not wanted any more.
func (s *Scheduler) keepRuns(ctx context.Context) error {
	type kept struct{ Run, Job int64 }
	list, err := collect(ctx, &s.store, pgx.RowToStructByPos[kept],
		`SELECT * FROM pgowl.cron_keep($1::text, $2::float8)`, s.me, s.opts.Lease.Seconds())
	if err != nil || len(list)+len(s.loop.runs) == 0 {
		return err
	}
	known, jobs := map[int64]bool{}, []int64{}
	for _, k := range list {
		known[k.Run] = true
		jobs = append(jobs, k.Job)
		if s.loop.runs[k.Run] == nil {
			if err := s.settle(ctx, k.Run); err != nil {
				return err
			}
		}
	}
	active, err := collect(ctx, &s.store, pgx.RowTo[int64], `SELECT jobid FROM cron.job WHERE active AND jobid = ANY ($1::bigint[])`, jobs)
	if err != nil {
		return err
	}
	for id, r := range s.loop.runs {
		switch {
		case r.finished.Load():
		case !known[id]:
			r.cancel(errReaped)
		case !slices.Contains(active, r.jobid) || s.loop.settings.asleep:
			r.cancel(errUnscheduled)
		}
	}
	return nil
}
