package cron

import (
	"context"
	"fmt"
	"net/url"
	"testing"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"

	"github.com/pgowl/pgowl/exec/catalog"
	"github.com/pgowl/pgowl/integration/pgtest"
)

func TestMain(m *testing.M) { pgtest.MainLeaks(m, nil, "pgowl/exec/cron", "jackc/pgx") }

// as changes the user of a URL.
func as(t testing.TB, u, user string) string {
	t.Helper()
	p, err := url.Parse(u)
	if err != nil {
		t.Fatal(err)
	}
	q := p.Query()
	q.Del("user")
	p.RawQuery = q.Encode()
	p.User = url.User(user)
	return p.String()
}

func dial(t testing.TB, u string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), u)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func do(t testing.TB, conn *pgx.Conn, sql string, args ...any) {
	t.Helper()
	if _, err := conn.Exec(context.Background(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func value[T any](t testing.TB, conn *pgx.Conn, sql string, args ...any) T {
	t.Helper()
	var v T
	if err := conn.QueryRow(context.Background(), sql, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

// database makes a database whose catalog belongs to a role that is no superuser, and roles alice and bob of its own who may use it.
// It gives the superuser's URL, and the owner's.
type database struct{ super, owner, alice, bob string }

func newDatabase(t testing.TB) database {
	t.Helper()
	super := pgtest.Database(t)
	admin := dial(t, super)
	db := value[string](t, admin, "SELECT current_database()")
	name := func(role string) string { return db + "_" + role }
	for _, role := range []string{"owner", "alice", "bob"} {
		do(t, admin, fmt.Sprintf("CREATE ROLE %s LOGIN", name(role)))
		t.Cleanup(func() {
			if conn, err := pgx.Connect(context.Background(), pgtest.Start(t).URL("postgres")); err == nil {
				conn.Exec(context.Background(), "DROP ROLE IF EXISTS "+name(role))
				conn.Close(context.Background())
			}
		})
	}
	do(t, admin, fmt.Sprintf("GRANT CREATE ON DATABASE %s TO %s", db, name("owner")))
	d := database{super: super, owner: as(t, super, name("owner")), alice: as(t, super, name("alice")), bob: as(t, super, name("bob"))}
	owner := dial(t, d.owner)
	if _, err := catalog.Migrate(context.Background(), owner, zap.NewNop()); err != nil {
		t.Fatal(err)
	}
	do(t, owner, fmt.Sprintf("GRANT USAGE ON SCHEMA cron TO %s, %s", name("alice"), name("bob")))
	return d
}
