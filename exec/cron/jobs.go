package cron

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	// Settings name time zones, and the machine may have no list of them.
	_ "time/tzdata"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"
)

// maxPending bounds how many due runs of a minute job wait for their turn.
const maxPending = 60

// job is what the leader keeps in mind about a row of cron.job.
type job struct {
	id      int64
	text    string // of the schedule
	when    Schedule
	active  bool
	base    time.Time   // interval jobs: the last start, or when the job was first seen
	pending []time.Time // queued occurrences that were not started yet
}

// slot is an occurrence of a job.
type slot struct {
	Job int64
	At  time.Time
}

// settings are pg_cron's, as set in the database.
type settings struct {
	zone       *time.Location
	zoneName   string
	asleep     bool // launch_active_jobs = off
	maxRunning int
	logRun     bool
	superusers bool
	bothDays   bool
}

// running tells whether a run of the job goes on anywhere, as far as we know.
func (l *loop) running(id int64) bool {
	for _, r := range l.runs {
		if r.jobid == id {
			return true
		}
	}
	return l.foreign[id]
}

func (l *loop) waitsForForeign() bool {
	for id := range l.foreign {
		if j := l.jobs[id]; j != nil && len(j.pending) > 0 {
			return true
		}
	}
	return false
}

// load reads jobs and settings.
func (s *Scheduler) load(ctx context.Context) error {
	if err := s.loadSettings(ctx); err != nil {
		return err
	}
	type row struct {
		ID       int64
		Schedule string
		Active   bool
	}
	rows, err := collect(ctx, &s.store, pgx.RowToStructByPos[row], `SELECT jobid, schedule, active FROM cron.job`)
	if err != nil {
		return err
	}
	foreign, err := collect(ctx, &s.store, pgx.RowTo[int64], `SELECT jobid FROM pgowl.cron_runs WHERE instance <> $1::text`, s.me)
	if err != nil {
		return err
	}
	s.loop.foreign = map[int64]bool{}
	for _, id := range foreign {
		s.loop.foreign[id] = true
	}
	now := s.clock.Now()
	old := s.loop.jobs
	s.loop.jobs = make(map[int64]*job, len(rows))
	for _, r := range rows {
		j := old[r.ID]
		if j == nil {
			j = &job{id: r.ID}
		}
		if j.base.IsZero() {
			j.base = now
		}
		if j.text != r.Schedule {
			j.text = r.Schedule
			if j.when, err = ParseSchedule(r.Schedule); err != nil {
				s.log.Warn("cron: job never runs", zap.Int64("jobid", r.ID), zap.String("schedule", r.Schedule), zap.Error(err))
			}
		}
		j.active, j.pending = r.Active, nil
		s.loop.jobs[r.ID] = j
	}
	return s.loadPending(ctx)
}

// loadPending reads what is queued and was not started; the table, not our memory, knows it.
func (s *Scheduler) loadPending(ctx context.Context) error {
	if s.loop.settings.asleep {
		_, err := s.store.exec(ctx, `DELETE FROM pgowl.cron_slots WHERE runid IS NULL`)
		return err
	}
	slots, err := collect(ctx, &s.store, pgx.RowToStructByPos[slot],
		`SELECT jobid, slot FROM pgowl.cron_slots WHERE runid IS NULL ORDER BY slot`)
	for _, sl := range slots {
		if j := s.loop.jobs[sl.Job]; j != nil {
			j.pending = append(j.pending, sl.At)
		}
	}
	return err
}

func (s *Scheduler) loadSettings(ctx context.Context) error {
	names := []string{"cron.timezone", "cron.launch_active_jobs", "cron.max_running_jobs", "cron.log_run",
		"cron.enable_superuser_jobs", "cron.match_dom_and_dow"}
	values, err := collect(ctx, &s.store, pgx.RowTo[*string],
		`SELECT pgowl.cron_setting(n) FROM unnest($1::text[]) WITH ORDINALITY u(n, i) ORDER BY i`, names)
	if err != nil {
		return err
	}
	text := func(i int, unset string) string {
		if i >= len(values) || values[i] == nil || *values[i] == "" {
			return unset
		}
		return strings.ToLower(*values[i])
	}
	on := func(i int, unset string) bool {
		return slices.Contains([]string{"on", "true", "yes", "1", "t", "y"}, text(i, unset))
	}
	l := &s.loop.settings
	zone := "GMT"
	if len(values) > 0 && values[0] != nil && *values[0] != "" {
		zone = *values[0]
	}
	if l.zone == nil || zone != l.zoneName {
		l.zoneName = zone
		if l.zone, err = time.LoadLocation(zone); err != nil {
			s.log.Warn("cron: setting cron.timezone: GMT is used", zap.Error(err))
			l.zone = time.UTC
		}
	}
	l.maxRunning = s.opts.MaxRunning
	if n, err := strconv.Atoi(text(2, "")); err == nil && n >= 0 {
		l.maxRunning = n
	}
	l.asleep, l.logRun, l.superusers, l.bothDays = !on(1, "on"), on(3, "on"), on(4, "on"), on(5, "off")
	return nil
}

// due gives the jobs with something pending that may start, the longest waiting first.
func (l *loop) due() []*job {
	var list []*job
	for _, j := range l.jobs {
		if len(j.pending) > 0 && !l.running(j.id) {
			list = append(list, j)
		}
	}
	slices.SortFunc(list, func(a, b *job) int {
		return cmp.Or(a.pending[0].Compare(b.pending[0]), cmp.Compare(a.id, b.id))
	})
	return list
}
