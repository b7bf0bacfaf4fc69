package vectorize

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pgowl/pgowl/exec"
	"github.com/pgowl/pgowl/integration/owltest"
	"github.com/pgowl/pgowl/integration/pgtest"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

func TestMain(m *testing.M) {
	pgtest.MainLeaks(m, pgtest.StopShared, "github.com/pgowl/pgowl", "riverqueue/river")
}

// patience is how long a test waits for what takes a second; only a hang takes that long.
const patience = 3 * time.Minute

const model = "all-MiniLM-L6-v2"

// world is a database whose stack belongs to a role that is no superuser, with a role alice who owns tables and a role bob who does not.
type world struct {
	t                 *testing.T
	url               string // of the server, as superuser
	owner, alice, bob string
	owl               string               // URL through the proxy, as alice
	stop              func()               // ends it
	metrics           *prometheus.Registry // of the last proxy that was started
	me                *pgx.Conn            // alice, through the proxy
	super             *pgx.Conn            // straight
}

// open makes a world. It skips the test where there is no model.
func open(t *testing.T) *world {
	t.Helper()
	if os.Getenv("PGOWL_MODELS") == "" || os.Getenv("PGOWL_ONNXRUNTIME") == "" {
		t.Skip("needs a model: eval \"$(bin/setup -env)\"")
	}
	w := &world{t: t, url: pgtest.Database(t)}
	w.super = w.dial(w.url)
	var name string
	if err := w.super.QueryRow(t.Context(), "SELECT current_database()").Scan(&name); err != nil {
		t.Fatal(err)
	}
	w.owner, w.alice, w.bob = "owner_"+name, "alice_"+name, "bob_"+name
	w.run(w.super, fmt.Sprintf(`CREATE ROLE %s LOGIN; CREATE ROLE %s LOGIN; CREATE ROLE %s LOGIN; GRANT CREATE ON DATABASE %s TO %[1]s;
		CREATE SCHEMA AUTHORIZATION %[2]s; GRANT USAGE ON SCHEMA %[2]s TO %[3]s`, w.owner, w.alice, w.bob, name))
	t.Cleanup(func() {
		conn, err := pgx.Connect(context.Background(), w.url)
		if err != nil {
			return
		}
		defer conn.Close(context.Background())
		for _, role := range []string{w.bob, w.alice, w.owner} {
			if _, err := conn.Exec(context.Background(), fmt.Sprintf("DROP OWNED BY %s CASCADE; DROP ROLE %[1]s", role)); err != nil {
				t.Error(err)
			}
		}
	})
	w.owl, w.stop = w.proxy()
	w.me = w.dial(w.owl)
	return w
}

// proxy starts a PgOwl.
func (w *world) proxy() (owl string, stop func()) {
	w.t.Helper()
	return w.proxyWith(os.Getenv("PGOWL_MODELS"))
}

// proxyWith starts one with another model folder.
func (w *world) proxyWith(models string) (owl string, stop func()) {
	w.t.Helper()
	log := zap.NewNop()
	if os.Getenv("VECTORIZE_LOG") != "" {
		log, _ = zap.NewDevelopment()
	}
	w.metrics = prometheus.NewRegistry()
	return owltest.Start(w.t, w.as(w.alice), exec.Options{Registry: w.metrics, Service: w.as(w.owner), Models: models, Library: os.Getenv("PGOWL_ONNXRUNTIME"), Vectorize: true, Log: log})
}

func (w *world) as(role string) string {
	u, err := url.Parse(w.url)
	if err != nil {
		w.t.Fatal(err)
	}
	u.User = url.User(role)
	return u.String()
}

func (w *world) dial(url string) *pgx.Conn {
	w.t.Helper()
	config, err := pgx.ParseConfig(url)
	if err != nil {
		w.t.Fatal(err)
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	conn, err := pgx.ConnectConfig(w.t.Context(), config)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func (w *world) run(conn *pgx.Conn, sql string) {
	w.t.Helper()
	if _, err := conn.Exec(w.t.Context(), sql); err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
}

// refused runs a statement that must fail.
func (w *world) refused(conn *pgx.Conn, code, sql string) {
	w.t.Helper()
	_, err := conn.Exec(w.t.Context(), sql)
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != code {
		w.t.Errorf("%s: got %v, want SQLSTATE %s", sql, err, code)
	}
}

// ask gives a query's one value as a text.
func (w *world) ask(conn *pgx.Conn, sql string) string {
	w.t.Helper()
	var text string
	if err := conn.QueryRow(w.t.Context(), "SELECT coalesce(("+sql+")::text, 'NULL')").Scan(&text); err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
	return text
}

// await asks until the answer is what is wanted.
func (w *world) await(sql, want string) {
	w.t.Helper()
	var got string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); w.run(w.super, "SELECT pg_sleep(0.05)") {
		if got = w.ask(w.super, sql); got == want {
			return
		}
	}
	w.t.Fatalf("%s: got %s, want %s; %s", sql, got, want, w.ask(w.super, "SELECT json_agg(s) FROM pgml.vectorize_status s"))
}

// settled waits until nothing is left to do, failures aside.
func (w *world) settled() {
	w.t.Helper()
	w.await(`SELECT (SELECT count(*) FROM pgml.vectorized WHERE backfill <> 'done') + (SELECT count(*) FROM pgml.vector_queue)`, "0")
}

// same compares each vector of a column without a splitter with what pgml.embed says of the row's text now.
func (w *world) same(id, table, key, body string) {
	w.t.Helper()
	check := w.dial(w.superOwl())
	defer check.Close(w.t.Context())
	for what, sql := range map[string]string{
		"rows without a vector":    fmt.Sprintf("SELECT count(*) FROM %s t WHERE %s IS NOT NULL AND NOT EXISTS (SELECT FROM pgml.vectors_%s v WHERE v.k1 = t.%s)", table, body, id, key),
		"vectors without a row":    fmt.Sprintf("SELECT count(*) FROM pgml.vectors_%s v WHERE NOT EXISTS (SELECT FROM %s t WHERE v.k1 = t.%s AND %s IS NOT NULL)", id, table, key, body),
		"vectors of another text":  fmt.Sprintf("SELECT count(*) FROM pgml.vectors_%s v JOIN %s t ON v.k1 = t.%s WHERE v.body_hash <> sha256(convert_to(t.%s, 'UTF8'))", id, table, key, body),
		"rows counted differently": fmt.Sprintf("SELECT abs(rows_embedded - (SELECT count(DISTINCT k1) FROM pgml.vectors_%s)) + abs(vectors - (SELECT count(*) FROM pgml.vectors_%[1]s)) FROM pgml.vectorized WHERE id = %[1]s", id),
	} {
		if got := w.ask(check, sql); got != "0" {
			w.t.Errorf("%s %s", got, what)
		}
	}
	if got := w.ask(check, fmt.Sprintf(`SELECT coalesce(min(pgml.cosine_similarity(v.embedding, e.e)), 1) > 0.99999 FROM pgml.vectors_%s v
		JOIN (SELECT t.%s AS key, pgml.embed('%s', t.%s) AS e FROM %s t WHERE t.%[4]s IS NOT NULL) e ON e.key = v.k1`, id, key, model, body, table)); got != "true" {
		w.t.Errorf("vectors are not those of their texts")
	}
}

// superOwl is the URL through the proxy as superuser.
func (w *world) superOwl() string {
	u, err := url.Parse(w.owl)
	if err != nil {
		w.t.Fatal(err)
	}
	super, err := url.Parse(w.url)
	if err != nil {
		w.t.Fatal(err)
	}
	u.User = super.User
	return u.String()
}
