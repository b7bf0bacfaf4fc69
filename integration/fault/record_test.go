package fault

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/pgowl/pgowl/integration/pgtest"
)

// TestRecord writes what real clients and a real server say to each other as seeds for the fuzz targets of whole sessions, into the folder
// that PGOWL_RECORD names: proxy/testdata/fuzz/FuzzRelay.
func TestRecord(t *testing.T) {
	folder := os.Getenv("PGOWL_RECORD")
	if folder == "" {
		t.Skip("PGOWL_RECORD names no folder for seeds")
	}
	server := pgtest.Start(t)
	direct := server.Database(t)
	program := func(name string, args ...string) func(string) error {
		return func(at string) error {
			u, err := url.Parse(at)
			if err != nil {
				return err
			}
			c := exec.Command(name, args...)
			c.Env = append(os.Environ(), "PGHOST="+u.Hostname(), "PGPORT="+u.Port(), "PGUSER=postgres", "PGDATABASE="+strings.TrimPrefix(u.Path, "/"), "PGSSLMODE=prefer")
			out, err := c.CombinedOutput()
			if err != nil {
				return fmt.Errorf("%w\n%s", err, out)
			}
			return nil
		}
	}
	bench := func(mode string) func(string) error {
		return program("pgbench", "-n", "-t", "2", "-M", mode, "-f", filepath.Join("testdata", "bench.sql"))
	}
	for _, s := range []struct {
		name string
		run  func(url string) error
	}{
		{"psql", program("psql", "-X", "-c", "SELECT 1, 'two', NULL", "-c", "SELECT * FROM missing", "-c", "BEGIN; LISTEN a; NOTIFY a; COMMIT", "-c", "COPY (SELECT 1) TO STDOUT", "-c", "DO $$ BEGIN RAISE NOTICE 'x'; END $$")},
		{"psql-describe", program("psql", "-X", "-c", "\\d pg_class")},
		{"pgbench-simple", bench("simple")}, {"pgbench-extended", bench("extended")}, {"pgbench-prepared", bench("prepared")},
		{"pgx", func(at string) error {
			ctx := context.Background()
			conn, err := pgx.Connect(ctx, at)
			if err != nil {
				return err
			}
			defer conn.Close(ctx)
			var n int
			if err := conn.QueryRow(ctx, "SELECT $1::int + 1", 41).Scan(&n); err != nil {
				return err
			}
			if _, err := conn.Exec(ctx, "CREATE TEMP TABLE t (a int, b text)"); err != nil {
				return err
			}
			if _, err := conn.CopyFrom(ctx, pgx.Identifier{"t"}, []string{"a", "b"}, pgx.CopyFromRows([][]any{{1, "x"}, {2, nil}})); err != nil {
				return err
			}
			var batch pgx.Batch
			batch.Queue("SELECT a FROM t WHERE b = $1", "x")
			batch.Queue("SELECT 1/0")
			conn.SendBatch(ctx, &batch).Close() // the second fails, as it should
			_, err = conn.Exec(ctx, "SELECT 1; SELECT 2", pgx.QueryExecModeSimpleProtocol)
			return err
		}},
	} {
		c := lay(t, fmt.Sprintf("127.0.0.1:%d", server.Port()))
		c.tape = new([2][]byte)
		if err := s.run(through(direct, c.address())); err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		c.mu.Lock()
		text := fmt.Sprintf("go test fuzz v1\n[]byte(%q)\n[]byte(%q)\nuint64(%d)\n", c.tape[0], c.tape[1], len(s.name))
		c.mu.Unlock()
		if err := os.WriteFile(filepath.Join(folder, s.name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
