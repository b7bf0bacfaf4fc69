package forms

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pgowl/pgowl/exec"
	"github.com/pgowl/pgowl/integration/owltest"
	"github.com/pgowl/pgowl/integration/pgtest"
)

func TestMain(m *testing.M) { pgtest.MainLeaks(m, pgtest.StopShared, "github.com/pgowl/pgowl") }

// world is a database whose stack belongs to a role that is no superuser, a role alice, and a PgOwl that stop ends.
type world struct {
	t            *testing.T
	url          string // of the server, as superuser
	owl          string // through the proxy, as alice
	owner, alice string
	stop         func()
}

const tables = `
	CREATE TABLE points AS SELECT ARRAY[a, b, (a * 7 + b) % 5]::real[] AS x, a, b, a + 2.5 * b AS y, a > b AS up, (a + b) % 3 AS kind
		FROM generate_series(1, 20) a, generate_series(1, 20) b;
	GRANT SELECT ON points TO PUBLIC`

// open makes a world where models of so many nodes are SQL.
func open(t *testing.T, server *pgtest.Server, nodes int) *world {
	t.Helper()
	w := &world{t: t, url: server.Database(t)}
	super := w.dial(w.url)
	var name string
	if err := super.QueryRow(t.Context(), "SELECT current_database()").Scan(&name); err != nil {
		t.Fatal(err)
	}
	w.owner, w.alice = "owner_"+name, "alice_"+name
	run(t, super, fmt.Sprintf("CREATE ROLE %s LOGIN; CREATE ROLE %s LOGIN; GRANT CREATE ON DATABASE %s TO %s; GRANT ALL ON SCHEMA public TO %[2]s", w.owner, w.alice, name, w.owner))
	t.Cleanup(func() {
		conn, err := pgx.Connect(context.Background(), w.url)
		if err != nil {
			return // a server of the test's own may have gone
		}
		defer conn.Close(context.Background())
		for _, role := range []string{w.alice, w.owner} {
			if _, err := conn.Exec(context.Background(), fmt.Sprintf("DROP OWNED BY %s CASCADE; DROP ROLE %[1]s", role)); err != nil {
				t.Error(err)
			}
		}
	})
	run(t, super, tables)
	w.start(nodes)
	return w
}

// start starts a PgOwl.
func (w *world) start(nodes int) {
	w.t.Helper()
	w.owl, w.stop = owltest.Start(w.t, w.as(w.alice), exec.Options{Service: w.as(w.owner), Models: os.Getenv("PGOWL_MODELS"), SQLNodes: nodes})
}

// as is the server's URL for a role.
func (w *world) as(role string) string {
	u, err := url.Parse(w.url)
	if err != nil {
		w.t.Fatal(err)
	}
	u.User = url.User(role)
	return u.String()
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

// train trains through PgOwl.
func (w *world) train(owl *pgx.Conn, project, task, label, params string) {
	w.t.Helper()
	run(w.t, owl, fmt.Sprintf(`SELECT * FROM pgml.train('%s', '%s', 'v_%s', '%s', 'xgboost', '%s', test_sampling => 'last')`, project, task, project, label, params))
}

func run(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// ask gives a statement's first column as text, or its error with everything that a client is told.
func ask(t *testing.T, conn *pgx.Conn, sql string) string {
	t.Helper()
	results, err := conn.PgConn().Exec(t.Context(), sql).ReadAll()
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return fmt.Sprintf("%s %s / %s / %s", pg.Code, pg.Message, pg.Detail, pg.Hint)
	}
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	text := ""
	for _, r := range results {
		for _, row := range r.Rows {
			if row[0] == nil {
				text += "NULL "
			} else {
				text += string(row[0]) + " "
			}
		}
	}
	return text
}
