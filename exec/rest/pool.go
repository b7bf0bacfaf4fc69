package rest

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// Ages of pooled connections, as PostgREST's defaults.
const (
	maxIdle     = 30 * time.Second
	maxLifetime = 30 * time.Minute
	closeLimit  = 3 * time.Second
)

// pool shares a few connections among requests. pgxpool would do, but for its wish to make connections itself.
type pool struct {
	connect func(ctx context.Context) (*pgx.Conn, error)
	wait    time.Duration
	slots   chan struct{} // one token for each connection that may be open

	mu         sync.Mutex
	idle       []*pooled // the one used last is at the end
	generation int
	closed     bool
	closing    sync.WaitGroup // connections that are being closed
}

// pooled is a connection on loan.
type pooled struct {
	*pgx.Conn
	reused     bool // it has served before
	born, used time.Time
	generation int
}

var errPoolClosed = errors.New("rest: the server is stopped")

func newPool(connect func(ctx context.Context) (*pgx.Conn, error), size int, wait time.Duration) *pool {
	return &pool{connect: connect, wait: wait, slots: make(chan struct{}, size)}
}

// acquire lends a connection. Errors are *fault.
func (p *pool) acquire(ctx context.Context) (*pooled, error) {
	timer := time.NewTimer(p.wait)
	defer timer.Stop()
	select {
	case p.slots <- struct{}{}:
	case <-timer.C:
		return nil, &fault{status: http.StatusGatewayTimeout, code: "PGRST003", message: "Timed out acquiring connection from connection pool."}
	case <-ctx.Done():
		return nil, &fault{status: http.StatusServiceUnavailable, code: "PGRST001", message: "The request was cancelled", cause: ctx.Err()}
	}
	if c := p.takeIdle(); c != nil {
		return c, nil
	}
	c, err := p.open(ctx)
	if err != nil {
		<-p.slots
		return nil, err
	}
	return c, nil
}

// takeIdle gives a connection that is still good, and closes those that aren't on the way.
func (p *pool) takeIdle() *pooled {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	for len(p.idle) > 0 {
		c := p.idle[len(p.idle)-1]
		p.idle = p.idle[:len(p.idle)-1]
		if c.generation == p.generation && now.Sub(c.used) < maxIdle && now.Sub(c.born) < maxLifetime && !c.IsClosed() {
			c.reused = true
			return c
		}
		p.close(c)
	}
	return nil
}

func (p *pool) open(ctx context.Context) (*pooled, error) {
	p.mu.Lock()
	generation, closed := p.generation, p.closed
	p.mu.Unlock()
	cause := errPoolClosed
	if !closed {
		ctx, cancel := context.WithTimeout(ctx, p.wait)
		defer cancel()
		conn, err := p.connect(ctx)
		if err == nil {
			return &pooled{Conn: conn, born: time.Now(), generation: generation}, nil
		}
		cause = err
	}
	// The driver's text names hosts and users: that is for the log.
	return nil, &fault{status: http.StatusServiceUnavailable, code: "PGRST000",
		message: "Database connection error. Retrying the connection.", cause: cause}
}

// replace gives a new connection for one that turned out to be dead, in its place in the pool.
func (p *pool) replace(ctx context.Context, dead *pooled) (*pooled, error) {
	p.mu.Lock()
	p.close(dead)
	p.mu.Unlock()
	c, err := p.open(ctx)
	if err != nil {
		<-p.slots
		return nil, err
	}
	return c, nil
}

// release takes a connection back; one that is not fit for another request is closed.
func (p *pool) release(c *pooled) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.used = time.Now()
	if p.closed || c.generation != p.generation || c.IsClosed() || c.PgConn().TxStatus() != 'I' {
		p.close(c)
	} else {
		p.idle = append(p.idle, c)
	}
	<-p.slots
}

// renew makes sure that no statement prepared until now is used again.
func (p *pool) renew() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.generation++
	p.closeIdle()
}

// stop closes idle connections now, and those on loan when they come back. It waits for what is being closed.
func (p *pool) stop() {
	p.mu.Lock()
	p.closed = true
	p.closeIdle()
	p.mu.Unlock()
	p.closing.Wait()
}

func (p *pool) closeIdle() {
	for _, c := range p.idle {
		p.close(c)
	}
	p.idle = nil
}

// close needs the lock.
func (p *pool) close(c *pooled) {
	p.closing.Add(1)
	go func() {
		defer p.closing.Done()
		closeConn(c.Conn)
	}()
}

// closeConn closes a connection and waits until its socket is gone too, which the driver leaves to a goroutine of its own
// when a statement was cut.
func closeConn(c *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
	defer cancel()
	_ = c.Close(ctx) // it is closed in any case
	select {
	case <-c.PgConn().CleanupDone():
	case <-ctx.Done():
	}
}
