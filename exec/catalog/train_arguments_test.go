package catalog

import (
	"testing"

	"github.com/pgowl/pgowl/integration/pgtest"
)

// The functions that tell a training's arguments take what the training takes, and make the same of it.
func TestTrainArguments(t *testing.T) {
	conn := connect(t, pgtest.Database(t))
	migrateOK(t, conn)
	for _, name := range []string{"train", "train_joint"} {
		var arguments, object bool
		err := conn.QueryRow(t.Context(), `SELECT pg_get_function_arguments(a.oid) = pg_get_function_arguments(f.oid),
				position(regexp_replace(btrim(a.prosrc, E' \n'), '^SELECT ', '') IN f.prosrc) > 0
			FROM pg_proc f, pg_proc a
			WHERE f.proname = $1 AND f.pronamespace = 'pgml'::regnamespace AND a.proname = $1 || '_arguments' AND a.pronamespace = f.pronamespace`, name).Scan(&arguments, &object)
		if err != nil || !arguments || !object {
			t.Errorf("%s: the same arguments %v, the same object %v, %v", name, arguments, object, err)
		}
	}
}
