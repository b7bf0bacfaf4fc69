package cron

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"
)

// queueDue finds what is due and writes it down, once for all schedulers.
func (s *Scheduler) queueDue(ctx context.Context, now time.Time) error {
	var slots []slot
	next := s.loop.minutes // taken over when the database has it
	due, rewound := next.advance(now)
	if len(due) > 0 {
		// A job that was changed a moment ago must not run as it was.
		if err := s.load(ctx); err != nil {
			return err
		}
	}
	if rewound {
		if _, err := s.store.exec(ctx, `DELETE FROM pgowl.cron_slots WHERE runid IS NOT NULL AND slot >= $1::timestamptz`,
			now.UTC().Truncate(time.Minute)); err != nil {
			return err
		}
	}
	for _, j := range s.loop.jobs {
		if j.active && !s.loop.settings.asleep {
			slots = append(slots, s.dueOf(j, due, now)...)
		}
	}
	if len(due) == 0 && len(slots) == 0 {
		return nil
	}
	if err := s.queue(ctx, next.last, slots, now); err != nil {
		return err
	}
	s.loop.minutes = next
	return s.purge(ctx, now)
}

// dueOf gives a job's occurrences in the due minutes, or at now for an interval.
func (s *Scheduler) dueOf(j *job, due []dueMinute, now time.Time) (slots []slot) {
	if every := j.when.Interval(); every > 0 {
		if len(j.pending) == 0 && !now.Before(j.base.Add(every)) {
			slots = append(slots, slot{j.id, now.Truncate(time.Microsecond)})
		} else if now.Before(j.base.Add(-every)) {
			j.base = now // the clock was set back
		}
		return slots
	}
	for _, m := range due {
		wanted := m.wild
		if j.when.fixedTime() {
			wanted = m.fixed
		}
		if !wanted || !j.when.Matches(m.at.In(s.loop.settings.zone), s.loop.settings.bothDays) {
			continue
		}
		if len(j.pending)+len(slots) >= maxPending {
			s.log.Warn("cron: a run is dropped, too many wait", zap.Int64("jobid", j.id), zap.Time("due", m.at))
			continue
		}
		slots = append(slots, slot{j.id, m.at})
	}
	return slots
}

// queueStart queues @reboot jobs, if this is a start of the schedulers and not a failover among them.
func (s *Scheduler) queueStart(ctx context.Context, boot bool, now time.Time) error {
	var slots []slot
	for _, j := range s.loop.jobs {
		if boot && j.active && j.when.Reboot() && !s.loop.settings.asleep {
			slots = append(slots, slot{j.id, now.Truncate(time.Microsecond)})
		}
	}
	return s.queue(ctx, s.loop.minutes.last, slots, now)
}

// queue stores occurrences and the minute that was reached, if we still lead; those that are new become pending.
func (s *Scheduler) queue(ctx context.Context, minute time.Time, slots []slot, now time.Time) error {
	ids, times := make([]int64, len(slots)), make([]time.Time, len(slots))
	for i, sl := range slots {
		ids[i], times[i] = sl.Job, sl.At
	}
	fresh, err := collect(ctx, &s.store, pgx.RowToStructByPos[slot],
		`SELECT * FROM pgowl.cron_queue($1::bigint, $2::float8, $3::timestamptz, $4::bigint[], $5::timestamptz[])`,
		s.loop.epoch, s.opts.Lease.Seconds(), minute, ids, times)
	if err != nil {
		return err
	}
	for _, sl := range fresh {
		if j := s.loop.jobs[sl.Job]; j != nil {
			j.pending = append(j.pending, sl.At)
		}
	}
	return nil
}

// nextDue is when there is something to do again, runs that end and notifications aside.
func (s *Scheduler) nextDue(now time.Time) time.Time {
	at := s.loop.nextPoll
	earlier := func(t time.Time) {
		if t.Before(at) {
			at = t
		}
	}
	if next := s.loop.minutes.next(); next.After(now) {
		earlier(next)
	}
	for _, j := range s.loop.jobs {
		if every := j.when.Interval(); every > 0 && j.active && len(j.pending) == 0 && !s.loop.settings.asleep {
			earlier(j.base.Add(every))
		}
	}
	return at
}

// purge forgets occurrences that can't come again.
func (s *Scheduler) purge(ctx context.Context, now time.Time) error {
	if now.Sub(s.loop.purged).Abs() < 10*time.Minute {
		return nil
	}
	s.loop.purged = now
	_, err := s.store.exec(ctx, `DELETE FROM pgowl.cron_slots WHERE slot < $1::timestamptz`, now.Add(-2*time.Hour))
	return err
}
