package pool

import (
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"os"
	"sync"
	"time"

	"github.com/pgowl/pgowl/proxy/protocol"
)

// Link stands in for a server connection in transaction mode. The session writes the client's messages to it and reads the server's
// from it, from one goroutine each, as if it were one; behind it, each transaction gets a server connection of its own.
type Link struct {
	group    *group
	client   *Client
	key      []byte
	onServer func(pid uint32)
	ctx      context.Context
	cancel   context.CancelFunc

	mu     sync.Mutex
	moved  *sync.Cond // out, server, reading, the replies, or over have changed
	server *server    // nil while there is no transaction
	fresh  bool       // the session's reader has not been told of server yet
	last   *server    // the one that it was told of last; only to be compared with
	expect protocol.Replies[reply]
	out    []byte // what the session is to read
	pinned string // why the server connection is kept; "" where it isn't
	want   map[string]string
	names  map[string]*statement
	plain  *statement // the unnamed one
	syncs  int        // sent so far

	over    error // nothing more comes behind out but this
	ending  bool  // the client has said its last word; what it asked for is still answered
	goodbye bool  // and that was a Terminate
	broken  bool  // the server connection cannot be used again
	closed  bool
	reading bool // the reader waits for the server
	writing bool // the writer sends to it

	// Of the writer.
	part []byte // the beginning of a message
	skip int    // bytes of a message's body that are still to come and are passed on
	raw  bool   // the client has broken the protocol: the server is to say so, and hears the rest as it is
	send []byte

	// Of the reader.
	passing int  // bytes of a message's body that are still to come
	hiding  bool // they are not the session's
}

// Link connects a client to the pool. onServer is called by Read, when the session is served by another server process than before, and
// before anything of that one's is read; between transactions there is none. An error is told to the client by Refusal.
func (p *Pool) Link(ctx context.Context, c *Client, onServer func(pid uint32)) (*Link, error) {
	g := p.group(c.place)
	known, ok := g.greeting(c)
	if proved := g.proved(c); !ok || !proved {
		s, err := g.take(ctx, c, !proved)
		if err != nil {
			p.leave(g)
			return nil, err
		}
		if known, ok = g.greeting(c); !ok {
			known = s.greeting()
		}
		g.put(s)
	}
	// No process is this session's; a number like that of one, so that a driver that shows it has something to show.
	key := newKey(0)
	copy(key[:4], newKey(0)[4:])
	key[0] &= 0x7F
	l := &Link{group: g, client: c, key: key, onServer: onServer, want: map[string]string{}, names: map[string]*statement{}}
	l.moved = sync.NewCond(&l.mu)
	l.ctx, l.cancel = context.WithCancel(p.ctx)
	known.params = maps.Clone(known.params)
	if c.application != "" {
		known.params["application_name"] = c.application
	}
	for name, value := range known.params {
		if replayed(name) {
			l.want[name] = value
		}
	}
	l.expect.TX = 'I'
	l.out = known.encode(key)
	return l, nil
}

// attach makes sure that there is a server connection. Where none can be had, the session is told so, and Read ends it.
func (l *Link) attach() bool {
	if l.server != nil {
		return true
	}
	if l.over != nil || l.closed {
		return false
	}
	p := l.group.pool
	p.stay(l.group)
	l.mu.Unlock()
	s, err := l.group.take(l.ctx, l.client, false)
	p.leave(l.group)
	l.mu.Lock()
	if err != nil {
		if !l.closed {
			l.out = append(l.out, Refusal(err)...)
			l.finish(io.EOF)
		}
		return false
	}
	if l.closed {
		l.group.put(s)
		return false
	}
	p.metrics.lent.Add(1)
	l.server, l.fresh, l.broken = s, s != l.last, false
	l.expect.Reset()
	different := map[string]string{}
	for name, value := range l.want {
		if now, reported := s.params[name]; reported && now != value {
			different[name] = value
		}
	}
	if len(different) > 0 {
		l.ask(setConfig(different), func() { maps.Copy(s.params, different) })
	}
	l.moved.Broadcast()
	return true
}

// ask sends a query of the pool's own, outside a transaction.
func (l *Link) ask(query string, then func()) {
	l.send = protocol.Append(l.send, 'Q', append([]byte(query), 0))
	l.expect.Push(protocol.ForQuery, reply{hidden: true, tell: func(f protocol.Fate) {
		if f == protocol.Done {
			then()
		}
	}})
}

// past is a deadline that ends a read at once.
var past = time.Unix(1, 0)

// finish ends the session, once it has read what there is.
func (l *Link) finish(err error) {
	if l.over == nil {
		l.over = err
	}
	l.moved.Broadcast()
}

