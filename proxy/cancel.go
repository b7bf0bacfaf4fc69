package proxy

import (
	"context"
	"net"
	"sync"
	"time"
)

// cancelKey is the body of a BackendKeyData: process id and secret. A cancel request carries the same bytes.
type cancelKey string

func (p *Server) remember(s *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys[s.key] = s
}

// forget is called when a session ends.
func (p *Server) forget(s *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.keys[s.key] == s {
		delete(p.keys, s.key)
	}
}

// cancelSession carries out a cancel request, behind what the client has sent before it: what runs here for the session is stopped, and the server gets the request as it is. A key
// that is not known here may be another proxy's, so the server gets that too.
func (p *Server) cancelSession(ctx context.Context, request packet) {
	s := p.holder(request)
	if s != nil {
		s.takeIn(ctx)
	}
	if s == nil || s.cancelOperation() {
		p.cancelServer(ctx, request)
	}
}

// holder is the session that a cancel request is for; nil where it is none of this proxy's.
func (p *Server) holder(request packet) *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.keys[cancelKey(request.body)]
}

// cancelServer passes a cancel request on: to the server that the session is on, and where that isn't known, to every host, since only
// one knows the key.
func (p *Server) cancelServer(ctx context.Context, request packet) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if s := p.holder(request); s != nil && s.pooled != nil {
		s.pooled.cancel(ctx)
		return
	}
	if s := p.holder(request); s != nil && s.dialed != nil {
		u := p.front()
		if u.origins.of(s.dialed) == nil {
			u = p.inner
		}
		if conn, err := u.redial(ctx, s.dialed); err == nil {
			sendCancel(conn, request)
		}
		return
	}
	var wait sync.WaitGroup
	for _, h := range p.front().hosts {
		wait.Go(func() {
			if conn, err := h.dial(ctx); err == nil {
				sendCancel(conn, request)
			}
		})
	}
	wait.Wait()
}

func sendCancel(conn net.Conn, request packet) {
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := conn.Write(request.encode()); err != nil {
		return
	}
	conn.Read(make([]byte, 1)) // the server closes once it has taken the request
}
