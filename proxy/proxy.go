package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/pgowl/pgowl/exec"
	"github.com/pgowl/pgowl/proxy/auth"
	"github.com/pgowl/pgowl/proxy/pool"
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
	Pool     pool.Options          // Mode, Size, Idle and Wait count; no Mode: each client has a server connection of its own
	Engine   *exec.Engine          // nil: the stack is off, and everything is passed
	Registry prometheus.Registerer // nil: no metrics
	Log      *zap.Logger           // nil: quiet
	Limits   Limits                // zero: none
	Sockets  *sockets.Set          // listening sockets that were handed to this process; nil: none
	// LogConnections logs each connection's beginning, log-in and end at info instead of debug.
	LogConnections bool
	Driver         string // who moves the messages of plain sessions: "epoll" or "goroutines"; empty: epoll where there is one
	Loops          int    // threads of the epoll driver; 0: half as many as there are processors
}

// Server is a listening proxy. Start it once; Stop may be called at any time, and more than once.
type Server struct {
	options  Options
	upstream *upstream // unless live has another
	inner    *upstream // of sessions from inside the process; never the same as upstream
	auth     *auth.Authenticator
	tls      *tls.Config // nil: TLS is refused
	metrics  *metrics
	pool     *pool.Pool // nil: each client has a server connection of its own
	gate     *gate
	live     atomic.Pointer[live] // nil: options
	born     time.Time
	leaving  atomic.Bool // sessions end with their transaction

	listeners []net.Listener
	ctx       context.Context
	cancel    context.CancelCauseFunc
	wait      sync.WaitGroup

	drivers     []driver // none: sessions are moved by goroutines of their own
	stopDrivers sync.Once

	mu       sync.Mutex
	conns    map[net.Conn]*session // nil while it logs in
	keys     map[cancelKey]*session
	draining bool // no new connections
	stopping bool // and none are left
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
	if _, err := sockets.ParseAddresses(o.Address); err != nil {
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
	p.options, p.upstream, p.inner, p.auth, p.tls = o, u, inner, o.Auth, secure
	p.metrics, p.gate, p.born = newMetrics(o.Registry), newGate(), time.Now()
	if o.Registry != nil {
		o.Registry.MustRegister(collector{p})
	}
	p.ctx, p.cancel = context.WithCancelCause(context.Background())
	if p.pool, err = p.newPool(o.Pool); err != nil {
		return nil, err
	}
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
		v, err := p.arrive(conn, to == p.inner)
		if err != nil {
			refuse(conn, err)
		} else {
			err = p.serve(conn, to, v)
		}
		conn.Close()
		p.mu.Lock()
		s := p.conns[conn]
		delete(p.conns, conn)
		if s != nil {
			p.metrics.mu.Lock()
			p.metrics.ended.add(&s.meter)
			p.metrics.mu.Unlock()
		}
		p.mu.Unlock()
		v.leave(err)
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
func (p *Server) serve(raw net.Conn, to *upstream, v *visit) error {
	limits := p.limits()
	raw.SetDeadline(v.opened.Add(limits.loginTime()))
	client, first, err := p.negotiate(p.ctx, raw)
	if err != nil {
		return err
	}
	settings := first.parameters()
	if err := v.introduce(settings); err != nil {
		refuse(client, err)
		return err
	}
	if p.pool != nil && to != p.inner {
		if c, ok := pool.NewClient(first.code, first.body); ok {
			return p.servePooled(raw, client, c, settings, v)
		}
	}
	ctx, cancel := context.WithTimeout(p.ctx, limits.loginTime())
	server, err := to.dial(ctx)
	cancel()
	if err != nil {
		v.log.Warn("the server cannot be reached", zap.Error(err))
		fatal(client, "08006", "the server behind PgOwl cannot be reached: "+dialReason(err))
		return err
	}
	defer server.Close()
	s := p.newSession(raw, client, v)
	defer s.cancel(errClosed)
	defer p.forget(s)
	s.serveBy(server)
	s.dialed = server
	if e := p.options.Engine; e != nil && e.Serves(settings["database"], settings["user"]) && settings["replication"] == "" {
		s.wantsCalls = true
		s.namesLanes(settings)
		first = first.with("pgowl.session", e.Token())
	}
	v.hurry(s)
	raw.SetDeadline(v.opened.Add(limits.loginTime() + loginGrace))
	server.SetDeadline(v.opened.Add(limits.loginTime() + loginGrace))
	if _, err := server.Write(first.encode()); err != nil {
		return err
	}
	if err := s.login(to, settings["user"]); err != nil {
		return err
	}
	return s.run(newBuffer(s.client))
}

// newSession makes the session of a client that has said what it wants. Whoever ends the proxy finds it from now on. Its context has to be
// cancelled, and the session forgotten.
func (p *Server) newSession(raw, client net.Conn, v *visit) *session {
	if c, ok := client.(*peekedConn); ok && len(c.first) == 0 {
		client = c.Conn
	}
	s := &session{proxy: p, client: client, log: v.log, visit: v, largest: p.limits().MaxMessage}
	s.moved = sync.NewCond(&s.mu)
	s.ctx, s.cancel = context.WithCancelCause(p.ctx)
	p.mu.Lock()
	if _, open := p.conns[raw]; open {
		p.conns[raw] = s
	}
	p.mu.Unlock()
	return s
}

// serveBy gives the session its server connection.
func (s *session) serveBy(server net.Conn) {
	s.server = server
	s.drivable = len(s.proxy.drivers) > 0 && isPlain(s.client) && isPlain(server)
}

// Reach says why the server behind the proxy cannot be reached; nil where it can.
func (p *Server) Reach(ctx context.Context) error {
	if p.Draining() {
		return errors.New("shutting down")
	}
	conn, err := p.front().dial(ctx)
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
	var told sync.WaitGroup // at once: a client that reads nothing takes a second
	for conn, s := range conns {
		told.Go(func() {
			if s != nil {
				s.terminate("57P01", shutdownMessage)
			}
			conn.Close()
		})
	}
	told.Wait()
	p.cancel(errClosed)
	p.wait.Wait()
	if p.pool != nil {
		p.pool.Close()
	}
	p.stopDrivers.Do(func() {
		for _, d := range p.drivers {
			d.stop()
		}
	})
}
