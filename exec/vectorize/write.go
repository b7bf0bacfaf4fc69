package vectorize

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// hashed is what the vectors of a key were made of.
type hashed struct {
	hash string // empty: there are none
	same int    // the first of the keys that is equal to this one, which is most often itself: 1.0 and 1.00 are the same number
}

// hashes reads what is stored for keys.
func hashes(ctx context.Context, tx pgx.Tx, c *column, keys [][]string) ([]hashed, error) {
	rows, err := tx.Query(ctx, fmt.Sprintf(`SELECT q.place, min(q.place) OVER (PARTITION BY %s), coalesce(encode(v.body_hash, 'hex'), '')
		FROM (SELECT %s, u.place FROM unnest(%s) WITH ORDINALITY u (%s, place)) q
		LEFT JOIN LATERAL (SELECT v.body_hash FROM %s v WHERE %s LIMIT 1) v ON true`,
		c.each("q.k#"), c.each("u.k#::TYPE AS k#"), c.each("$#::text[]"), c.each("k#"), c.table, c.all("v.k# = q.k#")), c.keyed(keys)...)
	if err != nil {
		return nil, err
	}
	all := make([]hashed, len(keys))
	var place, same int
	var hash string
	_, err = pgx.ForEachRow(rows, []any{&place, &same, &hash}, func() error {
		all[place-1] = hashed{hash, same - 1}
		return nil
	})
	return all, err
}

// clearAll takes all vectors away, as the table was truncated, and has back-filling look at what is there now.
func clearAll(ctx context.Context, tx pgx.Tx, c *column, seq int64) error {
	batch := &pgx.Batch{}
	batch.Queue(`UPDATE pgml.vectorized SET revision = revision + 1, complete_from = revision + 1, rows_embedded = 0, vectors = 0,
		backfill = 'begin', cursor = NULL WHERE id = $1`, c.id)
	batch.Queue("DELETE FROM " + c.table)
	batch.Queue("DELETE FROM pgml.vectors_gone WHERE id = $1", c.id)
	batch.Queue("DELETE FROM pgml.vectorize_failed WHERE id = $1", c.id)
	batch.Queue("DELETE FROM pgml.vector_queue WHERE id = $1 AND backfill = false AND seq = $2", c.id, seq)
	return tx.SendBatch(ctx, batch).Close()
}

// maxAttempts is how often a row is tried.
const maxAttempts = 10

// pause is how long a row waits after so many attempts.
func pause(attempts int) time.Duration {
	return min(10*time.Minute, time.Second<<min(attempts-1, 20))
}

// writing is what a batch is going to write.
type writing struct {
	column   *column
	revision int64

	seqs     [2][]int64 // rows of the queue that are done, by whether they are back-filling's
	changed  [][]string // keys, and how many vectors each has from now on
	counts   []int
	puts     putting
	gone     int // how many of them have none
	rows     int // rows that have vectors, more or less than before
	failures []failure
	settled  [][]string // keys that have not failed for good, or not any more
}

// putting is vectors, one for each element.
type putting struct {
	keys    [][]string
	indexes []int
	chunks  []*string
	hashes  [][]byte
	flat    []float32
}

type failure struct {
	key      []string
	seqs     [2][]int64
	attempts int
	err      error
}

func split(c claimed) (seqs [2][]int64) {
	for i, seq := range c.seqs {
		at := 0
		if c.backfill[i] {
			at = 1
		}
		seqs[at] = append(seqs[at], seq)
	}
	return seqs
}

func (w *writing) done(key []string, c claimed) {
	w.settled = append(w.settled, key)
	w.away(c)
}

// away takes rows off the queue.
func (w *writing) away(c claimed) {
	s := split(c)
	w.seqs[0], w.seqs[1] = append(w.seqs[0], s[0]...), append(w.seqs[1], s[1]...)
}

func (w *writing) remove(key []string) {
	w.changed, w.counts = append(w.changed, key), append(w.counts, 0)
	w.gone++
	w.rows--
}

func (w *writing) put(key []string, r result, isNew bool) {
	w.changed, w.counts = append(w.changed, key), append(w.counts, len(r.vectors))
	if len(r.vectors) == 0 {
		w.gone++
	}
	if isNew && len(r.vectors) > 0 {
		w.rows++
	} else if !isNew && len(r.vectors) == 0 {
		w.rows--
	}
	hash, _ := hex.DecodeString(r.hash)
	p := &w.puts
	for i, v := range r.vectors {
		p.keys, p.indexes, p.hashes, p.flat = append(p.keys, key), append(p.indexes, i+1), append(p.hashes, hash), append(p.flat, v...)
		if r.chunks == nil {
			p.chunks = append(p.chunks, nil)
		} else {
			p.chunks = append(p.chunks, &r.chunks[i])
		}
	}
}

