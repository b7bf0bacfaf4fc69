package proxy

import (
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/pgowl/pgowl/parser"
	"github.com/pgowl/pgowl/proxy/protocol"
)

// What a client has prepared or bound by the protocol, under a name, its SQL can name as well (EXECUTE, DEALLOCATE; FETCH, MOVE, CLOSE). So the
// server has the client's own text under the client's name, and ours stands beside it under a name of ours, which the messages
// of the protocol are led to. To forget that ours exists is always right: what is left is slower.

// ownPrefix begins the names of what stands at the server beside something of the client's.
const ownPrefix = "pgowl:"

// ownName gives a name that the session has not used yet.
func (s *session) ownName() string {
	s.owned++
	return ownPrefix + strconv.Itoa(s.owned)
}

// byName tells what SQL may do to things that the protocol has named.
type byName struct {
	statements bool // take their names away
	portals    bool // move or close them
}

var (
	statementWords = []string{"deallocate", "discard"}
	portalWords    = []string{"fetch", "move", "close", "discard"}
)

// doesAtOnce reads the text of a Query; it may say yes wrongly, but not where there is nothing to undo.
func (s *session) doesAtOnce(text []byte) byName {
	has := func(words []string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return parser.Contains(text, w) })
	}
	return byName{len(s.names) > 0 && has(statementWords), len(s.portals) > 0 && has(portalWords)}
}

// doesLater reads the text of a statement that is prepared. What has a name may be executed when there is more to undo than now.
func (s *session) doesLater(text []byte, named bool) byName {
	has := func(words []string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return parser.Begins(text, w) })
	}
	return byName{(named || len(s.names) > 0) && has(statementWords), len(s.names)+len(s.portals) > 0 && has(portalWords)}
}

// undo makes ready for what a text does by name.
func (s *session) undo(does byName) error {
	if does.statements {
		s.forgetNames()
	}
	if does.portals {
		return s.leavePortals()
	}
	return nil
}

// forgetNames has named statements be those that the server has under their names.
func (s *session) forgetNames() {
	for name, n := range s.names {
		if name == "" || n.statement != nil && n.statement.undoes != (byName{}) {
			continue
		}
		for ; n != nil; n = n.before {
			s.orphan(n.statement)
		}
		delete(s.names, name)
	}
}

// orphan notes that a statement is not used any more; nil is none.
func (s *session) orphan(st *statement) {
	if st != nil && st.name != "" {
		s.orphans = append(s.orphans, st.name)
	}
}

// closeOrphans gives the messages that close what is not used any more.
func (s *session) closeOrphans() (messages []byte, entries []entry) {
	for _, name := range s.orphans {
		messages = append(messages, encode(&pgproto3.Close{ObjectType: 'S', Name: name})...)
		entries = append(entries, entry{protocol.ForClose, newPrivate()})
	}
	s.orphans = nil
	return messages, entries
}

// leavePortals has named portals be those that the server has under their names, moved to where ours have come to.
func (s *session) leavePortals() error {
	for name, p := range s.portals {
		if p.name == "" {
			continue
		}
		st, err := s.drain()
		if err != nil {
			return err
		}
		delete(s.portals, name)
		if st.skipping || st.copying || st.tx == 'E' {
			continue // there are none any more
		}
		if st.tx == 'I' && p.syncs != s.syncs {
			continue // its transaction ended with a Sync
		}
		// Nor is there this one, if the transaction that it was bound in is over; to close or move it would be an error, and then the server skips
		// what the client sends next.
		if there, err := s.hasPortal(p.name); err != nil {
			return err
		} else if !there {
			continue
		}
		messages := encode(&pgproto3.Close{ObjectType: 'P', Name: p.name})
		entries := []entry{{protocol.ForClose, newPrivate()}}
		if p.passed > 0 || p.done {
			how := "ALL"
			if !p.done {
				how = strconv.Itoa(p.passed)
			}
			m, e := do(moveName, "MOVE FORWARD "+how+` IN "`+strings.ReplaceAll(name, `"`, `""`)+`"`)
			messages, entries = append(messages, m...), append(entries, e...)
		}
		if err := s.send(messages, entries...); err != nil {
			return err
		}
	}
	return nil
}

// hasPortal asks the server whether a portal is there. Nothing else may be under way.
func (s *session) hasPortal(name string) (bool, error) {
	messages, entries := do(lookName, "SELECT FROM pg_catalog.pg_cursors WHERE name = '"+name+"'")
	if err := s.send(append(messages, flushMessage...), entries...); err != nil {
		return false, err
	}
	if err := s.wait(entries[len(entries)-1].sink.(*private)); err != nil {
		return false, err
	}
	return entries[executed].sink.(*private).rows > 0, nil
}

// Names of what the server has for a moment.
const (
	lookName     = "pgowl:look"
	moveName     = "pgowl:move"
	originalName = "pgowl:original"
)

// ownSink is for messages of ours that stand beside a client's: of their answers the client sees what failed. The name of ours, if the
// error has it, becomes the client's.
type ownSink struct {
	s           *session
	own, client string
	origin      func(position int) int // nil: as it is
}

func (o *ownSink) message(typ byte, body []byte) bool {
	if typ != 'E' {
		return false // a notice comes with the client's message, too
	}
	var m pgproto3.ErrorResponse
	if m.Decode(body) != nil {
		return true
	}
	m.Message = strings.Replace(m.Message, `"`+o.own+`"`, `"`+o.client+`"`, 1)
	if m.Position != 0 && o.origin != nil {
		m.Position = int32(o.origin(int(m.Position)))
	}
	o.s.pending = append(o.s.pending, encode(&m)...)
	return false
}

func (o *ownSink) over() {}
