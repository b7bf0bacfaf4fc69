package pool

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"slices"
	"sync"
	"time"
)

// group is the server connections of one role in one database.
type group struct {
	pool  *Pool
	place place
	users int // who needs the group; of the pool's lock

	mu      sync.Mutex
	total   int       // open ones, lent or idle, and those that are being opened
	idle    []*server // the one that came back last is the last
	waiting []*waiter // who came first is the first; nothing is idle, and no slot free, while somebody waits
	closed  bool

	proofs    map[string]time.Time // digests of secrets that the server has taken, and until when that counts
	greetings map[string]greeting  // by identity: what the newest server connection said when it was opened
}

// waiter is a client without a server connection. It gets one, or nil: a slot to open one in.
type waiter struct {
	identity string
	fresh    bool // it needs a new one
	turn     chan *server
}

// proofLife is how long a secret that the server took is taken without asking the server again.
const proofLife = time.Minute

func (g *group) empty() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.total == 0 && len(g.waiting) == 0
}

// digest stands for a secret in the group's memory.
func (g *group) digest(c *Client) string {
	m := hmac.New(sha256.New, g.pool.salt)
	if k := c.Secret.Keys; k != nil {
		m.Write([]byte{1})
		m.Write(k.ClientKey)
	} else {
		m.Write([]byte{0})
		m.Write([]byte(c.Secret.Password))
	}
	return string(m.Sum(nil))
}

// proved tells whether a client is known to be who it says.
func (g *group) proved(c *Client) bool {
	if c.Proven {
		return true
	}
	digest := g.digest(c)
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.pool.options.Now().Before(g.proofs[digest])
}

// take gives a client a server connection: an idle one that was started with the same settings, a new one where there is a slot, or
// else the one whose turn comes. fresh asks for a new one, which only a secret that the server takes can open.
func (g *group) take(ctx context.Context, c *Client, fresh bool) (*server, error) {
	for {
		s, slot := g.pick(c, fresh)
		if s == nil && !slot {
			var err error
			if s, err = g.queue(ctx, c, fresh); err != nil {
				return nil, err
			}
		}
		if s == nil {
			return g.open(ctx, c)
		}
		if s.alive() && !s.lacksToken(c) && s.setApplication(ctx, c.application) == nil {
			return s, nil
		}
		g.drop(s)
	}
}

// pick takes an idle server connection, or a slot to open one in.
func (g *group) pick(c *Client, fresh bool) (s *server, slot bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) > 0 {
		return nil, false
	}
	if !fresh {
		best := -1
		for i := len(g.idle) - 1; i >= 0; i-- {
			if s := g.idle[i]; s.identity == c.identity {
				if best < 0 {
					best = i
				}
				if s.params["application_name"] == c.application {
					best = i
					break
				}
			}
		}
		if best >= 0 {
			s := g.idle[best]
			g.idle = slices.Delete(g.idle, best, best+1)
			return s, false
		}
	}
	if g.total < g.pool.options.Size && !g.closed {
		g.total++
		return nil, true
	}
	if len(g.idle) > 0 {
		s := g.idle[0] // the one that has been idle longest gives its place
		g.idle = slices.Delete(g.idle, 0, 1)
		s.close()
		return nil, true
	}
	return nil, false
}

// queue waits for a turn.
func (g *group) queue(ctx context.Context, c *Client, fresh bool) (*server, error) {
	w := &waiter{identity: c.identity, fresh: fresh, turn: make(chan *server, 1)}
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return nil, errStopping
	}
	g.waiting = append(g.waiting, w)
	g.mu.Unlock()
	timer := time.NewTimer(g.pool.options.Wait)
	defer timer.Stop()
	failed := error(nil)
	select {
	case s := <-w.turn:
		return s, nil
	case <-timer.C:
		failed = errWait(g.pool.options.Wait)
		g.pool.metrics.timeouts.Add(1)
	case <-ctx.Done():
		failed = context.Cause(ctx)
	case <-g.pool.ctx.Done():
		failed = errStopping
	}
	g.mu.Lock()
	i := slices.Index(g.waiting, w)
	if i >= 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
	}
	g.mu.Unlock()
	if i < 0 { // its turn came in the same moment
		if s := <-w.turn; s != nil {
			g.put(s)
		} else {
			g.free()
		}
	}
	return nil, failed
}

// open opens a server connection in a slot that is the caller's.
func (g *group) open(ctx context.Context, c *Client) (*server, error) {
	s, err := g.pool.open(ctx, c)
	if err != nil {
		g.free()
		return nil, err
	}
	until := g.pool.options.Now().Add(proofLife)
	g.mu.Lock()
	for digest, t := range g.proofs {
		if t.Before(until.Add(-proofLife)) {
			delete(g.proofs, digest)
		}
	}
	g.proofs[g.digest(c)] = until
	if len(g.greetings) > 100 { // clients with settings that nobody else has
		clear(g.greetings)
	}
	g.greetings[c.identity] = s.greeting()
	g.mu.Unlock()
	return s, nil
}

// greeting gives what server connections with a client's settings say at the start.
func (g *group) greeting(c *Client) (greeting, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	known, ok := g.greetings[c.identity]
	return known, ok
}

// put takes back a server connection that is in step, outside a transaction, and holds nothing of its last client's.
func (g *group) put(s *server) {
	now := g.pool.options.Now()
	if s.tainted || now.Sub(s.opened) > g.pool.options.Life {
		g.drop(s)
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) > 0 {
		w := g.waiting[0]
		g.waiting = slices.Delete(g.waiting, 0, 1)
		if w.fresh || w.identity != s.identity {
			s.close()
			s = nil
		}
		w.turn <- s
		return
	}
	if g.closed {
		g.total--
		s.close()
		return
	}
	s.idleSince = now
	g.idle = append(g.idle, s)
}

// drop closes a server connection that is not to be lent again.
func (g *group) drop(s *server) {
	s.close()
	g.free()
}

// free gives a slot to who waits.
func (g *group) free() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) > 0 && !g.closed {
		w := g.waiting[0]
		g.waiting = slices.Delete(g.waiting, 0, 1)
		w.turn <- nil
		return
	}
	g.total--
}

func (g *group) sweep(now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.idle = slices.DeleteFunc(g.idle, func(s *server) bool {
		if now.Sub(s.idleSince) < g.pool.options.Idle && now.Sub(s.opened) < g.pool.options.Life && s.alive() {
			return false
		}
		g.total--
		s.close()
		return true
	})
}

func (g *group) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	for _, s := range g.idle {
		g.total--
		s.close()
	}
	g.idle = nil
}
