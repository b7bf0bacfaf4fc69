package wire

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/pgowl/pgowl/exec"
	"github.com/pgowl/pgowl/integration/pgtest"
	"github.com/pgowl/pgowl/proxy"
	"go.uber.org/zap"
)

// target is a server that scripts run against.
type target struct {
	name     string
	address  string
	database string
	settings []string // of the start-up message
}

// world is a Postgres with the stack in one of its databases, and proxies in front of it.
type world struct {
	url      string // of the database, straight
	database string
	direct   target
	fronts   []front // one for each driver
	front            // the usual one
	engine   *exec.Engine
}

// front is the proxies of one driver.
type front struct {
	plain  target // without the stack
	owl    target // with it
	crumbs target // with it, far away from the server: all comes in pieces
}

// drivers are the ways in which a proxy moves the messages of sessions that have no TLS.
var drivers = []string{"epoll", "goroutines"}

// startFront starts the proxies of a driver.
func (w *world) startFront(t *testing.T, o proxy.Options) front {
	one := func(name, upstream string, e *exec.Engine) target {
		o.Upstream, o.Engine = upstream, e
		return target{name: name + ", " + o.Driver, address: launch(t, o).Addr().String(), database: w.database}
	}
	return front{one("proxy", w.url, nil), one("proxy with the stack", w.url, w.engine), one("proxy with the stack, far from the server", crumble(t, w.url), w.engine)}
}

var shared struct {
	sync.Mutex
	world *world
	stop  []func()
}

// open gives the world that the tests share.
func open(t *testing.T) *world {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.world != nil {
		return shared.world
	}
	server := pgtest.Start(t)
	admin, err := pgx.Connect(context.Background(), server.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(context.Background())
	if _, err := admin.Exec(context.Background(), "CREATE DATABASE wire"); err != nil {
		t.Fatal(err)
	}
	w := &world{url: server.URL("wire"), database: "wire"}
	address := fmt.Sprintf("127.0.0.1:%d", server.Port())
	w.direct = target{name: "direct", address: address, database: w.database}
	w.engine, err = exec.New(exec.Options{Service: w.url, Models: os.Getenv("PGOWL_MODELS"), Library: library()})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.engine.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	shared.stop = append(shared.stop, w.engine.Stop)
	for _, d := range drivers {
		w.fronts = append(w.fronts, w.startFront(t, proxy.Options{Driver: d}))
	}
	w.front = w.fronts[0]
	shared.world = w
	w.model(t)
	return w
}

// launch starts a proxy that lives as long as the tests.
func launch(t *testing.T, o proxy.Options) *proxy.Server {
	t.Helper()
	o.Address, o.Log = "127.0.0.1:0", zap.NewNop()
	if os.Getenv("WIRE_LOG") != "" {
		o.Log, _ = zap.NewDevelopment()
	}
	p, err := proxy.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	shared.stop = append(shared.stop, p.Stop)
	return p
}

// library finds ONNX Runtime where the environment names it; without it everything but text works.
func library() string {
	found, _ := filepath.Glob(os.Getenv("PGOWL_ONNXRUNTIME"))
	if len(found) == 0 {
		return ""
	}
	return found[0]
}

// hasText tells whether embed works here.
func hasText() bool {
	_, err := os.Stat(filepath.Join(os.Getenv("PGOWL_MODELS"), "all-MiniLM-L6-v2"))
	return err == nil && library() != ""
}

// The table that scripts of the stack read.
const (
	inputsTable = "CREATE TABLE inputs AS SELECT g AS id, ARRAY[g, 7 - g]::real[] AS x, 'text ' || g AS t FROM generate_series(1, 6) g"
	inputsNull  = "INSERT INTO inputs VALUES (7, NULL, NULL)"
)

// model trains the two small models that the scripts predict with: y is about 2a + b, kind is a > b.
func (w *world) model(t *testing.T) {
	t.Helper()
	conn := w.connect(t, w.owl)
	for _, sql := range []string{
		"CREATE TABLE points AS SELECT ARRAY[a, b]::real[] AS x, (2*a + b)::real AS y FROM generate_series(1, 12) a, generate_series(1, 12) b",
		"CREATE TABLE kinds AS SELECT ARRAY[a, b]::real[] AS x, a > b AS kind FROM generate_series(1, 12) a, generate_series(1, 12) b",
		inputsTable, inputsNull,
		"SELECT * FROM pgml.train('line', 'regression', 'points', 'y', 'xgboost', '{\"n_estimators\": 5}', test_sampling => 'last')",
		"SELECT * FROM pgml.train('kinds', 'classification', 'kinds', 'kind', 'xgboost', '{\"n_estimators\": 5}', test_sampling => 'random')",
		"CREATE ROLE wire_plain LOGIN", "CREATE ROLE wire_group", "GRANT USAGE ON SCHEMA pgml TO wire_plain", "GRANT SELECT ON inputs TO wire_plain",
	} {
		if _, err := conn.Exec(context.Background(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

// connect opens a pgx connection to a target as a superuser.
func (w *world) connect(t *testing.T, to target, options ...string) *pgx.Conn {
	t.Helper()
	u, err := url.Parse("postgres://postgres@" + to.address + "/" + w.database + "?sslmode=disable&" + strings.Join(options, "&"))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(context.Background(), u.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// compare reports where two runs differ, statement by statement.
func compare(t *testing.T, name string, want, got map[int][]string) {
	t.Helper()
	reported := 0
	for n := range max(len(want), len(got)) + 2 {
		a, b := statements(want[n]), statements(got[n])
		for i := range max(len(a), len(b)) {
			x, y := "(nothing)", "(nothing)"
			if i < len(a) {
				x = a[i]
			}
			if i < len(b) {
				y = b[i]
			}
			if x != y && reported < 10 {
				reported++
				before := ""
				if i > 0 && i <= len(a) {
					before = a[i-1]
				}
				t.Errorf("%s: connection %d, answer %d:\n want %s\n got %s\n behind %s", name, n, i, x, y, before)
			}
		}
	}
}

// statements joins what belongs to one ReadyForQuery.
func statements(log []string) (all []string) {
	var b strings.Builder
	for _, m := range log {
		b.WriteString("\n    " + m)
		if m[0] == 'Z' {
			all = append(all, b.String())
			b.Reset()
		}
	}
	if b.Len() > 0 {
		all = append(all, b.String())
	}
	return all
}
