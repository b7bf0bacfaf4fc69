// Package mailbox puts texts where a function inside the database can read them at once, whatever its snapshot: into the query
// text of a backend of ours. Nothing is written, so it works in READ ONLY transactions and on a standby. What is too long for
// one backend's text stands in several backends' (Spread), goes piece by piece, or through table pgowl.replies where the
// reader's snapshot allows.
package mailbox

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Pool is a set of backends that texts are put into. Its methods may be called by several goroutines.
type Pool struct {
	// Lost is called when a backend has gone and left a row in pgowl.replies; nil: nobody wants to know. Set it before the pool is used.
	Lost func()

	dial  func(ctx context.Context) (*pgconn.PgConn, error)
	limit int

	mu    sync.Mutex
	free  []*Box
	count int
	extra int           // boxes that are out by More
	ready chan struct{} // closed and replaced when a box comes free
	done  bool

	waiting int // Gets that wait
	waits   uint64
}

// Stats are the boxes of a Pool and who waits for one.
type Stats struct {
	Limit   int    // boxes at most
	Boxes   int    // backends that are open, or being opened
	InUse   int    // of these, by calls
	Waiting int    // calls that wait for a box
	Waits   uint64 // calls that have had to wait since the pool was made
}

// Stats gives the counts as they are now.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Stats{Limit: p.limit, Boxes: p.count, InUse: p.count - len(p.free), Waiting: p.waiting, Waits: p.waits}
}

// Box is one backend. It belongs to one call until Release.
type Box struct {
	conn *pgconn.PgConn
	pool *Pool
	size int    // longest query text that readers see, in bytes
	gone string // id of a row in pgowl.replies to delete
	more bool   // it was given by More
}

// New makes a pool of at most limit backends, which dial opens when they are needed.
func New(dial func(ctx context.Context) (*pgconn.PgConn, error), limit int) *Pool {
	return &Pool{dial: dial, limit: limit, ready: make(chan struct{})}
}

// Warm opens the first box, so that readers find a backend of this proxy from the start.
func (p *Pool) Warm(ctx context.Context) error {
	b, err := p.Get(ctx)
	if err != nil {
		return err
	}
	b.Release()
	return nil
}

// Get waits for a box.
func (p *Pool) Get(ctx context.Context) (*Box, error) {
	for waited := false; ; {
		p.mu.Lock()
		switch {
		case p.done:
			p.mu.Unlock()
			return nil, errors.New("mailbox: closed")
		case len(p.free) > 0:
			b := p.free[len(p.free)-1]
			p.free = p.free[:len(p.free)-1]
			p.mu.Unlock()
			if b.conn.IsClosed() {
				p.drop(b)
				continue
			}
			return b, nil
		case p.count < p.limit:
			p.count++
			p.mu.Unlock()
			return p.open(ctx)
		}
		ready := p.ready
		if !waited {
			waited = true
			p.waits++
			p.waiting++
			defer p.waited()
		}
		p.mu.Unlock()
		select {
		case <-ready:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// waited notes that a Get that had to wait is over.
func (p *Pool) waited() {
	p.mu.Lock()
	p.waiting--
	p.mu.Unlock()
}

func (p *Pool) open(ctx context.Context) (*Box, error) {
	b := &Box{pool: p}
	var err error
	if b.conn, err = p.dial(ctx); err == nil {
		b.size, err = textSize(ctx, b.conn)
	}
	if err != nil {
		p.drop(b)
		return nil, err
	}
	return b, nil
}

func textSize(ctx context.Context, conn *pgconn.PgConn) (int, error) {
	results, err := conn.Exec(ctx, "SELECT pg_size_bytes(current_setting('track_activity_query_size'))").ReadAll()
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(string(results[0].Rows[0][0]))
	if err != nil || n < 100 {
		return 0, fmt.Errorf("mailbox: track_activity_query_size is %s", results[0].Rows[0][0])
	}
	return n - 1, nil
}

// Post shows a text to the readers that look for it: mark, then body. It reports how many bytes of body fitted: all, unless the
// text is too long.
func (b *Box) Post(ctx context.Context, mark string, body string) (int, error) {
	n := min(len(body), b.size-len(mark)-2)
	flag := "."
	if n < len(body) {
		flag = "+"
	}
	_, err := b.conn.Exec(ctx, mark+flag+body[:n]).ReadAll()
	return n, err
}

// PostRow shows a body of any length to a reader whose snapshot sees new rows.
func (b *Box) PostRow(ctx context.Context, mark, id, body string) error {
	return b.PostArray(ctx, mark, id, body, nil)
}

// PostArray is PostRow, with an array of pgowl.vector in binary form beside the body; nil: none.
func (b *Box) PostArray(ctx context.Context, mark, id, body string, array []byte) error {
	b.gone = id
	insert, args := "INSERT INTO pgowl.replies (id, body) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET body = excluded.body", [][]byte{[]byte(id), []byte(body)}
	if array != nil {
		insert = "INSERT INTO pgowl.replies (id, body, vectors) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET body = excluded.body, vectors = excluded.vectors"
		args = append(args, array)
	}
	r := b.conn.ExecParams(ctx, insert, args, nil, []int16{0, 0, 1}[:len(args)], nil).Read()
	if r.Err != nil {
		return r.Err
	}
	_, err := b.conn.Exec(ctx, mark+"@").ReadAll()
	return err
}

// Fits reports whether a body goes in one piece.
func (b *Box) Fits(mark, body string) bool { return len(body) <= b.size-len(mark)-2 }

// Broken reports whether the backend is lost.
func (b *Box) Broken() bool { return b.conn.IsClosed() }

// Release gives the box back: its text has been read, or is wanted no more.
func (b *Box) Release() {
	b.returned()
	if b.conn.IsClosed() {
		b.pool.drop(b)
		return
	}
	if b.gone != "" {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		r := b.conn.ExecParams(ctx, "DELETE FROM pgowl.replies WHERE id = $1", [][]byte{[]byte(b.gone)}, nil, nil, nil).Read()
		cancel()
		if r.Err != nil {
			b.pool.drop(b)
			return
		}
		b.gone = ""
	}
	p := b.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done {
		p.count--
		go b.conn.Close(context.Background())
		return
	}
	p.free = append(p.free, b)
	p.wake()
}

// drop forgets a box that is of no use any more.
func (p *Pool) drop(b *Box) {
	if b.conn != nil && !b.conn.IsClosed() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		b.conn.Close(ctx)
		cancel()
	}
	if b.gone != "" && p.Lost != nil {
		p.Lost()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count--
	p.wake()
}

func (p *Pool) wake() {
	close(p.ready)
	p.ready = make(chan struct{})
}

// Close ends all backends. Boxes that are out end when they are released.
func (p *Pool) Close() {
	p.mu.Lock()
	free := p.free
	p.free = nil
	p.count -= len(free)
	p.done = true
	p.wake()
	p.mu.Unlock()
	for _, b := range free {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		b.conn.Close(ctx)
		cancel()
	}
}
