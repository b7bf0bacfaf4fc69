package search

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"
)

// indexFrom is the number of vectors from which an index of pgvector's is worth its while: fewer are all compared as fast.
const indexFrom = 10_000

// wantSQL tells how an index of pgvector is to be made, or has been begun and left: nothing where the server has no pgvector that can, or the index is there.
const wantSQL = `SELECT quote_ident(s.nspname), v.dims, i.indexrelid IS NOT NULL
	FROM pgml.vectorized v, pg_extension e JOIN pg_namespace s ON s.oid = e.extnamespace
	LEFT JOIN pg_index i ON i.indexrelid = to_regclass('pgml.vectors_' || $1::bigint || '_hnsw')
	WHERE v.id = $1 AND e.extname = 'vector' AND to_regclass('pgml.vectors_' || $1::bigint) IS NOT NULL AND i.indisvalid IS NOT true
		AND EXISTS (SELECT FROM pg_opclass c JOIN pg_am m ON m.oid = c.opcmethod AND m.amname = 'hnsw' WHERE c.opcnamespace = s.oid
			AND c.opcname = CASE WHEN v.dims > 2000 THEN 'halfvec_cosine_ops' ELSE 'vector_cosine_ops' END)
		AND v.dims <= 4000 AND has_schema_privilege(s.oid, 'USAGE')`

// lookEvery is how often a table without an index is looked at again.
const lookEvery = time.Minute

// makeIndexSoon makes an index of pgvector's for a table that was searched by comparing everything, in the background, if the server has pgvector.
func (c *Cache) makeIndexSoon(t *table, vectors int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if vectors < indexFrom || c.ctx.Err() != nil || t.indexing || time.Since(t.looked) < lookEvery {
		return
	}
	t.indexing = true
	c.loads.Go(func() {
		if err := c.makeIndex(c.ctx, t.id); err != nil && c.ctx.Err() == nil {
			c.log.Warn("an index of pgvector's could not be made: searches go on comparing everything", zap.Int64("vectorized", t.id), zap.Error(err))
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		t.indexing, t.looked = false, time.Now()
	})
}

// makeIndex makes the index unless it is there, or another proxy is about it. Nobody's reading or writing waits for it.
func (c *Cache) makeIndex(ctx context.Context, id int64) error {
	var schema string
	var dims int
	var begun bool
	err := c.pool.QueryRow(ctx, wantSQL, id).Scan(&schema, &dims, &begun)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	conn, err := pgx.ConnectConfig(ctx, c.pool.Config().ConnConfig.Copy())
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var mine bool
	if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock(hashtextextended('pgowl.hnsw ' || $1::bigint, 0))", id).Scan(&mine); err != nil || !mine {
		return err
	}
	// Once more: another proxy may have made it in between.
	err = conn.QueryRow(ctx, wantSQL, id).Scan(&schema, &dims, &begun)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	if begun {
		if _, err := conn.Exec(ctx, fmt.Sprintf("DROP INDEX CONCURRENTLY IF EXISTS pgml.vectors_%d_hnsw", id)); err != nil {
			return err
		}
	}
	typ := "vector"
	if dims > 2000 {
		typ = "halfvec"
	}
	start := time.Now()
	_, err = conn.Exec(ctx, fmt.Sprintf("CREATE INDEX CONCURRENTLY vectors_%[1]d_hnsw ON pgml.vectors_%[1]d USING hnsw ((embedding::%[2]s.%[3]s(%[4]d)) %[2]s.%[3]s_cosine_ops)",
		id, schema, typ, dims))
	if err == nil {
		c.log.Info("an index of pgvector's was made", zap.Int64("vectorized", id), zap.Duration("took", time.Since(start)))
	}
	return err
}