// idle tells whether the server owes nothing and nothing is half said.
func (l *Link) idle() bool {
	return l.expect.Empty() && !l.expect.Open && !l.expect.Copying && !l.expect.Doubtful && !l.raw && l.skip == 0 && l.passing == 0
}

// release gives the server connection back when the transaction is over.
func (l *Link) release() {
	s := l.server
	if s == nil || l.writing || !l.idle() || l.expect.TX != 'I' || l.pinned != "" || l.broken || l.closed || l.over != nil {
		return
	}
	if l.reading { // it was the writer who finished; the reader does it
		s.conn.SetReadDeadline(past)
		return
	}
	if s.in.r < s.in.w {
		return
	}
	l.server, l.fresh, l.last = nil, false, s
	g := l.group
	g.pool.metrics.lent.Add(-1)
	if s.cancelling.Load() == 0 {
		g.put(s)
		return
	}
	g.pool.background(func() {
		s.cancels.Wait()
		g.put(s)
	})
}

// pin keeps the server connection for the session.
func (l *Link) pin(v verdict) {
	why := v.pin
	for _, name := range v.sets {
		if !l.reports(name) {
			why = "SET"
		}
	}
	if why != "" && l.pinned == "" {
		l.pinned = why
		l.group.pool.metrics.pins.Add(1)
	}
	if v.tainted && l.server != nil {
		l.server.tainted = true
	}
}

// reports tells whether the server reports a parameter of this name in lower case.
func (l *Link) reports(name string) bool {
	for known := range l.want {
		if len(known) == len(name) && lower(known) == name {
			return true
		}
	}
	return false
}

func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// Attached tells whether the session has a server connection at the moment.
func (l *Link) Attached() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.server != nil
}

// Cancel asks the server to cancel what it runs for the session; outside a transaction there is nothing to cancel.
func (l *Link) Cancel(ctx context.Context) {
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

// CloseWrite tells that the client has said its last word: what it asked for is answered, then Read gives io.EOF.
func (l *Link) CloseWrite() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lastWord()
}

func (l *Link) lastWord() error {
	s := l.server
	switch {
	case s == nil || l.idle():
		l.finish(io.EOF)
		if l.reading {
			s.conn.SetReadDeadline(past)
		}
	case l.expect.Open || l.expect.Copying || l.expect.Doubtful || l.raw || l.skip > 0:
		// Only the server knows what comes of that.
		l.broken = true
		if l.goodbye {
			l.send = append(l.send, 'X', 0, 0, 0, 4)
			return l.flush()
		}
		if half, ok := s.conn.(interface{ CloseWrite() error }); ok {
			return half.CloseWrite()
		}
		return errors.ErrUnsupported
	default:
		l.ending = true
	}
	return nil
}

// Close ends the session's use of the pool. A server connection in step is reset and lent again; any other one is closed.
func (l *Link) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return net.ErrClosed
	}
	l.closed = true
	l.cancel()
	l.moved.Broadcast()
	p := l.group.pool
	s := l.server
	if s == nil {
		p.leave(l.group)
		return nil
	}
	p.metrics.lent.Add(-1)
	if !l.idle() || l.broken {
		s.conn.Close() // which also ends a read or write that goes on
	} else if l.reading {
		s.conn.SetReadDeadline(past)
	}
	for l.reading || l.writing {
		l.moved.Wait()
	}
	whole := l.idle() && !l.broken && s.in.r == s.in.w
	l.server = nil
	tx := l.expect.TX
	if !whole {
		l.group.drop(s)
		p.leave(l.group)
		return nil
	}
	s.conn.SetReadDeadline(time.Time{})
	p.background(func() {
		l.group.restore(s, tx)
		p.leave(l.group)
	})
	return nil
}

// Key is the body of the BackendKeyData that the client gets.
func (l *Link) Key() []byte { return l.key }

// Pinned tells why the session keeps its server connection; "" where it doesn't.
func (l *Link) Pinned() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pinned
}

// LocalAddr is of no connection.
func (l *Link) LocalAddr() net.Addr { return linkAddr{} }

// RemoteAddr is of no connection.
func (l *Link) RemoteAddr() net.Addr { return linkAddr{} }

type linkAddr struct{}

func (linkAddr) Network() string { return "pool" }
func (linkAddr) String() string  { return "pool" }

// SetDeadline does nothing: the pool has time limits of its own.
func (l *Link) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing; see SetDeadline.
func (l *Link) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing; see SetDeadline.
func (l *Link) SetWriteDeadline(time.Time) error { return nil }

// interrupted tells whether a read ended because Close or CloseWrite wanted it to.
func interrupted(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

var _ net.Conn = (*Link)(nil)
