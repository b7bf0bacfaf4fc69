package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/pgowl/pgowl/exec"
	"github.com/pgowl/pgowl/proxy/auth"
	"github.com/pgowl/pgowl/proxy/sockets"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// Options are what a Server needs. Address and Upstream are required.
type Options struct {
	Address  string                // where to listen: host:port or a unix socket's path or folder, several separated by commas
	Upstream string                // Postgres URL of the server behind; user and database are the client's own
	Service  string                // Postgres URL whose credentials find out the hosts' roles, for target_session_attrs; empty: log-ins tell
	Inner    string                // Postgres URL of the same server for sessions from inside the process (Dial); empty: Upstream
	TLS      *tls.Config           // nil: TLS is refused
	Auth     *auth.Authenticator   // nil: authentication is relayed, and where it can't be, passwords are asked for inside TLS
	Engine   *exec.Engine          // nil: the stack is off, and everything is passed
	Registry prometheus.Registerer // nil: no metrics
	Log      *zap.Logger           // nil: quiet
}

// Server is a listening proxy. Start it once; Stop may be called at any time, and more than once.
type Server struct {
	options  Options
	upstream *upstream
	inner    *upstream // of sessions from inside the process; never the same as upstream
	auth     *auth.Authenticator
	tls      *tls.Config // nil: TLS is refused
	metrics  *metrics

	addresses []sockets.Address
	listeners []net.Listener
	ctx       context.Context
	cancel    context.CancelCauseFunc
	wait      sync.WaitGroup

	mu       sync.Mutex
	conns    map[net.Conn]*session // nil while it logs in
	keys     map[cancelKey]*session
	stopping bool
}

// New checks the options.
func New(o Options) (*Server, error) {
	p := &Server{conns: map[net.Conn]*session{}, keys: map[cancelKey]*session{}}
	u, err := newUpstream(o.Upstream, o.Service, p.background)
	if err != nil {
		return nil, err
	}
	same := *u
	inner := &same
	if o.Inner != "" {
		if inner, err = newUpstream(o.Inner, "", p.background); err != nil {
			return nil, err
		}
	}
	addresses, err := sockets.ParseAddresses(o.Address)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.Auth == nil {
		if o.Auth, err = auth.New(auth.Options{Log: o.Log}); err != nil {
			return nil, err
		}
	}
	var secure *tls.Config
	if o.TLS != nil {
		secure = auth.ServerConfig(o.TLS)
	}
	p.options, p.upstream, p.inner, p.auth, p.tls, p.addresses = o, u, inner, o.Auth, secure, addresses
	p.metrics = newMetrics(o.Registry)
	p.ctx, p.cancel = context.WithCancelCause(context.Background())
	return p, nil
}

// background runs something beside the sessions, until Stop; false: it has been called.
func (p *Server) background(f func(ctx context.Context)) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopping {
		return false
	}
	p.wait.Go(func() { f(p.ctx) })
	return true
}

// start serves a connection until it ends.
func (p *Server) start(conn net.Conn, to *upstream) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopping {
		conn.Close()
		return
	}
	p.conns[conn] = nil
	p.wait.Add(1)
	go func() {
		defer p.wait.Done()
		p.metrics.sessions.Inc()
		err := p.serve(conn, to)
		p.metrics.sessions.Dec()
		conn.Close()
		p.mu.Lock()
		delete(p.conns, conn)
		p.mu.Unlock()
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, errClosed) && !errors.Is(err, net.ErrClosed) {
			p.options.Log.Debug("session ended", zap.Error(err))
		}
	}()
}

// Dial opens a connection to the proxy from inside the process, for parts of PgOwl that run statements as clients do.
func (p *Server) Dial(ctx context.Context) (net.Conn, error) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("socketpair: %w", err)
	}
	var conns [2]net.Conn
	for i, fd := range fds {
		f := os.NewFile(uintptr(fd), "pgowl")
		if conns[i], err = net.FileConn(f); err != nil {
			f.Close()
			return nil, err
		}
		f.Close()
	}
	p.start(conns[1], p.inner)
	return conns[0], nil
}

// serve takes a client from its first byte to its last.
func (p *Server) serve(raw net.Conn, to *upstream) error {
	raw.SetDeadline(time.Now().Add(loginTime))
	client, first, err := p.negotiate(p.ctx, raw)
	if err != nil {
		return err
	}
	settings := first.parameters()
	ctx, cancel := context.WithTimeout(p.ctx, loginTime)
	server, err := to.dial(ctx)
	cancel()
	if err != nil {
		p.options.Log.Warn("the server cannot be reached", zap.Error(err))
		fatal(client, "08006", "the server behind PgOwl cannot be reached: "+dialReason(err))
		return err
	}
	defer server.Close()
	s := &session{proxy: p, client: client, server: server, log: p.options.Log}
	p.mu.Lock()
	if _, open := p.conns[raw]; open {
		p.conns[raw] = s
	}
	p.mu.Unlock()
	s.moved = sync.NewCond(&s.mu)
	s.ctx, s.cancel = context.WithCancelCause(p.ctx)
	defer s.cancel(errClosed)
	defer p.forget(s)
	if e := p.options.Engine; e != nil && e.Serves(settings["database"], settings["user"]) && settings["replication"] == "" {
		s.wantsCalls = true
		first = first.with("pgowl.session", e.Token())
	}
	server.SetDeadline(time.Now().Add(loginTime))
	if _, err := server.Write(first.encode()); err != nil {
		return err
	}
	if err := s.login(to, settings["user"]); err != nil {
		return err
	}
	return s.run(newBuffer(client))
}

// Reach says why the server behind the proxy cannot be reached; nil where it can.
func (p *Server) Reach(ctx context.Context) error {
	conn, err := p.upstream.dial(ctx)
	if err != nil {
		return err
	}
	return conn.Close()
}

// dialReason leaves addresses out: a client has no business to know them.
func dialReason(err error) string {
	var e *net.OpError
	var wrong *unsuitable
	switch {
	case errors.As(err, &e):
		return e.Err.Error()
	case errors.As(err, &wrong):
		return wrong.why.Error()
	}
	return err.Error()
}

// Stop ends all sessions and waits for them.
func (p *Server) Stop() {
	p.mu.Lock()
	p.stopping = true
	conns := maps.Clone(p.conns)
	p.mu.Unlock()
	for _, l := range p.listeners {
		l.Close()
	}
	for conn, s := range conns {
		if s != nil {
			s.client.SetDeadline(time.Now().Add(time.Second)) // a client that reads nothing does not hold us up
			s.out.Lock()
			fatal(s.client, "57P01", "terminating connection due to administrator command")
			s.out.Unlock()
		}
		conn.Close()
	}
	p.cancel(errClosed)
	p.wait.Wait()
}
