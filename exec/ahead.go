package exec

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/pgowl/pgowl/exec/train"
	"github.com/pgowl/pgowl/parser"
)

// AheadSQL is the statement that tells what a training's arguments are, in the one column of its one row: the JSON that LookAhead takes, or NULL where the
// role may not train. It takes the parameters that the arguments take.
func AheadSQL(t *parser.Training) string {
	return "SELECT CASE WHEN pg_catalog.has_function_privilege(p.oid, 'EXECUTE') THEN pgml." + t.Function + "_arguments" + t.Arguments +
		"::pg_catalog.text END FROM pg_catalog.pg_proc p WHERE p.pronamespace = 'pgml'::pg_catalog.regnamespace AND p.proname = '" + t.Function + "'"
}

// LookAhead begins to find out what a training will read (see train.LookAhead); nil where it has to read by itself.
func (e *Engine) LookAhead(ctx context.Context, args []byte) *train.Ahead {
	return train.LookAhead(args, func(project string) (task string, err error) {
		err = e.pool.QueryRow(ctx, "SELECT task::text FROM pgml.projects WHERE name = $1", project).Scan(&task)
		if errors.Is(err, pgx.ErrNoRows) {
			err = nil
		}
		return task, err
	})
}
