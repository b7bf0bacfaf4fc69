package train

import (
	"context"
	"fmt"
	"strings"

	"github.com/pgowl/pgowl/exec/function"
)

// copyOf is the table that holds a materialised snapshot.
func copyOf(snapshot int64) relation { return relation{"pgml", fmt.Sprintf("snapshot_%d", snapshot)} }

// materialize copies the relation into a table of the registry and turns the snapshot to it.
//
// Neither role can do it alone: only the caller may read the relation, only the owner may make tables in schema pgml. So the
// owner makes an empty table, lets the caller write into it, the caller copies, and the owner takes the right away
// again, all in one transaction. The caller keeps SELECT on the copy, and nobody else gets it: the rows may be such that
// others must not see them. The table has types of our own list alone (features and newLabels have refused the others), so
// nothing of the caller's making runs with the owner's rights.
func (r *run) materialize(ctx context.Context, snap *snapshot) error {
	names, err := query[struct {
		Name string `json:"name"`
	}](ctx, r.s, function.Caller, `SELECT current_user::pg_catalog.text AS name`, nil)
	if err != nil {
		return err
	}
	if len(names) != 1 {
		return function.Errorf("XX000", "pgml.train: the session does not tell its role")
	}
	caller := quote(names[0].Name)
	table := copyOf(snap.id)
	var definitions, columns, values []string
	for _, c := range snap.order {
		t := "pg_catalog." + strings.TrimSuffix(c.Type, "[]")
		if c.Array {
			t += "[]"
		}
		definitions = append(definitions, quote(c.Name)+" "+t)
		columns = append(columns, quote(c.Name))
		values = append(values, "t."+quote(c.Name)+"::"+t)
	}
	for _, step := range []struct {
		as  function.Role
		sql string
	}{
		{function.Owner, fmt.Sprintf("CREATE TABLE %s (%s)", table.SQL(), strings.Join(definitions, ", "))},
		{function.Owner, fmt.Sprintf("GRANT SELECT, INSERT ON %s TO %s", table.SQL(), caller)},
		{function.Caller, fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s AS t",
			table.SQL(), strings.Join(columns, ", "), strings.Join(values, ", "), snap.from.SQL())},
		// The owner's own rights come with the table and would go with them.
		{function.Owner, fmt.Sprintf("REVOKE INSERT ON %s FROM %s", table.SQL(), caller)},
		{function.Owner, fmt.Sprintf("GRANT ALL ON %s TO CURRENT_USER", table.SQL())},
	} {
		if err := r.s.Exec(ctx, step.as, step.sql); err != nil {
			return err
		}
	}
	snap.from, snap.materialized = table, true
	return nil
}
