package proxy

import (
	"bytes"
	"io"
	"os"
	"syscall"

	"github.com/pgowl/pgowl/proxy/protocol"
)

// end is one connection of a session.
type end struct {
	trip     *trip
	fd       int
	other    *end
	in       buffer // read from here and not handled yet; without memory while it is empty
	store    []byte // memory for what is left of a read
	out      []byte // to be written here, which would not take it
	readable bool   // a read may give something
	hangup   bool   // the other side has closed its direction, so a short read is not the last
	eof      bool   // nothing more comes
	shut     bool   // nothing more goes there: tell it once out is empty
	queued   bool   // stands in again
	deaf     bool   // takes nothing any more; a server is listened to until it has said its last word
}

// trip is a vehicle's time in a loop.
type trip struct {
	vehicle        *vehicle
	client, server end
	ended          bool
	seen           uint32 // the crowd's window in which it was seen last
}

const anything = syscall.EPOLLIN | syscall.EPOLLOUT | syscall.EPOLLRDHUP | -syscall.EPOLLET

// enter begins a trip.
func (l *loop) enter(v *vehicle) {
	t := &trip{vehicle: v}
	t.client = end{trip: t, fd: v.client, other: &t.server, out: v.toClient, readable: true}
	t.server = end{trip: t, fd: v.server, other: &t.client, out: v.toServer, readable: true}
	t.client.keep(v.fromClient)
	t.server.keep(v.fromServer)
	for _, e := range []*end{&t.client, &t.server} {
		l.ends[int32(e.fd)] = e
		if err := syscall.EpollCtl(l.epoll, syscall.EPOLL_CTL_ADD, e.fd, &syscall.EpollEvent{Events: anything & 0xffffffff, Fd: int32(e.fd)}); err != nil {
			l.end(t, os.NewSyscallError("epoll_ctl", err))
			return
		}
	}
	if last := v.session.lastWord(); last != nil { // terminate found nothing here yet
		l.write(&t.client, last)
		l.end(t, errClosed)
		return
	}
	if t.client.in.data != nil {
		l.handle(&t.client)
	}
	if !t.ended && t.server.in.data != nil {
		l.handle(&t.server)
	}
	if !t.ended && v.session.intake.asked.Load() {
		l.takeIn(t)
	}
}

// takeIn reads what the client has sent, and tells those who wait for that. A server that takes nothing more is busy with what it has, which is then what they mean.
func (l *loop) takeIn(t *trip) {
	e := &t.client
	e.readable = true
	l.move(e)
	switch {
	case t.ended: // who has the session now is asked as well
	case e.queued:
		l.listen(t.vehicle) // there is more, behind the others' turn
	default:
		t.vehicle.session.tell()
	}
}

// keep takes over what is left in a buffer.
func (e *end) keep(b *buffer) {
	e.in.skip = b.skip
	if b.r < b.w {
		e.in.data = append([]byte(nil), b.data[b.r:b.w]...)
		e.in.w = len(e.in.data)
	}
	b.data, b.r, b.w = nil, 0, 0 // a resting session needs no memory
}

// isCall tells a request of the call lane.
func isCall(typ byte, body []byte) bool { return typ == 'N' && bytes.Contains(body, callCode) }

// event handles what epoll tells about a connection.
func (l *loop) event(e *end, events uint32) {
	t := e.trip
	if events&(syscall.EPOLLIN|syscall.EPOLLRDHUP|syscall.EPOLLHUP|syscall.EPOLLERR) != 0 {
		e.readable = true
		if events&^syscall.EPOLLIN&^syscall.EPOLLOUT != 0 {
			e.hangup = true
		}
		l.crowd.see(t)
		l.move(e)
	}
	if !t.ended && len(e.out) > 0 && events&(syscall.EPOLLOUT|syscall.EPOLLHUP|syscall.EPOLLERR) != 0 {
		l.flush(e)
		if !t.ended && len(e.out) == 0 {
			if e.shut {
				l.close(e)
			}
			if !t.ended {
				l.move(e.other) // it was not read from as long as nothing could be written here
			}
		}
	}
}

// move reads from a connection and handles what came, as long as the other side takes it.
func (l *loop) move(e *end) {
	t := e.trip
	for turn := 0; e.readable && !e.eof && !t.ended && len(e.other.out) == 0; turn++ {
		if turn == loopTurn {
			if !e.queued {
				e.queued = true
				l.again = append(l.again, e)
			}
			return
		}
		if left := e.in.data[e.in.r:e.in.w]; len(left) < loopScratch/2 {
			e.in.r, e.in.w, e.in.data = 0, copy(l.scratch, left), l.scratch
		} else {
			e.in.room(2 * len(left))
		}
		room := e.in.data[e.in.w:]
		n, errno := receive(e.fd, room)
		switch {
		case errno == syscall.EAGAIN:
			e.readable = false
		case errno == syscall.EINTR:
		case errno != 0:
			l.lose(e)
			l.end(t, os.NewSyscallError("recv", errno))
			return
		case n == 0:
			e.readable, e.eof = false, true
		default:
			e.in.w += n
			l.crowd.read(n)
			e.readable = n == len(room) || e.hangup
		}
		l.handle(e)
	}
}

// lose gives borrowed memory back.
func (l *loop) lose(e *end) {
	if len(e.in.data) > 0 && &e.in.data[0] == &l.scratch[0] {
		e.in.data = nil
	}
}

