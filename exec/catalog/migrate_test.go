package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"
	"github.com/pgowl/pgowl/integration/pgtest"
	"go.uber.org/zap"
)

// exec runs statements that must succeed.
func exec(t testing.TB, conn *pgx.Conn, statements ...string) {
	t.Helper()
	for _, sql := range statements {
		if _, err := conn.Exec(context.Background(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

// migrateOK runs Migrate and wants it to succeed.
func migrateOK(t testing.TB, conn *pgx.Conn) Result {
	t.Helper()
	res, err := Migrate(context.Background(), conn, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// role makes a role that the test's end drops with what it owns in the databases of these connections.
func role(t testing.TB, super *pgx.Conn, name, attributes string) {
	t.Helper()
	exec(t, super, `DROP ROLE IF EXISTS `+name, `CREATE ROLE `+name+` `+attributes)
	t.Cleanup(func() {
		exec(t, super, `RESET ROLE`, `DROP OWNED BY `+name+` CASCADE`, `DROP ROLE `+name)
	})
}

func TestMigrateAtOnceFromManyConnections(t *testing.T) {
	url := pgtest.Database(t)
	const n = 6
	results, errs := make([]Result, n), make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		conn := connect(t, url)
		wg.Go(func() { results[i], errs[i] = Migrate(context.Background(), conn, zap.NewNop()) })
	}
	wg.Wait()
	did := 0
	for i := range n {
		if errs[i] != nil {
			t.Error(errs[i])
		}
		if len(results[i].Applied) > 0 {
			did++
		}
	}
	if did != 1 {
		t.Errorf("%d of %d migrations did something, want 1", did, n)
	}
}

func TestMigrateAsARoleThatMayOnlyCreate(t *testing.T) {
	super := connect(t, pgtest.Database(t))
	role(t, super, "plain_owner", "")
	role(t, super, "somebody", "")
	exec(t, super, `DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO plain_owner', current_database()); END $$`, `SET ROLE plain_owner`)
	if res := migrateOK(t, super); res.Owner != "plain_owner" || len(res.Skipped) != 0 {
		t.Errorf("got %+v", res)
	}
	foreign := column(t, super, `SELECT DISTINCT pg_get_userbyid(p.proowner)::text FROM pg_proc p WHERE p.pronamespace IN ('pgml'::regnamespace, 'pgowl'::regnamespace)`)
	if !slices.Equal(foreign, []string{"plain_owner"}) {
		t.Errorf("functions belong to %v", foreign)
	}

	// A superuser works as the owner afterwards: what it makes belongs to the same role.
	exec(t, super, `RESET ROLE`, `DROP SCHEMA pgml CASCADE`)
	if res := migrateOK(t, super); res.Owner != "plain_owner" {
		t.Errorf("got %+v", res)
	}
	if got := column(t, super, `SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'pgml'`); got[0] != "plain_owner" {
		t.Errorf("schema pgml belongs to %s", got[0])
	}
	if got := column(t, super, `SELECT current_user::text`); got[0] != "postgres" {
		t.Errorf("the connection goes on as %s", got[0])
	}

	exec(t, super, `SET SESSION AUTHORIZATION somebody`)
	_, err := Migrate(context.Background(), super, zap.NewNop())
	if !errors.Is(err, ErrNotOwner) {
		t.Errorf("as somebody else: %v", err)
	}
	exec(t, super, `RESET SESSION AUTHORIZATION`)
}

func TestPublicMayCallAndNotReadPgowl(t *testing.T) {
	conn := migrated(t)
	role(t, conn, "anybody", "")
	for _, r := range column(t, conn, `SELECT c.oid::regclass::text FROM pg_class c
		WHERE c.relnamespace = 'pgowl'::regnamespace AND c.relkind IN ('r', 'S') AND has_table_privilege('anybody', c.oid, 'SELECT,INSERT,UPDATE,DELETE')
			AND c.relkind = 'r' OR c.relnamespace = 'pgml'::regnamespace AND c.relkind IN ('r', 'v') AND has_table_privilege('anybody', c.oid, 'SELECT')`) {
		if r == "pgml.vectorize_status" || r == "pgml.vectorize_errors" {
			continue // they show a user his tables
		}
		t.Errorf("PUBLIC has rights on %s", r)
	}
	for _, f := range column(t, conn, `SELECT p.oid::regprocedure::text FROM pg_proc p
		WHERE p.pronamespace = 'pgml'::regnamespace AND NOT has_function_privilege('anybody', p.oid, 'EXECUTE')`) {
		t.Errorf("PUBLIC may not call %s", f)
	}
	// Whatever runs as the owner has a fixed search_path.
	for _, f := range column(t, conn, `SELECT p.oid::regprocedure::text FROM pg_proc p
		WHERE p.pronamespace IN ('pgml'::regnamespace, 'pgowl'::regnamespace) AND p.prosecdef
			AND NOT coalesce(array_to_string(p.proconfig, ' ') LIKE '%search_path=pg_catalog, pg_temp%', false)`) {
		t.Errorf("%s is SECURITY DEFINER without a safe search_path", f)
	}
	exec(t, conn, `SET ROLE anybody`, `SELECT pgml.norm_l2('{1}'::real[])`, `SELECT pgml.version()`, `RESET ROLE`)
}

func TestRepeatableScriptsKeepGrants(t *testing.T) {
	conn := migrated(t)
	role(t, conn, "grantee", "")
	exec(t, conn, `REVOKE EXECUTE ON FUNCTION pgml.norm_l2(real[]) FROM PUBLIC`, `GRANT EXECUTE ON FUNCTION pgml.norm_l2(real[]) TO grantee`,
		`GRANT SELECT ON pgml.overview TO grantee`,
		// as if these scripts had changed
		`UPDATE pgowl.migrations SET sha256 = 'old' WHERE version = 0`, `UPDATE pgowl.scripts SET sha256 = 'old' WHERE version = 0`)
	if res := migrateOK(t, conn); !slices.Contains(res.Applied, "pgml/repeatable/40_vectors.sql") {
		t.Fatalf("the scripts didn't run again: %v", res.Applied)
	}
	got := column(t, conn, `SELECT format('%s %s %s', has_function_privilege('grantee', 'pgml.norm_l2(real[])', 'EXECUTE'),
		(SELECT count(*) FROM pg_proc p, aclexplode(p.proacl) a WHERE p.oid = 'pgml.norm_l2(real[])'::regprocedure AND a.grantee = 0),
		has_table_privilege('grantee', 'pgml.overview', 'SELECT'))`)[0]
	if got != "t 0 t" {
		t.Errorf("rights after running again: %s, want t 0 t", got)
	}
}

func TestMigrateRefusesOtherCatalogs(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		name, sql string
		want      error
	}{
		{"newer", `INSERT INTO pgowl.migrations (component, name, version, sha256) VALUES ('pgml', '999_future.sql', 999, '')`, ErrNewer},
		{"changed", `UPDATE pgowl.migrations SET sha256 = 'other' WHERE component = 'pgml' AND name = '003_tables.sql'`, ErrChanged},
		{"unknown", `INSERT INTO pgowl.migrations (component, name, version, sha256) VALUES ('pgml', '001_other.sql', 1, '')`, ErrChanged},
	} {
		conn := migrated(t)
		exec(t, conn, c.sql)
		if _, err := Migrate(ctx, conn, zap.NewNop()); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

func TestMigrateLeavesForeignSchemasAlone(t *testing.T) {
	conn := connect(t, pgtest.Database(t))
	exec(t, conn, `CREATE SCHEMA pgml`)
	res := migrateOK(t, conn)
	if res.Skipped["pgml"] == "" || slices.ContainsFunc(res.Applied, func(s string) bool { return strings.HasPrefix(s, "pgml/") }) {
		t.Errorf("got %+v", res)
	}
	_, err := conn.Exec(context.Background(), `SELECT pgowl.create_extension('pgml', true)`)
	wantError(t, "create", err, "42P06", `schema "pgml" already exists`)
	exec(t, conn, `DROP SCHEMA pgml`)
	if res := migrateOK(t, conn); len(res.Skipped) != 0 || !slices.Contains(res.Applied, "pgml/001_schema.sql") {
		t.Errorf("after the other schema has gone: %+v", res)
	}
}

func TestMigrateMakesADroppedSchemaAgain(t *testing.T) {
	conn := migrated(t)
	exec(t, conn, `DROP SCHEMA pgml CASCADE`)
	if res := migrateOK(t, conn); !slices.Contains(res.Applied, "pgml/001_schema.sql") {
		t.Errorf("got %+v", res)
	}
	if res := migrateOK(t, conn); len(res.Applied) != 0 {
		t.Errorf("and again: %+v", res)
	}
}

// A script that fails leaves nothing of the run behind, and the error names it and its line.
func TestMigrateIsAllOrNothing(t *testing.T) {
	conn := connect(t, pgtest.Database(t))
	boot, err := files.ReadFile("sql/bootstrap.sql")
	if err != nil {
		t.Fatal(err)
	}
	scripts, err := load(fstest.MapFS{
		"sql/bootstrap.sql":      {Data: boot},
		"sql/pgowl/001_ok.sql":   {Data: []byte("CREATE TABLE pgowl.a ();")},
		"sql/pgowl/002_fail.sql": {Data: []byte("CREATE TABLE pgowl.b ();\nSELECT nothing FROM pgowl.b;")},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = migrate(context.Background(), conn, scripts, "1 (test)")
	if err == nil || !strings.Contains(err.Error(), "script pgowl/002_fail.sql, line 2") {
		t.Errorf("got %v", err)
	}
	if got := column(t, conn, `SELECT nspname::text FROM pg_namespace WHERE nspname = 'pgowl'`); len(got) != 0 {
		t.Error("schema pgowl was left behind")
	}
}

func TestVersionNamesTheAPIAndTheBuild(t *testing.T) {
	conn := migrated(t)
	if got := column(t, conn, `SELECT pgml.version()`)[0]; !strings.HasPrefix(got, "2.10.0 (") {
		t.Errorf("got %q", got)
	}
	scripts, err := load(files)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := migrate(context.Background(), conn, scripts, "2.10.0 (abcdef1)"); err != nil {
		t.Fatal(err)
	}
	if got := column(t, conn, `SELECT pgml.version()`)[0]; got != "2.10.0 (abcdef1)" {
		t.Errorf("after a newer build: %q", got)
	}
}

func TestLoadRefusesBadNames(t *testing.T) {
	boot := &fstest.MapFile{Data: []byte("")}
	for name, fsys := range map[string]fstest.MapFS{
		"no bootstrap":   {"sql/pgml/001_a.sql": boot},
		"odd name":       {"sql/bootstrap.sql": boot, "sql/pgml/a.sql": boot},
		"version 0":      {"sql/bootstrap.sql": boot, "sql/pgml/000_a.sql": boot},
		"same version":   {"sql/bootstrap.sql": boot, "sql/pgml/001_a.sql": boot, "sql/pgml/001_b.sql": boot},
		"odd repeatable": {"sql/bootstrap.sql": boot, "sql/pgml/repeatable/a.txt": boot},
	} {
		if _, err := load(fsys); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func ExampleMigrate() {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, "postgres://owner@localhost/app")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close(ctx)
	res, err := Migrate(ctx, conn, zap.NewNop())
	fmt.Println(res.Applied, err)
}
