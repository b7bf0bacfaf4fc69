package pool

import (
	"bytes"
	"encoding/binary"

	"github.com/pgowl/pgowl/proxy/protocol"
)

// parse handles a Parse. The server always parses, under a name of the pool's: whatever it has to say about the text is what the client
// gets, as of now. (A known statement could be confirmed without the server; but then nobody would say that the transaction has failed,
// or that the tables have changed.)
func (l *Link) parse(body []byte) bool {
	end := bytes.IndexByte(body, 0)
	if end < 0 {
		return false
	}
	name, rest := string(body[:end]), body[end+1:]
	text, _, ok := bytes.Cut(rest, []byte{0})
	if !ok {
		return false
	}
	v := judge(text, l.backslash())
	if !l.attach() {
		return true
	}
	l.settleName(name)
	if l.server == nil && !l.attach() {
		return true
	}
	if l.expect.Skipping {
		return false
	}
	l.sequences(v)
	st := &statement{body: append([]byte(nil), rest...), verdict: v, pending: true, syncs: l.syncs}
	s := l.server
	if name == "" {
		plain, unnamed := l.plain, s.unnamed
		l.plain, s.unnamed = st, st
		l.expect.Push(protocol.ForParse, reply{tell: func(f protocol.Fate) {
			st.pending = false
			if f == protocol.Failed { // a Parse of the unnamed statement removes the old one before it can fail
				plain, unnamed = nil, nil
			}
			if f != protocol.Done && l.plain == st {
				l.plain = plain
			}
			if f != protocol.Done && s.unnamed == st {
				s.unnamed = unnamed
			}
		}})
		l.send = protocol.Append(l.send, 'P', body)
		return true
	}
	old := l.names[name]
	if old != nil && !old.gone {
		// The server is to complain about the text, or about the name.
		l.prepare(old)
		l.expect.Push(protocol.ForParse, reply{server: old.server, client: name})
		l.sendParse(old.server, rest)
		return true
	}
	st.server = serverName(rest)
	l.names[name] = st
	l.sendClose(st.server) // it may be there even where that is not known: a Close or Parse that was skipped has left it
	l.evict(s.prepared.use(st.server))
	l.expect.Push(protocol.ForParse, reply{server: st.server, client: name, tell: func(f protocol.Fate) {
		st.pending = false
		if f == protocol.Done {
			return
		}
		s.prepared.forget(st.server) // prepared again when it is needed, whether it is still there or not
		if l.names[name] != st {
			return
		}
		delete(l.names, name)
		if old != nil && old.pending { // the Close before it is skipped as well
			l.names[name] = old
		}
	}})
	l.sendParse(st.server, rest)
	return true
}

// settleName waits until it is known what became of a Parse or Close with this name before the last Sync.
func (l *Link) settleName(name string) {
	for {
		st := l.names[name]
		if name == "" {
			st = l.plain
		}
		if st == nil || !st.pending || st.syncs == l.syncs || l.closed || l.over != nil {
			return
		}
		if len(l.send) > 0 {
			if l.flush() != nil {
				return
			}
			continue
		}
		l.moved.Wait()
	}
}

// prepare makes sure that the server connection knows a statement. What the server says against it, it says in the place of the reply
// that the session waits for.
func (l *Link) prepare(st *statement) {
	s := l.server
	if st.server == "" {
		if s.unnamed == st {
			return
		}
		s.unnamed = st
		l.expect.Push(protocol.ForParse, reply{hidden: true, tell: func(f protocol.Fate) {
			if f != protocol.Done && s.unnamed == st {
				s.unnamed = nil
			}
		}})
		l.sendParse("", st.body)
		return
	}
	if s.prepared.has(st.server) {
		s.prepared.use(st.server)
		return
	}
	l.sendClose(st.server) // it may be there after all: a Parse that was skipped has left it
	l.evict(s.prepared.use(st.server))
	l.expect.Push(protocol.ForParse, reply{hidden: true, tell: func(f protocol.Fate) {
		if f != protocol.Done {
			s.prepared.forget(st.server)
		}
	}})
	l.sendParse(st.server, st.body)
}

func (l *Link) evict(name string) {
	if name != "" {
		l.sendClose(name)
	}
}

func (l *Link) sendClose(name string) {
	l.expect.Push(protocol.ForClose, reply{hidden: true})
	l.send = protocol.Append(l.send, 'C', []byte("S"+name+"\x00"))
}

func (l *Link) sendParse(name string, rest []byte) {
	l.send = append(l.send, 'P')
	l.send = binary.BigEndian.AppendUint32(l.send, uint32(4+len(name)+1+len(rest)))
	l.send = append(append(append(l.send, name...), 0), rest...)
}

