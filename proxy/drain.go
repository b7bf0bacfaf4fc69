package proxy

import (
	"context"
	"maps"
	"time"
)

// drainLook is how often Drain looks for sessions that have come to rest.
const drainLook = 10 * time.Millisecond

// Draining tells whether the proxy takes no more connections.
func (p *Server) Draining() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.draining || p.stopping
}

// Refuse stops listening; what was accepted before is served. Calling it again does nothing.
func (p *Server) Refuse() {
	p.mu.Lock()
	p.draining = true
	p.mu.Unlock()
	for _, l := range p.listeners {
		l.Close()
	}
}

// Leave stops listening and waits for the clients to leave by themselves, until ctx ends.
func (p *Server) Leave(ctx context.Context) {
	p.Refuse()
	p.await(ctx, func(*session) {})
}

// Drain stops listening, ends sessions that are at rest (57P01), and waits for the others to finish their transactions, until ctx ends.
// Sessions from inside the process are left to Stop.
func (p *Server) Drain(ctx context.Context) {
	p.Refuse()
	p.leaving.Store(true) // a client that never rests is stopped before its next statement
	p.await(ctx, func(s *session) {
		if s.atRest() {
			s.terminate("57P01", shutdownMessage)
		}
	})
}

const shutdownMessage = "terminating connection due to administrator command"

// await shows the sessions of clients to a function, again and again, until there are none or ctx ends.
func (p *Server) await(ctx context.Context, look func(s *session)) {
	tick := time.NewTicker(drainLook)
	defer tick.Stop()
	for {
		p.mu.Lock()
		all := maps.Clone(p.conns)
		p.mu.Unlock()
		left := 0
		for _, s := range all {
			switch {
			case s == nil:
				left++ // it says who it is within the time for log-ins
			case s.visit == nil || !s.visit.inside:
				left++
				look(s)
			}
		}
		if left == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// atRest tells whether a session is outside of a transaction, and nothing is under way.
func (s *session) atRest() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queue.TX == 'I' && s.queue.Resting() && !s.handling && (!s.unsent || s.vehicle != nil)
}
