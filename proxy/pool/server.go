package pool

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/pgowl/pgowl/proxy/auth"
	"github.com/pgowl/pgowl/proxy/protocol"
)

// server is a server connection that is logged in. While it is lent it is the borrower's alone.
type server struct {
	pool      *Pool
	conn      net.Conn
	in        frames
	pid       uint32
	key       []byte // the body of its BackendKeyData
	identity  string // of the client that it was opened for
	params    map[string]string
	order     []string // of params, as the server tells them
	notices   []byte   // what it said while it was opened
	opened    time.Time
	idleSince time.Time
	token     bool // it was opened with one
	tainted   bool // what its client did to it outlasts a reset

	prepared prepared   // of transaction mode: the statements that it knows
	unnamed  *statement // of transaction mode: its unnamed statement

	cancels    sync.WaitGroup // cancel requests for it that are on their way
	cancelling atomic.Int32
}

const (
	openTime  = 60 * time.Second // Postgres' authentication_timeout
	resetTime = 30 * time.Second // temporary tables by the thousand take a while to drop
)

// open opens a server connection for a client and logs in.
func (p *Pool) open(ctx context.Context, c *Client) (_ *server, err error) {
	ctx, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	conn, err := p.options.Dial(ctx)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			conn.Close()
		}
	}()
	s := &server{pool: p, conn: conn, in: newFrames(conn), identity: c.identity, params: map[string]string{}, opened: p.options.Now()}
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(past) })
	defer stop()
	token := p.options.Token(c.place.user, c.place.database)
	s.token = token != ""
	if _, err := conn.Write(c.startup(token)); err != nil {
		return nil, err
	}
	o := p.options.Prove
	o.Other = func(message []byte) error {
		if message[0] == 'N' {
			s.notices = append(s.notices, message...)
		}
		return nil
	}
	if err := auth.Prove(ctx, conn, c.place.user, c.Secret, o); err != nil {
		return nil, err
	}
	if err := s.greet(); err != nil {
		return nil, err
	}
	if !stop() {
		return nil, context.Cause(ctx)
	}
	p.metrics.opened.Add(1)
	return s, nil
}

// lacksToken tells that the connection was opened before there was a token for it.
func (s *server) lacksToken(c *Client) bool {
	return !s.token && s.pool.options.Token(c.place.user, c.place.database) != ""
}

// greet reads what the server says between AuthenticationOk and its first ReadyForQuery.
func (s *server) greet() error {
	for {
		typ, body, err := s.in.next()
		if err != nil {
			return err
		}
		switch typ {
		case 'S':
			s.parameter(body)
		case 'K':
			if len(body) < 8 {
				return errors.New("malformed BackendKeyData from the server")
			}
			s.key = append([]byte(nil), body...)
			s.pid = binary.BigEndian.Uint32(body)
		case 'N':
			s.notices = append(s.notices, whole(typ, body)...)
		case 'E':
			return &auth.ServerError{Message: whole(typ, body)}
		case 'Z':
			return nil
		}
	}
}

// parameter keeps a ParameterStatus.
func (s *server) parameter(body []byte) (name, value string) {
	name, rest, ok := protocol.CutString(body)
	value, _, ok2 := protocol.CutString(rest)
	if !ok || !ok2 {
		return "", ""
	}
	if _, known := s.params[name]; !known {
		s.order = append(s.order, name)
	}
	s.params[name] = value
	return name, value
}

// close ends the connection, with a Terminate so that the server does not log a client that broke off.
func (s *server) close() {
	s.conn.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)) // a server that reads nothing holds nobody up
	s.conn.Write([]byte{'X', 0, 0, 0, 4})
	s.conn.Close()
	s.pool.metrics.closed.Add(1)
}

// alive tells whether an idle connection can be lent. What the server said meanwhile is read: settings that changed by a reload, or
// that it ends the connection.
func (s *server) alive() bool {
	raw := s.conn
	if t, ok := raw.(interface{ NetConn() net.Conn }); ok {
		raw = t.NetConn()
	}
	said := s.in.r < s.in.w
	if sc, ok := raw.(syscall.Conn); ok && !said {
		rc, err := sc.SyscallConn()
		if err != nil {
			return false
		}
		var n int
		var failed error
		err = rc.Read(func(fd uintptr) bool {
			var b [1]byte
			n, _, failed = syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
			return true
		})
		switch {
		case err != nil || failed == nil && n == 0:
			return false
		case failed == syscall.EAGAIN || failed == syscall.EINTR:
			return true
		case failed != nil:
			return false
		}
	}
	return s.listen()
}

