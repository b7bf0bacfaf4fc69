package train

import (
	"context"
	"slices"
	"strings"

	"github.com/pgowl/pgowl/exec/function"
)

// relation is a table, view, foreign or partitioned table, by its exact name.
type relation struct{ schema, name string }

// parseRelation reads a relation_name: "table" stands for public only, "schema.table" for itself. There is no quoting, so a
// name that holds a dot cannot be written (as in PostgresML).
func parseRelation(text string) (relation, error) {
	switch parts := strings.Split(text, "."); len(parts) {
	case 1:
		return relation{"public", parts[0]}, nil
	case 2:
		return relation{parts[0], parts[1]}, nil
	}
	return relation{}, function.Errorf("XX000", `Relation name "%s" is not parsable into schema name and table name`, text)
}

// SQL is the relation's name in a statement.
func (r relation) SQL() string { return quote(r.schema) + "." + quote(r.name) }

// quote makes an identifier of any text.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// column is a column of a relation as the catalog has it.
type column struct {
	Name     string `json:"name"`
	Type     string `json:"type"` // udt name below all domains, arrays as in int2[]
	Builtin  bool   `json:"builtin"`
	Array    bool   `json:"-"` // from the type's name
	Nullable bool   `json:"nullable"`
	Position int    `json:"position"`
	Relation int64  `json:"relation"` // the OID of what has it
	Readable bool   `json:"readable"`
}

// relationColumns looks by name and not through the privileges, unlike information_schema: that a relation is there is no
// secret in Postgres, and "permission denied" helps more than "not found".
const relationColumns = `
SELECT a.attname::text AS name, a.attnum::int AS position, c.oid::pg_catalog.int8 AS relation, NOT a.attnotnull AS nullable,
	CASE WHEN b.typcategory = 'A' AND b.typlen = -1 THEN e.typname || '[]' ELSE b.typname::text END AS type,
	coalesce(b.typnamespace = 'pg_catalog'::pg_catalog.regnamespace
		AND (e.oid IS NULL OR e.typnamespace = 'pg_catalog'::pg_catalog.regnamespace), false) AS builtin,
	coalesce(pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT'), false) AS readable
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN LATERAL (
	WITH RECURSIVE base AS (
		SELECT t.* FROM pg_catalog.pg_type t WHERE t.oid = a.atttypid
		UNION ALL
		SELECT t.* FROM base JOIN pg_catalog.pg_type t ON t.oid = base.typbasetype WHERE base.typtype = 'd'
	) SELECT * FROM base WHERE base.typtype <> 'd'
) b ON true
LEFT JOIN pg_catalog.pg_type e ON e.oid = b.typelem AND b.typelem <> 0
WHERE n.nspname = $1->>'schema' AND c.relname = $1->>'name' AND c.relkind IN ('r', 'p', 'v', 'f')`

// columns reads the relation's columns, in their order. Where the caller may read some columns only, those are all there are,
// as information_schema.columns shows them; where it may read none, reading will fail as it should.
func (r *run) columns(ctx context.Context, rel relation) ([]column, error) {
	rows, err := query[*column](ctx, r.s, function.Caller, relationColumns, rel.args())
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		if rel.schema == "public" {
			return nil, function.Errorf("XX000",
				`Relation "%s" could not be found in the public schema. Please specify the table schema, e.g. pgml.%s`, rel.name, rel.name)
		}
		return nil, function.Errorf("XX000", `Relation "%s"."%s" doesn't exist`, rel.schema, rel.name)
	}
	return readable(rows), nil
}

// args are the parameter of relationColumns.
func (r relation) args() map[string]any { return map[string]any{"schema": r.schema, "name": r.name} }

// readable puts the rows of relationColumns in order, and leaves out what the caller may not read, unless that is all.
func readable(rows []*column) []column {
	var all, readable []column
	for _, c := range rows {
		if c == nil || c.Name == "" {
			continue // a table without columns gives one row of NULLs
		}
		c.Array = strings.HasSuffix(c.Type, "[]")
		all = append(all, *c)
		if c.Readable {
			readable = append(readable, *c)
		}
	}
	if len(readable) > 0 {
		all = readable
	}
	slices.SortFunc(all, func(a, b column) int { return a.Position - b.Position })
	return all
}
