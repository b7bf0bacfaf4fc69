package startup

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// The programs that replicate work through PgOwl, over TLS on both hops as well.
func TestReplication(t *testing.T) {
	w := open(t)
	for name, s := range map[string]setup{"plain": {upstream: "sslmode=disable"}, "TLS": {upstream: "sslmode=require", cert: w.owl}} {
		t.Run(name, func(t *testing.T) {
			mode := "sslmode=disable"
			if s.cert != nil {
				mode = "sslmode=verify-full"
			}
			conninfo := w.conninfo(w.launch(t, s), "scrammer", "secret", mode)
			dir := filepath.Join(t.TempDir(), "copy")
			if out := runProgram(t, "", program(t, w, "pg_basebackup"), "-w", "-D", dir, "-X", "stream", "-c", "fast", "-d", conninfo); out != "" {
				t.Fatal(out)
			}
			for _, file := range []string{"PG_VERSION", "backup_label", "global/pg_control"} {
				if _, err := os.Stat(filepath.Join(dir, file)); err != nil {
					t.Error(err)
				}
			}
			slot := "slot_" + strings.ToLower(name)
			recv := program(t, w, "pg_recvlogical")
			if out := runProgram(t, "", recv, "-w", "-d", conninfo, "--slot="+slot, "--create-slot", "--plugin=test_decoding"); out != "" {
				t.Fatal(out)
			}
			var end string
			w.admin(t, func(conn *pgx.Conn) error {
				if _, err := conn.Exec(context.Background(), "SELECT pg_logical_emit_message(true, 'startup', 'here I am')"); err != nil {
					return err
				}
				return conn.QueryRow(context.Background(), "SELECT pg_current_wal_insert_lsn()::text").Scan(&end)
			})
			file := filepath.Join(t.TempDir(), "stream")
			if out := runProgram(t, "", recv, "-w", "-d", conninfo, "--slot="+slot, "--start", "-f", file, "--endpos="+end, "--no-loop"); out != "" {
				t.Error(out)
			}
			if text, err := os.ReadFile(file); err != nil || !strings.Contains(string(text), "here I am") {
				t.Errorf("received %q, %v", text, err)
			}
			if out := runProgram(t, "", recv, "-w", "-d", conninfo, "--slot="+slot, "--drop-slot"); out != "" {
				t.Error(out)
			}
		})
	}
}

// program finds one of the Postgres programs, beside the server's own or on the PATH.
func program(t *testing.T, w *world, name string) string {
	t.Helper()
	if _, err := os.Stat(filepath.Join(w.programs, name)); err == nil {
		return filepath.Join(w.programs, name)
	}
	return name
}
