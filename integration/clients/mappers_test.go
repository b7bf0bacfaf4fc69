package clients

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// embedder is the model that the programs of testdata/orm embed with.
const embedder = "sentence-transformers/all-MiniLM-L6-v2"

// mappers are programs that keep objects in tables whose generated columns and triggers embed and predict.
type mappers struct {
	rig     *rig
	owl     string // URL through PgOwl
	standIn string // URL of a database of the same server whose pgml functions are stand-ins that know the answers
	truth   string // file of the answers, for the programs
}

// way is one through PgOwl, with the settings of its sessions.
type way struct{ kind, url, settings string }

// TestMappers runs each program on plain Postgres with stand-ins for the functions, and through PgOwl. CLIENT_SUITES=all runs it also with each
// call made from inside the server, with the model as SQL there, and through a transaction pool. The programs log in as a role that owns nothing of
// PgOwl's, compare every value with what a SELECT of constants says, and must print the same lines.
func TestMappers(t *testing.T) {
	python := needClient(t, "CLIENT_PYTHON")
	m := openMappers(t)
	defer func() {
		execute(t, m.rig.server.URL(database), `DROP DATABASE standin WITH (FORCE)`)
		m.rig.reset(t)
	}()
	ways := []way{{"default", m.app(m.owl), ""}}
	if os.Getenv("CLIENT_SUITES") == "all" {
		ways = append(ways, way{"call", m.app(m.owl), "pgowl.lanes=call pgowl.forms=off"}, way{"sql", m.app(m.owl), "pgowl.lanes=call pgowl.forms=on"},
			way{"pool", m.app(pooledRig(t).through.address(false)), ""})
	}
	for _, p := range []struct {
		program, driver string
		checks          int
		source          string // a package that is there as source only
	}{
		{program: "psycopg", checks: 200},
		{program: "sqlalchemy", driver: "psycopg", checks: 135},
		{program: "sqlalchemy", driver: "asyncpg", checks: 135},
		{program: "django", checks: 135, source: "django"},
	} {
		name := strings.TrimSuffix(p.program+"-"+p.driver, "-")
		t.Run(name, func(t *testing.T) {
			w := written{name: name, args: []string{python, testdata(t, "orm/with_"+p.program+".py")},
				env: []string{"PYTHONDONTWRITEBYTECODE=1", "DRIVER=" + p.driver, "TRUTH=" + m.truth}}
			if p.source != "" {
				w.env = append(w.env, "PYTHONPATH="+sources(t, p.source))
			}
			want := m.run(t, w, way{"stand-in", m.app(m.standIn), ""})
			if len(want) < p.checks {
				t.Errorf("%d checks, want %d or more", len(want), p.checks)
			}
			for _, through := range ways {
				got := m.run(t, w, through)
				for _, check := range (suite{}).differences(want, got) {
					t.Errorf("%s: %s\non a plain server %s\nthrough PgOwl     %s", through.kind, check, orNone(want[check]), orNone(got[check]))
				}
			}
			t.Logf("%s: %d checks, on the server and in %d ways through PgOwl", name, len(want), len(ways))
		})
	}
}

// run runs a program in empty databases. What it finds wrong by itself is an error here.
func (m *mappers) run(t *testing.T, w written, to way) outcomes {
	t.Helper()
	for _, at := range []string{m.standIn, m.rig.server.URL(database)} {
		execute(t, at, `SET client_min_messages = warning`, `DROP SCHEMA IF EXISTS public CASCADE`, `CREATE SCHEMA public`, `GRANT ALL ON SCHEMA public TO app`)
	}
	w.env = append(w.env[:len(w.env):len(w.env)], "SETTINGS="+to.settings)
	got := w.run(t, to.url, to.kind)
	for name, result := range got {
		if strings.HasPrefix(result, "WRONG") {
			t.Errorf("%s, %s: %s: %s", w.name, to.kind, name, result)
		}
	}
	return got
}

// app gives a URL with the programs' role.
func (m *mappers) app(url string) string { return strings.Replace(url, "postgres:pw@", "app:pw@", 1) }

func openMappers(t *testing.T) *mappers {
	t.Helper()
	r := suitesRig(t)
	m := &mappers{rig: r, owl: r.through.address(false), truth: filepath.Join(t.TempDir(), "truth.json")}
	execute(t, r.server.URL(database), `DROP DATABASE IF EXISTS standin WITH (FORCE)`, `CREATE DATABASE standin`,
		`DO $$ BEGIN CREATE ROLE app LOGIN PASSWORD 'pw'; EXCEPTION WHEN duplicate_object THEN END $$`)
	m.standIn = strings.Replace(r.direct.address(false), "/"+database+"?", "/standin?", 1)
	execute(t, m.owl, `SET client_min_messages = warning`, `DROP TABLE IF EXISTS points`,
		`CREATE TABLE points AS SELECT a, b, c, (2*a + 3*b - c)::real AS y
			FROM generate_series(0, 11) a, generate_series(0, 5) b, generate_series(0, 2) c ORDER BY (a*7 + b*5 + c*3) % 17, a, b, c`,
		`SELECT * FROM pgml.train('line', 'regression', 'points', 'y', 'xgboost', '{"n_estimators": 60}', test_size => 0.1, test_sampling => 'last')`,
		`DROP TABLE points`)
	owl, err := pgx.Connect(t.Context(), m.owl)
	if err != nil {
		t.Fatal(err)
	}
	defer owl.Close(context.Background())
	standIn, err := pgx.Connect(t.Context(), m.standIn)
	if err != nil {
		t.Fatal(err)
	}
	defer standIn.Close(context.Background())
	m.learn(t, owl, standIn)
	m.teach(t, owl, standIn)
	execute(t, m.standIn, `GRANT USAGE ON SCHEMA pgml TO app`, `GRANT SELECT ON ALL TABLES IN SCHEMA pgml TO app`)
	return m
}

