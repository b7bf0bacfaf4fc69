package pool

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/pgowl/pgowl/proxy/protocol"
)

// Read reads what the server, or the pool in its place, has to say to the session.
func (l *Link) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		switch {
		case len(l.out) > 0:
			if len(l.out) > bulkAnswers {
				l.moved.Broadcast() // the writer waits for that
			}
			n := copy(p, l.out)
			if n == len(l.out) {
				l.out = l.out[:0]
				if cap(l.out) > 4*64<<10 {
					l.out = nil
				}
			} else {
				l.out = append(l.out[:0], l.out[n:]...)
			}
			return n, nil
		case l.closed:
			return 0, net.ErrClosed
		case l.over != nil:
			return 0, l.over
		case l.server == nil:
			l.moved.Wait()
		case l.fresh:
			l.fresh = false
			l.last = l.server
			pid := l.server.pid
			l.mu.Unlock()
			l.onServer(pid)
			l.mu.Lock()
		default:
			if err := l.hear(); err != nil {
				l.finish(err)
			}
		}
	}
}

// hear reads from the server once, and takes what was read apart.
func (l *Link) hear() error {
	s := l.server
	need := protocol.HeaderSize
	if typ, size, ok := s.in.peek(); ok && l.passing == 0 && !streamed(typ) {
		need = size
	}
	l.reading = true
	l.mu.Unlock()
	err := s.in.fill(need)
	l.mu.Lock()
	l.reading = false
	l.moved.Broadcast()
	if err != nil {
		if interrupted(err) {
			s.conn.SetReadDeadline(time.Time{})
			l.release()
			return nil
		}
		l.broken = true
		if errors.Is(err, net.ErrClosed) && l.closed {
			return nil
		}
		return err
	}
	if err := l.take(s); err != nil {
		l.broken = true
		return err
	}
	l.moved.Broadcast()
	if l.ending && l.idle() {
		l.finish(io.EOF)
		return nil
	}
	if l.ending && l.expect.Copying { // what it asked for waits for it to say more
		l.ending = false
		return l.lastWord()
	}
	l.release()
	return nil
}

// streamed tells the messages that carry data and no news: they need not be there as a whole.
func streamed(typ byte) bool { return typ == 'D' || typ == 'd' }

// take moves the whole messages that were read from a server to the session, and those parts of others that need not be whole.
func (l *Link) take(s *server) error {
	in := &s.in
	from := in.r // what is passed on begins here
	pass := func() {
		l.out = append(l.out, in.data[from:in.r]...)
		from = in.r
	}
	for in.r < in.w {
		if l.passing > 0 {
			n := min(l.passing, in.w-in.r)
			in.r += n
			l.passing -= n
			if l.hiding {
				from = in.r
			}
			continue
		}
		typ, size, ok := in.peek()
		if !ok {
			break
		}
		if size < protocol.HeaderSize {
			return fmt.Errorf("message %q of %d bytes from the server", typ, size)
		}
		kind, e := l.expect.Front()
		hidden := e != nil && e.hidden
		if streamed(typ) {
			if hidden {
				pass()
			}
			l.passing, l.hiding = size, hidden
			continue
		}
		if in.w-in.r < size {
			break
		}
		body := in.data[in.r+protocol.HeaderSize : in.r+size]
		keep := true
		if hidden && typ != 'N' && typ != 'A' && (typ != 'E' || kind == protocol.ForQuery) {
			keep = false
		}
		var changed []byte
		switch typ {
		case 'S':
			name, value := s.parameter(body)
			if !hidden && replayed(name) {
				l.want[name] = value
			}
			if name == "session_authorization" || name == "is_superuser" {
				l.pin(verdict{pin: "SET ROLE"})
			}
		case 'C':
			l.completed(s, body, e)
		case 'E':
			if hidden && kind == protocol.ForQuery { // a setting of the client's cannot be had on this server connection
				pass()
				failed := &Error{"XX000", "the session's settings could not be set on another server connection"}
				l.out = append(l.out, Refusal(failed)...)
				return failed
			}
			if e != nil && e.server != "" {
				changed = renamed(body, e.server, e.client)
				if changed != nil && bytes.Contains(body, missing) { // somebody has deallocated it in a way that was not seen
					s.prepared.forget(e.server)
				}
			}
		}
		if !keep || changed != nil {
			pass()
		}
		in.r += size
		if !keep || changed != nil {
			from = in.r
			l.out = append(l.out, changed...)
		}
		status := byte(0)
		if typ == 'Z' && len(body) > 0 {
			status = body[0]
		}
		l.expect.Answer(typ, status)
	}
	pass()
	return nil
}

// completed looks at a command tag for what changes the session.
func (l *Link) completed(s *server, body []byte, e *reply) {
	tag := bytes.TrimSuffix(body, []byte{0})
	switch string(tag) {
	case "DISCARD ALL":
		l.forgetAll(s)
		if l.alone() { // what was sent meanwhile may be why it is kept
			l.pinned = ""
		}
	case "DEALLOCATE ALL":
		l.forgetAll(s)
	case "LISTEN", "PREPARE", "LOAD":
		l.pin(verdict{pin: string(tag), tainted: string(tag) == "LOAD"})
	}
	if e != nil && e.tag != nil {
		e.tag(tag)
	}
}

func (l *Link) forgetAll(s *server) {
	s.prepared.clear()
	s.unnamed = nil
	for name, st := range l.names {
		if !st.pending {
			delete(l.names, name)
		}
	}
}

// missing is the code of the complaint that there is no such statement (invalid_sql_statement_name), as an ErrorResponse has it.
var missing = []byte("C26000\x00")

// renamed puts a statement's name that the client knows into the server's complaint about it.
func renamed(body []byte, server, client string) []byte {
	old := []byte(`"` + server + `"`)
	if !bytes.Contains(body, old) {
		return nil
	}
	body = bytes.Replace(body, old, []byte(`"`+client+`"`), 1)
	b := binary.BigEndian.AppendUint32([]byte{'E'}, uint32(len(body)+4))
	return append(b, body...)
}
