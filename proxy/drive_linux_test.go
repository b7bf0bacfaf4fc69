package proxy

import (
	"io"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"
)

// resting makes a session that a loop may drive; far are the other ends of its connections.
func resting(t *testing.T) (s *session, farClient, farServer net.Conn) {
	t.Helper()
	pair := func() (near, far net.Conn) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if far, err = net.Dial("tcp", l.Addr().String()); err != nil {
			t.Fatal(err)
		}
		if near, err = l.Accept(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { near.Close(); far.Close() })
		far.SetDeadline(time.Now().Add(10 * time.Second))
		return near, far
	}
	s = &session{proxy: &Server{}, log: zap.NewNop(), ready: true, drivable: true}
	s.moved = sync.NewCond(&s.mu)
	s.client, farClient = pair()
	s.server, farServer = pair()
	return s, farClient, farServer
}

// A session that is ended while it is on its way into a loop has to end there: the loop does not know it yet when it is told.
func TestEndedOnTheWay(t *testing.T) {
	s, client, server := resting(t)
	loops, err := newLoops(1)
	if err != nil {
		t.Skip(err)
	}
	defer loops[0].stop()
	v := &vehicle{session: s, driver: loops[0], fromClient: newBuffer(s.client), fromServer: newBuffer(s.server), done: make(chan error, 1)}
	if err := s.detach(v); err != nil {
		t.Fatal(err)
	}
	s.terminate("57P01", shutdownMessage)
	ended := make(chan error, 1)
	go func() { ended <- v.driver.drive(v) }()
	select {
	case err := <-ended:
		if err != errClosed {
			t.Errorf("got %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the session goes on")
	}
	if b, err := io.ReadAll(client); err != nil || len(b) == 0 || b[0] != 'E' {
		t.Errorf("the client reads %q, %v", b, err)
	}
	if b, err := io.ReadAll(server); err != nil || len(b) > 0 {
		t.Errorf("the server reads %q, %v", b, err)
	}
}

// Without a descriptor for the way a session stays where it is.
func TestNoWayIntoALoop(t *testing.T) {
	s, client, _ := resting(t)
	s.parking = true
	server := s.server
	s.server = closed{server}
	if err := s.detach(&vehicle{session: s}); err != errParked {
		t.Errorf("got %v", err)
	}
	if s.parking || s.drivable || s.vehicle != nil {
		t.Error("the session would try again")
	}
	if _, err := s.client.Write([]byte{'Z'}); err != nil {
		t.Error(err)
	}
	if _, err := client.Read(make([]byte, 1)); err != nil {
		t.Error(err)
	}
}

// closed is a connection that has no descriptor to give.
type closed struct{ net.Conn }

func (c closed) SyscallConn() (syscall.RawConn, error) { return nil, net.ErrClosed }
