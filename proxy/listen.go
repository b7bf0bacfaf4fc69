package proxy

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"time"

	"github.com/pgowl/pgowl/proxy/sockets"
	"go.uber.org/zap"
)

// Start returns when the proxy listens, or with the reason why it can't.
func (p *Server) Start() error {
	if err := p.startDrivers(); err != nil {
		return err
	}
	set := p.options.Sockets
	if set == nil {
		set = &sockets.Set{}
	}
	listeners, err := set.Listen(p.ctx, "sql", p.options.Address)
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

// cores are what the process may use, before loops add a slot each.
var cores = runtime.GOMAXPROCS(0)

// startDrivers starts the loops. Without them goroutines do their work.
func (p *Server) startDrivers() (err error) {
	switch p.options.Driver {
	case "", "epoll":
	case "goroutines":
		return nil
	default:
		return fmt.Errorf("driver %q is neither epoll nor goroutines", p.options.Driver)
	}
	n := p.options.Loops
	if n <= 0 {
		n = max(1, cores/2) // a machine's servers and clients want the other half
	}
	p.drivers, err = newLoops(n)
	if err != nil && p.options.Driver == "" {
		p.options.Log.Info("sessions are moved by goroutines", zap.Error(err))
		return nil
	}
	return err
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
		p.limits().TCP.Apply(conn)
		p.start(conn, p.front())
	}
}
