package proxy

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

var slowQuery = encode(&pgproto3.Query{String: "SELECT pg_sleep(100)"})

// waits fails unless somebody who asked goes on waiting.
func waits(t *testing.T, told <-chan struct{}) {
	t.Helper()
	select {
	case <-told:
		t.Fatal("a cancel request would go before the statement")
	default:
	}
}

// isTold fails unless who asked is told.
func isTold(t *testing.T, told <-chan struct{}) {
	t.Helper()
	select {
	case <-told:
	case <-time.After(10 * time.Second):
		t.Fatal("a cancel request would wait for ever")
	}
}

// A session that a loop drives has its statement at the server before a cancel request goes there.
func TestLoopTakesIn(t *testing.T) {
	s, client, server := resting(t)
	loops, err := newLoops(1)
	if err != nil {
		t.Skip(err)
	}
	defer loops[0].stop()
	l := loops[0].(*loop)
	v := &vehicle{session: s, driver: l, fromClient: newBuffer(s.client), fromServer: newBuffer(s.server), done: make(chan error, 1)}
	if err := s.detach(v); err != nil {
		t.Fatal(err)
	}
	early := s.askIntake() // the loop does not have it yet
	waits(t, early)
	ended := make(chan error, 1)
	go func() { ended <- l.drive(v) }()
	isTold(t, early)

	busy := make(chan struct{})
	l.do(func() { <-busy })
	client.Write(slowQuery)
	told := s.askIntake()
	waits(t, told)
	close(busy)
	isTold(t, told)
	if !unread(server) {
		t.Error("the server has not got the statement")
	}
	client.Close()
	server.Close()
	<-ended
}

// gated is a connection whose reads wait until they may.
type gated struct {
	*net.TCPConn
	open <-chan struct{}
}

func (g gated) Read(b []byte) (int, error) {
	<-g.open
	return g.TCPConn.Read(b)
}

// So has one that goroutines drive, and goes on as before.
func TestPumpTakesIn(t *testing.T) {
	s, client, server := resting(t)
	open := make(chan struct{})
	s.client = gated{s.client.(*net.TCPConn), open}
	ended := make(chan error, 1)
	go func() { ended <- s.pumpFrontend(newBuffer(s.client)) }()
	client.Write(slowQuery)
	told, second := s.askIntake(), s.askIntake()
	waits(t, told)
	close(open)
	isTold(t, told)
	isTold(t, second)
	if !unread(server) {
		t.Error("the server has not got the statement")
	}
	isTold(t, s.askIntake())       // nothing lies there
	s.client.SetReadDeadline(past) // of one that has been told by an operation just now
	client.Write(slowQuery)
	both := make([]byte, 2*len(slowQuery))
	if _, err := io.ReadFull(server, both); err != nil || string(both) != string(slowQuery)+string(slowQuery) {
		t.Errorf("the server reads %q, %v", both, err)
	}
	for range 100 {
		told := s.askIntake()
		s.tell()
		isTold(t, told)
	}
	client.Write(slowQuery)
	client.Close()
	if err := <-ended; err != io.EOF {
		t.Errorf("the pump ends with %v", err)
	}
	s.server.Close()
	if b, _ := io.ReadAll(server); string(b) != string(slowQuery) {
		t.Errorf("the server reads %q", b)
	}
}

// An operation that begins, or is under way, is what a cancel request is for.
func TestOperationTakesIn(t *testing.T) {
	s, _, _ := resting(t)
	s.ctx = t.Context()
	told := s.askIntake()
	waits(t, told)
	err := s.operate(false, func(ctx context.Context) error {
		isTold(t, told)
		isTold(t, s.askIntake())
		if s.cancelOperation() {
			t.Error("the server would be asked as well")
		}
		return context.Cause(ctx)
	})
	if err != errCanceled {
		t.Errorf("got %v", err)
	}
}

// A session that has logged in to nothing yet, or hears nothing more, has nothing to be waited for.
func TestNothingToTakeIn(t *testing.T) {
	s, _, _ := resting(t)
	s.ready = false
	if s.askIntake() != nil {
		t.Error("a cancel request would wait for a log-in")
	}
	s.ready, s.intake.over = true, true
	if s.askIntake() != nil {
		t.Error("a cancel request would wait for a client that says nothing more")
	}
}
