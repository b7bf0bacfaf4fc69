package catalog

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pgowl/pgowl/integration/pgtest"
)

// listening gives a connection whose notices are collected as "SQLSTATE message".
func listening(t *testing.T) (*pgx.Conn, *[]string) {
	t.Helper()
	var notices []string
	config, err := pgx.ParseConfig(pgtest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		text := n.Severity + " " + n.Code + " " + n.Message
		if n.Detail != "" {
			text += "\n" + n.Detail
		}
		notices = append(notices, text)
	}
	conn, err := pgx.ConnectConfig(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	migrateOK(t, conn)
	notices = nil
	return conn, &notices
}

// take returns the notices since the last time.
func take(notices *[]string) string {
	s := strings.Join(*notices, "\n")
	*notices = nil
	return s
}

// The proxy sends extension statements as DO blocks; so do these tests.
func do(call string) string { return "DO $$ BEGIN PERFORM pgowl." + call + "; END $$" }

func TestCreateExtensionTwice(t *testing.T) {
	conn, notices := listening(t)
	exec(t, conn, do(`create_extension('pgml', false)`))
	if got := take(notices); got != "" {
		t.Errorf("first: %s", got)
	}
	exec(t, conn, do(`create_extension('pgml', true)`))
	if got, want := take(notices), `NOTICE 42710 extension "pgml" already exists, skipping`; got != want {
		t.Errorf("second: got %s, want %s", got, want)
	}
	_, err := conn.Exec(context.Background(), do(`create_extension('pgml', false)`))
	wantError(t, "third", err, "42710", `extension "pgml" already exists`)
	_, err = conn.Exec(context.Background(), do(`create_extension('plpython3u', true)`))
	wantError(t, "plpython3u", err, "0A000", `extension "plpython3u" is not available in PgOwl yet`)
}

func TestExtensionStatementsNeedTheirRights(t *testing.T) {
	conn, notices := listening(t)
	ctx := context.Background()
	role(t, conn, "app", "")
	role(t, conn, "maker", "")
	exec(t, conn, `DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO maker', current_database()); END $$`)

	exec(t, conn, `SET ROLE app`)
	_, err := conn.Exec(ctx, do(`create_extension('pgml', true)`))
	wantError(t, "create", err, "42501", `permission denied to create extension "pgml"`)
	_, err = conn.Exec(ctx, `INSERT INTO pgowl.extension_requests (action, extension, caller) VALUES ('create', 'pgml', 'postgres')`)
	wantError(t, "forged", err, "42501", `permission denied for view extension_requests`)
	_, err = conn.Exec(ctx, `SELECT pgowl.drop_schema('pgml')`)
	wantError(t, "inner function", err, "42501", `permission denied for function drop_schema`)

	// Neither somebody else's SECURITY DEFINER function nor the superuser behind it lends its rights by accident.
	exec(t, conn, `RESET ROLE`, `CREATE FUNCTION public.lend() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN PERFORM pgowl.create_extension('pgml', false); END $$`,
		`ALTER FUNCTION public.lend() OWNER TO app`)
	_, err = conn.Exec(ctx, `SELECT public.lend()`)
	wantError(t, "definer function of app, called by postgres", err, "42501", `permission denied to create extension "pgml"`)

	exec(t, conn, `SET ROLE maker`, do(`create_extension('pgml', false)`), `SET ROLE app`, do(`create_extension('pgml', true)`))
	if got := take(notices); !strings.Contains(got, "already exists, skipping") {
		t.Errorf("app after maker: %s", got)
	}
	for _, r := range []string{"app", "maker"} {
		exec(t, conn, `SET ROLE `+r)
		_, err = conn.Exec(ctx, do(`drop_extension('pgml', true, true)`))
		wantError(t, "drop as "+r, err, "42501", `must be owner of extension pgml`)
		_, err = conn.Exec(ctx, do(`update_extension('pgml', NULL)`))
		wantError(t, "update as "+r, err, "42501", `must be owner of extension pgml`)
	}
	exec(t, conn, `RESET ROLE`, `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I OWNER TO maker', current_database()); END $$`,
		`SET ROLE maker`, do(`drop_extension('pgml', false, false)`), `RESET ROLE`,
		`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I OWNER TO postgres', current_database()); END $$`)
}

func TestDropExtensionAndCreateAgain(t *testing.T) {
	conn, notices := listening(t)
	ctx := context.Background()
	_, err := conn.Exec(ctx, do(`drop_extension('pgml', false, false)`))
	wantError(t, "not created", err, "42704", `extension "pgml" does not exist`)
	exec(t, conn, do(`drop_extension('pgml', true, false)`), do(`drop_extension('vector', true, false)`))
	if got, want := take(notices), "NOTICE 00000 extension \"pgml\" does not exist, skipping\nNOTICE 00000 extension \"vector\" does not exist, skipping"; got != want {
		t.Errorf("got %s", got)
	}

	exec(t, conn, do(`create_extension('pgml', false)`), `GRANT SELECT ON pgml.projects TO PUBLIC`, do(`drop_extension('pgml', false, false)`))
	if got := take(notices); got != "" {
		t.Errorf("drop: %s", got)
	}
	if got := column(t, conn, `SELECT coalesce(to_regnamespace('pgml')::text, 'gone')`)[0]; got != "gone" {
		t.Error("the schema is still there")
	}
	if res := migrateOK(t, conn); res.Skipped["pgml"] == "" || len(res.Applied) != 0 {
		t.Errorf("the runner brings back what was dropped: %+v", res)
	}

	// In a transaction that is rolled back, and in one that isn't.
	exec(t, conn, `BEGIN`, do(`create_extension('pgml', true)`), `SELECT * FROM pgml.trained_models`, `ROLLBACK`)
	if got := column(t, conn, `SELECT coalesce(to_regnamespace('pgml')::text, 'gone')`)[0]; got != "gone" {
		t.Error("the schema outlives the transaction")
	}
	exec(t, conn, do(`create_extension('pgml', true)`), `SELECT pgml.norm_l2('{1}'::real[]), * FROM pgml.trained_models`)
	if res := migrateOK(t, conn); len(res.Skipped) != 0 || len(res.Applied) != 0 {
		t.Errorf("after creating again: %+v", res)
	}

	// The schema alone was dropped, past us.
	exec(t, conn, `DROP SCHEMA pgml CASCADE`)
	take(notices)
	exec(t, conn, do(`create_extension('pgml', true)`), `SELECT pgml.norm_l2('{1}'::real[])`)
	if got := take(notices); got != "" {
		t.Errorf("create after DROP SCHEMA: %s", got)
	}
}

func TestDropExtensionWithDependents(t *testing.T) {
	conn, notices := listening(t)
	ctx := context.Background()
	exec(t, conn, do(`create_extension('pgml', false)`),
		`CREATE TABLE t (v real[], n real GENERATED ALWAYS AS (pgml.norm_l2(v)) STORED, k pgml.task, w real[] DEFAULT pgml.add('{1}'::real[], 1))`,
		`CREATE VIEW nv AS SELECT pgml.norm_l2(v) AS n FROM t`, `CREATE VIEW nnv AS SELECT * FROM nv`,
		`CREATE TABLE pgml.mine (id serial PRIMARY KEY)`, `CREATE INDEX ti ON t (pgml.norm_l2(v))`,
		`CREATE TABLE runs (model bigint REFERENCES pgml.models (id))`,
		`CREATE FUNCTION f(m pgml.models) RETURNS bigint LANGUAGE sql AS 'SELECT m.id'`)
	_, err := conn.Exec(ctx, do(`drop_extension('pgml', false, false)`))
	wantError(t, "restrict", err, "2BP01", `cannot drop extension pgml because other objects depend on it`)
	var pg *pgconn.PgError
	if e, ok := err.(*pgconn.PgError); ok {
		pg = e
	} else {
		t.Fatal(err)
	}
	want := []string{
		"column k of table public.t depends on type pgml.task",
		"column n of table public.t depends on function pgml.norm_l2(real[])",
		"constraint runs_model_fkey on table public.runs depends on ",
		"default value for column w of table public.t depends on function pgml.add(real[],real)",
		"function public.f(pgml.models) depends on type pgml.models",
		"index public.ti depends on function pgml.norm_l2(real[])",
		"table pgml.mine depends on schema pgml",
		"view public.nnv depends on view public.nv",
		"view public.nv depends on function pgml.norm_l2(real[])",
	}
	if column(t, conn, `SELECT (current_setting('server_version_num')::int < 150000)::text`)[0] == "true" {
		// Before 15 a generated column went silently with a function in its expression, in Postgres's own DROP too.
		want = slices.Delete(want, 1, 2)
	}
	got := strings.Split(pg.Detail, "\n")
	if !slices.EqualFunc(got, want, strings.HasPrefix) {
		t.Errorf("got\n%s\nwant\n%s", pg.Detail, strings.Join(want, "\n"))
	}
	if pg.Hint != "Use DROP ... CASCADE to drop the dependent objects too." {
		t.Errorf("hint %q", pg.Hint)
	}
	exec(t, conn, do(`drop_extension('pgml', false, true)`))
	if got := take(notices); !strings.HasPrefix(got, fmt.Sprintf("NOTICE 00000 drop cascades to %d other objects\ndrop cascades to column k of table public.t\n", len(want))) {
		t.Errorf("cascade: %s", got)
	}
	if got := column(t, conn, `SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'public.t'::regclass AND attnum > 0 AND NOT attisdropped`)[0]; got != "v,w" {
		t.Errorf("t has columns %s", got)
	}
}

func TestUpdateExtension(t *testing.T) {
	conn, notices := listening(t)
	ctx := context.Background()
	_, err := conn.Exec(ctx, do(`update_extension('pgml', NULL)`))
	wantError(t, "not created", err, "42704", `extension "pgml" does not exist`)
	exec(t, conn, do(`create_extension('pgml', false)`), `DROP FUNCTION pgml.norm_l2(real[])`, do(`update_extension('pgml', NULL)`),
		`SELECT pgml.norm_l2('{1}'::real[])`)
	if got, want := take(notices), `NOTICE 00000 version "2.10.0" of extension "pgml" is already installed`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	_, err = conn.Exec(ctx, do(`update_extension('pgml', '9')`))
	wantError(t, "to 9", err, "22023", `extension "pgml" has no update path from version "2.10.0" to version "9"`)
}

// Both extensions, from nothing to nothing and back, without the other one noticing.
func TestEachExtensionComesAndGoesAlone(t *testing.T) {
	conn, notices := listening(t)
	count := func(schema string) string {
		return column(t, conn, `SELECT count(*)::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = '`+schema+`'`)[0]
	}
	for _, c := range []struct{ extension, schema, other string }{{"pgml", "pgml", "cron"}, {"pg_cron", "cron", "pgml"}} {
		mine, others := count(c.schema), count(c.other)
		exec(t, conn, do(`create_extension('`+c.extension+`', false)`), do(`drop_extension('`+c.extension+`', false, false)`))
		if got := count(c.schema); got != "0" {
			t.Errorf("%s: %s functions left", c.extension, got)
		}
		if got := count(c.other); got != others {
			t.Errorf("%s: schema %s went from %s functions to %s", c.extension, c.other, others, got)
		}
		exec(t, conn, do(`create_extension('`+c.extension+`', true)`))
		if got := count(c.schema); got != mine {
			t.Errorf("%s: %s functions after creating it again, want %s", c.extension, got, mine)
		}
		if got := take(notices); got != "" {
			t.Errorf("%s: %s", c.extension, got)
		}
	}
	if res := migrateOK(t, conn); len(res.Applied)+len(res.Skipped) != 0 {
		t.Errorf("the runner finds work: %+v", res)
	}
}

// Two sessions at once: one creates, the other waits for it and is told that it exists.
func TestCreateExtensionAtOnce(t *testing.T) {
	first, _ := listening(t)
	second := connect(t, first.Config().ConnString())
	exec(t, first, do(`create_extension('pgml', false)`), do(`drop_extension('pgml', false, false)`), `BEGIN`, do(`create_extension('pgml', false)`))
	result := make(chan error, 1)
	go func() {
		_, err := second.Exec(context.Background(), do(`create_extension('pgml', false)`))
		result <- err
	}()
	// It waits for the lock, so the commit comes before it looks again; when it is slow to start, it sees the commit at once.
	exec(t, first, `COMMIT`)
	wantError(t, "second", <-result, "42710", `extension "pgml" already exists`)
}