// learn asks for the values of constants, writes them for the programs, and keeps them where the stand-ins look.
func (m *mappers) learn(t *testing.T, owl, standIn *pgx.Conn) {
	t.Helper()
	truth := struct {
		Model   string               `json:"model"`
		Scores  map[string]float32   `json:"scores"`
		Vectors map[string][]float32 `json:"vectors"`
	}{embedder, map[string]float32{}, map[string][]float32{}}
	exec := func(conn *pgx.Conn, sql string, args ...any) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	exec(standIn, `CREATE SCHEMA pgml`)
	exec(standIn, `CREATE TABLE pgml.known_scores (x real[] PRIMARY KEY, value real)`)
	exec(standIn, `CREATE TABLE pgml.known_vectors (text text PRIMARY KEY, value real[])`)
	for i := range 12 * 6 * 3 {
		a, b, c := i/18, i/3%6, i%3
		var value float32
		if err := owl.QueryRow(t.Context(), fmt.Sprintf("SELECT pgml.predict('line', ARRAY[%d, %d, %d])", a, b, c), pgx.QueryExecModeSimpleProtocol).Scan(&value); err != nil {
			t.Fatal(err)
		}
		if y := float64(2*a + 3*b - c); math.Abs(float64(value)-y) > 3 {
			t.Errorf("the model says %v where %v is so", value, y)
		}
		truth.Scores[fmt.Sprintf("%d,%d,%d", a, b, c)] = value
		exec(standIn, `INSERT INTO pgml.known_scores VALUES ($1, $2)`, []float32{float32(a), float32(b), float32(c)}, value)
	}
	for _, text := range mapperTexts() {
		var value []float32
		if err := owl.QueryRow(t.Context(), fmt.Sprintf("SELECT pgml.embed('%s', '%s')", embedder, text), pgx.QueryExecModeSimpleProtocol).Scan(&value); err != nil {
			t.Fatal(err)
		}
		length := 0.0
		for _, v := range value {
			length += float64(v) * float64(v)
		}
		if len(value) != 384 || math.Abs(length-1) > 1e-3 {
			t.Fatalf("%s: %d numbers of length %v, want 384 of length 1", text, len(value), length)
		}
		truth.Vectors[text] = value
		exec(standIn, `INSERT INTO pgml.known_vectors VALUES ($1, $2)`, text, value)
	}
	data, err := json.Marshal(truth)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(m.truth, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// mapperTexts are short, and near to each other in sixes.
func mapperTexts() []string {
	var texts []string
	for _, what := range []string{"a red apple", "an old bicycle", "the stormy sea", "a bank account", "green tea", "a broken window"} {
		for _, how := range []string{"I like %s", "I bought %s", "Who painted %s?", "My brother talks about %s", "Nobody needs %s", "Photograph of %s"} {
			texts = append(texts, fmt.Sprintf(how, what))
		}
	}
	return texts
}

// teach makes the stand-ins, with the signatures of the functions themselves.
func (m *mappers) teach(t *testing.T, owl, standIn *pgx.Conn) {
	t.Helper()
	rows, err := owl.Query(t.Context(), `SELECT pg_get_functiondef(oid), proname, pg_get_function_arguments(oid) FROM pg_proc WHERE pronamespace = 'pgml'::regnamespace
		AND (proname = 'predict' AND pronargs = 2 OR proname = 'embed' OR proname = 'distance_l2')`)
	if err != nil {
		t.Fatal(err)
	}
	heads, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (h [3]string, err error) { return h, row.Scan(&h[0], &h[1], &h[2]) })
	if err != nil || len(heads) < 12 {
		t.Fatal(len(heads), err)
	}
	for _, h := range heads {
		sql := h[0]
		if h[1] != "distance_l2" { // which is plain SQL
			head, _, ok := strings.Cut(sql, "\nAS $function$")
			if !ok {
				t.Fatal(sql)
			}
			sql = head + "\nAS $function$ " + standInBody(h[1], h[2]) + " $function$"
		}
		if _, err := standIn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

func standInBody(name, arguments string) string {
	switch {
	case name == "embed" && strings.Contains(arguments, "text[]"), strings.Contains(arguments, "model_id"):
		return "BEGIN RAISE EXCEPTION 'nobody asks for this here'; END"
	case name == "embed":
		return `DECLARE found real[]; BEGIN
			SELECT value INTO STRICT found FROM pgml.known_vectors k WHERE k.text = embed.text AND transformer = '` + embedder + `';
			RETURN found;
		END`
	case strings.Contains(arguments, "anyelement"):
		return "BEGIN RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = 'This preprocessing requires Postgres `record` types created with `row()`.'; END"
	}
	return `DECLARE found real; n int := coalesce(array_length(features, 1), 0); BEGIN
		IF project_name <> 'line' THEN
			RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = format('No deployed model exists for the project named: ` + "`%s`" + `', project_name);
		END IF;
		IF n <> 3 THEN
			RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = format('cannot reshape array of size %s into shape (3)', n);
		END IF;
		SELECT value INTO STRICT found FROM pgml.known_scores k WHERE x = features::real[];
		RETURN found;
	END`
}
