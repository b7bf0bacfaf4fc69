package startup

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// client runs `SELECT current_user` and tells what came out of it: the name, or the error without addresses.
type client struct {
	name string
	run  func(t *testing.T, conninfo string) string
}

const question = "SELECT current_user"

// clients are psql of the server's programs, the same on libpq 18 where that is at hand, and pgx.
func clients(t *testing.T) []client {
	t.Helper()
	all := []client{{"pgx", runPgx}, {"psql", func(t *testing.T, conninfo string) string { return runPsql(t, "", conninfo) }}}
	if lib := libpq18(); lib != "" {
		all = append(all, client{"psql on libpq 18", func(t *testing.T, conninfo string) string { return runPsql(t, lib, conninfo) }})
	}
	return all
}

// libpq18 is the folder of libpq 18; empty where it is not at hand.
func libpq18() string {
	b, err := programs18()
	if err != nil {
		return ""
	}
	lib := filepath.Join(filepath.Dir(b.Dir), "lib")
	if _, err := os.Stat(filepath.Join(lib, "libpq.so.5")); err != nil {
		return ""
	}
	return lib
}

func runPgx(t *testing.T, conninfo string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	config, err := pgx.ParseConfig(conninfo)
	if err != nil {
		return "config: " + err.Error()
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		var e *pgconn.PgError
		if errors.As(err, &e) {
			return e.Severity + " " + e.Code + " " + e.Message
		}
		text := err.Error()
		return addresses.ReplaceAllString(text[strings.LastIndex(text, ": ")+2:], "ADDRESS")
	}
	defer conn.Close(ctx)
	var user string
	if err := conn.QueryRow(ctx, question).Scan(&user); err != nil {
		return err.Error()
	}
	return user
}

var addresses = regexp.MustCompile(`port \d+|127\.0\.0\.1:\d+`)

func runPsql(t *testing.T, lib, conninfo string) string {
	t.Helper()
	return runProgram(t, lib, "psql", "-XAtqw", "-c", question, conninfo)
}

// runProgram runs one of the Postgres programs and gives what it wrote.
func runProgram(t *testing.T, lib, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "HOME=/nonexistent", "PGOPTIONS=", "LC_ALL=C")
	if lib != "" {
		cmd.Env = append(cmd.Env, "LD_LIBRARY_PATH="+lib)
	}
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		t.Errorf("%s hangs: %s", name, out)
	}
	if len(out) == 0 && err != nil {
		return err.Error()
	}
	return addresses.ReplaceAllString(strings.TrimSpace(string(out)), "ADDRESS")
}
