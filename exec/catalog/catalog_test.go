package catalog

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pgowl/pgowl/integration/pgtest"
	"go.uber.org/zap"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// connect opens a connection that the test's end closes.
func connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// migrated gives a connection to a new database with the whole catalog in it.
func migrated(t testing.TB) *pgx.Conn {
	t.Helper()
	conn := connect(t, pgtest.Database(t))
	if _, err := Migrate(context.Background(), conn, zap.NewNop()); err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestMigrateTwiceDoesNothingTheSecondTime(t *testing.T) {
	conn := migrated(t)
	res, err := Migrate(context.Background(), conn, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Applied) != 0 || len(res.Skipped) != 0 || res.Owner != "postgres" {
		t.Errorf("second run: %+v", res)
	}
}

// wantError checks an error's SQLSTATE and message.
func wantError(t *testing.T, what string, err error, code, message string) {
	t.Helper()
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		t.Errorf("%s: got %v, want an error with SQLSTATE %s", what, err, code)
		return
	}
	if pg.Code != code || pg.Message != message {
		t.Errorf("%s: got %s %q, want %s %q", what, pg.Code, pg.Message, code, message)
	}
}
