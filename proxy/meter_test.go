package proxy

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/pgowl/pgowl/parser"
	"github.com/pgowl/pgowl/proxy/protocol"
)

func TestMeterStates(t *testing.T) {
	var m meter
	want := func(state string) {
		t.Helper()
		if got := m.state(); got != state {
			t.Errorf("got %q, want %q", got, state)
		}
	}
	want("logging in")
	m.sent('p') // a password
	m.ready('I')
	if n := m.times.sum.Load(); n != 0 {
		t.Error("the log-in counts as a statement")
	}
	want("idle")
	m.sent('Q')
	want("active")
	m.ready('T')
	want("idle in transaction")
	m.sent('Q')
	m.ready('E')
	want("idle in transaction (aborted)")
	if m.passed.Load() != 2 || m.times.counts[0].Load()+m.times.counts[1].Load() == 0 {
		t.Errorf("passed %d", m.passed.Load())
	}
	m.begin()
	m.planned(parser.Stream)
	if m.sent('E') { // of a portal that is not ours, in the same batch
		t.Error("a plain statement counts as a call")
	}
	if lane, took, ours := m.ready('I'); !ours || lane != parser.Stream || took <= 0 {
		t.Errorf("got %v %v %v", lane, took, ours)
	}
	m.planned(parser.Call)
	if !m.sent('E') || m.sent('Q') || m.sent('S') {
		t.Error("what counts as a call is an Execute behind the Parse of one")
	}
	m.ready('I')
	if m.passed.Load() != 4 {
		t.Errorf("passed %d", m.passed.Load())
	}
}

func TestHistogram(t *testing.T) {
	var h histogram
	for i, b := range buckets {
		h.observe(b)
		h.observe(b + 1)
		if n := h.counts[i].Load(); i > 0 && n != 2 || i == 0 && n != 1 {
			t.Errorf("bucket %v: %d", b, n)
		}
	}
	h.observe(time.Hour)
	if n := h.counts[len(buckets)].Load(); n != 2 {
		t.Errorf("above: %d", n)
	}
}

func TestSQLStates(t *testing.T) {
	m := newMetrics(nil)
	body := func(code string) []byte {
		return encode(&pgproto3.ErrorResponse{Severity: "ERROR", Code: code, Message: "x"})[protocol.HeaderSize:]
	}
	if got := sqlState(body("22012")); got != "22012" {
		t.Errorf("got %s", got)
	}
	for _, bad := range [][]byte{nil, {0}, []byte("C"), []byte("C12"), []byte("C12345678\x00\x00")} {
		if got := sqlState(bad); got != "none" {
			t.Errorf("%q: got %s", bad, got)
		}
	}
	for i := range 2 * maxCodes {
		m.failed(body(fmt.Sprintf("Z%04d", i)))
	}
	if len(m.codes) != maxCodes {
		t.Errorf("labels: %d", len(m.codes))
	}
}
