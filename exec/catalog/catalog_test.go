package catalog

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
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
