package proxy

import (
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgproto3"
)

// What became of a Parse or a Close. The server may refuse it (the name is taken), or skip it because of an error before it: then the name
// stands for what it stood for before.
const (
	pending int32 = iota
	succeeded
	failed
	skipped
)

// naming is what a name stands for once a message has been carried out: statement, or nothing of ours. It is made by the frontend's pump
// when the message is sent; the backend's pump notes the outcome.
type naming struct {
	statement *statement // nil: nothing of ours
	before    *naming
	syncs     int // sent when the message was
	outcome   atomic.Int32
}

// name notes that a message sent now gives a name to a statement of ours, or, if that is nil, takes it away. Both are certain only with
// the server's answer, which the entry's sink, wrapped by tracked, brings.
func (s *session) name(name string, st *statement) *naming {
	if s.names == nil {
		s.names = map[string]*naming{}
		s.portals = map[string]*portal{}
	}
	n := &naming{statement: st, before: s.settled(name), syncs: s.syncs}
	s.names[name] = n
	if len(s.names) > s.sweepAt {
		for name := range s.names {
			s.settled(name)
		}
		s.sweepAt = 2*len(s.names) + 64
	}
	return n
}

// settled works off the outcomes that are known of a name's messages.
func (s *session) settled(name string) *naming {
	n := s.names[name]
	for n != nil {
		switch n.outcome.Load() {
		case pending:
			return n
		case succeeded:
			n.before = nil
			if n.statement != nil {
				return n
			}
			n = nil
		case failed:
			s.orphan(n.statement)
			// A Parse of the unnamed statement removes the old one before it can fail.
			if n = n.before; name == "" {
				n = nil
			}
		case skipped:
			s.orphan(n.statement)
			n = n.before
		}
		if n == nil {
			delete(s.names, name)
		} else {
			s.names[name] = n
		}
	}
	return nil
}

// named gives the statement of ours that a name stands for, nil where there is none. What was sent since the last Sync counts as
// carried out: if it is not, the server skips what follows, too.
func (s *session) named(name string) (*statement, error) {
	n := s.settled(name)
	if n != nil && n.outcome.Load() == pending && n.syncs != s.syncs {
		if _, err := s.drain(); err != nil {
			return nil, err
		}
		n = s.settled(name)
	}
	if n == nil {
		return nil, nil
	}
	return n.statement, nil
}

// tracked notes the outcome of a message that names something. inner may be nil.
type tracked struct {
	naming *naming
	inner  sink
}

func (t *tracked) message(typ byte, body []byte) bool {
	switch typ {
	case 'E':
		t.naming.outcome.Store(failed)
	case '1', '3':
		t.naming.outcome.Store(succeeded)
	}
	return t.inner == nil || t.inner.message(typ, body)
}

func (t *tracked) over() {
	t.naming.outcome.CompareAndSwap(pending, skipped)
	if t.inner != nil {
		t.inner.over()
	}
}

// countSink puts numbers right in the server's complaint about a Bind: it has counted our parameters and columns, too.
type countSink struct {
	s                 *session
	params, allParams int
	columns, all      int
}

func (c *countSink) message(typ byte, body []byte) bool {
	if typ != 'E' {
		return true
	}
	var m pgproto3.ErrorResponse
	if m.Decode(body) != nil || m.Code != "08P01" {
		return true
	}
	ours, theirs := " requires "+strconv.Itoa(c.allParams), " requires "+strconv.Itoa(c.params)
	if text, ok := strings.CutSuffix(m.Message, ours); ok {
		m.Message = text + theirs
	} else if text, ok := strings.CutSuffix(m.Message, " but query has "+strconv.Itoa(c.all)+" columns"); ok {
		m.Message = text + " but query has " + strconv.Itoa(c.columns) + " columns"
	} else {
		return true
	}
	c.s.pending = append(c.s.pending, encode(&m)...)
	return false
}

func (c *countSink) over() {}
