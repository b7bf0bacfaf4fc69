package catalog

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// runner does the work inside the one transaction, under the lock.
type runner struct {
	tx      pgx.Tx
	scripts []script
}

func (r *runner) all(ctx context.Context, version string) (Result, error) {
	st, err := readState(ctx, r.tx, r.scripts)
	if err != nil {
		return Result{}, err
	}
	if _, err := plan(st.active(r.scripts), st.applied); err != nil {
		return Result{}, err
	}
	done, err := r.bootstrap(ctx, &st)
	if err != nil {
		return Result{}, err
	}
	if err := r.store(ctx, st.stored); err != nil {
		return Result{}, err
	}
	if err := r.setVersion(ctx, st.version, version); err != nil {
		return Result{}, err
	}
	for _, c := range components {
		if _, skip := st.skipped[c]; skip {
			continue
		}
		ran, err := r.component(ctx, c, st.missing[c])
		if err != nil {
			return Result{}, err
		}
		done = append(done, ran...)
	}
	return Result{Owner: st.owner, Applied: done, Skipped: st.skipped}, nil
}

// bootstrap makes schema pgowl and its bookkeeping where they are absent or old, and reads the state again.
func (r *runner) bootstrap(ctx context.Context, st *state) ([]string, error) {
	boot := r.scripts[0]
	if st.installed && st.applied[key{boot.component, boot.name}].sum == boot.sum {
		return nil, nil
	}
	// Not IF NOT EXISTS alone: of an existing schema become has made sure that it is ours.
	for _, sql := range []string{`CREATE SCHEMA IF NOT EXISTS pgowl`, boot.body} {
		if _, err := r.tx.Exec(ctx, sql); err != nil {
			return nil, fmt.Errorf("script %s: %w", boot.path(), err)
		}
	}
	_, err := r.tx.Exec(ctx, `INSERT INTO pgowl.migrations (component, name, version, sha256) VALUES ($1, $2, 0, $3)
		ON CONFLICT (component, name) DO UPDATE SET sha256 = excluded.sha256, applied_at = excluded.applied_at`,
		boot.component, boot.name, boot.sum)
	if err != nil {
		return nil, err
	}
	*st, err = readState(ctx, r.tx, r.scripts)
	return []string{boot.path()}, err
}

// store puts the scripts' texts where CREATE EXTENSION finds them, and removes those that this binary no longer has.
func (r *runner) store(ctx context.Context, stored map[key]string) error {
	known := map[key]bool{}
	for _, s := range r.scripts {
		k := key{s.component, s.name}
		if s.name == bootstrapName {
			continue
		}
		known[k] = true
		if stored[k] == s.sum {
			continue
		}
		_, err := r.tx.Exec(ctx, `INSERT INTO pgowl.scripts (component, name, version, sha256, body) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (component, name) DO UPDATE SET version = excluded.version, sha256 = excluded.sha256, body = excluded.body`,
			s.component, s.name, s.version, s.sum, s.body)
		if err != nil {
			return fmt.Errorf("store %s: %w", s.path(), err)
		}
	}
	for k := range stored {
		if known[k] {
			continue
		}
		for _, table := range []string{"scripts", "migrations"} {
			if _, err := r.tx.Exec(ctx, `DELETE FROM pgowl.`+table+` WHERE component = $1 AND name = $2`, k.component, k.name); err != nil {
				return err
			}
		}
	}
	return nil
}

// storedAll reports whether the stored scripts are exactly these.
func storedAll(scripts []script, stored map[key]string) bool {
	n := 0
	for _, s := range scripts {
		if s.name == bootstrapName {
			continue
		}
		n++
		if stored[key{s.component, s.name}] != s.sum {
			return false
		}
	}
	return n == len(stored)
}

// setVersion makes pgowl.version() say which PgOwl wrote the catalog. A function of a constant, so that it costs nothing and
// needs no right on a table.
func (r *runner) setVersion(ctx context.Context, have, want string) error {
	if have == want {
		return nil
	}
	_, err := r.tx.Exec(ctx, `CREATE OR REPLACE FUNCTION pgowl.version() RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS '`+
		"SELECT ''"+strings.ReplaceAll(want, "'", "")+"''::text'")
	return err
}

// component runs what has to run of one component.
func (r *runner) component(ctx context.Context, name string, missing bool) ([]string, error) {
	if !has(r.scripts, name) {
		return nil, nil
	}
	call := `SELECT pgowl.apply($1, false)`
	if missing {
		call = `SELECT pgowl.install($1)`
	}
	rows, err := r.tx.Query(ctx, call, name)
	if err != nil {
		return nil, err
	}
	ran, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, r.locate(err)
	}
	if missing {
		_, err = r.tx.Exec(ctx, `UPDATE pgowl.extensions SET state = 'installed' WHERE component = $1 AND state = 'absent'`, name)
	}
	return ran, err
}

// locate names the script and line of a server error that arose inside pgowl.apply, which sees scripts as mere strings.
func (r *runner) locate(err error) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return err
	}
	for _, s := range r.scripts {
		switch {
		case pg.InternalQuery == s.body && pg.InternalPosition > 0:
			head := []rune(s.body)
			line := 1 + strings.Count(string(head[:min(int(pg.InternalPosition)-1, len(head))]), "\n")
			return fmt.Errorf("script %s, line %d: %w", s.path(), line, err)
		case strings.Contains(pg.Where, s.body):
			return fmt.Errorf("script %s: %w", s.path(), err)
		}
	}
	return err
}
