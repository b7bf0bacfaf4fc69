package vectorize

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"
)

// drain works on a column's queue until it is empty, the shift is over, or it is another column's turn.
func (k *Keeper) drain(ctx context.Context, job drainArgs) error {
	id := job.ID
	t := k.enter(job)
	defer k.leave(t)
	if k.crowded(ctx, t) {
		return nil
	}
	for end := time.Now().Add(shift); time.Now().Before(end); {
		empty := false
		err := k.step(ctx, t, func(ctx context.Context) error {
			n, err := k.batch(ctx, id)
			if err == nil && n < k.size(id) {
				var more bool
				more, err = k.refill(ctx, id)
				empty = !more && n == 0
			}
			return err
		})
		switch {
		case err == nil && empty, errors.Is(err, errRemoved):
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, errTurn):
			k.shrink(id)
			return nil
		case errors.Is(err, errSlow) && k.size(id) > 1:
			k.shrink(id)
		case err != nil:
			k.failed(ctx, id, err)
			return nil
		}
		if waiting, err := k.waiting(ctx); err != nil {
			return err
		} else if _, column := another(job, waiting); column {
			return nil
		}
	}
	return nil
}

// failed notes that a column's work cannot go on.
func (k *Keeper) failed(ctx context.Context, id int64, err error) {
	k.meters.Troubles.Add(1)
	k.log.Warn("vectorize: a column cannot be embedded now", zap.Int64("id", id), zap.Error(err))
	if _, err = k.write.Exec(ctx, `UPDATE pgml.vectorized SET error = $2, error_at = clock_timestamp(), failures = failures + 1,
		retry_at = clock_timestamp() + least(60, power(2, least(failures, 6))) * interval '1 s' WHERE id = $1`, id, err.Error()); err != nil {
		k.tell(err)
	}
}

// well notes that there is nothing wrong with a column any more.
func (k *Keeper) well(ctx context.Context, tx pgx.Tx, c *column) error {
	if c.failures == 0 {
		return nil
	}
	if _, err := tx.Exec(ctx, "UPDATE pgml.vectorized SET error = NULL, error_at = NULL, failures = 0, retry_at = NULL WHERE id = $1", c.id); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// claimed is rows of the queue that are a batch's until its transaction ends.
type claimed struct {
	seqs     []int64 // of a key
	backfill []bool
	attempts int
}

const (
	leastBatch = 8
	firstBatch = 32
	maxBatch   = 512
)

func (k *Keeper) size(id int64) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	if size := k.sizes[id]; size > 0 {
		return size
	}
	return firstBatch
}

// alone makes the next batch one of a single row.
func (k *Keeper) alone(id int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.sizes[id] = 1
}

// shrink makes the next batch a smaller one, as it was found to take too long.
func (k *Keeper) shrink(id int64) {
	size := k.size(id)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.sizes[id] = max(1, size/4)
}

// tried notes how many rows a batch had that has failed.
func (k *Keeper) tried(id int64, rows int) {
	size := min(k.size(id), rows)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.sizes[id] = size
}

// tooLarge reports whether texts together are more than the server, or memory, can take.
func tooLarge(err error) bool {
	switch sqlState(err) {
	case "54000", "53200", "XX000":
		return true
	}
	return false
}

// resize makes the next batch one that takes about a second.
func (k *Keeper) resize(id int64, rows int, took time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	perRow := max(took, time.Millisecond) / time.Duration(rows)
	least := leastBatch
	if leastBatch*perRow > readTime/2 {
		least = 1
	}
	next := int(time.Second / max(perRow, time.Microsecond))
	k.sizes[id] = min(maxBatch, max(least, next), 4*max(leastBatch, rows))
}

