package training

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pgowl/pgowl/exec"
	"github.com/pgowl/pgowl/integration/owltest"
	"github.com/pgowl/pgowl/integration/pgtest"
	"github.com/pgowl/pgowl/proxy"
)

func TestMain(m *testing.M) { pgtest.MainLeaks(m, pgtest.StopShared, "github.com/pgowl/pgowl") }

// world is a database with a PgOwl in front of it, and a session of a role alice that goes through it.
type world struct {
	t           *testing.T
	owl         string // URL through the proxy, as alice
	super       *pgx.Conn
	alice       *pgx.Conn
	owner, name string // of the roles
	said        []string
	server      string // URL of the database itself, as superuser
}

func open(t *testing.T) *world {
	t.Helper()
	return openWith(t, proxy.Options{})
}

// openWith is open with options of the proxy's.
func openWith(t *testing.T, o proxy.Options) *world {
	t.Helper()
	w := &world{t: t, server: pgtest.Database(t)}
	w.super = w.dial(w.server)
	var database string
	if err := w.super.QueryRow(t.Context(), "SELECT current_database()").Scan(&database); err != nil {
		t.Fatal(err)
	}
	w.owner, w.name = "owner_"+database, "alice_"+database
	w.run(fmt.Sprintf("CREATE ROLE %s LOGIN; CREATE ROLE %s LOGIN; GRANT CREATE ON DATABASE %s TO %[1]s", w.owner, w.name, database))
	t.Cleanup(func() {
		w.run(fmt.Sprintf("DROP OWNED BY %s, %s CASCADE; DROP ROLE %[1]s, %[2]s", w.owner, w.name))
	})
	o.Upstream = w.as(w.name, "")
	w.owl, _ = owltest.StartWith(t, o, exec.Options{Service: w.as(w.owner, "")})
	w.alice = w.dial(w.owl)
	return w
}

// as is the database's URL for a role, at another address if one is given.
func (w *world) as(role, address string) string {
	u, err := url.Parse(w.server)
	if err != nil {
		w.t.Fatal(err)
	}
	u.User = url.User(role)
	if address != "" {
		u.Host, u.RawQuery = address, ""
	}
	return u.String()
}

func (w *world) dial(url string) *pgx.Conn {
	w.t.Helper()
	config, err := pgx.ParseConfig(url)
	if err != nil {
		w.t.Fatal(err)
	}
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { w.said = append(w.said, n.Severity+": "+n.Message) }
	conn, err := pgx.ConnectConfig(w.t.Context(), config)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// run runs statements as the superuser.
func (w *world) run(sql string) {
	w.t.Helper()
	if _, err := w.super.Exec(context.Background(), sql); err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
}

// ask gives what alice gets: the rows as text, columns apart by a blank and rows by a bar, or the error with all that a client is told. said holds the
// messages afterwards.
func (w *world) ask(sql string) string {
	w.t.Helper()
	w.said = nil
	results, err := w.alice.PgConn().Exec(w.t.Context(), sql).ReadAll()
	return w.answer(sql, results, err)
}

// answer is what ask gives.
func (w *world) answer(sql string, results []*pgconn.Result, err error) string {
	w.t.Helper()
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		text := pg.Code + " " + pg.Message
		for _, more := range []string{pg.Detail, pg.Hint, pg.Where} {
			if more != "" {
				text += " / " + more
			}
		}
		return text
	}
	if err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
	var rows []string
	for _, r := range results {
		for _, row := range r.Rows {
			var columns []string
			for _, v := range row {
				if v == nil {
					v = []byte("NULL")
				}
				columns = append(columns, string(v))
			}
			rows = append(rows, strings.Join(columns, " "))
		}
	}
	return strings.Join(rows, " | ")
}

// want compares what alice gets.
func (w *world) want(sql, want string) {
	w.t.Helper()
	if got := w.ask(sql); got != want {
		w.t.Errorf("%s\n got %s\nwant %s", sql, got, want)
	}
}

// told says whether a message has been sent that starts like this.
func (w *world) told(start string) bool {
	for _, m := range w.said {
		if strings.HasPrefix(m, start) {
			return true
		}
	}
	return false
}
