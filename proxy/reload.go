package proxy

import (
	"crypto/tls"

	"github.com/pgowl/pgowl/proxy/auth"
)

// Settings are what a running Server takes anew. Sessions that are there keep what they have.
type Settings struct {
	Upstream string      // as in Options
	Service  string      // as in Options
	TLS      *tls.Config // nil: TLS is refused
	Limits   Limits
}

// live is what is in force since a Reload.
type live struct {
	settings Settings
	upstream *upstream
	tls      *tls.Config
}

// Reload puts settings into force for all connections to come, or none of them: the error tells why. A pool keeps its upstream.
func (p *Server) Reload(s Settings) error {
	old := p.front()
	next := &live{settings: s, upstream: old}
	if p.pool != nil {
		s.Upstream, s.Service = p.current().Upstream, p.current().Service
		next.settings = s
	}
	if s.Upstream != p.current().Upstream || s.Service != p.current().Service {
		u, err := newUpstream(s.Upstream, s.Service, p.background)
		if err != nil {
			return err
		}
		u.origins = old.origins // sessions of before may still be cancelled
		next.upstream = u
	}
	if s.TLS != nil {
		next.tls = auth.ServerConfig(s.TLS)
	}
	p.live.Store(next)
	return nil
}

// current gives the settings in force.
func (p *Server) current() Settings {
	if l := p.live.Load(); l != nil {
		return l.settings
	}
	return Settings{Upstream: p.options.Upstream, Service: p.options.Service, TLS: p.options.TLS, Limits: p.options.Limits}
}

// Upstream gives the URLs in force, of the upstream and of the service connection.
func (p *Server) Upstream() (upstream, service string) {
	s := p.current()
	return s.Upstream, s.Service
}

// front is the upstream of new sessions of clients.
func (p *Server) front() *upstream {
	if l := p.live.Load(); l != nil {
		return l.upstream
	}
	return p.upstream
}

// secure is the listener's TLS; nil: it is refused.
func (p *Server) secure() *tls.Config {
	if l := p.live.Load(); l != nil {
		return l.tls
	}
	return p.tls
}

func (p *Server) limits() Limits {
	if l := p.live.Load(); l != nil {
		return l.settings.Limits
	}
	return p.options.Limits
}
