package proxy

import (
	"context"
	"errors"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// A cancel request comes by a connection of its own and is for what the client has sent before on the other. Postgres forgets a request that finds nothing to cancel,
// so one that overtook its statement on the way through PgOwl would be lost. Therefore whoever carries one out first asks for the session's driver to take in what lies
// in the client's socket. Only then does it cost anything: the driver's read is ended by a deadline, or its loop's bell is rung.

// intake is who waits for a session's driver to have taken in what the client has sent.
type intake struct {
	asked   atomic.Bool     // somebody waits; set with the session's lock held
	waiting []chan struct{} // closed once it is done; guarded by the session's lock
	over    bool            // nothing more is read from the client; guarded by the session's lock
}

const (
	// intakeBusy is how long a driver may take that has sent something to the server, which has not answered yet: behind that it is the server, most likely, that is waited for, and
	// the request is what ends it.
	intakeBusy = 100 * time.Millisecond
	// intakeIdle is the same where the server has nothing to do: only a hang takes so long, or a client that sends half a message.
	intakeIdle = 5 * time.Second
)

// takeIn waits until what the client had sent when takeIn was called is with the server, or is being worked on by an operation that can be cancelled.
func (s *session) takeIn(ctx context.Context) {
	told := s.askIntake()
	if told == nil {
		return
	}
	tick := time.NewTicker(intakeBusy)
	defer tick.Stop()
	for start := time.Now(); time.Since(start) < intakeIdle; {
		select {
		case <-told:
			return
		case <-ctx.Done():
			return
		case <-tick.C:
			s.mu.Lock()
			busy := !s.queue.Empty()
			s.mu.Unlock()
			if busy && (s.pooled == nil || s.pooled.link == nil || s.pooled.link.Attached()) {
				return
			}
		}
	}
}

// askIntake gives a channel that is closed once the session's driver has taken in what there is; nil where there is nothing to wait for.
func (s *session) askIntake() <-chan struct{} {
	s.mu.Lock()
	if !s.ready || s.ended || s.last != nil || s.intake.over || s.byTurns && !unread(s.client) {
		s.mu.Unlock()
		return nil
	}
	told := make(chan struct{})
	s.intake.waiting = append(s.intake.waiting, told)
	s.intake.asked.Store(true)
	v := s.vehicle
	if v == nil {
		s.client.SetReadDeadline(past)
	}
	s.mu.Unlock()
	if v != nil {
		v.driver.listen(v)
	}
	s.operation.Lock()
	operating := s.operation.cancel != nil
	s.operation.Unlock()
	if operating { // it was there before it could see that somebody asks
		s.tell()
	}
	return told
}

// tell wakes those who wait: by the driver that has taken in everything, by an operation that begins, or as nothing more comes.
func (s *session) tell() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told()
}

// told is tell with the session's lock held.
func (s *session) told() {
	s.intake.asked.Store(false)
	for _, told := range s.intake.waiting {
		close(told)
	}
	s.intake.waiting = nil
	s.hear(time.Time{})
}

// hears tells whether a deadline of the pump's reads from the client can only be one of an intake; else it is another's to say when they end. The session's lock is held.
func (s *session) hears() bool { return s.ready && s.vehicle == nil && !s.parking && s.last == nil }

// hear sets that deadline. The session's lock is held.
func (s *session) hear(deadline time.Time) {
	if s.hears() {
		s.client.SetReadDeadline(deadline)
	}
}

// hearAsked is for a driver that begins: its first read ends at once if somebody asks.
func (s *session) hearAsked() {
	if !s.intake.asked.Load() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.intake.asked.Load() {
		s.hear(past)
	}
}

// fillClient is in.fill for the client's messages. It must be called with all that was read handled, as far as it can be.
func (s *session) fillClient(in *buffer, need int) error {
	err := in.fill(need)
	for err != nil && errors.Is(err, os.ErrDeadlineExceeded) {
		s.mu.Lock()
		ours := s.hears()
		s.mu.Unlock()
		if !ours {
			break
		}
		// What TLS has read beyond what was wanted does not wait for a deadline: there is nothing of that. Who asked may have found an operation meanwhile, and not wait any more.
		if !s.intake.asked.Load() || !unread(s.client) {
			s.tell()
			err = in.fill(need)
			continue
		}
		s.mu.Lock()
		s.hear(time.Time{})
		s.mu.Unlock()
		err = in.fill(need)
		s.hearAsked()
	}
	return err
}

// unread tells whether bytes lie in a connection's socket.
func unread(conn net.Conn) (there bool) {
	for {
		switch c := conn.(type) {
		case *peekedConn:
			conn = c.Conn
		case interface{ NetConn() net.Conn }: // TLS
			conn = c.NetConn()
		case syscall.Conn:
			raw, err := c.SyscallConn()
			if err != nil {
				return false
			}
			raw.Control(func(fd uintptr) { // beside a read that goes on
				var b [1]byte
				n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
				there = err == nil && n > 0
			})
			return there
		default:
			return false
		}
	}
}
