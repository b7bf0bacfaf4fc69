package lanes

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/pgowl/pgowl/exec"
	"github.com/pgowl/pgowl/integration/pgtest"
	"github.com/pgowl/pgowl/proxy"
	"go.uber.org/zap"
)

func TestMain(m *testing.M) {
	pgtest.MainLeaks(m, stop, "github.com/pgowl/pgowl")
}

var stops []func()

func stop() {
	for i := len(stops) - 1; i >= 0; i-- {
		stops[i]()
	}
	pgtest.StopShared()
}

// world is a database with the stack behind a proxy, and one whose functions are stand-ins that know the answers.
type world struct {
	owl     string // URL through the proxy
	standIn string // URL of the stand-in, straight
}

// What both databases hold.
var tables = []string{
	"CREATE TABLE inputs (id int PRIMARY KEY, x real[], y double precision[], n int[], t text, g int)",
	`INSERT INTO inputs SELECT g, ARRAY[g, 7 - g]::real[], ARRAY[g, 7 - g]::float8[], ARRAY[g, 7 - g]::int[], 'text ' || g, g % 3 FROM generate_series(1, 6) g`,
	"INSERT INTO inputs VALUES (7, NULL, NULL, NULL, NULL, NULL)",
	"CREATE TABLE kept (id int, value real, note text)",
	"CREATE TABLE target (id int PRIMARY KEY, value real, x real[])",
	"INSERT INTO target SELECT id, NULL, x FROM inputs WHERE id <= 3",
	"CREATE VIEW seen AS SELECT id, pgml.predict('line', x) AS p FROM inputs",
	"CREATE FUNCTION guess(a real[]) RETURNS real LANGUAGE sql AS $$ SELECT pgml.predict('line', a) $$",
	"CREATE FUNCTION think(a real[]) RETURNS real LANGUAGE plpgsql AS $$ DECLARE r real; BEGIN r := pgml.predict('line', a); RETURN r + 1; END $$",
	"CREATE TABLE made (id int, x real[], p real GENERATED ALWAYS AS (pgml.predict('line', x)) STORED)",
	"CREATE TABLE checked (id int, x real[] CHECK (pgml.predict('line', x) > 5))",
	"CREATE TABLE defaulted (id int, p real DEFAULT pgml.predict('line', '{3,4}'::real[]))",
	"CREATE TABLE watched (id int, x real[], p real)",
	"CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.p := pgml.predict('line', NEW.x); RETURN NEW; END $$",
	"CREATE TRIGGER watch BEFORE INSERT OR UPDATE ON watched FOR EACH ROW EXECUTE FUNCTION watch()",
	"CREATE TABLE indexed (id int, x real[])",
	"CREATE INDEX ON indexed (pgml.predict('line', x)) WHERE pgml.predict('kinds', x) = 1",
	"INSERT INTO indexed SELECT id, x FROM inputs WHERE id <= 6",
	"CREATE DOMAIN good AS real[] CHECK (pgml.predict('line', VALUE) > 5)",
	"CREATE PROCEDURE store(a real[]) LANGUAGE plpgsql AS $$ BEGIN INSERT INTO kept VALUES (99, pgml.predict('line', a)); END $$",
	"CREATE MATERIALIZED VIEW kept_view AS SELECT id, pgml.predict('line', x) AS p FROM inputs WITH NO DATA",
	"ANALYZE",
}

var opened *world

// open gives the world, which is made once.
func open(t *testing.T) *world {
	t.Helper()
	if opened == nil {
		opened = build(t)
	}
	return opened
}

