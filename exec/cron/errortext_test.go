package cron

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgowl/pgowl/integration/pgtest"
)

// Texts whose errors point at places near the beginning, the end and the middle of long, wide and many lines.
var badQueries = []string{
	"SELECT * FROM nowhere",
	"SELECT 1;\n  SELECT\t\tfoo\n FROM pg_class",
	"SELECT 1\r\n, foo\r\n",
	"SELECT foo, " + strings.Repeat("1234567890, ", 12) + "1",
	"SELECT " + strings.Repeat("1234567890, ", 12) + "foo",
	"SELECT " + strings.Repeat("1234567890, ", 6) + "foo, " + strings.Repeat("1234567890, ", 6) + "1",
	"SELECT '日本語日本語日本語日本語日本語日本語日本語日本語', foo, '日本語日本語日本語日本語日本語日本語日本語日本語'",
	"SELECT 'äöü', foo",
	"SELECT 'é', 1 FROM pg_class WHERE a" + strings.Repeat(" ", 80),
	"SELEC 1",
	"SELECT 1 +",
	"SELECT 'open",
	"DO $$ BEGIN PERFORM foo; END $$",
	"DO $$ BEGIN EXECUTE 'SELECT bar'; END $$",
	"SELECT 1/0",
	"SELECT ''::integer",
	"SELECT lower(1, 2)",
}

func TestErrorTextIsPsqls(t *testing.T) {
	psql, err := exec.LookPath("psql")
	if err != nil {
		t.Skip("no psql")
	}
	url := pgtest.Database(t)
	conn := dial(t, url)
	for _, q := range badQueries {
		_, err := conn.PgConn().Exec(context.Background(), q).ReadAll()
		var pg *pgconn.PgError
		if !errors.As(err, &pg) {
			t.Errorf("%q: no error but %v", q, err)
			continue
		}
		var want strings.Builder
		cmd := exec.Command(psql, "-XAtq", "-c", q, url)
		cmd.Env = append(cmd.Environ(), "PGCLIENTENCODING=UTF8", "LC_ALL=C.UTF-8")
		cmd.Stderr = &want
		cmd.Run()
		if got := errorText(pg, q); got != want.String() {
			t.Errorf("%q:\n got\n%swant\n%s", q, got, want.String())
		}
	}
}

// The server's numbers are not to be relied on.
func FuzzErrorText(f *testing.F) {
	for i, q := range badQueries {
		f.Add(q, int32(i*7))
	}
	f.Fuzz(func(t *testing.T, query string, position int32) {
		text := errorText(&pgconn.PgError{Severity: "ERROR", Message: "m", Position: position}, query)
		if !strings.HasPrefix(text, "ERROR:  m\n") || !strings.HasSuffix(text, "\n") {
			t.Errorf("%q", text)
		}
	})
}
