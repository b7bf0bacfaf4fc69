package cron

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"
)

// loop is the state of the scheduler's one deciding goroutine; nobody else touches it.
type loop struct {
	started time.Time // on the server's clock: since when this scheduler stands by
	epoch   int64     // of our leadership; 0: we do not lead
	opened  int       // the connection that we lead with
	minutes minutes
	jobs    map[int64]*job
	runs    map[int64]*run // ours that go on, by run id
	foreign map[int64]bool // jobs that run with another scheduler
	// unwritten are runs that ended while their end could not be recorded.
	unwritten map[int64]*run
	settings  settings
	nextPoll  time.Time
	purged    time.Time
	complain  string // the last error that was logged
}

// run decides, waits for the next thing that may matter, and decides again, until ctx ends.
func (s *Scheduler) run(ctx context.Context) {
	s.loop.jobs = map[int64]*job{}
	s.loop.runs = map[int64]*run{}
	s.loop.unwritten = map[int64]*run{}
	defer s.resign()
	for ctx.Err() == nil {
		wait, err := s.turn(ctx)
		if err != nil && ctx.Err() == nil {
			s.failed(err)
			wait = min(time.Second, s.opts.Lease/3)
		} else if s.loop.complain != "" && err == nil {
			s.loop.complain = ""
			s.log.Info("cron: works again")
		}
		timer := s.clock.After(wait)
		s.observe(event{kind: "turn", at: s.clock.Now()})
		select {
		case <-ctx.Done():
		case <-timer:
		case <-s.wake:
			s.loop.nextPoll = time.Time{}
		case r := <-s.ended:
			delete(s.loop.runs, r.id)
			if !r.written {
				s.loop.unwritten[r.id] = r
			}
			s.observe(event{kind: "end", jobid: r.jobid, runid: r.id})
		}
	}
}

// failed resigns where that is due, and logs an error once, not every second.
func (s *Scheduler) failed(err error) {
	if errors.Is(err, errLost) || errors.Is(err, errNotInstalled) || broken(err) {
		s.resign()
	}
	s.loop.nextPoll = time.Time{}
	if err.Error() == s.loop.complain {
		return
	}
	s.loop.complain = err.Error()
	if errors.Is(err, errLost) || errors.Is(err, errNotInstalled) {
		s.log.Info("cron: waits", zap.Error(err))
	} else {
		s.log.Warn("cron: tries again", zap.Error(err))
	}
}

// resign forgets leadership and what only a leader knows; the database remembers it for the next one. Runs go on.
func (s *Scheduler) resign() {
	if s.loop.epoch != 0 {
		s.observe(event{kind: "lost", at: s.clock.Now()})
		s.log.Info("cron: leads no more", zap.Int64("epoch", s.loop.epoch))
	}
	s.loop.epoch = 0
	s.loop.jobs = map[int64]*job{}
	s.leading.Store(false)
}

// turn does what is due now, and says how long there is nothing to do.
func (s *Scheduler) turn(ctx context.Context) (time.Duration, error) {
	now := s.clock.Now()
	if !now.Before(s.loop.nextPoll) {
		if err := s.poll(ctx); err != nil {
			return 0, err
		}
		s.loop.nextPoll = now.Add(s.pollInterval())
	}
	if s.loop.epoch == 0 {
		return s.loop.nextPoll.Sub(now), nil
	}
	if err := s.queueDue(ctx, now); err != nil {
		return 0, err
	}
	if err := s.startDue(ctx); err != nil {
		return 0, err
	}
	return max(0, s.nextDue(now).Sub(s.clock.Now())), nil
}

// pollInterval is how often leadership is extended, or asked for, and jobs are read though nobody notified us.
func (s *Scheduler) pollInterval() time.Duration {
	if s.loop.epoch == 0 || s.loop.waitsForForeign() {
		return min(time.Second, s.opts.Lease/3)
	}
	return min(5*time.Second, s.opts.Lease/3)
}

// poll is the exchange with the database that happens every few seconds and whenever a job has changed.
func (s *Scheduler) poll(ctx context.Context) error {
	opened, err := s.ready(ctx)
	if err == nil {
		err = s.keepRuns(ctx)
	}
	if err != nil {
		if errors.Is(err, errNotInstalled) {
			for _, r := range s.loop.runs {
				r.cancel(errUnscheduled)
			}
			clear(s.loop.unwritten) // their ids may come again
		}
		return err
	}
	if s.loop.epoch != 0 && opened != s.loop.opened {
		// A new connection: the advisory lock went with the old one.
		s.resign()
	}
	if s.loop.epoch == 0 {
		if won, err := s.lead(ctx); err != nil || !won {
			if err != nil {
				s.resign()
			}
			return err
		}
		return nil
	} else if err := s.reap(ctx, false); err != nil {
		return err
	}
	return s.load(ctx)
}
