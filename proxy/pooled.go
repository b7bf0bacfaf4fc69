package proxy

import (
	"context"
	"errors"
	"net"
	"os"
	"time"

	"github.com/pgowl/pgowl/proxy/auth"
	"github.com/pgowl/pgowl/proxy/pool"
)

// newPool makes the pool that the options ask for; nil where they ask for none.
func (p *Server) newPool(o pool.Options) (*pool.Pool, error) {
	if o.Mode == "" || o.Mode == pool.None {
		return nil, nil
	}
	o.Dial, o.Redial = p.upstream.dial, p.upstream.redial
	o.Prove = auth.ProveOptions{ChannelBinding: p.upstream.binding, AllowCleartext: p.upstream.cleartext}
	o.Registry, o.Log = p.options.Registry, p.options.Log
	if e := p.options.Engine; e != nil {
		o.Token = func(user, database string) string {
			if e.Serves(database, user) {
				return e.Token()
			}
			return ""
		}
	}
	return pool.New(o)
}

// pooled is how a session has its server connection from the pool: one of both.
type pooled struct {
	lease *pool.Lease // in session mode
	link  *pool.Link  // in transaction mode
	whole bool        // the lease ends with the connection in step
	last  []byte      // in session mode: what ends the client's log-in, to be sent before the greeting
}

// cancel asks the server to cancel what it runs for the session.
func (b *pooled) cancel(ctx context.Context) {
	if b.lease != nil {
		b.lease.Cancel(ctx)
	} else {
		b.link.Cancel(ctx)
	}
}

// servePooled is what serve does for a client of the pool's, behind its start-up message.
func (p *Server) servePooled(raw, client net.Conn, c *pool.Client, settings map[string]string, v *visit) error {
	s := p.newSession(raw, client, v)
	client = s.client
	defer s.cancel(errClosed)
	defer p.forget(s)
	v.hurry(s)
	if e := p.options.Engine; e != nil {
		s.wantsCalls = e.Serves(c.Database(), c.User())
		s.namesLanes(settings)
	}
	if b := c.Negotiation(); b != nil {
		if _, err := client.Write(b); err != nil {
			return err
		}
	}
	last, err := s.admit(c)
	if err != nil {
		return err
	}
	err = s.borrow(c)
	var own *auth.Error
	if errors.As(err, &own) && p.auth.Mode() == auth.Relay && !c.Proven && auth.IsPrivate(client) {
		// The server does not trust the role, and what it asks for cannot be relayed to a client who may get another's connection.
		if c.Secret, err = p.auth.AskPassword(s.ctx, client, c.User()); err != nil {
			return err
		}
		err = s.borrow(c)
	}
	if err != nil {
		client.SetWriteDeadline(time.Now().Add(5 * time.Second))
		client.Write(append(last, pool.Refusal(err)...))
		return err
	}
	s.pooled.last = last
	return s.run(newBuffer(client))
}

// admit finds out who the client is, as far as PgOwl can tell; the rest is the server's to say when it is proved to. last is for the
// client, before anything else.
func (s *session) admit(c *pool.Client) (last []byte, err error) {
	a := s.proxy.auth
	switch {
	case a.Mode() == auth.Users, a.Knows(c.User()) && a.Mode() == auth.Relay, a.Certified(s.client, c.User()):
		c.Secret, last, err = a.AcceptUnsaid(s.ctx, s.client, c.User())
		c.Proven = err == nil
		if len(last) > 0 && s.proxy.pool.Mode() == pool.Transaction { // there the greeting is the link's
			_, err = s.client.Write(last)
			last = nil
		}
	case a.Mode() == auth.Password:
		c.Secret, err = a.AskPassword(s.ctx, s.client, c.User())
	}
	return last, err
}

// borrow gets the session its server connection.
func (s *session) borrow(c *pool.Client) error {
	if s.proxy.pool.Mode() == pool.Transaction {
		link, err := s.proxy.pool.Link(s.ctx, c, s.serves)
		if err == nil {
			s.pooled = &pooled{link: link}
			s.serveBy(link)
		}
		return err
	}
	lease, err := s.proxy.pool.Lend(s.ctx, c)
	if err == nil {
		s.pooled = &pooled{lease: lease}
		s.serveBy(lease.Conn())
	}
	return err
}

// serves opens the call lane of the server process that serves the session now.
func (s *session) serves(pid uint32) {
	if !s.wantsCalls {
		return
	}
	if old := s.calls.Swap(s.proxy.options.Engine.Handler(pid, s)); old != nil {
		old.Close()
	}
}

// keepsServer tells whether the server connection can be lent again after the client's last word, so that the server must not hear it.
func (s *session) keepsServer() bool {
	if s.pooled == nil || s.pooled.lease == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queue.Resting() && !s.queue.Doubtful && s.ready
}

// giveBack ends the backend's pump when the client has gone and its server connection can be lent again; done tells that it has ended.
func (s *session) giveBack(done <-chan struct{}, client, in *buffer, ended *error) bool {
	if !s.keepsServer() || client.skip > 0 { // half a message was sent, perhaps one that needs no answer
		return false
	}
	s.server.SetReadDeadline(past)
	<-done
	s.pooled.whole = errors.Is(*ended, os.ErrDeadlineExceeded) && in.r == in.w && in.skip == 0 && s.keepsServer()
	return true
}

// leaveServer ends the use of the server connection.
func (s *session) leaveServer() {
	if s.pooled == nil || s.pooled.lease == nil {
		s.server.Close()
		return
	}
	tx := byte(0)
	if s.pooled.whole {
		s.server.SetReadDeadline(time.Time{})
		tx = s.queue.TX
	}
	s.pooled.lease.Return(s.server, tx)
}
