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
// secret in Postgres, and "permission denied" helps more than "not found". It runs with the caller's search_path: its operators are pg_catalog's,
// as another's, for just these types, would run with the caller's rights.
const relationColumns = `
SELECT a.attname::pg_catalog.text AS name, a.attnum::pg_catalog.int4 AS position, c.oid::pg_catalog.int8 AS relation, NOT a.attnotnull AS nullable,
	CASE WHEN b.typcategory OPERATOR(pg_catalog.=) 'A' AND b.typlen OPERATOR(pg_catalog.=) -1 THEN e.typname OPERATOR(pg_catalog.||) '[]' ELSE b.typname::pg_catalog.text END AS type,
	coalesce(b.typnamespace OPERATOR(pg_catalog.=) 'pg_catalog'::pg_catalog.regnamespace
		AND (e.oid IS NULL OR e.typnamespace OPERATOR(pg_catalog.=) 'pg_catalog'::pg_catalog.regnamespace), false) AS builtin,
	coalesce(pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT'), false) AS readable
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped
LEFT JOIN LATERAL (
	WITH RECURSIVE base AS (
		SELECT t.* FROM pg_catalog.pg_type t WHERE t.oid OPERATOR(pg_catalog.=) a.atttypid
		UNION ALL
		SELECT t.* FROM base JOIN pg_catalog.pg_type t ON t.oid OPERATOR(pg_catalog.=) base.typbasetype WHERE base.typtype OPERATOR(pg_catalog.=) 'd'
	) SELECT * FROM base WHERE base.typtype OPERATOR(pg_catalog.<>) 'd'
) b ON true
LEFT JOIN pg_catalog.pg_type e ON e.oid OPERATOR(pg_catalog.=) b.typelem AND b.typelem OPERATOR(pg_catalog.<>) 0
WHERE n.nspname OPERATOR(pg_catalog.=) ($1 OPERATOR(pg_catalog.->>) 'schema') AND c.relname OPERATOR(pg_catalog.=) ($1 OPERATOR(pg_catalog.->>) 'name') AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,f}')`

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
