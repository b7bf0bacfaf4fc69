package cron

import "time"

// Schedule says when a job is due. It has one of three kinds: minutes (five cron fields or an @name), an interval in
// seconds, or @reboot. The zero value is never due.
type Schedule struct {
	minute, hour, dom, month, dow uint64 // bit n: the value n is in the set; Sunday is 0
	anyMinute, anyHour            bool   // the field's text begins with *, as in */5
	anyDom, anyDow                bool
	lastDom                       bool          // $
	every                         time.Duration // > 0: the interval kind
	reboot                        bool
}

// Interval is the time between two starts of an interval schedule, 1 to 59 s; 0 for the other kinds.
func (s Schedule) Interval() time.Duration { return s.every }

// Reboot reports whether the schedule is @reboot: due once per start of the scheduler.
func (s Schedule) Reboot() bool { return s.reboot }

// fixedTime tells a job that stands at fixed times from a wildcard job. After a gap all missed minutes are made up for the
// first kind, while the second kind runs once (as in Vixie cron).
func (s Schedule) fixedTime() bool { return !s.anyMinute && !s.anyHour }

// Matches reports whether the schedule is due in the minute that begins at t, read on the clock of t's location. Where
// neither of the day fields begins with *, either may match; else both must, and with bothDays (pg_cron's setting
// match_dom_and_dow) always. Interval and @reboot schedules match no minute.
func (s Schedule) Matches(t time.Time, bothDays bool) bool {
	if !has(s.minute, t.Minute()) || !has(s.hour, t.Hour()) || !has(s.month, int(t.Month())) {
		return false
	}
	dom := has(s.dom, t.Day()) || s.lastDom && t.AddDate(0, 0, 1).Day() == 1
	dow := has(s.dow, int(t.Weekday()))
	if s.anyDom || s.anyDow || bothDays {
		return dom && dow
	}
	return dom || dow
}

func has(set uint64, n int) bool { return set&(1<<n) != 0 }