// failed has a row wait for its next attempt, or gives it up: then old vectors go, which are not its text's any more.
func (w *writing) failed(key []string, c claimed, err error, stored bool) {
	f := failure{key: key, seqs: split(c), attempts: c.attempts + 1, err: err}
	if f.attempts >= maxAttempts {
		w.away(c)
		if stored {
			w.remove(key)
		}
	}
	w.failures = append(w.failures, f)
}

// send writes it all.
func (w *writing) send(ctx context.Context, tx pgx.Tx) error {
	c := w.column
	added := int64(0)
	if len(w.changed) > 0 {
		n, err := w.vectors(ctx, tx)
		if err != nil {
			return err
		}
		added = n
	}
	batch := &pgx.Batch{}
	if len(w.settled) > 0 {
		batch.Queue(`DELETE FROM pgml.vectorize_failed f WHERE f.id = $1 AND EXISTS (
			SELECT FROM unnest($2::text[]) k WHERE f.key = ARRAY(SELECT json_array_elements_text(k::json)))`, c.id, jsonKeys(w.settled))
	}
	if len(w.changed) > 0 || c.failures > 0 {
		batch.Queue(`UPDATE pgml.vectorized SET revision = CASE WHEN $5 THEN $2 ELSE revision END, rows_embedded = greatest(0, rows_embedded + $3), vectors = greatest(0, vectors + $4),
			error = NULL, error_at = NULL, failures = 0, retry_at = NULL WHERE id = $1`, c.id, w.revision, w.rows, added, len(w.changed) > 0)
	}
	for i, seqs := range w.seqs {
		if len(seqs) > 0 {
			batch.Queue("DELETE FROM pgml.vector_queue WHERE id = $1 AND backfill = $2 AND seq = ANY ($3)", c.id, i == 1, seqs)
		}
	}
	for _, f := range w.failures {
		if f.attempts >= maxAttempts {
			batch.Queue(`INSERT INTO pgml.vectorize_failed (id, key, error, attempts) VALUES ($1, $2, $3, $4)
				ON CONFLICT (id, key) DO UPDATE SET error = excluded.error, attempts = excluded.attempts, failed_at = excluded.failed_at`, c.id, f.key, f.err.Error(), f.attempts)
			continue
		}
		for i, seqs := range f.seqs {
			batch.Queue(`UPDATE pgml.vector_queue SET attempts = $4, error = $5, not_before = clock_timestamp() + $6 * interval '1 ms'
				WHERE id = $1 AND backfill = $2 AND seq = ANY ($3)`, c.id, i == 1, seqs, f.attempts, f.err.Error(), pause(f.attempts).Milliseconds())
		}
	}
	return tx.SendBatch(ctx, batch).Close()
}

// vectors writes the vectors, and tells how many there are more than before.
func (w *writing) vectors(ctx context.Context, tx pgx.Tx) (added int64, err error) {
	c := w.column
	width := len(c.types)
	var went int64
	err = tx.QueryRow(ctx, fmt.Sprintf(`WITH gone AS (
			DELETE FROM %s v USING (SELECT %s, u.n FROM unnest(%s, $%d::integer[]) u (%s, n)) q WHERE %s AND v.chunk_index > q.n RETURNING v.row_id
		), noted AS (INSERT INTO pgml.vectors_gone (id, revision, row_id) SELECT $%d, $%d, row_id FROM gone)
		SELECT count(*) FROM gone`, c.table, c.each("u.k#::TYPE AS k#"), c.each("$#::text[]"), width+1, c.each("k#"), c.all("v.k# = q.k#"), width+2, width+3),
		append(c.keyed(w.changed), w.counts, c.id, w.revision)...).Scan(&went)
	if err != nil {
		return 0, err
	}
	p := &w.puts
	var fresh int64
	if len(p.keys) > 0 {
		err = tx.QueryRow(ctx, fmt.Sprintf(`WITH put AS (
				INSERT INTO %s AS v (%s, chunk_index, chunk, body_hash, embedding, revision)
				SELECT %s, u.n, u.chunk, u.hash, ($%d::real[])[(u.place - 1) * $%d + 1 : u.place * $%[5]d], $%d
				FROM unnest(%s, $%d::integer[], $%d::text[], $%d::bytea[]) WITH ORDINALITY u (%s, n, chunk, hash, place)
				ON CONFLICT (%[2]s, chunk_index) DO UPDATE SET chunk = excluded.chunk, body_hash = excluded.body_hash, embedding = excluded.embedding, revision = excluded.revision
				RETURNING v.xmax = 0 AS fresh)
			SELECT count(*) FILTER (WHERE fresh) FROM put`,
			c.table, c.each("k#"), c.each("u.k#::TYPE"), width+4, width+5, width+6, c.each("$#::text[]"), width+1, width+2, width+3, c.each("k#")),
			append(c.keyed(p.keys), p.indexes, p.chunks, p.hashes, p.flat, c.dims, w.revision)...).Scan(&fresh)
		if err != nil {
			return 0, err
		}
	}
	return fresh - went, nil
}
