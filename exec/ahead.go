package exec

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pgowl/pgowl/exec/train"
	"github.com/pgowl/pgowl/parser"
)

// MayLookAhead is the statement that tells, in the one column of its one row, whether the role may train, and may ask AheadSQL: t or f. It is f, too, where
// the session reads texts in another way now than it did when the statement was prepared: AheadSQL has a part of that one's text. It runs with the client's
// search_path, so its operators are those of pg_catalog to the type, lest another's come first.
func MayLookAhead(t *parser.Training) string {
	return "SELECT pg_catalog.count(*) OPERATOR(pg_catalog.=) 2 AND pg_catalog.current_setting('client_encoding') OPERATOR(pg_catalog.=) 'UTF8'" +
		" AND pg_catalog.current_setting('standard_conforming_strings') OPERATOR(pg_catalog.=) 'on'" +
		" FROM pg_catalog.pg_proc p WHERE p.pronamespace OPERATOR(pg_catalog.=) 'pgml'::pg_catalog.regnamespace AND p.proname OPERATOR(pg_catalog.=) ANY ('{" +
		t.Function + "," + t.Function + "_arguments}') AND pg_catalog.has_function_privilege(p.oid, 'EXECUTE')"
}

// AheadSQL is the statement that tells what a training's arguments are, in the one column of its one row: the JSON that LookAhead takes. It has the
// parameters that the arguments have.
func AheadSQL(t *parser.Training) string {
	return "SELECT pgml." + t.Function + "_arguments" + t.Arguments + "::pg_catalog.text"
}

// patience is how long a statement waits for what only speeds it up.
const patience = 2 * time.Second

// LookAhead begins to find out what a training will read (see train.LookAhead); nil where it has to read by itself.
func (e *Engine) LookAhead(ctx context.Context, args []byte) *train.Ahead {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return train.LookAhead(args, func(project string) (task string, err error) {
		err = e.pool.QueryRow(ctx, "SELECT task::text FROM pgml.projects WHERE name = $1", project).Scan(&task)
		if errors.Is(err, pgx.ErrNoRows) {
			err = nil
		}
		return task, err
	})
}
