package search

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pgowl/pgowl/models/nearest"
)

// errTooLarge is a table that has no room in memory.
var errTooLarge = errors.New("the vectors have no room in memory")

// tooLargeFor is how long a table counts as too large, though the registry says that it is not.
const tooLargeFor = 10 * time.Minute

// DimsError is a query of another number of dimensions than the rows have.
type DimsError struct{ Query, Rows int }

func (e *DimsError) Error() string {
	return fmt.Sprintf("the query's vector has %d dimensions, the rows' have %d", e.Query, e.Rows)
}

// follow gives a table's index as it is at a revision, or later.
func (c *Cache) follow(ctx context.Context, t *table, revision int64) (*nearest.Index, int64, error) {
	for {
		t.mu.Lock()
		if t.index != nil && t.revision >= revision {
			defer t.mu.Unlock()
			return t.index, t.revision, nil
		}
		if time.Since(t.tooLarge) < tooLargeFor {
			t.mu.Unlock()
			return nil, 0, errTooLarge
		}
		l, mine := t.load, t.load == nil
		if mine {
			l = &load{done: make(chan struct{})}
			t.load = l
		}
		t.mu.Unlock()
		// In its own goroutine, so that it goes on when the search that began it goes away: a statement_timeout shorter than the load must not keep a table out for ever.
		if mine && !c.background(func() { c.update(t, l) }) {
			t.end(l, nil, 0, errClosed)
			close(l.done)
		}
		select {
		case <-l.done:
			if l.err != nil {
				return nil, 0, l.err
			}
			// It may have begun before the revision: then once more.
		case <-ctx.Done():
			return nil, 0, context.Cause(ctx)
		}
	}
}

// update reads what has changed since the table's revision, or everything.
func (c *Cache) update(t *table, l *load) {
	t.mu.Lock()
	index, revision := t.index, t.revision
	t.mu.Unlock()
	index, revision, err := c.read(t.id, index, revision)
	if err != nil && c.ctx.Err() != nil {
		err = context.Cause(c.ctx)
	}
	t.end(l, index, revision, err)
	if err == nil {
		c.makeRoom(t)
	}
	close(l.done)
}

// end notes what a load has come to.
func (t *table) end(l *load, index *nearest.Index, revision int64, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.load, l.err = nil, err
	switch {
	case err == nil:
		t.index, t.revision = index, revision
	case errors.Is(err, errTooLarge):
		t.tooLarge = time.Now()
		fallthrough
	default:
		t.index, t.revision = nil, 0 // it may be half way
	}
}

// read brings an index of a revision up to date, or makes a new one where there is none or the registry does not tell any more what has gone since. All is read in one snapshot.
func (c *Cache) read(id int64, index *nearest.Index, revision int64) (*nearest.Index, int64, error) {
	var now state
	err := c.snapshot(c.ctx, id, &now, func(tx pgx.Tx) error {
		where := fmt.Sprintf(" WHERE revision > %d", revision)
		if index == nil || revision < now.completeFrom || index.Dims() != now.dims {
			index, revision, where = nearest.New(now.dims), 0, ""
		}
		batch := newBatch(index, c.budget)
		if err := copyRows(c.ctx, tx, id, now.dims, where, batch.put); err != nil {
			return err
		}
		if err := batch.flush(); err != nil || where == "" {
			return err
		}
		gone, err := tx.Query(c.ctx, "SELECT row_id FROM pgml.vectors_gone WHERE id = $1 AND revision > $2", id, revision)
		if err != nil {
			return err
		}
		all, err := pgx.CollectRows(gone, pgx.RowTo[int64])
		index.Update(func(w nearest.Writer) {
			for _, row := range all {
				w.Remove(row)
			}
		})
		return err
	})
	return index, now.revision, err
}

// snapshot does something in a transaction whose statements see the same, beginning with a table's state.
func (c *Cache) snapshot(ctx context.Context, id int64, now *state, do func(tx pgx.Tx) error) error {
	select {
	case c.reads <- struct{}{}:
		defer func() { <-c.reads }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return pgx.BeginTxFunc(ctx, c.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if err := now.read(tx.QueryRow(ctx, stateSQL, id)); err != nil {
			return err
		}
		return do(tx)
	})
}

// copyRows reads vectors with their rows' numbers.
func copyRows(ctx context.Context, tx pgx.Tx, id int64, dims int, where string, each func(row int64, vector []float32) error) error {
	r := &rows{dims: dims, each: each}
	sql := fmt.Sprintf("COPY (SELECT row_id, embedding FROM pgml.vectors_%d%s) TO STDOUT (FORMAT binary)", id, where)
	if _, err := tx.Conn().PgConn().CopyTo(ctx, r, sql); err != nil {
		return err
	}
	return r.Close()
}

// scan reads a table that is not kept, and compares every row.
func (c *Cache) scan(ctx context.Context, id int64, dims int, queries []nearest.Query, k int, among []int64) ([][]nearest.Found, int64, error) {
	wanted := map[int64]bool{}
	for _, row := range among {
		wanted[row] = true
	}
	best := make([]*nearest.Best, len(queries))
	for i, q := range queries {
		best[i] = nearest.NewBest(q, k)
	}
	var now state
	err := c.snapshot(ctx, id, &now, func(tx pgx.Tx) error {
		return copyRows(ctx, tx, id, dims, "", func(row int64, vector []float32) error {
			for _, b := range best {
				if among == nil || wanted[row] {
					b.Add(row, vector)
				}
			}
			return nil
		})
	})
	if err != nil {
		return nil, 0, err
	}
	found := make([][]nearest.Found, len(best))
	for i, b := range best {
		found[i] = b.Found()
	}
	return found, now.revision, nil
}

// batch puts rows into an index, some hundred at a time, so that searches get their turn between.
type batch struct {
	index   *nearest.Index
	budget  int64
	rows    []int64
	vectors []float32
}

const batchRows = 512

func newBatch(index *nearest.Index, budget int64) *batch { return &batch{index: index, budget: budget} }

func (b *batch) put(row int64, vector []float32) error {
	b.rows, b.vectors = append(b.rows, row), append(b.vectors, vector...)
	if len(b.rows) < batchRows {
		return nil
	}
	return b.flush()
}

func (b *batch) flush() error {
	b.index.Update(func(w nearest.Writer) {
		dims := b.index.Dims()
		for i, row := range b.rows {
			w.Put(row, b.vectors[i*dims:][:dims])
		}
	})
	b.rows, b.vectors = b.rows[:0], b.vectors[:0]
	if b.index.Bytes() > b.budget {
		return errTooLarge
	}
	return nil
}
