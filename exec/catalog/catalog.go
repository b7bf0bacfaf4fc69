// Package catalog installs and upgrades what PgOwl keeps in the customer's database: the schemas pgml and cron, and the
// internal schema pgowl. It acts when it is called, over one connection, in one transaction; it starts nothing and keeps no state.
//
// The scripts are embedded from the folder sql, by component:
//
//	sql/bootstrap.sql                      the bookkeeping itself
//	sql/COMPONENT/NNN_name.sql             run once, in the order of NNN; never edited once released
//	sql/COMPONENT/repeatable/NN_name.sql   run again when the text changes (CREATE OR REPLACE only, so that a user's
//	                                       GRANT and REVOKE stay)
//
// Components are installed in the order pgowl, pgml, cron. Schema pgowl must not depend on the other two by the types in
// its signatures, as DROP EXTENSION ... CASCADE would take such a function along. Scripts run with search_path pg_catalog, pg_temp, so
// every name that isn't Postgres's own is written with its schema.
package catalog

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"
)

// The errors of Migrate that an operator can act upon; everything else is the server's own (*pgconn.PgError).
var (
	// ErrNewer says that the database's catalog was written by a newer PgOwl.
	ErrNewer = errors.New("the catalog in the database is newer than this PgOwl: use the newer PgOwl")
	// ErrChanged says that a script which the database has run differs from the one in this PgOwl.
	ErrChanged = errors.New("an applied migration has another text in this PgOwl")
	// ErrNotOwner says that schema pgowl belongs to somebody else than the service connection's role.
	ErrNotOwner = errors.New("schema pgowl belongs to another role")
)

// lockKey is the advisory lock under which catalogs are written: "pgowl" in ASCII, then 1.
const lockKey int64 = 0x70676f776c01

// Result tells what Migrate did.
type Result struct {
	Owner   string            // the role that owns the catalog
	Applied []string          // scripts that ran, as COMPONENT/FILE, in order; empty: the catalog was up to date
	Skipped map[string]string // components that aren't installed, and why
}

// Migrate brings the catalog of the connection's database up to date, all or nothing, in one transaction under an advisory lock. It works
// for a superuser and for any role with CREATE on the database. Where schema pgowl exists, everything is done as that schema's
// owner. A component that was dropped by DROP EXTENSION stays away; a schema of a component's name that PgOwl didn't make
// is left alone (see Result.Skipped). With nothing to do it only reads.
func Migrate(ctx context.Context, conn *pgx.Conn, log *zap.Logger) (Result, error) {
	scripts, err := load(files)
	if err != nil {
		return Result{}, fmt.Errorf("catalog: %w", err)
	}
	res, err := migrate(ctx, conn, scripts, productVersion())
	if err != nil {
		return Result{}, fmt.Errorf("catalog: %w", err)
	}
	for component, why := range res.Skipped {
		log.Warn("catalog component not installed", zap.String("component", component), zap.String("reason", why))
	}
	if len(res.Applied) > 0 {
		log.Info("catalog migrated", zap.Strings("scripts", res.Applied), zap.String("owner", res.Owner))
	}
	return res, nil
}

func migrate(ctx context.Context, conn *pgx.Conn, scripts []script, version string) (Result, error) {
	// First look without a lock and without writing: the usual start, also of many proxies at once, and on a standby.
	current, res, err := upToDate(ctx, conn, scripts, version)
	if err != nil || current {
		return res, err
	}
	// Read committed, so that after waiting for the lock we see what its holder did.
	err = pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_catalog.pg_advisory_xact_lock($1)`, lockKey); err != nil {
			return fmt.Errorf("lock: %w", err)
		}
		if _, err := tx.Exec(ctx, `SET LOCAL search_path = pg_catalog, pg_temp`); err != nil {
			return err
		}
		run := runner{tx: tx, scripts: scripts}
		var err error
		res, err = run.all(ctx, version)
		return err
	})
	return res, err
}

// upToDate reports whether there is nothing to do, and then the result to return.
func upToDate(ctx context.Context, conn *pgx.Conn, scripts []script, version string) (bool, Result, error) {
	current := false
	var res Result
	err := pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		st, err := readState(ctx, tx, scripts)
		if err != nil || !st.installed {
			return err
		}
		todo, err := plan(st.active(scripts), st.applied)
		if err != nil {
			return err
		}
		res = Result{Owner: st.owner, Skipped: st.skipped}
		current = len(todo) == 0 && len(st.missing) == 0 && st.version == version && storedAll(scripts, st.stored)
		return nil
	})
	return current, res, err
}
