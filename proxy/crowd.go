package proxy

import "time"

const (
	// many is how many busy sessions make a loop let others finish before it takes its turn.
	many = 16
	// crowdWindow is what "busy" looks back on.
	crowdWindow = 10 * time.Millisecond
	// bulkRead is a read that has so much to tell that nobody waits for its round trip.
	bulkRead = 4 << 10
	// A loop that had nothing but bulk to move for so many turns sleeps before the next one, so that a turn moves more: else it
	// would be woken for each of the server's buffers, 8 kB.
	bulkTurns = 16
	bulkSleep = 250 * time.Microsecond
)

// crowd is what a loop has been busy with lately.
type crowd struct {
	window uint32 // number of the present window
	start  time.Time
	now    int // sessions in the present window
	before int // and in the one before

	moved, other bool // in this turn: bulk, and something else
	turns        int  // with nothing but bulk
}

// read notes how much a read gave.
func (c *crowd) read(n int) {
	if n >= bulkRead {
		c.moved = true
	} else {
		c.other = true
	}
}

// turn ends a turn, and reports whether to sleep before the next one.
func (c *crowd) turn() bool {
	switch {
	case c.other:
		c.turns = 0
	case c.moved:
		c.turns++
	}
	sleep := c.moved && c.turns > bulkTurns
	c.moved, c.other = false, false
	return sleep
}

// see notes a session.
func (c *crowd) see(t *trip) {
	if t.seen != c.window+1 {
		t.seen = c.window + 1 // a new trip has 0, which no window has
		c.now++
	}
}

// large reports whether there are many busy sessions.
func (c *crowd) large(now time.Time) bool {
	if now.Sub(c.start) > crowdWindow {
		c.before, c.now = c.now, 0
		c.start = now
		c.window++
	}
	return max(c.now, c.before) >= many
}
