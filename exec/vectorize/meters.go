package vectorize

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// Meters count a Keeper's work, and tell what waits in the database, for whichever proxy. The zero value is ready for use; it is safe for use by several goroutines.
type Meters struct {
	Rows     atomic.Uint64 // rows whose vectors this proxy has written
	Failures atomic.Uint64 // attempts at rows that failed here
	Troubles atomic.Uint64 // times that a column could not be worked on here

	waiting atomic.Pointer[measured]
}

// Waiting is a column's queue.
type Waiting struct {
	ID     int64
	Rows   int64         // that wait, without what back-filling has not come to; mostCounted at most
	Oldest time.Duration // for how long the first of them has waited; 0: none waits
}

// measured is the queues at a time.
type measured struct {
	at      time.Time
	columns []Waiting
}

const (
	mostCounted = 100_000
	measureEach = 10 * time.Second
)

// Waiting gives the queues of all vectorized columns, as they were some seconds ago.
func (m *Meters) Waiting() []Waiting {
	w := m.waiting.Load()
	if w == nil {
		return nil
	}
	all := make([]Waiting, len(w.columns))
	for i, c := range w.columns {
		if c.Rows > 0 {
			c.Oldest += time.Since(w.at)
		}
		all[i] = c
	}
	return all
}

// measure looks at the queues, if that is due.
func (k *Keeper) measure(ctx context.Context) error {
	if w := k.meters.waiting.Load(); w != nil && time.Since(w.at) < measureEach {
		return nil
	}
	// The first row of each half of a queue is the oldest one, but for transactions that took long.
	rows, err := k.write.Query(ctx, `SELECT v.id, w.n, CASE WHEN w.n > 0 THEN greatest(0, coalesce(extract(epoch FROM clock_timestamp() - least(
				(SELECT q.queued_at FROM pgml.vector_queue q WHERE q.id = v.id AND NOT q.backfill ORDER BY q.seq LIMIT 1),
				(SELECT q.queued_at FROM pgml.vector_queue q WHERE q.id = v.id AND q.backfill ORDER BY q.seq LIMIT 1))), 0)) ELSE 0 END::double precision
		FROM pgml.vectorized v CROSS JOIN LATERAL (SELECT count(*) AS n FROM (
			SELECT FROM pgml.vector_queue q WHERE q.id = v.id AND q.relation = v.relation_oid LIMIT $1) x) w ORDER BY v.id`, mostCounted)
	if err != nil {
		return err
	}
	next := &measured{at: time.Now()}
	var c Waiting
	var seconds float64
	if _, err := pgx.ForEachRow(rows, []any{&c.ID, &c.Rows, &seconds}, func() error {
		c.Oldest = time.Duration(seconds * float64(time.Second))
		next.columns = append(next.columns, c)
		return nil
	}); err != nil {
		return err
	}
	k.meters.waiting.Store(next)
	return nil
}