// handle does with what was read what the session says.
func (l *loop) handle(e *end) {
	t := e.trip
	s := t.vehicle.session
	why, need := atEnd, 0
	defer func() {
		if p := recover(); p != nil {
			l.lose(e)
			l.end(t, s.recovered(p))
		}
	}()
	if e == &t.client {
		from := e.in.r
		why, _ = s.scanFrontend(&e.in)
		l.write(e.other, e.in.data[from:e.in.r])
		if why == atLast || why == atWrong {
			e.eof = true
		}
	} else {
		var err error
		for {
			from := e.in.r
			why, need, err = s.scanBackend(&e.in)
			l.write(e.other, e.in.data[from:e.in.r])
			if err != nil {
				l.lose(e)
				l.end(t, err)
				return
			}
			if why != atOurs || t.ended {
				break
			}
			typ, message := e.in.data[e.in.r], e.in.data[e.in.r:e.in.r+need]
			if isCall(typ, message[protocol.HeaderSize:]) {
				break
			}
			keep, err := s.take(typ, message[protocol.HeaderSize:], false)
			if err != nil {
				l.lose(e)
				l.end(t, err)
				return
			}
			l.write(e.other, s.pending)
			s.pending = s.pending[:0]
			if keep {
				l.write(e.other, message)
			}
			e.in.r += need
			why = atEnd
		}
	}
	if t.ended {
		l.lose(e)
		return
	}
	l.settle(e)
	if e.eof && e == &t.client {
		s.silent = true
	}
	switch {
	case why == atOurs, why == atLarge, e.eof && e == &t.client && s.keepsServer():
		l.leave(t)
	case e.eof:
		if e == &t.server && len(t.client.out) == 0 {
			l.end(t, io.EOF)
		} else {
			e.other.shut = true
			if len(e.other.out) == 0 {
				l.close(e.other)
			}
		}
	}
}

// settle gives what is left in borrowed memory some of its own, which a resting connection has little of.
func (l *loop) settle(e *end) {
	left := e.in.data[e.in.r:e.in.w]
	borrowed := len(e.in.data) > 0 && &e.in.data[0] == &l.scratch[0]
	switch {
	case len(left) == 0:
		if !borrowed && cap(e.in.data) <= keptBuffer {
			e.store = e.in.data[:cap(e.in.data)]
		}
		e.in.data, e.in.r, e.in.w = nil, 0, 0
	case borrowed:
		if len(e.store) < len(left) {
			e.store = make([]byte, max(2*len(left), 512))
		}
		e.in.data, e.in.r, e.in.w = e.store, 0, copy(e.store, left)
		if len(e.store) > keptBuffer {
			e.store = nil
		}
	}
}

// write sends to a connection, and keeps what that would not take.
func (l *loop) write(e *end, b []byte) {
	if len(e.out) == 0 {
		b = l.send(e, b)
	}
	if len(b) == 0 || e.trip.ended {
		return
	}
	if e.out == nil && l.spare != nil {
		e.out, l.spare = l.spare, nil
	}
	e.out = append(e.out, b...)
}

// flush sends what was kept.
func (l *loop) flush(e *end) {
	rest := l.send(e, e.out)
	if len(rest) == 0 && !e.trip.ended {
		if cap(e.out) <= loopScratch {
			l.spare = e.out[:0]
		}
		e.out = nil
		return
	}
	e.out = rest
}

// send sends as much as a connection takes, and gives the rest.
func (l *loop) send(e *end, b []byte) []byte {
	for len(b) > 0 && !e.trip.ended && !e.deaf {
		n, errno := send(e.fd, b)
		switch errno {
		case 0:
			b = b[n:]
		case syscall.EAGAIN:
			return b
		case syscall.EINTR:
		default:
			if e == &e.trip.client {
				l.end(e.trip, os.NewSyscallError("send", errno))
				break
			}
			e.deaf, e.readable, e.hangup = true, true, true
			if !e.queued {
				e.queued = true
				l.again = append(l.again, e)
			}
		}
	}
	if e.deaf {
		return nil
	}
	return b
}

// close tells a connection that nothing more goes there. The client's is closed with the server's last word.
func (l *loop) close(e *end) {
	t := e.trip
	if e == &t.client {
		l.end(t, io.EOF)
		return
	}
	syscall.Shutdown(e.fd, syscall.SHUT_WR)
}

// end ends a trip and its session.
func (l *loop) end(t *trip, err error) {
	if t.ended {
		return
	}
	t.ended = true
	for _, e := range []*end{&t.client, &t.server} {
		delete(l.ends, int32(e.fd))
		syscall.Close(e.fd)
	}
	t.vehicle.done <- err
}

// leave ends a trip whose session goes on elsewhere.
func (l *loop) leave(t *trip) {
	t.ended = true
	v := t.vehicle
	for _, e := range []*end{&t.client, &t.server} {
		delete(l.ends, int32(e.fd))
		syscall.EpollCtl(l.epoll, syscall.EPOLL_CTL_DEL, e.fd, &syscall.EpollEvent{})
	}
	v.fromClient.take(&t.client.in)
	v.fromServer.take(&t.server.in)
	v.toClient, v.toServer = t.client.out, t.server.out
	v.done <- errParked
}

// take takes over what is left in a buffer of a loop's.
func (b *buffer) take(left *buffer) {
	n := left.w - left.r
	if n > len(b.data) || len(b.data) < protocol.StartBuffer {
		b.data = make([]byte, max(n, protocol.StartBuffer))
	}
	b.r, b.w, b.skip = 0, copy(b.data, left.data[left.r:left.w]), left.skip
}
