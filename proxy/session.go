package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/pgowl/pgowl/exec/call"
	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/parser"
	"github.com/pgowl/pgowl/proxy/protocol"
	"go.uber.org/zap"
)

// session is one client and the backend that serves it.
type session struct {
	proxy  *Server
	log    *zap.Logger
	client net.Conn
	server net.Conn
	visit  *visit
	meter  meter
	pooled *pooled   // nil: the server connection is the session's own
	dialed net.Conn  // server, as it was at first: where a cancel request goes
	key    cancelKey // known once the server has sent it

	ctx    context.Context // ends with the session
	cancel context.CancelCauseFunc

	mu    sync.Mutex
	queue queue
	moved *sync.Cond // the queue became empty, a copy started, or the session ended
	ended bool
	// unsent is true while the queue has moved on by messages that are not written to the client yet.
	unsent   bool
	parking  bool     // the pumps end, and the other driver goes on
	handling bool     // the frontend's pump is busy with a statement of ours
	holds    bool     // the client has something of ours prepared
	plain    int      // ReadyForQuery messages since the last statement of ours
	patience int      // plain at which the session changes to the other driver; the first time at once
	vehicle  *vehicle // where a loop drives the session
	last     []byte   // the message that it is ended with from outside

	sinks  atomic.Int32 // queue.sinks, to be read without the lock
	intake intake

	out     sync.Mutex // held while a message is written to the client
	pending []byte     // messages of ours, or changed ones, to be written by the backend's pump

	backend  *buffer // of the backend's pump
	ready    bool    // the first ReadyForQuery has come
	silent   bool    // the client has said its last word
	lanes    bool    // has named the setting pgowl.lanes
	largest  int     // bytes of a client's message, below the protocol's limit; 0: that
	drivable bool    // both connections are plain, so that a loop can drive them
	copies   bool    // a COPY of ours is read; of the backend's pump
	gathers  bool    // reads of the server's messages wait for many of them; of the backend's pump
	byTurns  bool    // one goroutine drives the session (express), and has sent on all that it has read: the backend's pump ends with the reply; guarded by mu

	params struct {
		sync.Mutex
		encoding string
		strings  string
		version  int
	}

	wantsCalls bool                         // the session may use the stack
	calls      atomic.Pointer[call.Handler] // nil where it may not, and until the backend is known

	// Of the frontend's pump: what the client has prepared and bound of ours, by name.
	names    map[string]*naming
	portals  map[string]*portal
	owned    int                   // names that ownName has given
	orphans  []string              // of those, the ones of statements that nothing uses any more
	verdicts map[*parser.Plan]bool // whether a stream works here
	syncs    int                   // Syncs of the client's so far
	sweepAt  int                   // size of names at which they are gone through

	operation struct { // what a cancel request has to stop here
		sync.Mutex
		cancel context.CancelCauseFunc
		remote bool // the server works on it, too
		early  bool // a request came while the message was still being looked at
	}
}

// errClosed is how a pump ends that has nothing to complain about.
var errClosed = errors.New("closed")

// past is a deadline that ends a read at once.
var past = time.Unix(1, 0)

// errParked is how pumps end that leave their session to the other driver.
var errParked = errors.New("parked")

// run moves messages until one side ends, and then ends the other. A session is driven by two goroutines, its pumps, while it logs in,
// where TLS is in use, and around statements of ours; else by a loop, where there is one.
func (s *session) run(client *buffer) error {
	s.queue.push(entry{kind: protocol.ForStartup})
	s.patience = 1
	if s.pooled != nil {
		s.patience = pooledPatience
	}
	server := newBuffer(s.server)
	err := errSlow
	if s.pooled != nil && s.pooled.lease != nil {
		err = s.express(client, server)
	}
	if err == errSlow {
		err = s.pump(client, server)
	}
	for err == errParked {
		if err = s.drive(client, server); err == errParked {
			err = s.pump(client, server)
		} else {
			s.client.Close()
			s.leaveServer()
		}
	}
	s.end(err)
	if h := s.calls.Load(); h != nil {
		h.Close()
	}
	return err
}

