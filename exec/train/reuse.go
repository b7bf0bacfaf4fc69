package train

import (
	"context"

	"github.com/pgowl/pgowl/exec/function"
)

const (
	// reading says who asks, as pgml.models.trained_by has it, and who reads: another in a function that is SECURITY DEFINER.
	reading = `
SELECT pg_catalog.current_setting('role') AS role, session_user::pg_catalog.text AS session, current_user::pg_catalog.text AS reader`

	// plainTable says whether reading a relation runs no functions of its owner's, as a view and a policy do, and whether the caller may lock it.
	plainTable = `
SELECT c.relkind IN ('r', 'p') AND NOT c.relrowsecurity AND pg_catalog.has_table_privilege(c.oid, 'SELECT') AS plain
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1->>'schema' AND c.relname = $1->>'name'`
)

// mayReuse refuses to read a relation with the caller's rights that somebody else has put into the project, and that could do something with these rights.
// Everybody who may train can give a project its next snapshot; whoever trains it again does not name the relation, and may not have looked at it.
func (r *run) mayReuse(ctx context.Context, row *snapshotRow, rel relation) error {
	if row.Materialized || row.Trusted {
		return nil // the table is the owner's, or its choice a superuser's
	}
	who, err := query[struct{ Role, Session, Reader string }](ctx, r.s, function.Caller, reading, nil)
	if err != nil {
		return err
	}
	if len(who) != 1 {
		return function.Errorf("XX000", "pgml.train: the session does not tell its role")
	}
	asks := who[0].Role
	if asks == "none" || asks == "" {
		asks = who[0].Session
	}
	if row.ChosenBy == asks && asks == who[0].Reader {
		return nil
	}
	// Once more under the lock, so that nobody puts a view in its place.
	for _, lock := range []string{"LOCK TABLE ONLY " + rel.SQL() + " IN ACCESS SHARE MODE", ""} {
		tables, err := query[struct{ Plain bool }](ctx, r.s, function.Caller, plainTable, map[string]any{"schema": rel.schema, "name": rel.name})
		if err != nil {
			return err
		}
		if len(tables) == 0 {
			return nil // which is an error of its own
		}
		if !tables[0].Plain {
			by := row.ChosenBy
			if by == "" {
				by = "somebody unknown"
			}
			return function.Errorf("42501", "snapshot %d of project `%s` is of relation %s, which %s has chosen", row.ID, r.req.Project, rel.SQL(), by).
				WithHint("Reading it could run functions of others with your rights. Pass a relation_name, if that is what you want.")
		}
		if lock == "" {
			break
		}
		if err := r.s.Exec(ctx, function.Caller, lock); err != nil {
			return err
		}
	}
	return nil
}
