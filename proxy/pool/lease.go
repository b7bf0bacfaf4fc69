package pool

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"net"
	"sync"
)

// Lease is a server connection that a client has until it goes: the session mode's. Lend makes one; Return ends it.
type Lease struct {
	group *group
	key   []byte

	mu     sync.Mutex
	server *server // nil once it was given back
	conn   net.Conn
	said   []byte
}

// Lend gives a client a server connection. An error is told to the client by Refusal.
func (p *Pool) Lend(ctx context.Context, c *Client) (*Lease, error) {
	g := p.group(c.place)
	s, err := g.take(ctx, c, !g.proved(c))
	if err != nil {
		p.leave(g)
		return nil, err
	}
	// The process id is the server's, as statements can ask for it; the secret is ours, so that a cancel request has to come through us.
	l := &Lease{group: g, server: s, conn: s.conn, key: newKey(s.pid)}
	l.said = greeting{s.params, s.order, s.notices}.encode(l.key) // made now, while nobody changes them
	p.metrics.lent.Add(1)
	return l, nil
}

// newKey makes the body of a BackendKeyData.
func newKey(pid uint32) []byte {
	key := binary.BigEndian.AppendUint32(nil, pid)
	key = append(key, 0, 0, 0, 0)
	rand.Read(key[4:])
	return key
}

// Conn is the server connection itself. Nothing of it has been read that is the client's.
func (l *Lease) Conn() net.Conn { return l.conn }

// Greeting is what the client reads first, from AuthenticationOk to ReadyForQuery; the server does not say it.
func (l *Lease) Greeting() []byte { return l.said }

// Cancel asks the server to cancel what it runs for the client; nothing happens when the client has gone.
func (l *Lease) Cancel(ctx context.Context) {
	l.mu.Lock()
	s := l.server
	if s != nil {
		s.countCancel()
	}
	l.mu.Unlock()
	if s != nil {
		s.cancel(ctx)
	}
}

// Return ends the lease. conn is the connection as it is now, another net.Conn of the same descriptor perhaps. tx is the transaction status that the last ReadyForQuery told, if every answer that the server owes has been
// read whole, and nobody reads from the connection any more; 0 if not, and the connection is closed then. The rest goes on in the background.
func (l *Lease) Return(conn net.Conn, tx byte) {
	l.mu.Lock()
	s := l.server
	l.server = nil
	l.mu.Unlock()
	if s == nil {
		return
	}
	p := l.group.pool
	p.metrics.lent.Add(-1)
	s.conn, s.in.from = conn, conn
	if tx == 0 {
		l.group.drop(s)
		p.leave(l.group)
		return
	}
	p.background(func() {
		l.group.restore(s, tx)
		p.leave(l.group)
	})
}

// restore makes a server connection as good as new and puts it back.
func (g *group) restore(s *server, tx byte) {
	s.cancels.Wait()
	if s.reset(tx) != nil {
		g.drop(s)
		return
	}
	g.put(s)
}
