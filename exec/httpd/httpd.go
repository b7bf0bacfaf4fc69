// Package httpd is the HTTP door: it listens, mounts the handlers that it is given (the REST API, a console), and answers
// /live, /ready and /metrics itself. It knows nothing of what it serves.
package httpd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"
)

// Time limits of a connection. A client must send its headers soon, since until then it holds a connection for nothing;
// its body may be large and its line slow; and an answer may take as long as the function behind it, so writing has no limit.
const (
	headerLimit  = 10 * time.Second
	bodyLimit    = 2 * time.Minute
	idleLimit    = 2 * time.Minute
	headerBytes  = 64 << 10
	readyLimit   = 5 * time.Second
	defaultGrace = 10 * time.Second
)

// Options of a Server. Addr is needed; everything else may be left out.
type Options struct {
	// Addr is where to listen, host:port; port 0 takes a free one.
	Addr string
	// Listener is a socket that listens already. Nil: one is made for Addr.
	Listener net.Listener
	// Mounts are handlers by path prefix, as in "/rest/v1". They see paths without it. "" or "/" takes what is left.
	Mounts map[string]http.Handler
	// Ready says why the process cannot serve yet (nil: it can). Nil: always ready.
	Ready func(ctx context.Context) error
	// Registry is what /metrics shows. Nil: /metrics is not found.
	Registry *prometheus.Registry
	// Grace is how long Stop lets running requests finish; 0 is 10 seconds.
	Grace time.Duration
	// Log gets what goes wrong. Nil: nothing is logged.
	Log *zap.Logger
}

// Server listens for HTTP. Make it with New.
type Server struct {
	opts      Options
	http      *http.Server
	bodyLimit time.Duration // bodyLimit, but for tests

	mu      sync.Mutex
	ln      net.Listener
	stopped bool
	served  chan struct{} // closed when the accept loop has ended
}

// New makes a server that doesn't listen yet.
func New(opts Options) *Server {
	if opts.Log == nil {
		opts.Log = zap.NewNop()
	}
	if opts.Grace == 0 {
		opts.Grace = defaultGrace
	}
	s := &Server{opts: opts, bodyLimit: bodyLimit}
	errorLog, err := zap.NewStdLogAt(opts.Log.Named("http"), zap.DebugLevel) // what net/http logs is about bad clients
	if err != nil {
		errorLog = zap.NewStdLog(opts.Log)
	}
	s.http = &http.Server{
		Handler:           s.routes(),
		ReadHeaderTimeout: headerLimit,
		IdleTimeout:       idleLimit,
		MaxHeaderBytes:    headerBytes,
		ErrorLog:          errorLog,
	}
	return s
}

// Start listens and serves. It returns when the address is taken, or with the reason why it can't be.
func (s *Server) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return errors.New("http: server was stopped")
	}
	if s.ln != nil {
		return errors.New("http: server was started before")
	}
	ln := s.opts.Listener
	if ln == nil {
		var err error
		if ln, err = new(net.ListenConfig).Listen(ctx, "tcp", s.opts.Addr); err != nil {
			return fmt.Errorf("http: %w", err)
		}
	}
	s.ln = ln
	s.served = make(chan struct{})
	go func() {
		defer close(s.served)
		if err := s.http.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			s.opts.Log.Error("http: serve", zap.Error(err))
		}
	}()
	return nil
}

// Addr is the address that it listens on, with the real port; empty before Start.
func (s *Server) Addr() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ln == nil {
		return ""
	}
	return s.ln.Addr().String()
}

// Stop takes no more requests, lets running ones finish for as long as Grace (or ctx) allows, cuts what is left, and
// returns when nothing of the server runs any more but handlers that ignore their context. It may be called twice and
// before Start.
func (s *Server) Stop(ctx context.Context) {
	s.mu.Lock()
	s.stopped = true
	served := s.served
	s.mu.Unlock()
	if served == nil {
		return
	}
	grace, cancel := context.WithTimeout(ctx, s.opts.Grace)
	defer cancel()
	if err := s.http.Shutdown(grace); err != nil {
		s.http.Close()
	}
	<-served
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/live", s.live)
	mux.HandleFunc("/ready", s.ready)
	if s.opts.Registry != nil {
		mux.Handle("/metrics", promhttp.HandlerFor(s.opts.Registry, promhttp.HandlerOpts{Registry: s.opts.Registry}))
	}
	// Mounts are looked up by hand, since a ServeMux answers unclean paths with redirects of its own.
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limitBody(w, r, s.bodyLimit)
		if prefix, h := s.mount(r.URL.Path); h != nil {
			http.StripPrefix(prefix, h).ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// mount finds the handler with the longest prefix of a path. The server's own paths win over a mount at the root.
func (s *Server) mount(path string) (prefix string, h http.Handler) {
	for p, candidate := range s.opts.Mounts {
		p = strings.TrimSuffix(p, "/")
		if p == "" && (path == "/live" || path == "/ready" || path == "/metrics") {
			continue
		}
		if rest, ok := strings.CutPrefix(path, p); ok && (rest == "" || rest[0] == '/') && (h == nil || len(p) > len(prefix)) {
			prefix, h = p, candidate
		}
	}
	return prefix, h
}

func (s *Server) live(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "live") }

func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	if s.opts.Ready != nil {
		ctx, cancel := context.WithTimeout(r.Context(), readyLimit)
		defer cancel()
		if err := s.opts.Ready(ctx); err != nil {
			plain(w, http.StatusServiceUnavailable, err.Error())
			return
		}
	}
	plain(w, http.StatusOK, "ready")
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	fmt.Fprintln(w, text)
}
