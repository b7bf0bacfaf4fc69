package rest

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/pgowl/pgowl/exec/rest/jwt"
)

// Server answers requests. Its paths begin at /: mount it below a prefix that has been stripped. Make it with New.
type Server struct {
	opts     Options
	verifier *jwt.Verifier
	pool     *pool

	cache   atomic.Pointer[cache] // nil until the database was read for the first time
	loading chan struct{}         // holds the token of who loads the cache
	loaded  time.Time             // when the last load began; with the token
	took    time.Duration         // how long it took; with the token
	stale   atomic.Bool           // a notification came since the last load began
	failure atomic.Pointer[error] // why the last load failed; nil: it didn't

	mu     sync.Mutex
	cancel context.CancelCauseFunc // nil before Start
	done   chan struct{}           // closed when the listener has ended
	over   bool                    // stopped
}

// errStopped is the cause of what Stop cancels.
var errStopped = errors.New("rest: the server is stopped")

// New makes a server that isn't started; options that can't be are errors.
func New(opts Options) (*Server, error) {
	opts.setDefaults()
	if err := opts.validate(); err != nil {
		return nil, err
	}
	v, err := jwt.NewVerifier(opts.JWTSecret, opts.JWTAudience, opts.Now)
	if err != nil {
		return nil, err
	}
	return &Server{
		opts:     opts,
		verifier: v,
		pool:     newPool(opts.Connect, opts.PoolSize, opts.Acquire),
		loading:  make(chan struct{}, 1),
	}, nil
}

// Start listens for reload notifications and reads the database. It returns when that was tried: while the database can't be
// reached, the server goes on trying, Ready says why, and requests are answered with status 503.
func (s *Server) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return errStopped
	}
	if s.cancel != nil {
		return errors.New("rest: the server was started before")
	}
	// The listener lives until Stop, not as long as the context of the start.
	life, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	s.cancel, s.done = cancel, make(chan struct{})
	tried := make(chan struct{})
	go func() {
		defer close(s.done)
		s.listen(life, sync.OnceFunc(func() { close(tried) }))
	}()
	select {
	case <-tried:
	case <-ctx.Done():
	}
	return nil
}

// Stop ends the listener and closes the connections; those of running requests as soon as these end. It may be called twice
// and before Start.
func (s *Server) Stop(context.Context) {
	s.mu.Lock()
	s.over = true
	cancel, done := s.cancel, s.done
	s.mu.Unlock()
	if cancel != nil {
		cancel(errStopped)
		<-done
	}
	s.pool.stop()
}

// Ready says why requests can't be answered yet; nil: they can.
func (s *Server) Ready(context.Context) error {
	if err := s.failure.Load(); err != nil {
		return *err
	}
	if s.cache.Load() == nil {
		return errors.New("rest: the database has not been read yet")
	}
	return nil
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Server", "pgowl")
	h.Set("Vary", "Accept, Prefer, Range")
	if cors(w, r) {
		return
	}
	id, err := s.authenticate(r)
	if err == nil {
		err = s.route(w, r, id)
	}
	if err == nil {
		return
	}
	f := dbFault(err, id.authed)
	if f.status >= 500 && f.status != http.StatusNotImplemented {
		s.opts.Log.Warn("rest: request failed", zap.String("method", r.Method), zap.String("path", r.URL.Path),
			zap.Int("status", f.status), zap.String("code", f.code), zap.Error(f.cause))
	}
	f.write(w, r)
}

// route answers, or gives an error before anything was written.
func (s *Server) route(w http.ResponseWriter, r *http.Request, id identity) error {
	path, ok := segments(r.URL)
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPatch, http.MethodPut, http.MethodDelete, http.MethodOptions:
	default:
		return &fault{status: http.StatusMethodNotAllowed, code: "PGRST117", message: "Unsupported HTTP method: " + r.Method}
	}
	switch {
	case ok && len(path) == 0:
		return &fault{status: http.StatusNotFound, code: "PGRST126", message: "Root endpoint metadata is disabled"}
	case ok && len(path) == 1 && path[0] != "":
		return missing("Relation '" + path[0] + "': access to tables and views")
	case ok && len(path) == 2 && path[0] == "rpc" && path[1] != "":
		return s.rpc(w, r, id, path[1])
	}
	return &fault{status: http.StatusNotFound, code: "PGRST125", message: "Invalid path specified in request URL"}
}
