package proxy

import (
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"github.com/pgowl/pgowl/proxy/protocol"
)

// A client of a pool often comes for one statement, and most of what that costs is not the statement: two goroutines that have to be
// started, woken and told to end. So a session that has borrowed a server connection begins with one goroutine, which sees to the client
// and to the server by turns. That is enough while both keep to the simplest order: the client asks for something that ends with
// ReadyForQuery, the server answers. Whatever is not of that kind, or lets wait, is left to the pumps, which can go on from any point.
const (
	expressWait  = 100 * time.Millisecond // for one side, while the other isn't listened to
	expressTurns = 8                      // who stays for longer is worth two pumps, or a loop
)

// errSlow is how express ends where the session needs pumps.
var errSlow = errors.New("needs pumps")

// express greets the client and serves its first statements. It returns errSlow or errParked where the session has to go on elsewhere;
// else the session is over, and both of its connections are closed or given back.
func (s *session) express(client, server *buffer) error {
	err := s.guard(func() error {
		err := s.welcome()
		for turn := 0; err == nil; turn++ {
			if turn == expressTurns {
				return errSlow
			}
			err = s.turn(client, server)
		}
		return err
	})
	if err == errSlow || err == errParked {
		s.client.SetReadDeadline(time.Time{})
		s.server.SetReadDeadline(time.Time{})
		return err
	}
	s.pooled.whole = errors.Is(err, io.EOF) && server.r == server.w && server.skip == 0 && s.keepsServer()
	s.end(err)
	s.client.Close()
	s.leaveServer()
	client.release()
	server.release()
	return err
}

// welcome tells the client what the pool knows of the server, in one packet.
func (s *session) welcome() error {
	in := &buffer{data: s.pooled.lease.Greeting()}
	in.w = len(in.data)
	s.pending = append(s.pending, s.pooled.last...)
	for in.r < in.w {
		typ, size, ok := in.peek()
		if !ok || size < protocol.HeaderSize || in.w-in.r < size {
			return errors.New("a greeting that is none")
		}
		message := in.data[in.r : in.r+size]
		keep, err := s.take(typ, message[protocol.HeaderSize:], false)
		if err != nil {
			return err
		}
		if keep {
			s.pending = append(s.pending, message...)
		}
		if typ != 'N' && typ != 'R' { // those take counts
			s.meter.fromServer.Add(uint64(size))
		}
		in.r += size
	}
	err := s.forward(nil)
	s.settle()
	return err
}

// turn takes what the client says, and brings the answer. io.EOF is the client's last word.
func (s *session) turn(client, server *buffer) error {
	if client.r == client.w {
		s.client.SetReadDeadline(time.Now().Add(expressWait))
		s.hearAsked()
		if err := client.fill(0); err != nil {
			if errors.Is(err, io.EOF) && !s.keepsServer() {
				return errSlow // it has closed its direction only, maybe, and the server has more to say
			}
			return slow(err)
		}
	}
	from := client.r
	why, _ := s.scanFrontend(client)
	if client.r > from {
		if _, err := s.server.Write(client.data[from:client.r]); err != nil {
			s.server.SetReadDeadline(time.Now().Add(lastWords))
			return errors.Join(err, s.pumpBackend(server))
		}
	}
	switch {
	case why == atLast && s.keepsServer():
		return io.EOF
	case why == atLast, why == atWrong:
		s.silent = true // it has been scanned, and won't be a second time
		return errSlow
	case why == atOurs, client.r < client.w, client.skip > 0:
		return errSlow
	}
	s.mu.Lock()
	waits := !s.queue.Empty()
	// Without a Sync the server keeps its answers, and the client may be about to send one.
	simple := !s.queue.Copying && !s.queue.Open && !s.ended
	s.byTurns = simple && waits
	s.mu.Unlock()
	if !simple {
		return errSlow
	}
	if !waits {
		return nil
	}
	s.server.SetReadDeadline(time.Now().Add(expressWait))
	err := s.pumpBackend(server)
	s.mu.Lock()
	s.byTurns = false
	s.mu.Unlock()
	if err == errParked && !s.isParking() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.queue.Copying { // the server may end it, and the session, at any time
			return errSlow
		}
		return nil
	}
	return slow(err)
}

// slow makes errSlow of a wait that was too long.
func slow(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errSlow
	}
	return err
}

// spare are the buffers of sessions that were short.
var spare = sync.Pool{New: func() any { return new([protocol.StartBuffer]byte) }}

// release gives back the buffer's memory. Nobody may use the buffer or slices of it any more.
func (b *buffer) release() {
	if len(b.data) == protocol.StartBuffer {
		spare.Put((*[protocol.StartBuffer]byte)(b.data))
	}
	b.data = nil
}
