package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

// state is what stands in the database now.
type state struct {
	installed bool              // schema pgowl and its ledger exist
	owner     string            // of schema pgowl, or the role that would make it
	applied   map[key]entry     // the ledger, without the components in skipped and missing
	stored    map[key]string    // sums of the stored scripts
	skipped   map[string]string // components to leave alone, and why
	missing   map[string]bool   // components whose schema has to be made
	version   string            // of pgowl.version(), empty where there is none
}

// become makes the transaction run as the owner of schema pgowl, if there is one, and returns the owner. A superuser thereby gives up its
// power before it runs what that role could have prepared.
func become(ctx context.Context, tx pgx.Tx) (owner string, exists bool, err error) {
	var me, quoted string
	var member bool
	err = tx.QueryRow(ctx, `SELECT current_user::text, r.rolname::text, pg_catalog.quote_ident(r.rolname),
			pg_catalog.pg_has_role(r.oid, 'MEMBER')
		FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_roles r ON r.oid = n.nspowner WHERE n.nspname = 'pgowl'`).
		Scan(&me, &owner, &quoted, &member)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		err = tx.QueryRow(ctx, `SELECT current_user::text`).Scan(&owner)
		return owner, false, err
	case err != nil:
		return "", false, err
	case me == owner:
		return owner, true, nil
	case !member:
		return "", true, fmt.Errorf("%w: it is %s's and the service connection is %s", ErrNotOwner, owner, me)
	}
	_, err = tx.Exec(ctx, `SET LOCAL ROLE `+quoted)
	return owner, true, err
}

// readState reads everything that decides what has to be done for these scripts. It changes the transaction's role as become does.
func readState(ctx context.Context, tx pgx.Tx, scripts []script) (state, error) {
	st := state{applied: map[key]entry{}, stored: map[key]string{}, skipped: map[string]string{}, missing: map[string]bool{}}
	owner, exists, err := become(ctx, tx)
	if err != nil {
		return st, err
	}
	st.owner = owner
	if exists {
		err = tx.QueryRow(ctx, `SELECT pg_catalog.to_regprocedure('pgowl.install(text)') IS NOT NULL`).Scan(&st.installed)
	}
	if err != nil || !st.installed {
		return st, err
	}
	if err := st.readComponents(ctx, tx, scripts); err != nil {
		return st, err
	}
	if err := st.readLedger(ctx, tx); err != nil {
		return st, err
	}
	return st, st.readVersion(ctx, tx)
}

// readComponents decides for the schemas other than pgowl whether they are ours, missing, or to be left alone.
func (st *state) readComponents(ctx context.Context, tx pgx.Tx, scripts []script) error {
	rows, err := tx.Query(ctx, `SELECT e.name, e.component, e.state, n.oid IS NOT NULL, coalesce(n.nspowner = o.nspowner, false)
		FROM pgowl.extensions e
		LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = e.component
		JOIN pg_catalog.pg_namespace o ON o.nspname = 'pgowl'`)
	if err != nil {
		return err
	}
	var name, component, status string
	var exists, same bool
	_, err = pgx.ForEachRow(rows, []any{&name, &component, &status, &exists, &same}, func() error {
		ours := status == "installed" || status == "created"
		switch {
		case status == "dropped":
			st.skipped[component] = "extension " + name + " was dropped; CREATE EXTENSION brings it back"
		case exists && !(ours && same):
			st.skipped[component] = "schema " + component + " exists and was not made by PgOwl"
		case !exists && has(scripts, component):
			st.missing[component] = true
		}
		return nil
	})
	return err
}

func (st *state) readLedger(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, `SELECT component, name, version, sha256 FROM pgowl.migrations`)
	if err != nil {
		return err
	}
	var k key
	var e entry
	_, err = pgx.ForEachRow(rows, []any{&k.component, &k.name, &e.version, &e.sum}, func() error {
		if !st.missing[k.component] {
			st.applied[k] = e
		}
		return nil
	})
	if err != nil {
		return err
	}
	rows, err = tx.Query(ctx, `SELECT component, name, sha256 FROM pgowl.scripts`)
	if err != nil {
		return err
	}
	var sum string
	_, err = pgx.ForEachRow(rows, []any{&k.component, &k.name, &sum}, func() error {
		st.stored[k] = sum
		return nil
	})
	return err
}

func (st *state) readVersion(ctx context.Context, tx pgx.Tx) error {
	var exists bool
	err := tx.QueryRow(ctx, `SELECT pg_catalog.to_regprocedure('pgowl.version()') IS NOT NULL`).Scan(&exists)
	if err != nil || !exists {
		return err
	}
	return tx.QueryRow(ctx, `SELECT pgowl.version()`).Scan(&st.version)
}

// has reports whether a component has scripts; one without has no schema either.
func has(scripts []script, component string) bool {
	return slices.ContainsFunc(scripts, func(s script) bool { return s.component == component && s.name != bootstrapName })
}

// active returns the scripts of the components that are not skipped.
func (st *state) active(scripts []script) []script {
	var list []script
	for _, s := range scripts {
		if _, skip := st.skipped[s.component]; !skip {
			list = append(list, s)
		}
	}
	return list
}