// batch takes some keys off the queue, embeds what their rows hold now, and writes the vectors: all of it in one transaction, whose end by whatever cause gives the keys
// back. It tells how many keys there were.
func (k *Keeper) batch(ctx context.Context, id int64) (n int, err error) {
	begun := time.Now()
	tx, err := k.write.Begin(ctx)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback(context.WithoutCancel(ctx))
	c, err := load(ctx, tx, id)
	if err != nil {
		return 0, err
	}
	if c.rewritten {
		if _, err := tx.Exec(ctx, "SELECT pgowl.vectorize_rewritten($1)", id); err != nil {
			return 0, err
		}
		return 1, tx.Commit(ctx)
	}
	keys, rows, truncated, err := claim(ctx, tx, c, k.size(id))
	if err != nil {
		return 0, err
	}
	if len(keys) == 0 && truncated == 0 {
		return 0, k.well(ctx, tx, c)
	}
	if truncated != 0 {
		if err := clearAll(ctx, tx, c, truncated); err != nil {
			return 0, err
		}
		return 1, tx.Commit(ctx)
	}
	defer func() {
		if err != nil { // there may have been fewer rows than the size says, and it is these that may be too many
			k.tried(id, len(keys))
		}
	}()
	have, err := k.bodies(ctx, c, keys, false)
	if tooLarge(err) {
		if len(keys) > 1 {
			k.alone(id)
			return 1, nil
		}
		return 1, k.finish(ctx, tx, c, keys, rows, []result{{err: err}})
	}
	if err != nil {
		return 0, err
	}
	stored, err := hashes(ctx, tx, c, keys)
	if err != nil {
		return 0, err
	}
	embedded, err := k.embed(ctx, c, have, stored)
	if errors.Is(err, errAlone) {
		k.alone(id)
		return 1, nil
	}
	if err != nil {
		return 0, err
	}
	if err := k.finish(ctx, tx, c, keys, rows, embedded); err != nil {
		return 0, err
	}
	k.resize(id, len(keys), time.Since(begun))
	return len(keys), nil
}

// claim takes keys off the queue that nobody else has: those of changes first, then back-filling's. truncated is the row that says that the table was, 0 for none.
func claim(ctx context.Context, tx pgx.Tx, c *column, most int) (keys [][]string, rows []claimed, truncated int64, err error) {
	places := map[string]int{}
	left := most
	for _, backfill := range []bool{false, true} {
		found, err := tx.Query(ctx, `SELECT seq, key, attempts, array_to_json(key)::text FROM pgml.vector_queue
			WHERE id = $1 AND relation = $2 AND backfill = $3 AND not_before <= clock_timestamp() ORDER BY seq LIMIT $4 FOR UPDATE SKIP LOCKED`, c.id, c.relation, backfill, left)
		if err != nil {
			return nil, nil, 0, err
		}
		var seq int64
		var key []string
		var attempts int
		var name *string
		_, err = pgx.ForEachRow(found, []any{&seq, &key, &attempts, &name}, func() error {
			left--
			if name == nil {
				truncated = seq
				return nil
			}
			if len(key) != len(c.types) {
				return wholeError{errors.New("the queue holds a key of another table's form")}
			}
			place, known := places[*name]
			if !known {
				place = len(keys)
				places[*name] = place
				keys, rows = append(keys, key), append(rows, claimed{})
				key = nil
			}
			r := &rows[place]
			r.seqs, r.backfill = append(r.seqs, seq), append(r.backfill, backfill)
			r.attempts = max(r.attempts, attempts)
			return nil
		})
		if err != nil || left <= 0 {
			return keys, rows, truncated, err
		}
	}
	return keys, rows, truncated, nil
}

// finish writes what a batch has come to, while no other batch of the column does, and commits it. Rows may have changed since they were read: one whose text is another one now stays in the
// queue.
func (k *Keeper) finish(ctx context.Context, tx pgx.Tx, c *column, keys [][]string, rows []claimed, embedded []result) error {
	var revision int64
	err := tx.QueryRow(ctx, "SELECT revision + 1 FROM pgml.vectorized WHERE id = $1 FOR NO KEY UPDATE", c.id).Scan(&revision)
	if errors.Is(err, pgx.ErrNoRows) {
		return errRemoved
	}
	if err != nil {
		return err
	}
	now, err := k.bodies(ctx, c, keys, true)
	if err != nil {
		return err
	}
	stored, err := hashes(ctx, tx, c, keys)
	if err != nil {
		return err
	}
	w := &writing{column: c, revision: revision}
	for i := range keys {
		e := embedded[i]
		switch {
		case stored[i].same != i: // the same key, written in another way
			w.done(keys[i], rows[i])
		case e.err != nil && (e.hash == "" || e.hash == now[i].hash):
			w.failed(keys[i], rows[i], e.err, stored[i].hash != "")
		case now[i].hash == stored[i].hash:
			w.done(keys[i], rows[i])
		case now[i].hash == "":
			w.remove(keys[i])
			w.done(keys[i], rows[i])
		case e.hash == now[i].hash:
			w.put(keys[i], e, stored[i].hash == "")
			w.done(keys[i], rows[i])
		}
	}
	if err := w.send(ctx, tx); err != nil {
		return err
	}
	if err := tx.Commit(ctx); err != nil {
		return err
	}
	k.meters.Rows.Add(uint64(len(w.changed) - w.gone))
	k.meters.Failures.Add(uint64(len(w.failures)))
	return nil
}
