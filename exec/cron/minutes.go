package cron

import "time"

// How many minutes may have passed unseen (or be repeated, when the clock was set back) before the next coarser rule is used.
const (
	smallGap = 5
	largeGap = 180
)

// dueMinute is a minute to evaluate, and for which kinds of jobs (see Schedule.fixedTime).
type dueMinute struct {
	at          time.Time
	fixed, wild bool
}

// minutes decides which minutes have to be evaluated as the clock moves, by pg_cron's rules for gaps. Where the clock is
// set back by more than a few minutes, pg_cron stands still until the old time has come again; here wildcard jobs
// go on, fixed-time jobs do not run again before the old time, and after a jump of hours the new time is simply taken.
type minutes struct {
	last       time.Time // the last one evaluated
	fixedAfter time.Time // fixed-time jobs are due only after this minute
}

// advance gives the minutes due up to now, in order; rewound tells that the clock was set back and minutes come again.
func (m *minutes) advance(now time.Time) (due []dueMinute, rewound bool) {
	current := now.UTC().Truncate(time.Minute)
	if m.last.IsZero() {
		m.last = current
		return nil, false
	}
	old := m.last
	n := int(current.Sub(old) / time.Minute)
	if n <= 0 && n >= -smallGap {
		return nil, false
	}
	m.last = current
	switch {
	case n < -largeGap:
		m.fixedAfter = time.Time{}
		return []dueMinute{{at: current, fixed: true, wild: true}}, true
	case n < 0:
		if old.After(m.fixedAfter) {
			m.fixedAfter = old
		}
		return []dueMinute{{at: current, wild: true}}, true
	case n > largeGap:
		old = current.Add(-time.Minute)
	}
	for at := old.Add(time.Minute); !at.After(current); at = at.Add(time.Minute) {
		due = append(due, dueMinute{at: at, fixed: at.After(m.fixedAfter), wild: n <= smallGap || at.Equal(current)})
	}
	return due, false
}

// next is when the following minute begins.
func (m *minutes) next() time.Time { return m.last.Add(time.Minute) }
