package rest

import (
	"context"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"
)

const (
	channel = "pgrst" // NOTIFY pgrst, 'reload schema'
	// burst is the least time between reloads that notifications cause.
	burst = 100 * time.Millisecond
	// A request for a function that isn't known causes a reload only when the last one was a multiple of what it took ago, so
	// that bad requests keep no more than a tenth of a session busy.
	missFactor = 10
	missLeast  = 100 * time.Millisecond
	loadLimit  = time.Minute
	firstPause = 200 * time.Millisecond // before a connection is tried again
	mostPause  = 32 * time.Second
)

// listen waits for notifications until the context ends, and connects again whenever the connection is lost. tried is called
// after the first load, or the first failure.
func (s *Server) listen(ctx context.Context, tried func()) {
	pause := firstPause
	for ctx.Err() == nil {
		err := s.listenOnce(ctx, tried, func() { pause = firstPause })
		if ctx.Err() != nil {
			break
		}
		s.fail(err)
		tried()
		s.opts.Log.Warn("rest: listen for reloads; trying again", zap.Error(err), zap.Duration("in", pause))
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
		pause = min(2*pause, mostPause)
	}
	tried()
}

func (s *Server) fail(err error) { s.failure.Store(&err) }

// listenOnce works until its connection fails.
func (s *Server) listenOnce(ctx context.Context, tried, up func()) error {
	conn, err := s.opts.Connect(ctx)
	if err != nil {
		return err
	}
	defer closeConn(conn)
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		return err
	}
	for {
		// Also right after the connection was made: nobody was told what happened before.
		began := time.Now()
		if err := s.load(ctx, began, true); err != nil {
			return err
		}
		tried()
		up()
		if err := s.waitForReload(ctx, conn, began.Add(burst)); err != nil {
			return err
		}
	}
}

// waitForReload returns after a notification, but not before a time, with all that came until then.
func (s *Server) waitForReload(ctx context.Context, conn *pgx.Conn, earliest time.Time) error {
	got := false
	for {
		wait, cancel := ctx, func() {}
		if got {
			wait, cancel = context.WithDeadline(ctx, earliest)
		}
		n, err := conn.WaitForNotification(wait)
		cancel()
		switch {
		case err == nil:
			switch n.Payload {
			case "", "reload schema", "reload config":
				got = true
				s.stale.Store(true)
			}
		case got && ctx.Err() == nil && wait.Err() != nil:
			return nil // the time is over
		default:
			return err
		}
	}
}

// load reads the database, unless that has been begun after a time. force: statements prepared so far are not used again
// even if nothing has changed that we know of.
func (s *Server) load(ctx context.Context, since time.Time, force bool) error {
	select {
	case s.loading <- struct{}{}:
		defer func() { <-s.loading }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if s.loaded.After(since) {
		return nil
	}
	return s.loadNow(ctx, force)
}

// loadNow needs the token.
func (s *Server) loadNow(ctx context.Context, force bool) error {
	ctx, cancel := context.WithTimeout(ctx, loadLimit)
	defer cancel()
	began := time.Now()
	s.stale.Store(false)
	conn, err := s.pool.acquire(ctx)
	if err != nil {
		return err
	}
	fresh, err := loadCache(ctx, conn.Conn, s.opts.Schemas)
	s.pool.release(conn)
	if err != nil {
		s.fail(err)
		return err
	}
	s.loaded, s.took = began, time.Since(began)
	s.failure.Store(nil)
	if !fresh.same(s.cache.Load()) {
		s.cache.Store(fresh)
		force = true
	}
	if force {
		s.pool.renew()
	}
	s.opts.Log.Debug("rest: schema cache loaded", zap.Int("functions", len(fresh.routines)), zap.Duration("took", s.took))
	return nil
}

// missed gives the cache for a request that the present one has no function for: that of a reload which is under way, or of
// a new one unless there has just been one.
func (s *Server) missed(ctx context.Context) (*cache, error) {
	err := func() error {
		select {
		case s.loading <- struct{}{}:
			defer func() { <-s.loading }()
		case <-ctx.Done():
			return ctx.Err()
		}
		if s.cache.Load() != nil && !s.stale.Load() && time.Since(s.loaded) < max(missLeast, missFactor*s.took) {
			return nil
		}
		return s.loadNow(ctx, false)
	}()
	if c := s.cache.Load(); c != nil {
		return c, nil // also when the database can't be read right now
	}
	return nil, &fault{status: http.StatusServiceUnavailable, code: "PGRST002",
		message: "Could not query the database for the schema cache. Retrying.", cause: err}
}
