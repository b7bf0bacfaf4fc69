package catalog

import (
	"context"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// lines reads a table in testdata without its comments.
func lines(t *testing.T, name string) []string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, l := range strings.Split(string(b), "\n") {
		if l != "" && !strings.HasPrefix(l, "#") {
			list = append(list, l)
		}
	}
	return list
}

// column runs a query with one text column.
func column(t testing.TB, conn *pgx.Conn, sql string, args ...any) []string {
	t.Helper()
	rows, err := conn.Query(context.Background(), sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return list
}

// diff reports the lines that only one side has.
func diff(t *testing.T, got, want []string) {
	t.Helper()
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("missing: %s", w)
		}
	}
	for _, g := range got {
		if !slices.Contains(want, g) {
			t.Errorf("not in the reference: %s", g)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d objects, want %d", len(got), len(want))
	}
}

// Postgres adds the type's name to a default; the reference is easier to read without. Array constructors keep theirs.
var castOfDefault = regexp.MustCompile(`(NULL|'[^']*')::[a-z_. ]+(\[\])?`)

// additions are the arguments that functions have in PgOwl and not in PostgresML, by the function's name. They stand after all others and have defaults, so that
// calls with PostgresML's arguments stay what they are.
var additions = map[string]string{
	"train": "group_by text = NULL, weight text = NULL, qid text = NULL, label_upper_bound text = NULL",
}

// withAdditions is a line of the reference as PgOwl has the function.
func withAdditions(line string) string {
	name, _, _ := strings.Cut(line, "(")
	if more := additions[name]; more != "" {
		return strings.Replace(line, ") -> ", ", "+more+") -> ", 1)
	}
	return line
}

func TestFunctionsHavePostgresMLsSignatures(t *testing.T) {
	conn := migrated(t)
	got := column(t, conn, `SELECT p.proname || '(' || pg_get_function_arguments(p.oid) || ') -> ' || pg_get_function_result(p.oid) || ' | '
			|| CASE WHEN p.prokind = 'a' THEN 'A' ELSE p.provolatile::text || CASE WHEN p.proisstrict THEN 'S' ELSE '' END END
		FROM pg_proc p WHERE p.pronamespace = 'pgml'::regnamespace`)
	for i, g := range got {
		got[i] = castOfDefault.ReplaceAllString(strings.ReplaceAll(g, " DEFAULT ", " = "), "$1")
	}
	var want []string
	for _, w := range lines(t, "functions.txt") {
		w = withAdditions(w)
		if !regexp.MustCompile(`\bT\b`).MatchString(w) {
			want = append(want, w)
			continue
		}
		for _, typ := range []string{"real", "double precision"} {
			want = append(want, regexp.MustCompile(`\bT\b`).ReplaceAllString(w, typ))
		}
	}
	diff(t, got, want)
}

func TestRelationsHavePostgresMLsColumns(t *testing.T) {
	conn := migrated(t)
	got := column(t, conn, `SELECT c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
			|| CASE WHEN a.attnotnull THEN ' not null' ELSE '' END || coalesce(' = ' || pg_get_expr(d.adbin, d.adrelid), '')
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
		WHERE c.relnamespace = 'pgml'::regnamespace AND c.relkind IN ('r', 'v') ORDER BY c.relname, a.attnum`)
	want := lines(t, "relations.txt")
	diff(t, got, want)
	if !slices.Equal(got, want) {
		t.Error("the columns' order differs")
	}
}

func TestEnumsHavePostgresMLsValuesInOrder(t *testing.T) {
	conn := migrated(t)
	got := column(t, conn, `SELECT t.typname || ': ' || string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder)
		FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid WHERE t.typnamespace = 'pgml'::regnamespace GROUP BY t.typname`)
	diff(t, got, lines(t, "enums.txt"))
}

// Whatever isn't built fails with 0A000 naming itself, and not with something else on the way there.
func TestWhatIsNotBuiltSaysSo(t *testing.T) {
	conn := migrated(t)
	ctx := context.Background()
	for _, c := range []struct{ name, call string }{
		{"tune", `tune('p')`},
		{"dump_all", `dump_all('/tmp')`},
		{"load_all", `load_all('/tmp')`},
		{"decompose", `decompose('p', ARRAY[1.0])`},
		{"transform", `transform('fill-mask', inputs => ARRAY['a'])`},
		{"transform", `transform('{"task": "fill-mask"}'::jsonb, inputs => ARRAY['a'])`},
		{"transform_stream", `transform_stream('text-generation', input => 'a')`},
		{"generate", `generate('p', 'a')`},
		{"generate", `generate('p', ARRAY['a'])`},
		{"validate_python_dependencies", `validate_python_dependencies()`},
		{"python_version", `python_version()`},
		{"python_package_version", `python_package_version('x')`},
		{"xgboost_version", `xgboost_version()`},
		{"python_pip_freeze", `python_pip_freeze()`},
		{"activate_venv", `activate_venv('x')`},
	} {
		_, err := conn.Exec(ctx, `SELECT * FROM pgml.`+c.call)
		wantError(t, c.call, err, "0A000", "pgml."+c.name+" is not available in PgOwl yet")
	}
}