// listen reads what an idle server has said.
func (s *server) listen() bool {
	s.conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	defer s.conn.SetReadDeadline(time.Time{})
	for {
		typ, body, err := s.in.next()
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			return s.in.r == s.in.w
		}
		if err != nil {
			return false
		}
		switch typ {
		case 'S':
			s.parameter(body)
		case 'N', 'A':
		default:
			return false
		}
	}
}

// run sends simple queries at once and waits for them. Afterwards the server has to be outside a transaction.
func (s *server) run(ctx context.Context, limit time.Duration, queries ...string) error {
	var b []byte
	for _, q := range queries {
		b = protocol.Append(b, 'Q', append([]byte(q), 0))
	}
	deadline := time.Now().Add(limit)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	s.conn.SetDeadline(deadline)
	defer s.conn.SetDeadline(time.Time{})
	defer context.AfterFunc(ctx, func() { s.conn.SetDeadline(past) })() // a server that hangs holds nobody up who leaves
	if _, err := s.conn.Write(b); err != nil {
		return err
	}
	for left := len(queries); left > 0; {
		typ, body, err := s.in.next()
		if err != nil {
			return err
		}
		switch typ {
		case 'S':
			s.parameter(body)
		case 'E':
			return &auth.ServerError{Message: whole(typ, body)}
		case 'G', 'W', 'H':
			return fmt.Errorf("unexpected message %q from the server", typ)
		case 'Z':
			if left--; left == 0 && (len(body) != 1 || body[0] != 'I') {
				return errors.New("the server is still in a transaction")
			}
		}
	}
	return nil
}

// reset takes away what a client left behind; tx is the transaction status that it left. (Manual, "DISCARD": ALL is SET SESSION
// AUTHORIZATION DEFAULT, RESET ALL, DEALLOCATE ALL, CLOSE ALL, UNLISTEN *, pg_advisory_unlock_all, and temporary tables, plans, sequences.)
func (s *server) reset(tx byte) error {
	queries := []string{"ROLLBACK", "DISCARD ALL"}
	if tx == 'I' {
		queries = queries[1:]
	}
	s.prepared = prepared{}
	s.unnamed = nil
	return s.run(s.pool.ctx, resetTime, queries...)
}

// setApplication sets application_name where it has another value; "" leaves it.
func (s *server) setApplication(ctx context.Context, name string) error {
	if name == "" || s.params["application_name"] == name {
		return nil
	}
	if err := s.run(ctx, resetTime, setConfig(map[string]string{"application_name": name})); err != nil {
		return err
	}
	s.params["application_name"] = name // a server before 9.0 does not report it
	return nil
}

// cancel asks the server to cancel what it runs for the borrower. The borrower has counted it in s.cancels, so that the connection is
// lent to nobody else before the request has had its effect.
func (s *server) cancel(ctx context.Context) {
	defer s.cancels.Done()
	defer s.cancelling.Add(-1)
	ctx, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	conn, err := s.pool.options.Redial(ctx, s.conn)
	if err != nil {
		return
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	b := binary.BigEndian.AppendUint32(nil, uint32(8+len(s.key)))
	b = append(binary.BigEndian.AppendUint32(b, 80877102), s.key...)
	if _, err := conn.Write(b); err != nil {
		return
	}
	io.ReadFull(conn, make([]byte, 1)) // the server closes once the signal is sent
}

// countCancel notes that cancel will be called. The borrower calls it while it has the connection.
func (s *server) countCancel() {
	s.cancels.Add(1)
	s.cancelling.Add(1)
}

// greeting is what a server connection says at the start.
type greeting struct {
	params  map[string]string
	order   []string
	notices []byte
}

func (s *server) greeting() greeting {
	return greeting{maps.Clone(s.params), s.order[:len(s.order):len(s.order)], s.notices}
}

// encode makes what a client reads from AuthenticationOk to its first ReadyForQuery. key is the body of its BackendKeyData.
func (g greeting) encode(key []byte) []byte {
	b := protocol.Append(make([]byte, 0, 512), 'R', []byte{0, 0, 0, 0})
	b = append(b, g.notices...)
	for _, name := range g.order {
		b = protocol.Append(b, 'S', []byte(name+"\x00"+g.params[name]+"\x00"))
	}
	b = protocol.Append(b, 'K', key)
	return append(b, 'Z', 0, 0, 0, 5, 'I')
}
