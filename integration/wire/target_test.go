package wire

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
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
	settings []string // of the start-up message
	cut      bool     // messages are written in pieces of any size
}

// world is a Postgres with the stack in one of its databases, and proxies in front of it.
type world struct {
	url      string // of the database, straight
	database string
	direct   target
	plain    target // a proxy without the stack
	owl      target // a proxy with it
	server   *proxy.Server
	engine   *exec.Engine
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
	w.direct = target{name: "direct", address: address}
	w.engine, err = exec.New(exec.Options{Service: w.url, Models: os.Getenv("PGOWL_MODELS"), Library: library()})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.engine.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	shared.stop = append(shared.stop, w.engine.Stop)
	w.plain = target{name: "proxy", address: launch(t, proxy.Options{Upstream: w.url}).Addr().String()}
	w.server = launch(t, proxy.Options{Upstream: w.url, Engine: w.engine})
	w.owl = target{name: "proxy with the stack", address: w.server.Addr().String()}
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

// model trains the two small models that the scripts predict with: y is about 2a + b, kind is a > b.
func (w *world) model(t *testing.T) {
	t.Helper()
	conn := w.connect(t, w.owl)
	for _, sql := range []string{
		"CREATE TABLE points AS SELECT ARRAY[a, b]::real[] AS x, (2*a + b)::real AS y FROM generate_series(1, 12) a, generate_series(1, 12) b",
		"CREATE TABLE kinds AS SELECT ARRAY[a, b]::real[] AS x, a > b AS kind FROM generate_series(1, 12) a, generate_series(1, 12) b",
		"CREATE TABLE inputs AS SELECT g AS id, ARRAY[g, 7 - g]::real[] AS x, 'text ' || g AS t FROM generate_series(1, 6) g",
		"INSERT INTO inputs VALUES (7, NULL, NULL)",
		"SELECT * FROM pgml.train('line', 'regression', 'points', 'y', 'xgboost', '{\"n_estimators\": 5}', test_sampling => 'last')",
		"SELECT * FROM pgml.train('kinds', 'classification', 'kinds', 'kind', 'xgboost', '{\"n_estimators\": 5}', test_sampling => 'random')",
		"CREATE ROLE wire_plain LOGIN", "GRANT USAGE ON SCHEMA pgml TO wire_plain", "GRANT SELECT ON inputs TO wire_plain",
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

// run plays a script and gives what came back on each connection.
func (w *world) run(t *testing.T, to target, script []command, seed uint64) map[int][]string {
	t.Helper()
	clients := map[int]*client{}
	defer func() {
		for _, c := range clients {
			c.close()
		}
	}()
	log := func() map[int][]string {
		all := map[int][]string{}
		for n, c := range clients {
			all[n] = c.log
		}
		return all
	}
	var cut *rand.Rand
	if to.cut {
		cut = rand.New(rand.NewPCG(seed, 1))
	}
	connect := func(n int, settings ...string) error {
		c, err := dial(to.address, cut)
		if err != nil {
			return err
		}
		clients[n] = c
		all := append([]string{"user", "postgres", "database", w.database}, to.settings...)
		c.out = start(version30, append(all, settings...)...)
		c.send()
		err = c.read("Z")
		if len(to.settings) > 0 {
			c.log = nil // its parameters are not the others'
		}
		return err
	}
	for _, cmd := range script {
		err := func() error {
			if cmd.verb == "await" {
				return w.await(t, cmd.rest)
			}
			if cmd.verb == "connect" {
				var settings []string
				for _, word := range split(cmd.rest) {
					k, v, _ := strings.Cut(word, "=")
					settings = append(settings, k, v)
				}
				return connect(cmd.conn, settings...)
			}
			c := clients[cmd.conn]
			if c == nil && cmd.verb != "cancel" {
				if err := connect(cmd.conn); err != nil {
					return err
				}
				c = clients[cmd.conn]
			}
			switch cmd.verb {
			case "read":
				c.send()
				for _, until := range strings.Fields(cmd.rest) {
					if err := c.read(until); err != nil {
						return err
					}
				}
			case "halfclose":
				c.send()
				return c.conn.(*net.TCPConn).CloseWrite()
			case "cancel":
				var n int
				fmt.Sscan(cmd.rest, &n)
				return cancelRequest(to.address, clients[n].key)
			default:
				b, err := cmd.message()
				c.out = append(c.out, b...)
				return err
			}
			return nil
		}()
		if err != nil {
			all := log()
			all[0] = []string{fmt.Sprintf("line %d (%s): %v", cmd.line, cmd.verb, err)}
			return all
		}
	}
	return log()
}

// cancelRequest sends a cancel request and waits until it has been taken.
func cancelRequest(address string, key []byte) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	b := []byte{0, 0, 0, byte(8 + len(key)), 4, 210, 22, 46}
	if _, err := conn.Write(append(b, key...)); err != nil {
		return err
	}
	io.ReadAll(conn)
	return nil
}

// await asks a query until it gives true.
func (w *world) await(t *testing.T, sql string) error {
	conn, err := pgx.Connect(context.Background(), w.url)
	if err != nil {
		return err
	}
	defer conn.Close(context.Background())
	for range 1000 {
		var ok bool
		if err := conn.QueryRow(context.Background(), sql).Scan(&ok); err != nil {
			return err
		}
		if ok {
			return nil
		}
		if _, err := conn.Exec(context.Background(), "SELECT pg_sleep(0.01)"); err != nil {
			return err
		}
	}
	return fmt.Errorf("never true: %s", sql)
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