// known gives the statement that a name stands for; nil where only the server can tell.
func (l *Link) known(name string) *statement {
	if name == "" {
		return l.plain
	}
	if st := l.names[name]; st != nil && !st.gone {
		return st
	}
	return nil
}

// bind handles the beginning of a Bind, up to the statement's name; the rest is passed on as it comes.
func (l *Link) bind(data []byte, size int) int {
	there := data[protocol.HeaderSize:min(len(data), size)]
	portal := bytes.IndexByte(there, 0)
	end := -1
	if portal >= 0 {
		end = bytes.IndexByte(there[portal+1:], 0)
	}
	if end < 0 && len(data) < size {
		return 0
	}
	if !l.attach() {
		return len(data)
	}
	pass := func(e reply) int {
		l.expect.Push(protocol.ForBind, e)
		l.send = append(l.send, data[:protocol.HeaderSize]...)
		l.skip = size - protocol.HeaderSize
		return protocol.HeaderSize
	}
	if end < 0 || l.expect.Skipping {
		return pass(reply{})
	}
	end += portal + 1
	name := string(there[portal+1 : end])
	l.settleName(name)
	if !l.attach() {
		return len(data)
	}
	st := l.known(name)
	if st == nil {
		l.hideUnnamed(name)
		return pass(reply{})
	}
	l.sequences(st.verdict)
	l.pin(st.verdict)
	l.prepare(st)
	if name == "" {
		return pass(reply{})
	}
	l.expect.Push(protocol.ForBind, reply{server: st.server, client: name})
	l.send = append(l.send, 'B')
	l.send = binary.BigEndian.AppendUint32(l.send, uint32(size-1+len(st.server)-len(name)))
	l.send = append(l.send, there[:portal+1]...)
	l.send = append(append(l.send, st.server...), 0)
	l.skip = size - protocol.HeaderSize - end - 1
	return protocol.HeaderSize + end + 1
}

// describe handles a Describe.
func (l *Link) describe(body []byte) bool {
	name, ok := statementName(body)
	if ok {
		l.settleName(name)
	}
	if !ok || l.expect.Skipping {
		return false
	}
	st := l.known(name)
	if !l.attach() {
		return true
	}
	if st == nil {
		l.hideUnnamed(name)
		return false
	}
	l.prepare(st)
	l.expect.Push(protocol.ForDescribe, reply{server: st.server, client: name})
	l.send = protocol.Append(l.send, 'D', []byte("S"+st.server+"\x00"))
	return true
}

// closeMessage handles a Close. The server keeps the statement, for others; it is the client that no longer knows it.
func (l *Link) closeMessage(body []byte) bool {
	name, ok := statementName(body)
	if !ok {
		// A portal: without a transaction there is none.
		if l.server != nil || len(body) < 2 || body[0] != 'P' || body[len(body)-1] != 0 {
			return false
		}
	} else {
		l.settleName(name)
		st := l.known(name)
		switch {
		case l.server != nil && l.expect.Skipping:
			return false
		case name == "":
			l.plain = nil
			if l.server != nil {
				l.server.unnamed = nil
				return false
			}
		case st == nil && l.pinned != "":
			return false // one of an SQL PREPARE
		}
		if l.server == nil || st == nil {
			delete(l.names, name)
		}
		if l.server != nil {
			// The server closes a statement that it doesn't have, and says that it has: the answer comes in its place, or not at all.
			var e reply
			if st != nil {
				closed := &statement{gone: true, pending: true, syncs: l.syncs}
				l.names[name] = closed
				e.tell = func(f protocol.Fate) {
					closed.pending = false
					switch {
					case l.names[name] != closed:
					case f == protocol.Skipped:
						l.names[name] = st
					default:
						delete(l.names, name)
					}
				}
			}
			l.expect.Push(protocol.ForClose, e)
			l.send = protocol.Append(l.send, 'C', []byte("S"+serverPrefix+"\x00"))
			return true
		}
	}
	l.out = append(l.out, closeComplete...)
	l.moved.Broadcast()
	return true
}

var closeComplete = []byte{'3', 0, 0, 0, 4}

// hideUnnamed takes away an unnamed statement that is another session's.
func (l *Link) hideUnnamed(name string) {
	if name == "" && l.server.unnamed != nil {
		l.server.unnamed = nil
		l.sendClose("")
	}
}

// statementName reads the body of a Describe or Close of a statement.
func statementName(body []byte) (name string, ok bool) {
	if len(body) < 2 || body[0] != 'S' || bytes.IndexByte(body, 0) != len(body)-1 {
		return "", false
	}
	return string(body[1 : len(body)-1]), true
}
