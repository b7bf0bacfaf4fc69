package texts

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/pgowl/pgowl/exec"
	"github.com/pgowl/pgowl/integration/owltest"
	"github.com/pgowl/pgowl/integration/pgtest"
)

func TestMain(m *testing.M) {
	pgtest.MainLeaks(m, pgtest.StopShared, "github.com/pgowl/pgowl")
}

// connect gives a session through a proxy, and one around it.
func connect(t *testing.T, o exec.Options) (owl, straight *pgx.Conn) {
	t.Helper()
	url := pgtest.Database(t)
	o.Service = url
	through, _ := owltest.Start(t, url, o)
	return dial(t, through), dial(t, url)
}

// dial gives a session, which ends with the test.
func dial(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func run(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}
