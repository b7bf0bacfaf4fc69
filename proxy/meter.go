package proxy

import (
	"sync/atomic"
	"time"

	"github.com/pgowl/pgowl/parser"
)

// meter counts what goes through one session. Its owners add to it while messages pass, without locks or garbage; it is read when
// somebody wants the metrics.
type meter struct {
	fromClient, fromServer atomic.Uint64 // bytes
	passed                 atomic.Uint64 // statements forwarded as they are
	started                atomic.Int64  // when the statement that runs was sent (now); 0: none runs
	status                 atomic.Uint32 // of the last ReadyForQuery; 0 before the first
	lane                   atomic.Uint32 // of the statement that runs, plus 1; 0: passed
	times                  histogram     // of passed statements, from their sending to ReadyForQuery
}

var epoch = time.Now()

// now is a time for differences, never 0.
func now() int64 { return int64(time.Since(epoch)) + 1 }

// sent notes a message that is forwarded to the server as it is. It reports whether that executes a statement that calls us from within the
// server: an Execute behind the Parse of one, for later no one remembers which statement was such a one.
func (m *meter) sent(typ byte) (calls bool) {
	if typ == 'p' { // an answer while the client logs in
		return false
	}
	m.begin()
	switch {
	case typ != 'Q' && typ != 'E':
	case typ == 'E' && m.lane.Load() == uint32(parser.Call)+1:
		return true
	default:
		m.passed.Add(1)
	}
	return false
}

// begin notes that a statement is under way.
func (m *meter) begin() {
	if m.started.Load() == 0 {
		m.started.Store(now())
	}
}

// planned notes that what runs, up to ReadyForQuery, has a statement of ours.
func (m *meter) planned(l parser.Lane) { m.lane.Store(uint32(l) + 1) }

// ready notes a ReadyForQuery. It reports the lane and the time of a statement that wasn't simply passed.
func (m *meter) ready(status byte) (lane parser.Lane, took time.Duration, ours bool) {
	m.status.Store(uint32(status))
	from := m.started.Load()
	if from == 0 {
		return 0, 0, false
	}
	m.started.Store(0)
	took = time.Duration(now() - from)
	if l := m.lane.Load(); l != 0 {
		m.lane.Store(0)
		return parser.Lane(l - 1), took, true
	}
	m.times.observe(took)
	return 0, 0, false
}

// state names what a session does, as pg_stat_activity has it.
func (m *meter) state() string {
	switch status := m.status.Load(); {
	case status == 0:
		return "logging in"
	case m.started.Load() != 0:
		return "active"
	case status == 'T':
		return "idle in transaction"
	case status == 'E':
		return "idle in transaction (aborted)"
	}
	return "idle"
}

// buckets are the upper bounds of a histogram of times. What is above the last one is in a bucket of its own.
var buckets = [...]time.Duration{50 * time.Microsecond, 100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond, time.Millisecond,
	2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond,
	250 * time.Millisecond, time.Second, 5 * time.Second, 30 * time.Second}

// histogram counts times by bucket. One goroutine adds; others may read.
type histogram struct {
	counts [len(buckets) + 1]atomic.Uint64
	sum    atomic.Int64 // nanoseconds
}

func (h *histogram) observe(d time.Duration) {
	i := 0
	for i < len(buckets) && d > buckets[i] {
		i++
	}
	h.counts[i].Add(1)
	h.sum.Add(int64(d))
}

// add adds another's counts.
func (h *histogram) add(other *histogram) {
	for i := range h.counts {
		h.counts[i].Add(other.counts[i].Load())
	}
	h.sum.Add(other.sum.Load())
}

// add adds what another meter has counted.
func (m *meter) add(other *meter) {
	m.fromClient.Add(other.fromClient.Load())
	m.fromServer.Add(other.fromServer.Load())
	m.passed.Add(other.passed.Load())
	m.times.add(&other.times)
}
