package proxy

import (
	"errors"
	"net"
	"time"

	"github.com/pgowl/pgowl/proxy/sockets"
	"go.uber.org/zap"
)

// Start returns when the proxy listens, or with the reason why it can't.
func (p *Server) Start() error {
	listeners, err := sockets.Listen(p.ctx, p.addresses)
	if err != nil {
		return err
	}
	p.listeners = listeners
	for _, l := range listeners {
		p.wait.Add(1)
		go p.accept(l)
	}
	return nil
}

// Addr is the first of the addresses that the proxy listens on.
func (p *Server) Addr() net.Addr { return p.listeners[0].Addr() }

// Addrs are all of them, in the order of Options.Address.
func (p *Server) Addrs() []net.Addr {
	all := make([]net.Addr, len(p.listeners))
	for i, l := range p.listeners {
		all[i] = l.Addr()
	}
	return all
}

func (p *Server) accept(l net.Listener) {
	defer p.wait.Done()
	for {
		conn, err := l.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			p.options.Log.Warn("a connection could not be accepted", zap.Error(err))
			select {
			case <-time.After(50 * time.Millisecond): // out of descriptors, most likely
			case <-p.ctx.Done():
				return
			}
			continue
		}
		p.start(conn, p.upstream)
	}
}
