package search

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/pgowl/pgowl/models/nearest"
	"go.uber.org/zap"
)

// ErrGone is the answer for vectors that are not there any more.
var ErrGone = errors.New("the column is not vectorized any more")

// Cache holds the vectors of tables, up to a number of bytes: the tables that nobody has searched for the longest make room for others. It is safe for use by several goroutines.
type Cache struct {
	pool   *pgxpool.Pool
	log    *zap.Logger
	budget int64
	reads  chan struct{} // a place for each COPY of a whole table that may be under way

	ctx    context.Context // of the loads, which outlive the search that began them
	cancel context.CancelCauseFunc
	loads  sync.WaitGroup

	mu     sync.Mutex
	tables map[int64]*table
	clock  uint64 // searches
}

// New makes an empty Cache over the service connection's pool. A budget of 0 keeps nothing: every search reads its table.
func New(pool *pgxpool.Pool, budget int64, log *zap.Logger) *Cache {
	ctx, cancel := context.WithCancelCause(context.Background())
	return &Cache{pool: pool, log: log, budget: budget, reads: make(chan struct{}, 2), ctx: ctx, cancel: cancel, tables: map[int64]*table{}}
}

// errClosed is the answer for whoever still searches when the process stops.
var errClosed = errors.New("the search has ended with the process")

// Close ends what is under way in the background, and waits for it.
func (c *Cache) Close() {
	c.mu.Lock()
	c.cancel(errClosed)
	c.mu.Unlock()
	c.loads.Wait()
}

// background runs f, for which Close waits; it is false after Close. No table may be locked: the cache is locked before them.
func (c *Cache) background(f func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx.Err() != nil {
		return false
	}
	c.loads.Go(f)
	return true
}

// table is the vectors of one vectorized column.
type table struct {
	id int64
	// Guarded by the cache: when it was searched last, whether an index of pgvector's is being made, and when that was last looked at.
	used     uint64
	indexing bool
	looked   time.Time

	mu       sync.Mutex
	index    *nearest.Index // nil: none is kept
	revision int64          // of index
	load     *load          // under way
	tooLarge time.Time      // it was not so until then
}

// load brings a table's vectors up to date.
type load struct {
	done chan struct{} // closed when err is set
	err  error
}

// state is what pgml.vectorized says.
type state struct {
	revision, completeFrom, vectors int64
	dims                            int
}

const stateSQL = "SELECT revision, complete_from, vectors, dims FROM pgml.vectorized WHERE id = $1"

func (s *state) read(row pgx.Row) error {
	err := row.Scan(&s.revision, &s.completeFrom, &s.vectors, &s.dims)
	if errors.Is(err, pgx.ErrNoRows) {
		return ErrGone
	}
	return err
}

// Search gives the k rows whose vectors are nearest to each query, in order, and a revision: rows that were written after it may have other vectors. All that was committed before the
// call is seen. Where among is not nil, only rows with its numbers are looked at. Queries have as many dimensions as the vectors. Errors: ErrGone, a *DimsError, the database's, ctx's cause.
func (c *Cache) Search(ctx context.Context, id int64, queries []nearest.Query, k int, among []int64) ([][]nearest.Found, int64, error) {
	var now state
	if err := now.read(c.pool.QueryRow(ctx, stateSQL, id)); err != nil {
		if errors.Is(err, ErrGone) {
			c.forget(id)
		}
		return nil, 0, err
	}
	for _, q := range queries {
		if q.Dims() != now.dims {
			return nil, 0, &DimsError{Query: q.Dims(), Rows: now.dims}
		}
	}
	t := c.table(id)
	c.makeIndexSoon(t, now.vectors)
	if now.vectors*nearest.RowBytes(now.dims) <= c.budget && c.budget > 0 {
		index, revision, err := c.follow(ctx, t, now.revision)
		switch {
		case err == nil:
			if among != nil {
				return index.Among(queries, k, among), revision, context.Cause(ctx)
			}
			found, err := index.Search(ctx, queries, k)
			return found, revision, err
		case !errors.Is(err, errTooLarge):
			return nil, 0, err
		}
	} else {
		t.drop()
	}
	return c.scan(ctx, id, now.dims, queries, k, among)
}

// table gives the entry of vectors that are searched.
func (c *Cache) table(id int64) *table {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.tables[id]
	if t == nil {
		t = &table{id: id}
		c.tables[id] = t
	}
	c.clock++
	t.used = c.clock
	return t
}

// forget takes a table out.
func (c *Cache) forget(id int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.tables, id)
}

// drop gives the memory of a table back.
func (t *table) drop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.index, t.revision = nil, 0
}

// bytes is what a table takes.
func (t *table) bytes() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.index == nil {
		return 0
	}
	return t.index.Bytes()
}

// makeRoom drops the tables that were not searched for the longest until the others, and one that stays, are within the budget.
func (c *Cache) makeRoom(stays *table) {
	c.mu.Lock()
	defer c.mu.Unlock()
	total := int64(0)
	for _, t := range c.tables {
		total += t.bytes()
	}
	for total > c.budget {
		var oldest *table
		most := int64(0)
		for _, t := range c.tables {
			if n := t.bytes(); t != stays && n > 0 && (oldest == nil || t.used < oldest.used) {
				oldest, most = t, n
			}
		}
		if oldest == nil {
			return
		}
		oldest.drop()
		total -= most
	}
}

// Stats are the tables that are kept, and the bytes they take. A nil Cache keeps none.
func (c *Cache) Stats() (tables int, bytes int64) {
	if c == nil {
		return 0, 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.tables {
		if n := t.bytes(); n > 0 {
			tables++
			bytes += n
		}
	}
	return tables, bytes
}
