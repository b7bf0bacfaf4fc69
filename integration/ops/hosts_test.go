package ops

import (
	"context"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pgowl/pgowl/integration/pgtest"
	"github.com/pgowl/pgowl/proxy"
)

// front starts a proxy in this process before several servers, the second by its unix socket, and gives its URL.
func front(t *testing.T, attrs string, servers ...*pgtest.Server) string {
	t.Helper()
	hosts, ports := "", ""
	for i, s := range servers {
		host := "127.0.0.1"
		if i == 1 {
			host = s.SocketDir()
		}
		hosts, ports = hosts+","+host, ports+fmt.Sprintf(",%d", s.Port())
	}
	upstream := "postgres://postgres@/postgres?sslmode=disable&target_session_attrs=" + attrs + "&host=" + url.QueryEscape(hosts[1:]) + "&port=" + url.QueryEscape(ports[1:])
	p, err := proxy.New(proxy.Options{Address: "127.0.0.1:0", Upstream: upstream, Service: servers[0].URL("postgres")})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return through(servers[0].URL("postgres"), p.Addr().String())
}

// Sessions go to the server that suits, whichever comes first, and so do their cancel requests; when it has gone they are refused, and
// go there again once it is back.
func TestSessionsGoWhereTheyBelong(t *testing.T) {
	reader := pgtest.Start(t, pgtest.Setting("default_transaction_read_only", "on"))
	writer := pgtest.Start(t, pgtest.Setting("work_mem", "5MB"))
	owl := front(t, "read-write", reader, writer)
	conn := connect(t, owl)
	if got := one(t, conn, "SHOW work_mem"); got != "5MB" {
		t.Fatalf("read-write: got the server with work_mem %s", got)
	}
	if got := one(t, connect(t, front(t, "read-only", writer, reader)), "SHOW work_mem"); got == "5MB" {
		t.Error("read-only: got the one that isn't")
	}

	asleep := make(chan error, 1)
	go func() {
		_, err := conn.Exec(context.Background(), "SELECT pg_sleep(600)")
		asleep <- err
	}()
	watcher := connect(t, writer.URL("postgres"))
	for deadline := time.Now().Add(patience); one(t, watcher, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'") != "1"; {
		if time.Now().After(deadline) {
			t.Fatal("the statement does not run")
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := conn.PgConn().CancelRequest(ctx); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-asleep:
		if code(err) != "57014" {
			t.Errorf("cancelled: got %v", err)
		}
	case <-ctx.Done():
		t.Fatal("the cancel request was lost")
	}

	writer.Stop()
	if _, err := dial(t, owl); code(err) != "08006" {
		t.Errorf("without the writer: got %v", err)
	}
	writer.Restart(t)
	if got := one(t, admitted(t, owl, func(*pgx.ConnConfig) {}), "SHOW work_mem"); got != "5MB" {
		t.Errorf("afterwards: got the server with work_mem %s", got)
	}
}