// pump moves messages by two goroutines until one side ends, or with errParked until both are parked.
func (s *session) pump(client, server *buffer) error {
	var done chan struct{}
	var backendErr error
	backend := func() {
		done = make(chan struct{})
		go func() {
			defer close(done)
			backendErr = s.guard(func() error { return s.pumpBackend(server) })
			if backendErr == errParked {
				s.client.SetReadDeadline(past) // the other pump shall park, too
				return
			}
			s.end(backendErr)
			s.client.Close()
		}()
	}
	backend()
	s.hearAsked()
	err := s.guard(func() error { return s.pumpFrontend(client) })
	if err == errParked {
		<-done
		s.client.SetReadDeadline(time.Time{})
		return errParked
	}
	s.mu.Lock()
	s.intake.over = true
	s.told()
	s.mu.Unlock()
	if s.stay() {
		<-done
		backend() // the client's last words have still to be answered
	}
	if errors.Is(err, errDeaf) { // it may have said why
		s.server.SetReadDeadline(time.Now().Add(lastWords))
		<-done
	}
	if errors.Is(err, io.EOF) && !s.giveBack(done, client, server, &backendErr) {
		s.linger(done)
	}
	s.end(err)
	s.leaveServer()
	<-done
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, errClosed) {
		err = backendErr
	}
	return err
}

const (
	// Statements of ours tend to be followed by more: this many plain ones are waited for before the session changes its driver.
	patience = 16
	// Who uses a pool tends to come for a statement or two.
	pooledPatience = 4
)

// parkable tells whether a loop can drive the session from here.
func (s *session) parkable() bool {
	return s.drivable && s.ready && s.plain >= s.patience && !s.handling && !s.holds && s.queue.Resting() && !s.ended
}

func (s *session) isParking() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.parking
}

// stay keeps the session from being parked from now on, and reports whether it was being parked.
func (s *session) stay() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.parking
	s.parking, s.drivable = false, false
	return was
}

// begin notes that the frontend's pump handles a message of ours; not while the session is being parked.
func (s *session) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.parking {
		return false
	}
	s.handling, s.plain, s.patience = true, 0, patience
	s.operation.Lock()
	s.operation.early = false
	s.operation.Unlock()
	return true
}

// done notes that it has been handled.
func (s *session) done() {
	s.mu.Lock()
	s.handling, s.holds = false, len(s.names)+len(s.portals) > 0
	s.mu.Unlock()
}

// guard keeps a mistake of ours in one session from ending all of them.
func (s *session) guard(pump func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = s.recovered(p)
		}
	}()
	return pump()
}

func (s *session) recovered(p any) error {
	s.log.Error("a session failed inside PgOwl", zap.Any("panic", p), zap.Stack("stack"))
	return errors.New("failed inside PgOwl")
}

// errDeaf is how the frontend's pump ends where the server takes nothing any more.
var errDeaf = errors.New("the server takes nothing any more")

// lastWords is how long a server that takes nothing any more is listened to.
const lastWords = time.Second

// A call of a function of ours is given up this long after the client's last word; what the server runs for it is cancelled.
const callGrace = time.Second

// linger waits for the server to end the session after the client's last word: what was asked before is answered first, to a
// client that has closed only its own direction. From here that looks the same as a client that has gone; then the first
// write to it fails. Calls of ours that go on would not notice.
func (s *session) linger(done <-chan struct{}) {
	half, ok := s.server.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	tick := time.NewTicker(callGrace)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-s.ctx.Done():
			return
		case <-tick.C:
			if h := s.calls.Load(); h != nil && h.Busy() {
				s.proxy.cancelServer(s.ctx, packet{cancelRequest, []byte(s.key)})
			}
		}
	}
}

// end wakes whoever waits for the queue.
func (s *session) end(err error) {
	if err == nil {
		err = errClosed
	}
	s.cancel(err)
	s.mu.Lock()
	s.ended = true
	s.moved.Broadcast()
	s.told()
	s.mu.Unlock()
	if h := s.calls.Load(); h != nil {
		h.Over()
	}
}

// expect notes replies before their messages are sent.
func (s *session) expect(entries ...entry) {
	s.mu.Lock()
	for _, e := range entries {
		s.queue.push(e)
	}
	s.sinks.Store(int32(s.queue.sinks))
	s.mu.Unlock()
}

// send notes the replies and sends the messages to the server.
func (s *session) send(messages []byte, entries ...entry) error {
	s.expect(entries...)
	_, err := s.server.Write(messages)
	return err
}

// state is what the frontend's pump has to know before it handles a statement of ours.
type state struct {
	tx       byte
	skipping bool
	copying  bool
}

