package proxy

import (
	"bytes"
	"io"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// A loop is a driver that waits for all its descriptors at once (epoll, edge-triggered) and does the work in one thread. What a message
// costs there is system calls and wake-ups, so it makes them itself, past the runtime:
//
//   - It keeps its processor slot while it waits for a short time. Giving it up and getting it back costs more than a message.
//   - With many busy clients its thread has the policy SCHED_BATCH: it does not push a server process aside the moment that one has sent
//     something, and finds more to do when its turn comes.
type loop struct {
	epoll   int
	bell    int // eventfd: rung where something waits in post
	count   atomic.Int32
	stopped chan struct{}

	mu   sync.Mutex
	post []func()

	// Of the loop's own thread.
	ends    map[int32]*end // by descriptor
	events  []syscall.EpollEvent
	scratch []byte // what is read goes here first; only what can't be forwarded at once gets memory of its own
	spare   []byte // memory for what a connection would not take
	again   []*end // have more to read, after the others had their turn
	over    bool
	crowd   crowd
	patient bool // the thread has SCHED_BATCH
}

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
}

// trip is a vehicle's time in a loop.
type trip struct {
	vehicle        *vehicle
	client, server end
	ended          bool
	seen           uint32 // the crowd's window in which it was seen last
}

const (
	loopScratch = 128 << 10
	keptBuffer  = 4 << 10
	loopTurn    = 8 // reads for one connection before the others have their turn

	normalPolicy = 0 // SCHED_OTHER
	batchPolicy  = 3 // SCHED_BATCH
)

// newLoops starts n loops.
func newLoops(n int) ([]driver, error) {
	var all []driver
	for range n {
		l, err := newLoop()
		if err != nil {
			for _, d := range all {
				d.stop()
			}
			return nil, err
		}
		all = append(all, l)
	}
	return all, nil
}

func newLoop() (*loop, error) {
	ep, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	bell, _, errno := syscall.Syscall(syscall.SYS_EVENTFD2, 0, syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if errno != 0 {
		syscall.Close(ep)
		return nil, os.NewSyscallError("eventfd", errno)
	}
	l := &loop{epoll: ep, bell: int(bell), stopped: make(chan struct{}), ends: map[int32]*end{},
		events: make([]syscall.EpollEvent, 256), scratch: make([]byte, loopScratch)}
	if err := syscall.EpollCtl(ep, syscall.EPOLL_CTL_ADD, l.bell, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(l.bell)}); err != nil {
		syscall.Close(ep)
		syscall.Close(l.bell)
		return nil, os.NewSyscallError("epoll_ctl", err)
	}
	runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1) // the loop keeps one slot to itself while it is busy
	go l.run()
	return l, nil
}

// do runs something in the loop's thread.
func (l *loop) do(f func()) {
	l.mu.Lock()
	l.post = append(l.post, f)
	l.mu.Unlock()
	var one [8]byte
	*(*uint64)(unsafe.Pointer(&one)) = 1
	syscall.Write(l.bell, one[:])
}

func (l *loop) load() int { return int(l.count.Load()) }

func (l *loop) stop() {
	l.do(func() { l.over = true })
	<-l.stopped
}

func (l *loop) drive(v *vehicle) error {
	l.count.Add(1)
	l.do(func() { l.enter(v) })
	err := <-v.done
	l.count.Add(-1)
	return err
}

func (l *loop) terminate(v *vehicle, message []byte) {
	l.do(func() {
		e := l.ends[int32(v.client)]
		if e == nil || e.trip.vehicle != v {
			return
		}
		l.write(e, message)
		l.end(e.trip, errClosed)
	})
}

func (l *loop) run() {
	runtime.LockOSThread()
	defer close(l.stopped)
	for !l.over {
		n := l.wait()
		for i := range n {
			ev := &l.events[i]
			if int(ev.Fd) == l.bell {
				l.posted()
				continue
			}
			// An event of a connection that was closed since is none of another's: descriptors enter in posted only, and the
			// kernel forgets the events of a closed one.
			if e := l.ends[ev.Fd]; e != nil {
				l.event(e, ev.Events)
			}
		}
		again := l.again
		l.again = nil
		for _, e := range again {
			e.queued = false
			if !e.trip.ended {
				l.move(e)
			}
		}
	}
	syscall.Close(l.bell)
	syscall.Close(l.epoll)
	runtime.GOMAXPROCS(max(1, runtime.GOMAXPROCS(0)-1))
}

// Once the loop has had nothing to do for this long it sleeps like any other goroutine.
const doze = 5 * time.Millisecond

// wait gives the number of events.
func (l *loop) wait() int {
	if l.crowd.turn() {
		pause := syscall.NsecToTimespec(int64(bulkSleep))
		syscall.RawSyscall(syscall.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&pause)), 0, 0)
	}
	if len(l.again) > 0 {
		return l.poll(0)
	}
	if patient := l.crowd.large(time.Now()); patient != l.patient {
		l.patient = patient
		setPatience(patient)
	}
	if n := l.poll(int(doze / time.Millisecond)); n > 0 {
		return n
	}
	n, err := syscall.EpollWait(l.epoll, l.events, -1)
	if err != nil {
		return 0
	}
	return n
}

// setPatience chooses the thread's policy. Where it can't be chosen, the loop works all the same.
func setPatience(patient bool) {
	policy := uintptr(normalPolicy)
	if patient {
		policy = batchPolicy
	}
	var priority int32
	syscall.RawSyscall(syscall.SYS_SCHED_SETSCHEDULER, 0, policy, uintptr(unsafe.Pointer(&priority)))
}

// poll waits without telling the runtime.
func (l *loop) poll(milliseconds int) int {
	n, _, errno := syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, uintptr(l.epoll), uintptr(unsafe.Pointer(&l.events[0])), uintptr(len(l.events)),
		uintptr(milliseconds), 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}

func (l *loop) posted() {
	var count [8]byte
	syscall.Read(l.bell, count[:])
	l.mu.Lock()
	post := l.post
	l.post = nil
	l.mu.Unlock()
	for _, f := range post {
		f()
	}
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
		why, need = s.scanFrontend(&e.in)
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
			if isCall(typ, message[headerSize:]) {
				break
			}
			keep, err := s.take(typ, message[headerSize:], false)
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
	case why == atOurs, e.eof && e == &t.client && s.keepsServer():
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
	for len(b) > 0 && !e.trip.ended {
		n, errno := send(e.fd, b)
		switch errno {
		case 0:
			b = b[n:]
		case syscall.EAGAIN:
			return b
		case syscall.EINTR:
		default:
			l.end(e.trip, os.NewSyscallError("send", errno))
		}
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
	if n > len(b.data) || len(b.data) < startBuffer {
		b.data = make([]byte, max(n, startBuffer))
	}
	b.r, b.w, b.skip = 0, copy(b.data, left.data[left.r:left.w]), left.skip
}

func send(fd int, b []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(syscall.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)),
		syscall.MSG_NOSIGNAL|syscall.MSG_DONTWAIT, 0, 0)
	return int(n), errno
}

func receive(fd int, b []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(syscall.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), syscall.MSG_DONTWAIT, 0, 0)
	return int(n), errno
}

var _ driver = (*loop)(nil)