func build(t *testing.T) *world {
	t.Helper()
	ctx := context.Background()
	server := pgtest.Start(t)
	admin := dial(t, server.URL("postgres"))
	for _, name := range []string{"lanes", "standin"} {
		run(t, admin, "CREATE DATABASE "+name)
	}
	engine, err := exec.New(exec.Options{Service: server.URL("lanes"), Models: os.Getenv("PGOWL_MODELS"), Library: library(), SQLNodes: 16384})
	if err != nil {
		t.Fatal(err)
	}
	if err := engine.Start(ctx); err != nil {
		t.Fatal(err)
	}
	stops = append(stops, engine.Stop)
	p, err := proxy.New(proxy.Options{Upstream: server.URL("lanes"), Engine: engine, Address: "127.0.0.1:0", Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	stops = append(stops, p.Stop)
	w := &world{owl: "postgres://postgres@" + p.Addr().String() + "/lanes?sslmode=disable", standIn: server.URL("standin")}
	owl := dial(t, w.owl)
	for _, sql := range []string{
		"CREATE TABLE points AS SELECT ARRAY[a, b]::real[] AS x, (2*a + b)::real AS y FROM generate_series(1, 12) a, generate_series(1, 12) b",
		"CREATE TABLE kinds AS SELECT ARRAY[a, b]::real[] AS x, a > b AS kind FROM generate_series(1, 12) a, generate_series(1, 12) b",
		`SELECT * FROM pgml.train('line', 'regression', 'points', 'y', 'xgboost', '{"n_estimators": 5}', test_sampling => 'last')`,
		`SELECT * FROM pgml.train('kinds', 'classification', 'kinds', 'kind', 'xgboost', '{"n_estimators": 5}', test_sampling => 'last')`,
		"DROP TABLE points, kinds",
	} {
		run(t, owl, sql)
	}
	w.teach(t, owl, dial(t, w.standIn))
	return w
}

// teach makes the stand-ins, of the same signatures, from what pgml's functions say.
func (w *world) teach(t *testing.T, owl, stand *pgx.Conn) {
	t.Helper()
	ctx := context.Background()
	run(t, stand, "CREATE SCHEMA pgml")
	run(t, stand, "CREATE TABLE pgml.answers (project text, x real[], value real, proba real[], PRIMARY KEY (project, x))")
	rows, err := owl.Query(ctx, `SELECT p, ARRAY[a, b]::real[], pgml.predict(p, ARRAY[a, b]::real[]), CASE p WHEN 'kinds' THEN pgml.predict_proba(p, ARRAY[a, b]::real[]) END
		FROM unnest('{line,kinds}'::text[]) p, generate_series(0, 12) a, generate_series(0, 12) b`)
	if err != nil {
		t.Fatal(err)
	}
	answers, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) ([]any, error) { return row.Values() })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stand.CopyFrom(ctx, pgx.Identifier{"pgml", "answers"}, []string{"project", "x", "value", "proba"}, pgx.CopyFromRows(answers)); err != nil {
		t.Fatal(err)
	}
	run(t, stand, `CREATE FUNCTION pgml.answer(project text, features real[]) RETURNS pgml.answers LANGUAGE plpgsql STABLE AS $$
		DECLARE known pgml.answers; n int := coalesce(array_length(features, 1), 0);
		BEGIN
			IF project NOT IN ('line', 'kinds') THEN
				RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = format('No deployed model exists for the project named: `+"`%s`"+`', project);
			END IF;
			IF n <> 2 THEN
				RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = format('cannot reshape array of size %s into shape (2)', n);
			END IF;
			SELECT * INTO STRICT known FROM pgml.answers a WHERE a.project = answer.project AND a.x = features;
			RETURN known;
		END $$`)
	rows, err = owl.Query(ctx, `SELECT pg_get_functiondef(oid), proname FROM pg_proc WHERE pronamespace = 'pgml'::regnamespace
		AND proname IN ('predict', 'predict_proba', 'predict_batch') AND pronargs = 2`)
	if err != nil {
		t.Fatal(err)
	}
	heads, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (h [2]string, err error) { return h, row.Scan(&h[0], &h[1]) })
	if err != nil || len(heads) < 8 {
		t.Fatal(len(heads), err)
	}
	bodies := map[string]string{
		"predict":       "RETURN (pgml.answer(project_name, features::real[])).value;",
		"predict_proba": "RETURN (pgml.answer(project_name, features::real[])).proba;",
		"predict_batch": "FOR i IN 1 .. coalesce(array_length(features, 1), 0) LOOP RETURN NEXT (pgml.answer(project_name, ARRAY[features[i][1], features[i][2]])).value; END LOOP;",
	}
	for _, h := range heads {
		head, _, ok := strings.Cut(h[0], "\nAS $function$")
		if !ok {
			t.Fatal(h[0])
		}
		body := bodies[h[1]]
		switch {
		case strings.Contains(head, "anyelement"):
			body = "RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = 'This preprocessing requires Postgres `record` types created with `row()`.';"
		case strings.Contains(head, "model_id"):
			body = "RAISE EXCEPTION 'models have no numbers here';"
		}
		run(t, stand, head+"\nAS $function$ DECLARE i int; BEGIN "+body+" END $function$")
	}
	for _, sql := range tables {
		run(t, owl, sql)
		run(t, stand, sql)
	}
}

func dial(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func run(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(context.Background(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// library finds ONNX Runtime where the environment names it; without it everything but text works.
func library() string {
	found, _ := filepath.Glob(os.Getenv("PGOWL_ONNXRUNTIME"))
	if len(found) == 0 {
		return ""
	}
	return found[0]
}
