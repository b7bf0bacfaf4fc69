package proxy

import (
	"errors"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/pgowl/pgowl/proxy/sockets"
)

// A driver moves the messages of sessions that are at rest and have plain connections, until a statement of ours comes. Other sessions
// are moved by goroutines of their own (session.pump). docs/decisions/0003 has the figures.
type driver interface {
	// drive takes a session over and blocks until it has to go on elsewhere, errParked, or has ended and its descriptors are closed.
	drive(v *vehicle) error
	// terminate ends a session with a last message to the client, where the driver still has it.
	terminate(v *vehicle, message []byte)
	// listen has the driver take in what lies in the client's socket, and tell the session; where it does not have it any more, whoever has does that.
	listen(v *vehicle)
	// load is how many sessions it drives.
	load() int
	// stop ends it; it drives nothing any more.
	stop()
}

// vehicle is a session on the way from one driver to another: its bare descriptors, what was read from them and not handled yet, and
// what is still to be written to them.
type vehicle struct {
	session                *session
	driver                 driver
	client, server         int
	fromClient, fromServer *buffer
	toClient, toServer     []byte
	done                   chan error // what drive returns
}

// drive hands a parked session to a driver, and takes it back.
func (s *session) drive(fromClient, fromServer *buffer) error {
	v := &vehicle{session: s, driver: s.proxy.driver(), fromClient: fromClient, fromServer: fromServer, done: make(chan error, 1)}
	if err := s.detach(v); err != nil {
		return err
	}
	if err := v.driver.drive(v); err != errParked {
		return err
	}
	return s.attach(v)
}

// detach takes the descriptors out of the runtime's poller. Where there are no more descriptors to be had, the session stays with its pumps:
// errParked.
func (s *session) detach(v *vehicle) (err error) {
	if v.client, err = sockets.Duplicate(s.client.(syscall.Conn)); err != nil {
		s.stay()
		return errParked
	}
	if v.server, err = sockets.Duplicate(s.server.(syscall.Conn)); err != nil {
		syscall.Close(v.client)
		s.stay()
		return errParked
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.client.Close()
	s.server.Close()
	if s.last != nil {
		syscall.Close(v.client)
		syscall.Close(v.server)
		return errClosed
	}
	s.parking, s.vehicle = false, v
	return nil
}

// attach makes connections of the descriptors again.
func (s *session) attach(v *vehicle) error {
	client, errClient := connection(v.client)
	server, errServer := connection(v.server)
	s.mu.Lock()
	s.vehicle, s.plain = nil, 0 // the statement of ours that it comes back for has still to be read
	if errClient == nil {
		s.client = client
	}
	if errServer == nil {
		s.server = server
	}
	last := s.last
	s.mu.Unlock()
	err := errors.Join(errClient, errServer)
	if err == nil && last != nil {
		farewell(client, last)
		err = errClosed
	}
	if err == nil && len(v.toClient) > 0 {
		_, err = client.Write(v.toClient)
	}
	if err == nil && len(v.toServer) > 0 {
		_, err = server.Write(v.toServer)
	}
	if err != nil {
		s.client.Close()
		s.server.Close()
		return err
	}
	v.fromClient.conn, v.fromServer.conn = client, server
	return errParked
}

// terminate ends the session from outside with a FATAL message to the client, between two messages of the server where that is possible.
func (s *session) terminate(code, message string) {
	last := encode(&pgproto3.ErrorResponse{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: code, Message: message})
	s.mu.Lock()
	if s.last == nil {
		s.last = last
	}
	client, v := s.client, s.vehicle
	s.mu.Unlock()
	if v != nil {
		v.driver.terminate(v, last)
		return
	}
	client.SetDeadline(time.Now().Add(time.Second)) // a client that reads nothing does not hold us up
	s.out.Lock()
	farewell(client, last)
	s.out.Unlock()
}

// lastWord is the message that the session is ended with from outside; nil where it isn't.
func (s *session) lastWord() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// farewell is a last word.
func farewell(client net.Conn, message []byte) {
	client.SetWriteDeadline(time.Now().Add(time.Second))
	client.Write(message)
	client.Close()
}

// driver is the one with the fewest sessions.
func (p *Server) driver() driver {
	least := p.drivers[0]
	for _, d := range p.drivers[1:] {
		if d.load() < least.load() {
			least = d
		}
	}
	return least
}

// isPlain tells whether a connection's bytes are those on its descriptor.
func isPlain(conn net.Conn) bool {
	switch conn.(type) {
	case *net.TCPConn, *net.UnixConn:
		return true
	}
	return false
}

// connection makes a connection of a descriptor, which it takes over.
func connection(fd int) (net.Conn, error) {
	f := os.NewFile(uintptr(fd), "session")
	defer f.Close()
	return net.FileConn(f)
}
