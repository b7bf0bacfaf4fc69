package fault

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pgowl/pgowl/exec"
	"github.com/pgowl/pgowl/integration/pgtest"
	"github.com/pgowl/pgowl/proxy"
	"go.uber.org/zap"
)

// TestMain fails when a goroutine of the proxy's, the engine's or the driver's outlives the tests.
func TestMain(m *testing.M) {
	pgtest.MainLeaks(m, func() {
		if program.dir != "" {
			os.RemoveAll(program.dir)
		}
	}, "pgowl/proxy", "pgowl/exec", "jackc/pgx")
}

// patience is how long a test waits for what has to happen within seconds; only a hang takes that long.
const patience = 3 * time.Minute

// world is a database with the stack, and a proxy in front of it.
type world struct {
	server *pgtest.Server
	url    string // straight
	owl    string // through the proxy
	engine *exec.Engine
	proxy  *proxy.Server
}

// open starts a proxy in this process before a new database. Options make its server one of its own.
func open(t *testing.T, opts ...pgtest.Option) *world {
	t.Helper()
	w := &world{server: pgtest.Start(t, opts...)}
	w.url = w.server.Database(t)
	library, _ := filepath.Glob(os.Getenv("PGOWL_ONNXRUNTIME"))
	o := exec.Options{Service: w.url, Models: os.Getenv("PGOWL_MODELS")}
	if len(library) > 0 {
		o.Library = library[0]
	}
	log := zap.NewNop()
	if os.Getenv("FAULT_LOG") != "" {
		log, _ = zap.NewDevelopment()
	}
	o.Log = log
	var err error
	if w.engine, err = exec.New(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.engine.Stop)
	if err = w.engine.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	if w.proxy, err = proxy.New(proxy.Options{Address: "127.0.0.1:0", Upstream: w.url, Engine: w.engine, Log: log}); err != nil {
		t.Fatal(err)
	}
	if err = w.proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.proxy.Stop)
	w.owl = through(w.url, w.proxy.Addr().String())
	prepare(t, w.owl)
	return w
}

// through gives a database's URL at another address.
func through(url, address string) string {
	before, rest, _ := strings.Cut(url, "@")
	_, path, _ := strings.Cut(rest, "/")
	return before + "@" + address + "/" + path
}

// prepare makes the tables and the model that the tests use.
func prepare(t *testing.T, url string) {
	t.Helper()
	conn := connect(t, url)
	for _, sql := range []string{
		"CREATE TABLE points AS SELECT ARRAY[a, b]::real[] AS x, (2*a + b)::real AS y FROM generate_series(1, 12) a, generate_series(1, 12) b",
		"SELECT * FROM pgml.train('line', 'regression', 'points', 'y', 'xgboost', '{\"n_estimators\": 5}', test_sampling => 'last')",
		"CREATE TABLE many AS SELECT ARRAY[random(), random(), random(), random()]::real[] AS x, random()::real AS y FROM generate_series(1, 30000)",
	} {
		if _, err := conn.Exec(context.Background(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

// What takes long, in each lane. %d makes a statement a test's own.
const (
	longTrain  = "SELECT * FROM pgml.train('long', 'regression', 'many', 'y', 'xgboost', '{\"n_estimators\": 100000}', test_sampling => 'last')"
	longStream = "SELECT pgml.predict('line', ARRAY[g, 1]::real[]) FROM generate_series(1, 100000000) g"
	longCall   = "DO $$ BEGIN LOOP PERFORM pgml.predict('line', ARRAY[random(), 1]::real[]); END LOOP; END $$"
)

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	config, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// await asks a query, straight from the server, until it gives true.
func await(t *testing.T, url, sql string, args ...any) {
	t.Helper()
	conn := connect(t, url)
	defer conn.Close(context.Background())
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		var ok bool
		if err := conn.QueryRow(context.Background(), sql, args...).Scan(&ok); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		if ok {
			return
		}
		if _, err := conn.Exec(context.Background(), "SELECT pg_sleep(0.02)"); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatalf("not true within %v: %s %v", patience, sql, args)
}

// running waits until a backend has been at work for a while.
func running(t *testing.T, url string, pid uint32) {
	t.Helper()
	await(t, url, "SELECT count(*) = 1 FROM pg_stat_activity WHERE pid = $1 AND state = 'active' AND clock_timestamp() > query_start + interval '0.3 s'", pid)
}

// ended waits until a backend has gone.
func ended(t *testing.T, url string, pid uint32) {
	t.Helper()
	await(t, url, "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $1", pid)
}

// code gives an error's SQLSTATE, or its text.
func code(err error) string {
	var pg *pgconn.PgError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &pg):
		return pg.Code
	}
	return err.Error()
}

// works reports what is wrong with predictions in every lane of a session; nil where nothing is.
func works(conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, sql := range []string{
		"SELECT pgml.predict('line', '{3,4}'::real[])",
		"SELECT pgml.predict('line', ARRAY[g, 4]::real[]) FROM generate_series(3, 3) g",
		"SELECT sum(pgml.predict('line', ARRAY[g, 4]::real[])) FROM generate_series(3, 3) g",
	} {
		var v float64
		if err := conn.QueryRow(ctx, sql).Scan(&v); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
		if v < 1 || v > 40 {
			return fmt.Errorf("%s: %v", sql, v)
		}
	}
	return nil
}
