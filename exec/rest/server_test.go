package rest

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// run executes a statement as the superuser.
func run(t testing.TB, admin, sql string) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), admin)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(context.Background(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
}

const newFunction = "CREATE FUNCTION api.fresh() RETURNS int STABLE LANGUAGE sql AS 'SELECT 1'"

func TestNotifyReloads(t *testing.T) {
	s, admin := serve(t, nil)
	run(t, admin, newFunction+"; NOTIFY pgrst, 'reload schema'")
	eventually(t, "the cache has the function", func() bool {
		return len(s.cache.Load().routines[qualified{"api", "fresh"}]) == 1
	})
	// A function of another shape takes its place; what was prepared for the old one must not be used.
	if a := ask(t, s, "GET", "/rpc/fresh", ""); a.body != "1" {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	before := s.cache.Load()
	run(t, admin, "DROP FUNCTION api.fresh(); CREATE FUNCTION api.fresh() RETURNS text STABLE LANGUAGE sql AS $$SELECT 'x'$$; NOTIFY pgrst")
	run(t, admin, "CREATE FUNCTION api.other() RETURNS int STABLE LANGUAGE sql AS 'SELECT 1'; NOTIFY pgrst")
	eventually(t, "the cache was made again", func() bool {
		return s.cache.Load() != before && len(s.cache.Load().routines[qualified{"api", "other"}]) == 1
	})
	if a := ask(t, s, "GET", "/rpc/fresh", ""); a.body != `"x"` {
		t.Errorf("got %d %s", a.status, a.body)
	}
}

func TestNewFunctionIsFoundWithoutNotify(t *testing.T) {
	s, admin := serve(t, nil)
	run(t, admin, newFunction)
	eventually(t, "the function is found", func() bool { return ask(t, s, "GET", "/rpc/fresh", "").status == 200 })
}

// wire is a Connect that can be cut.
type wire struct {
	url  string
	down atomic.Bool
}

var errDown = errors.New("the wire is down")

func (w *wire) connect(ctx context.Context) (*pgx.Conn, error) {
	if w.down.Load() {
		return nil, errDown
	}
	return pgx.Connect(ctx, w.url)
}

func TestStartWithoutDatabase(t *testing.T) {
	_, login := database(t)
	w := &wire{url: login}
	w.down.Store(true)
	s, err := New(Options{Connect: w.connect, Schemas: []string{"api"}, AnonRole: "rest_anon"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop(context.Background())
	if err := s.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := s.Ready(context.Background()); !errors.Is(err, errDown) {
		t.Errorf("ready: got %v", err)
	}
	a := ask(t, s, "GET", "/rpc/whoami", "")
	if a.status != 503 || !strings.Contains(a.body, "PGRST002") || a.header.Get("Retry-After") == "" || strings.Contains(a.body, errDown.Error()) {
		t.Errorf("got %d %s", a.status, a.body)
	}
	w.down.Store(false)
	eventually(t, "it is ready", func() bool { return s.Ready(context.Background()) == nil })
	if a := ask(t, s, "GET", "/rpc/whoami", ""); a.status != 200 {
		t.Errorf("got %d %s", a.status, a.body)
	}
}

func TestLostConnections(t *testing.T) {
	var w *wire
	s, admin := serve(t, func(o *Options) {
		w = &wire{}
		connect := o.Connect
		o.Connect = func(ctx context.Context) (*pgx.Conn, error) {
			if w.down.Load() {
				return nil, errDown
			}
			return connect(ctx)
		}
	})
	const kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'rest_login' AND datname = current_database()"
	ask(t, s, "GET", "/rpc/whoami", "")
	run(t, admin, kill)
	if a := ask(t, s, "GET", "/rpc/whoami", ""); a.status != 200 {
		t.Errorf("after the connections were killed: got %d %s", a.status, a.body)
	}
	eventually(t, "it listens again", func() bool { return s.Ready(context.Background()) == nil })
	w.down.Store(true)
	run(t, admin, kill)
	if a := ask(t, s, "GET", "/rpc/whoami", ""); a.status != 503 || !strings.Contains(a.body, "PGRST000") {
		t.Errorf("while nothing can be reached: got %d %s", a.status, a.body)
	}
	w.down.Store(false)
	eventually(t, "it works again", func() bool { return ask(t, s, "GET", "/rpc/whoami", "").status == 200 })
}

func TestPoolTimeoutAndCancel(t *testing.T) {
	s, admin := serve(t, func(o *Options) {
		o.PoolSize = 1
		o.Acquire = 2 * time.Second // opening a session counts, and machines are busy
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan int, 1)
	go func() {
		r := httptest.NewRequestWithContext(ctx, "POST", "/rpc/sleep", nil)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		ended <- w.Code
	}()
	sleeping := func() (n int) {
		conn, err := pgx.Connect(context.Background(), admin)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.Background())
		if err := conn.QueryRow(context.Background(), "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%sleep%' AND state = 'active' AND pid <> pg_backend_pid() AND datname = current_database()").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	eventually(t, "the function sleeps", func() bool { return sleeping() == 1 })
	if a := ask(t, s, "GET", "/rpc/whoami", ""); a.status != 504 || !strings.Contains(a.body, "PGRST003") {
		t.Errorf("pool exhausted: got %d %s", a.status, a.body)
	}
	cancel()
	<-ended
	eventually(t, "the function was cancelled in the database", func() bool { return sleeping() == 0 })
	if a := ask(t, s, "GET", "/rpc/whoami", ""); a.status != 200 {
		t.Errorf("after the cancel: got %d %s", a.status, a.body)
	}
}

func TestBodyLimit(t *testing.T) {
	s, _ := serve(t, func(o *Options) { o.MaxBody = 30 })
	if a := ask(t, s, "POST", "/rpc/hello", `{"name":"`+strings.Repeat("x", 19)+`"}`); a.status != 200 {
		t.Errorf("got %d %s", a.status, a.body)
	}
	if a := ask(t, s, "POST", "/rpc/hello", `{"name":"`+strings.Repeat("x", 20)+`"}`); a.status != http.StatusRequestEntityTooLarge {
		t.Errorf("got %d %s", a.status, a.body)
	}
}

func TestOptions(t *testing.T) {
	connect := func(context.Context) (*pgx.Conn, error) { return nil, errDown }
	for name, o := range map[string]Options{
		"no connect":    {},
		"short secret":  {Connect: connect, JWTSecret: "short"},
		"key as secret": {Connect: connect, JWTSecret: `{"kty":"RSA","n":"0etQ2Tg187jb04MWfpuogYGV75IFrQQBxQaGH75eq","e":"AQAB"}`},
		"system schema": {Connect: connect, Schemas: []string{"pg_catalog"}},
		"tx end":        {Connect: connect, TxEnd: "never"},
		"pool":          {Connect: connect, PoolSize: -1},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("%s: should be refused", name)
		}
	}
}

func TestStartStop(t *testing.T) {
	s, err := New(Options{Connect: func(context.Context) (*pgx.Conn, error) { return nil, errDown }})
	if err != nil {
		t.Fatal(err)
	}
	s.Stop(context.Background())
	s.Stop(context.Background())
	if err := s.Start(context.Background()); err == nil {
		t.Error("Start after Stop should fail")
	}
}
