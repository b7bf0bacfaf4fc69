package proxy

import "time"

const (
	// A loop watches for this long before it sleeps, while few sessions are busy. A statement that reads a row takes less.
	watch = 200 * time.Microsecond
	// few is how many busy sessions it does so for: with more, the processors have better things to do.
	few = 1
	// bulkRead is a read that has so much to tell that nobody waits for its round trip.
	bulkRead = 4 << 10
	// A loop that had nothing but bulk to move for so many turns sleeps before the next one, so that a turn moves more: else it
	// would be woken for each of the server's buffers, 8 kB.
	bulkTurns = 16
	bulkSleep = 250 * time.Microsecond
	// crowdWindow is what "busy" looks back on.
	crowdWindow = 10 * time.Millisecond
)

// crowd counts the sessions that a loop has been busy with lately.
type crowd struct {
	window uint32 // number of the present window
	start  time.Time
	now    int // sessions in the present window
	before int // and in the one before

	moved, other bool // in this turn: bulk, and something else
	turns        int  // with nothing but bulk
}

// bulk notes that a session moves much: watching for that takes a processor from those who make it and use it.
func (c *crowd) bulk() {
	c.now = few + 1
	c.moved = true
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

// small reports whether there is a busy session, and not more than few.
func (c *crowd) small(now time.Time) bool {
	if now.Sub(c.start) > crowdWindow {
		c.before, c.now = c.now, 0
		c.start = now
		c.window++
	}
	n := max(c.now, c.before)
	return n > 0 && n <= few
}
