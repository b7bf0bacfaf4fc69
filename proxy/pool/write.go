package pool

import (
	"bytes"
	"encoding/binary"
	"net"

	"github.com/pgowl/pgowl/proxy/protocol"
)

// bulkSend is how much is gathered for the server at most before it is sent.
const bulkSend = 64 << 10

// bulkAnswers is how much of the pool's own answers may wait for the session's reader before nothing more is taken.
const bulkAnswers = 256 << 10

// Write takes messages of the client's, in pieces of any size.
func (l *Link) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	data := p
	if len(l.part) > 0 {
		l.part = append(l.part, p...)
		data = l.part
	}
	for len(data) > 0 {
		if l.closed {
			return 0, net.ErrClosed
		}
		if l.over != nil {
			return len(p), nil // the session will read how it ended
		}
		if len(l.out) > bulkAnswers { // a client that asks for what costs nothing has to read it, too
			l.moved.Wait()
			continue
		}
		n := l.piece(data)
		if n == 0 {
			break
		}
		data = data[n:]
		if len(l.send) >= bulkSend {
			if err := l.flush(); err != nil {
				return 0, err
			}
		}
	}
	switch {
	case len(data) == 0:
		l.part = nil
	case len(l.part) != len(data):
		l.part = append([]byte(nil), data...)
	}
	if err := l.flush(); err != nil {
		return 0, err
	}
	l.release() // the end of a copy that the server has given up has no answer
	return len(p), nil
}

// flush sends what was gathered.
func (l *Link) flush() error {
	if len(l.send) == 0 || l.server == nil {
		l.send = l.send[:0]
		return nil
	}
	s, b := l.server, l.send
	l.writing = true
	l.mu.Unlock()
	_, err := s.conn.Write(b)
	l.mu.Lock()
	l.writing = false
	l.moved.Broadcast()
	l.send = b[:0]
	if cap(l.send) > 4*bulkSend {
		l.send = nil
	}
	return err
}

// piece takes a message, or a part of one, and tells how many bytes; 0 where there are too few.
func (l *Link) piece(data []byte) int {
	if l.raw {
		l.send = append(l.send, data...)
		return len(data)
	}
	if l.skip > 0 {
		n := min(l.skip, len(data))
		if l.server != nil {
			l.send = append(l.send, data[:n]...)
		}
		l.skip -= n
		return n
	}
	typ, size, ok := protocol.Header(data)
	if !ok {
		return 0
	}
	if size < protocol.HeaderSize || size > protocol.MaxMessage {
		return l.violate(data)
	}
	whole := len(data) >= size
	switch typ {
	case 'Q', 'P', 'D', 'C':
		if !whole {
			return 0
		}
		message := data[:size]
		body := message[protocol.HeaderSize:]
		taken := false
		switch typ {
		case 'Q':
			taken = l.query(body)
		case 'P':
			taken = l.parse(body)
		case 'D':
			taken = l.describe(body)
		case 'C':
			taken = l.closeMessage(body)
		}
		if !taken {
			l.forward(typ, message)
		}
		return size
	case 'B':
		return l.bind(data, size)
	case 'S':
		if size > protocol.HeaderSize {
			return l.violate(data)
		}
		l.sync(data[:protocol.HeaderSize])
		return size
	case 'H':
		if !whole {
			return 0
		}
		if l.server != nil {
			l.send = append(l.send, data[:size]...)
		}
		return size
	case 'X':
		if !whole {
			return 0
		}
		l.goodbye = true
		if l.flush() == nil {
			l.lastWord()
		}
		return size
	case 'd', 'c', 'f':
		// What is left of a copy that the server gave up is nobody's.
		if l.server != nil {
			if typ != 'd' {
				l.expect.Push(protocol.ForCopyEnd, reply{})
			}
			l.send = append(l.send, data[:protocol.HeaderSize]...)
		}
		l.skip = size - protocol.HeaderSize
		return protocol.HeaderSize
	case 'E', 'F':
		if typ == 'F' && !whole {
			return 0
		}
		if !l.attach() {
			return len(data)
		}
		if typ == 'F' {
			if len(data) < protocol.HeaderSize+4 || !largeObject[binary.BigEndian.Uint32(data[protocol.HeaderSize:])] {
				l.pin(verdict{pin: "function call"})
			}
			l.expect.Push(protocol.ForFunction, reply{})
		} else {
			l.expect.Push(protocol.ForExecute, reply{})
		}
		l.send = append(l.send, data[:protocol.HeaderSize]...)
		l.skip = size - protocol.HeaderSize
		return protocol.HeaderSize
	}
	return l.violate(data)
}

