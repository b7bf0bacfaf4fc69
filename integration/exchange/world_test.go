package exchange

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pgowl/pgowl/exec"
	"github.com/pgowl/pgowl/integration/owltest"
	"github.com/pgowl/pgowl/integration/pgtest"
)

func TestMain(m *testing.M) {
	pgtest.MainLeaks(m, pgtest.StopShared, "github.com/pgowl/pgowl")
}

// world is a database with the stack behind a proxy.
type world struct {
	t        *testing.T
	owl      string // URL through the proxy
	straight string
}

func open(t *testing.T) *world {
	t.Helper()
	straight := pgtest.Database(t)
	w := &world{t: t, straight: straight}
	w.owl, _ = owltest.Start(t, straight, exec.Options{Service: straight, SQLNodes: 16384})
	owl := w.dial(w.owl)
	for _, sql := range []string{
		`CREATE TABLE points AS SELECT a, b, ARRAY[a * b, a - b]::real[] AS "x y", (2*a + b)::real AS y, a > b AS up, (a / 5) * 10 AS kind
			FROM generate_series(1, 12) a, generate_series(1, 12) b`,
		`CREATE VIEW v_line AS SELECT a, b, "x y", y FROM points`,
		`CREATE VIEW v_updown AS SELECT a, b, up FROM points`,
		`CREATE VIEW v_kinds AS SELECT a, b, kind FROM points`,
		`SELECT * FROM pgml.train('line', 'regression', 'v_line', 'y', 'xgboost', test_sampling => 'stratified')`,
		`SELECT * FROM pgml.train('updown', 'classification', 'v_updown', 'up', 'xgboost', '{"objective": "binary:logistic"}', test_sampling => 'stratified')`,
		`SELECT * FROM pgml.train('kinds', 'classification', 'v_kinds', 'kind', 'xgboost', test_sampling => 'stratified')`,
	} {
		w.run(owl, sql)
	}
	return w
}

func (w *world) dial(url string) *pgx.Conn {
	w.t.Helper()
	conn, err := pgx.Connect(w.t.Context(), url)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func (w *world) run(conn *pgx.Conn, sql string, args ...any) {
	w.t.Helper()
	if _, err := conn.Exec(w.t.Context(), sql, args...); err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
}

// valueOf reads one value.
func valueOf[T any](w *world, conn *pgx.Conn, sql string, args ...any) (v T) {
	w.t.Helper()
	if err := conn.QueryRow(w.t.Context(), sql, args...).Scan(&v); err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
	return v
}

// code gives an error's SQLSTATE and message.
func code(err error) string {
	var e *pgconn.PgError
	switch {
	case errors.As(err, &e):
		return e.Code + " " + e.Message
	case err != nil:
		return err.Error()
	}
	return "no error"
}

// fails wants an error of each statement.
func (w *world) fails(conn *pgx.Conn, statements [][2]string) {
	w.t.Helper()
	for _, s := range statements {
		_, err := conn.Exec(w.t.Context(), s[0])
		if got := code(err); got != s[1] {
			w.t.Errorf("%s:\ngot  %s\nwant %s", s[0], got, s[1])
		}
	}
}