// drain waits until every reply that was expected has come, so that a statement of ours is answered in its place. It asks
// the server to send what it has; a copy that has started ends the wait.
func (s *session) drain() (state, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	flushed := false
	for (!s.queue.Empty() && !s.queue.Copying || s.unsent) && !s.ended {
		if !flushed && !s.queue.Empty() && !s.queue.EndsReady() {
			flushed = true
			s.mu.Unlock()
			_, err := s.server.Write(flushMessage)
			s.mu.Lock()
			if err != nil {
				return state{}, err
			}
			continue
		}
		s.moved.Wait()
	}
	if s.ended {
		return state{}, errClosed
	}
	return state{s.queue.TX, s.queue.Skipping, s.queue.Copying}, nil
}

var flushMessage = []byte{'H', 0, 0, 0, 4}

// toClient writes messages of ours to the client, between two of the server's. Only where the queue is drained, or the backend
// waits for us, is the place certain.
func (s *session) toClient(messages []byte) error {
	s.out.Lock()
	defer s.out.Unlock()
	s.mu.Lock()
	driven := s.vehicle != nil
	s.mu.Unlock()
	if driven {
		return errClosed // the statement that this belongs to is over
	}
	_, err := s.client.Write(messages)
	return err
}

// SendMessage implements call.Client.
func (s *session) SendMessage(severity function.Severity, text string) {
	code := "00000"
	if severity == function.Warning {
		code = "01000"
	}
	m := &pgproto3.NoticeResponse{Severity: string(severity), SeverityUnlocalized: string(severity), Code: code, Message: text}
	b, err := m.Encode(nil)
	if err == nil {
		err = s.toClient(b)
	}
	if err != nil {
		s.log.Debug("a message could not be sent", zap.Error(err))
	}
}

// ServerVersion implements call.Client.
func (s *session) ServerVersion() int {
	s.params.Lock()
	defer s.params.Unlock()
	return s.params.version
}

// readable reports whether statements come in the encoding and with the string syntax that the parser reads.
func (s *session) readable() bool {
	s.params.Lock()
	defer s.params.Unlock()
	return s.params.encoding == "UTF8" && s.params.strings == "on"
}

// operate runs something of ours that a cancel request may stop. remote tells that the server works on it as well.
func (s *session) operate(remote bool, f func(ctx context.Context) error) error {
	ctx, cancel := context.WithCancelCause(s.ctx)
	s.operation.Lock()
	s.operation.cancel, s.operation.remote = cancel, remote
	if s.operation.early {
		s.operation.early = false
		cancel(errCanceled)
	}
	s.operation.Unlock()
	if s.intake.asked.Load() {
		s.tell()
	}
	err := f(ctx)
	s.operation.Lock()
	s.operation.cancel = nil
	s.operation.Unlock()
	cancel(nil)
	return err
}

// attempt does what comes before the server runs a statement. canceled tells that a cancel request came meanwhile: it is for the statement, and the
// server forgets about it.
func (s *session) attempt(f func() error) (canceled bool, err error) {
	err = s.operate(true, func(ctx context.Context) error {
		err := f()
		canceled = context.Cause(ctx) == errCanceled
		return err
	})
	return canceled, err
}

// errCanceled is what Postgres says.
var errCanceled = function.Errorf("57014", "canceling statement due to user request")

// cancelOperation stops what runs here, if something does. remote tells whether the server has to be asked as well: if not, its turn
// comes later, and a cancel request would hit a statement that nobody wants to cancel.
func (s *session) cancelOperation() (remote bool) {
	s.mu.Lock()
	early := s.handling && s.queue.Empty() // the server has nothing to do yet, and will forget about it
	s.mu.Unlock()
	s.operation.Lock()
	defer s.operation.Unlock()
	if s.operation.cancel == nil {
		s.operation.early = early
		return true
	}
	s.operation.cancel(errCanceled)
	return s.operation.remote
}

// canceledEarly reports whether a cancel request came before there was anything to cancel, and forgets it.
func (s *session) canceledEarly() bool {
	s.operation.Lock()
	defer s.operation.Unlock()
	early := s.operation.early
	s.operation.early = false
	return early
}

// fatal sends an error that ends the session.
func fatal(conn net.Conn, code, message string) {
	m := &pgproto3.ErrorResponse{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: code, Message: message}
	if b, err := m.Encode(nil); err == nil {
		conn.SetWriteDeadline(time.Now().Add(5 * time.Second))
		conn.Write(b)
	}
}

var _ call.Client = (*session)(nil)
