package proxy

import (
	"encoding/binary"
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
	syscall.Write(l.bell, binary.NativeEndian.AppendUint64(nil, 1))
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

func (l *loop) listen(v *vehicle) {
	l.do(func() {
		if e := l.ends[int32(v.client)]; e != nil && e.trip.vehicle == v {
			l.takeIn(e.trip)
		}
	})
}

func (l *loop) run() {
	runtime.LockOSThread()
	defer close(l.stopped)
	for !l.over {
		n := l.wait()
		rung := false
		for i := range n {
			ev := &l.events[i]
			if int(ev.Fd) == l.bell {
				rung = true
			} else if e := l.ends[ev.Fd]; e != nil {
				l.event(e, ev.Events)
			}
		}
		if rung {
			// Behind the events: what enters may have the number of a descriptor that was closed since they were gathered.
			l.posted()
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
