package texts

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pgowl/pgowl/exec"
	"github.com/pgowl/pgowl/exec/textmodels"
	"github.com/pgowl/pgowl/integration/owltest"
	"github.com/pgowl/pgowl/integration/pgtest"
)

// A statement whose model is still being loaded ends with its time, or when it is cancelled, and says so as the server does; the load goes on for others.
func TestTimeWhileLoading(t *testing.T) {
	full := rankers(t)
	url := pgtest.Database(t)
	through, stop := owltest.Start(t, url, exec.Options{Service: url, Models: t.TempDir(), Library: full.Library})
	straight, watcher := dial(t, url), dial(t, url)
	if _, err := textmodels.Push(t.Context(), straight, textmodels.PushOptions{Dir: full.Models, Name: "plain"}); err != nil {
		t.Fatal(err)
	}
	run(t, straight, "BEGIN; LOCK TABLE pgml.text_model_files") // whoever loads the model waits
	const blocked = `SELECT count(*) > 0 FROM pg_locks WHERE relation = 'pgml.text_model_files'::regclass AND NOT granted`
	const embed = `SELECT pgml.embed('plain', 'hello')::text`
	ask := func(conn *pgx.Conn, sql string, args ...any) error {
		var s string
		return conn.QueryRow(t.Context(), sql, args...).Scan(&s)
	}
	for name, c := range map[string]struct {
		sql  string
		args []any
	}{
		"simple":    {embed, []any{pgx.QueryExecModeSimpleProtocol}},
		"extended":  {embed, nil},
		"parameter": {`SELECT pgml.embed('plain', $1)::text`, []any{"hello"}},
	} {
		t.Run(name, func(t *testing.T) {
			conn := dial(t, through)
			run(t, conn, "SET statement_timeout = 100")
			var pg *pgconn.PgError
			if err := ask(conn, c.sql, c.args...); !errors.As(err, &pg) || pg.Code != "57014" || pg.Message != "canceling statement due to statement timeout" {
				t.Errorf("at its time: %v", err)
			}
			run(t, conn, "SET statement_timeout = 0")
			ended := make(chan error, 1)
			go func() { ended <- ask(conn, c.sql, c.args...) }()
			for at := false; !at; { // it waits in the function
				if err := watcher.QueryRow(t.Context(), "SELECT count(*) > 0 FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'PgSleep'", conn.PgConn().PID()).Scan(&at); err != nil {
					t.Fatal(err)
				}
			}
			if err := conn.PgConn().CancelRequest(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := <-ended; !errors.As(err, &pg) || pg.Code != "57014" || pg.Message != "canceling statement due to user request" {
				t.Errorf("cancelled: %v", err)
			}
		})
	}
	var at bool
	if err := watcher.QueryRow(t.Context(), blocked).Scan(&at); err != nil || !at {
		t.Errorf("the load goes on: %v, %v", at, err)
	}
	run(t, straight, "COMMIT")
	conn := dial(t, through)
	if err := ask(conn, embed); err != nil {
		t.Error(err)
	}
	stop()
}
