package cron

import "time"

// Clock is the scheduler's time; tests move it by hand.
type Clock interface {
	Now() time.Time
	// After gives a channel that receives once, when d has passed.
	After(d time.Duration) <-chan time.Time
}

type systemClock struct{}

func (systemClock) Now() time.Time                         { return time.Now() }
func (systemClock) After(d time.Duration) <-chan time.Time { return time.After(d) }
