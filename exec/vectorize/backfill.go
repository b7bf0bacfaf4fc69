package vectorize

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// refillRows is how many rows back-filling puts into the queue at a time, which are then shared like any others.
const refillRows = 1000

// refill goes on with back-filling a column, where that is due, and reports whether it has queued anything. Where it has come to stands in the column's row, which is locked
// meanwhile.
func (k *Keeper) refill(ctx context.Context, id int64) (bool, error) {
	tx, err := k.write.Begin(ctx)
	if err != nil {
		return false, err
	}
	defer tx.Rollback(context.WithoutCancel(ctx))
	c, err := load(ctx, tx, id)
	if err != nil || c.backfill == "done" {
		return false, err
	}
	var state string
	var after []string
	var waiting int
	err = tx.QueryRow(ctx, `SELECT v.backfill, v.cursor FROM pgml.vectorized v WHERE v.id = $1 FOR NO KEY UPDATE`, id).Scan(&state, &after)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && state == "done" {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	// Others may have queued enough meanwhile.
	err = tx.QueryRow(ctx, `SELECT count(*) FROM (SELECT FROM pgml.vector_queue q WHERE q.id = $1 AND q.backfill LIMIT $2) x`, id, refillRows/2).Scan(&waiting)
	if err != nil || waiting >= refillRows/2 {
		return false, err
	}
	if state == "begin" {
		after = nil
	}
	var keys [][]string
	if state == "stored" {
		keys, err = storedKeys(ctx, tx, c, after, refillRows)
	} else {
		keys, err = k.next(ctx, c, after, refillRows)
	}
	if err != nil {
		return false, err
	}
	batch := &pgx.Batch{}
	if state == "begin" {
		batch.Queue(`UPDATE pgml.vectorized v SET backfill = 'going', started_at = clock_timestamp(), done_at = NULL, queued = 0,
			expected = greatest(0, (SELECT c.reltuples::bigint FROM pg_class c WHERE c.oid = v.relation)) WHERE v.id = $1`, id)
	}
	if len(keys) > 0 {
		batch.Queue(`INSERT INTO pgml.vector_queue (id, relation, key, backfill)
			SELECT $1, $2, ARRAY(SELECT json_array_elements_text(k::json)), true FROM unnest($3::text[]) k`, id, c.relation, jsonKeys(keys))
		batch.Queue("UPDATE pgml.vectorized SET cursor = $2, queued = queued + $3 WHERE id = $1", id, keys[len(keys)-1], len(keys))
	}
	if state == "stored" {
		if len(keys) < refillRows {
			batch.Queue("UPDATE pgml.vectorized SET backfill = 'begin', cursor = NULL WHERE id = $1", id)
		}
	} else if len(keys) < refillRows {
		batch.Queue("UPDATE pgml.vectorized SET backfill = 'done', done_at = clock_timestamp() WHERE id = $1", id)
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return false, err
	}
	return len(keys) > 0 || state == "stored", tx.Commit(ctx)
}

// storedKeys reads the next keys, in their order, of rows that have vectors.
func storedKeys(ctx context.Context, tx pgx.Tx, c *column, after []string, most int) ([][]string, error) {
	where, args := "", []any{most}
	if after != nil {
		where, args = fmt.Sprintf("WHERE ROW(%s) > ROW(%s)", c.each("v.k#"), c.each("($2::text[])[#]::TYPE")), append(args, after)
	}
	rows, err := tx.Query(ctx, fmt.Sprintf("SELECT ARRAY[%s] FROM (SELECT DISTINCT %s FROM %s v %s ORDER BY %[2]s LIMIT $1) v ORDER BY %[2]s",
		c.each("v.k#::text"), c.each("v.k#"), c.table, where), args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[[]string])
}

// jsonKeys writes each key as a JSON array, as arrays of arrays have no place in SQL where they differ in length.
func jsonKeys(keys [][]string) []string {
	all := make([]string, len(keys))
	for i, key := range keys {
		b, _ := json.Marshal(key) // texts have no error
		all[i] = string(b)
	}
	return all
}
