package dataset

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/pgowl/pgowl/exec/function"
)

// Request holds the arguments of pgml.load_dataset that a built-in set has a use for; subset and kwargs are for those of a hub.
type Request struct {
	Source *string `json:"source"`
	Limit  *int64  `json:"limit"` // of rows, nil for all
}

// Result is the one row that pgml.load_dataset returns.
type Result struct {
	Table string `json:"table_name"`
	Rows  int    `json:"rows"`
}

// batch is the number of rows in a statement.
const batch = 500

// Load makes the table pgml.NAME, or empties it, and fills it, all in the caller's transaction. The table is the owner's, since nobody else may create in schema pgml,
// and everybody may read it: what it holds is public, and whoever loads it again must not take it away from others. An unknown name is 0A000.
func Load(ctx context.Context, s function.Session, r Request) (Result, error) {
	if r.Source == nil {
		return Result{}, function.Errorf("22004", "pgml.load_dataset: source must not be NULL")
	}
	if r.Limit != nil && *r.Limit < 0 {
		return Result{}, function.Errorf("22023", `pgml.load_dataset: "limit" must not be negative`)
	}
	if !slices.Contains(Names(), *r.Source) {
		return Result{}, function.Errorf("0A000", "pgml.load_dataset: data set %q is not available in PgOwl yet", clip(*r.Source)).
			WithHint("Data sets of a hub are not fetched yet. Built in are " + strings.Join(Names(), ", ") + ".")
	}
	set, err := Open(*r.Source)
	if err != nil {
		return Result{}, err
	}
	rows := set.Rows
	if r.Limit != nil && *r.Limit < int64(len(rows)) {
		rows = rows[:*r.Limit]
	}
	if err := set.create(ctx, s); err != nil {
		return Result{}, err
	}
	for part := range slices.Chunk(rows, batch) {
		if _, err := s.Query(ctx, function.Owner, set.insert(), map[string]any{"rows": part}); err != nil {
			return Result{}, err
		}
	}
	return Result{set.table(), len(rows)}, nil
}

// table is the table's name; those of the sets need no quotes.
func (s *Set) table() string { return "pgml." + s.Name }

// there is what the database has under the table's name.
type there struct {
	Columns []string `json:"columns"` // name and type of each; null where it is no table
}

// columnsOf has no row where nothing has the name.
const columnsOf = `
SELECT (SELECT pg_catalog.json_agg(a.attname || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod) ORDER BY a.attnum)
	FROM pg_catalog.pg_attribute a WHERE c.relkind = 'r' AND a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass($1->>'table')`

// create makes the table, or empties the one that is there: everybody may call this, and what others have made of the table (views, above all) is
// theirs to drop. A table of other columns is made anew, unless something depends on it (2BP01).
func (s *Set) create(ctx context.Context, session function.Session) error {
	// One at a time: two that create the same table would collide in the catalog.
	const lock = "SELECT pg_catalog.pg_advisory_xact_lock(1885826935, 5)::text = '' AS there"
	if _, err := session.Query(ctx, function.Owner, lock, nil); err != nil {
		return err
	}
	answer, err := session.Query(ctx, function.Owner, columnsOf, map[string]any{"table": s.table()})
	if err != nil {
		return err
	}
	var found []there
	if err := json.Unmarshal(answer, &found); err != nil {
		return function.Errorf("XX000", "pgml.load_dataset: the session does not tell whether %s is there", s.table())
	}
	columns, same := make([]string, len(s.Columns)), make([]string, len(s.Columns))
	for i, c := range s.Columns {
		columns[i] = quote(c.Name) + " " + c.Type
		same[i] = c.Name + " " + strings.ReplaceAll(c.Type, "[][]", "[]") // as the catalog has it
	}
	var statements []string
	if len(found) > 0 && slices.Equal(found[0].Columns, same) {
		return session.Exec(ctx, function.Owner, "TRUNCATE TABLE "+s.table())
	} else if len(found) > 0 {
		statements = append(statements, "DROP TABLE "+s.table())
	}
	statements = append(statements,
		fmt.Sprintf("CREATE TABLE %s (%s)", s.table(), strings.Join(columns, ", ")),
		fmt.Sprintf("GRANT SELECT ON %s TO PUBLIC", s.table()))
	for _, sql := range statements {
		if err := session.Exec(ctx, function.Owner, sql); err != nil {
			return err
		}
	}
	return nil
}

// insert is the statement for a batch, which comes as an array of rows of texts.
func (s *Set) insert() string {
	values := make([]string, len(s.Columns))
	for i, c := range s.Columns {
		values[i] = fmt.Sprintf("(r->>%d)::%s", i, c.Type)
	}
	return fmt.Sprintf("INSERT INTO %s SELECT %s FROM pg_catalog.jsonb_array_elements($1->'rows') WITH ORDINALITY AS e (r, n) ORDER BY n RETURNING true AS there",
		s.table(), strings.Join(values, ", "))
}

// quote makes an identifier of any text.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// clip cuts a text from outside to a length that fits a message.
func clip(s string) string {
	if len(s) <= 100 {
		return s
	}
	return strings.ToValidUTF8(s[:100], "") + "..."
}