// largeObject are the OIDs of the functions that libpq calls by the protocol; their effect ends with the transaction.
var largeObject = map[uint32]bool{715: true, 952: true, 953: true, 954: true, 955: true, 956: true, 957: true, 958: true, 964: true,
	1004: true, 3170: true, 3171: true, 3172: true}

// violate leaves the rest to the server, which knows how to refuse it.
func (l *Link) violate(data []byte) int {
	if !l.attach() {
		return len(data)
	}
	l.raw, l.broken = true, true
	l.send = append(l.send, data...)
	return len(data)
}

// forward passes on a message that the pool has nothing to change in.
func (l *Link) forward(typ byte, message []byte) {
	if !l.attach() {
		return
	}
	k := protocol.ForQuery
	switch typ {
	case 'P':
		k = protocol.ForParse
	case 'D':
		k = protocol.ForDescribe
	case 'C':
		k = protocol.ForClose
	}
	l.expect.Push(k, reply{})
	l.send = append(l.send, message...)
}

// sync handles a Sync. Without a server connection there is nothing to wait for.
func (l *Link) sync(message []byte) {
	l.syncs++
	if l.server == nil {
		l.out = append(l.out, 'Z', 0, 0, 0, 5, 'I')
		l.moved.Broadcast()
		return
	}
	l.expect.Push(protocol.ForSync, reply{})
	l.send = append(l.send, message...)
}

// query handles a simple query.
func (l *Link) query(body []byte) bool {
	text, ok := bytes.CutSuffix(body, []byte{0})
	if !ok || bytes.IndexByte(text, 0) >= 0 {
		return false
	}
	v := judge(text, l.backslash())
	if !l.attach() {
		return true
	}
	if l.expect.Skipping {
		return false
	}
	l.sequences(v)
	l.pin(v)
	l.plain, l.server.unnamed = nil, nil // manual, "Extended Query": a simple query destroys the unnamed statement
	var e reply
	if st := l.names[l.mentioned(text, v)]; v.first != "" && st != nil && !st.gone {
		if v.first == "execute" {
			l.sequences(st.verdict)
			l.pin(st.verdict)
		}
		l.prepare(st)
		rewritten := append(append(append([]byte(nil), text[:v.from]...), st.server...), text[v.to:]...)
		if v.first == "deallocate" {
			s, name := l.server, l.mentioned(text, v)
			e.tag = func(tag []byte) {
				if string(tag) == "DEALLOCATE" {
					s.prepared.forget(st.server)
					delete(l.names, name)
				}
			}
		}
		e.server, e.client = st.server, l.mentioned(text, v)
		l.expect.Push(protocol.ForQuery, e)
		l.send = protocol.Append(l.send, 'Q', append(rewritten, 0))
		return true
	}
	l.expect.Push(protocol.ForQuery, e)
	l.send = protocol.Append(l.send, 'Q', body)
	return true
}

// mentioned gives the statement's name in an EXECUTE or DEALLOCATE.
func (l *Link) mentioned(text []byte, v verdict) string {
	if v.first == "" {
		return ""
	}
	s := &scanner{text: text[v.from:v.to]}
	s.next()
	return string(s.word)
}

func (l *Link) backslash() bool { return l.want["standard_conforming_strings"] == "off" }

// sequences keeps a session that asks for a sequence's last value from being shown another session's.
func (l *Link) sequences(v verdict) {
	if v.pin == "sequence value" && l.pinned == "" && l.expect.Empty() && !l.expect.Open && l.expect.TX == 'I' {
		l.ask("DISCARD SEQUENCES", func() {})
	}
}
