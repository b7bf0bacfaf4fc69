package texts

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/pgowl/pgowl/exec"
	"github.com/pgowl/pgowl/integration/pgtest"
	"github.com/pgowl/pgowl/proxy"
	"go.uber.org/zap"
)

func TestMain(m *testing.M) {
	pgtest.MainLeaks(m, pgtest.StopShared, "github.com/pgowl/pgowl")
}

// connect gives a session through a proxy, and one around it.
func connect(t *testing.T, o exec.Options) (owl, straight *pgx.Conn) {
	t.Helper()
	url := pgtest.Database(t)
	o.Service = url
	engine, err := exec.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := engine.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(engine.Stop)
	p, err := proxy.New(proxy.Options{Upstream: url, Engine: engine, Address: "127.0.0.1:0", Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	config, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	dial := func(url string) *pgx.Conn {
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close(context.Background()) })
		return conn
	}
	return dial("postgres://postgres@" + p.Addr().String() + "/" + config.Database + "?sslmode=disable"), dial(url)
}

func run(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}
