package proxy

import (
	"context"
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

// cancelSession carries out a cancel request: what runs here for the session is stopped, and the server gets the request as it is. A key
// that is not known here may be another proxy's, so the server gets that too.
func (p *Server) cancelSession(ctx context.Context, request packet) {
	p.mu.Lock()
	s := p.keys[cancelKey(request.body)]
	p.mu.Unlock()
	if s != nil && !s.cancelOperation() {
		return
	}
	p.cancelServer(ctx, request)
}

// cancelServer passes a cancel request on.
func (p *Server) cancelServer(ctx context.Context, request packet) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	conn, err := p.upstream.dial(ctx)
	if err != nil {
		return
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := conn.Write(request.encode()); err != nil {
		return
	}
	conn.Read(make([]byte, 1)) // the server closes once it has taken the request
}
