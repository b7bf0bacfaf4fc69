package fault

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

var long = map[string]string{"train": longTrain, "stream": longStream, "call": longCall}

// run starts a statement and gives what becomes of it.
func run(conn *pgx.Conn, sql string) <-chan error {
	done := make(chan error, 1)
	go func() {
		_, err := conn.PgConn().Exec(context.Background(), sql).ReadAll()
		done <- err
	}()
	return done
}

func wait(t *testing.T, done <-chan error) error {
	t.Helper()
	select {
	case err := <-done:
		return err
	case <-time.After(patience):
		t.Fatal("the statement hangs")
		return nil
	}
}

func TestCancel(t *testing.T) {
	w := open(t)
	for name, sql := range long {
		t.Run(name, func(t *testing.T) {
			conn := connect(t, w.owl)
			done := make(chan error, 1)
			go func() {
				rows := conn.PgConn().Exec(context.Background(), sql)
				for rows.NextResult() {
					for r := rows.ResultReader(); r.NextRow(); {
					}
				}
				done <- rows.Close()
			}()
			running(t, w.url, conn.PgConn().PID())
			if err := conn.PgConn().CancelRequest(context.Background()); err != nil {
				t.Fatal(err)
			}
			if got := code(wait(t, done)); got != "57014" {
				t.Errorf("got %s, want 57014", got)
			}
			if err := works(conn); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

// The first embedding loads the model, which takes long enough to be cancelled.
func TestCancelFold(t *testing.T) {
	w := open(t)
	if _, err := os.Stat(os.Getenv("PGOWL_MODELS") + "/all-MiniLM-L6-v2"); err != nil {
		t.Skip("no text model here: run make setup")
	}
	conn := connect(t, w.owl)
	for _, sql := range []string{"BEGIN", "CREATE TEMP TABLE lost (a int)"} {
		if err := wait(t, run(conn, sql)); err != nil {
			t.Fatal(err)
		}
	}
	done := run(conn, "SELECT pgml.embed('all-MiniLM-L6-v2', 'hello')")
	var err error
	for cancelled := false; !cancelled; {
		select {
		case err = <-done:
			cancelled = true
		default:
			conn.PgConn().CancelRequest(context.Background())
		}
	}
	if err == nil {
		t.Skip("it was too fast to be cancelled")
	}
	if got := code(err); got != "57014" {
		t.Errorf("got %s, want 57014", got)
	}
	if got := code(wait(t, run(conn, "SELECT 1"))); got != "25P02" {
		t.Errorf("the transaction goes on: %s", got)
	}
	if err := wait(t, run(conn, "ROLLBACK")); err != nil {
		t.Fatal(err)
	}
	if err := works(conn); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestStatementTimeout(t *testing.T) {
	w := open(t)
	for name, sql := range long {
		t.Run(name, func(t *testing.T) {
			conn := connect(t, w.owl)
			if err := wait(t, run(conn, "SET statement_timeout = '500ms'")); err != nil {
				t.Fatal(err)
			}
			if got := code(wait(t, run(conn, sql))); got != "57014" {
				t.Errorf("got %s, want 57014", got)
			}
			if err := wait(t, run(conn, "RESET statement_timeout")); err != nil {
				t.Fatal(err)
			}
			if err := works(conn); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

// The work of a client that has gone ends within seconds.
func TestClientVanishes(t *testing.T) {
	w := open(t)
	for name, sql := range long {
		t.Run(name, func(t *testing.T) {
			conn := connect(t, w.owl)
			pid := conn.PgConn().PID()
			done := run(conn, sql)
			running(t, w.url, pid)
			conn.PgConn().Conn().Close()
			<-done
			ended(t, w.url, pid)
		})
	}
}

func TestBackendKilled(t *testing.T) {
	w := open(t)
	for name, sql := range long {
		t.Run(name, func(t *testing.T) {
			conn := connect(t, w.owl)
			pid := conn.PgConn().PID()
			done := run(conn, sql)
			running(t, w.url, pid)
			if _, err := connect(t, w.url).Exec(context.Background(), "SELECT pg_terminate_backend($1)", int32(pid)); err != nil {
				t.Fatal(err)
			}
			if got := code(wait(t, done)); got != "57P01" {
				t.Errorf("got %s, want 57P01", got)
			}
		})
	}
}

// The backends that carry the answers are killed again and again, in the middle of calls: no answer is wrong, none is missing.
func TestMailboxesKilled(t *testing.T) {
	w := open(t)
	stop := make(chan struct{})
	var killers sync.WaitGroup
	killer := connect(t, w.url)
	killers.Add(1)
	go func() {
		defer killers.Done()
		for {
			select {
			case <-stop:
				return
			default:
				killer.Exec(context.Background(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'pgowl:%'")
				killer.Exec(context.Background(), "SELECT pg_sleep(1.2)")
			}
		}
	}()
	defer killers.Wait()
	defer close(stop)
	var calls sync.WaitGroup
	defer calls.Wait()
	for n := range 3 {
		conn := connect(t, w.owl)
		calls.Add(1)
		go func() {
			defer calls.Done()
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			var wrong int
			err := conn.QueryRow(ctx, `SELECT count(*) FROM (SELECT g % 12 + 1 AS a, pgml.predict('line', ARRAY[g % 12 + 1, 3]::real[]) + 0 AS p
				FROM generate_series(1, 1000) g) calls GROUP BY a HAVING count(DISTINCT p) <> 1`).Scan(&wrong)
			if err != pgx.ErrNoRows {
				t.Errorf("session %d: %d wrong, %v", n, wrong, err)
			}
		}()
	}
}

// Sessions that sleep behind a call keep nobody from calling.
func TestSleepersStarveNobody(t *testing.T) {
	w := open(t)
	for n := range 20 {
		conn := connect(t, w.owl)
		done := run(conn, fmt.Sprintf("DO $$ BEGIN PERFORM pgml.predict('line', ARRAY[%d, 1]::real[]); PERFORM pg_sleep(100); END $$", n))
		await(t, w.url, "SELECT count(*) = 1 FROM pg_stat_activity WHERE pid = $1 AND (wait_event = 'PgSleep' OR clock_timestamp() > query_start + interval '2 s')", conn.PgConn().PID())
		defer func() {
			conn.PgConn().Conn().Close()
			<-done
		}()
	}
	conn := connect(t, w.owl)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := conn.Exec(ctx, "DO $$ BEGIN PERFORM pgml.predict('line', ARRAY[1, 1]::real[]); END $$"); err != nil {
		t.Errorf("the twenty-first session: %v", err)
	}
}
