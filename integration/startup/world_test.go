package startup

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/pgowl/pgowl/exec/embedded"
	"github.com/pgowl/pgowl/integration/pgtest"
	"github.com/pgowl/pgowl/proxy"
	"github.com/pgowl/pgowl/proxy/auth"
	"go.uber.org/zap"
)

// world is a Postgres with TLS and a role for each way to log in; their passwords are "secret".
type world struct {
	server   *pgtest.Server
	dir      string // of certificates
	programs string // folder of the server's
	ca       *certificate
	owl      *certificate // PgOwl's own
	same     *certificate // the server's
}

var shared struct {
	sync.Mutex
	world *world
	newer *world // the same with Postgres 18
	stop  []func()
}

// open gives the world that the tests share.
func open(t *testing.T) *world {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.world == nil {
		shared.world = start(t)
	}
	return shared.world
}

// programs18 are Postgres 18's programs where the set-up, or somebody, has left some.
func programs18() (embedded.Binaries, error) {
	return embedded.Find(18, filepath.Join(os.Getenv("PGOWL_DATA"), "postgres-programs", "*", "bin"))
}

// open18 is open with Postgres 18, whose protocol is 3.2; without its programs the test is skipped.
func open18(t *testing.T) *world {
	t.Helper()
	b, err := programs18()
	if err != nil {
		t.Skip("no Postgres 18 here")
	}
	shared.Lock()
	defer shared.Unlock()
	if shared.newer == nil {
		shared.newer = start(t, pgtest.Binaries(b.Dir))
	}
	return shared.newer
}

func start(t *testing.T, opts ...pgtest.Option) *world {
	t.Helper()
	dir, err := os.MkdirTemp("", "pgowl-startup-*")
	if err != nil {
		t.Fatal(err)
	}
	shared.stop = append(shared.stop, func() { os.RemoveAll(dir) })
	b, err := embedded.Find(0)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{dir: dir, programs: b.Dir, ca: issue(t, dir, "ca", nil)}
	w.owl, w.same = issue(t, dir, "owl", w.ca), issue(t, dir, "server", w.ca)
	cert, key := pgtest.PEM(t, w.same.tls)
	opts = append(opts, pgtest.File("server.crt", cert), pgtest.File("server.key", key), pgtest.Setting("ssl", "on"))
	for _, line := range []string{"host all scrammer all scram-sha-256", "host all nobody all scram-sha-256", "host all md5er all md5",
		"host all clear all password", "host all truster all trust", "hostssl all secure all scram-sha-256", "host all rejected all reject",
		"host replication scrammer all scram-sha-256"} {
		opts = append(opts, pgtest.HBA(line))
	}
	if w.server, err = pgtest.Open(opts...); err != nil {
		t.Fatal(err)
	}
	shared.stop = append(shared.stop, w.server.Remove)
	w.admin(t, func(conn *pgx.Conn) error {
		_, err := conn.Exec(context.Background(), "CREATE ROLE scrammer LOGIN REPLICATION PASSWORD 'secret'; CREATE ROLE clear LOGIN PASSWORD 'secret'; CREATE ROLE truster LOGIN;"+
			"CREATE ROLE secure LOGIN PASSWORD 'secret'; CREATE ROLE rejected LOGIN; SET password_encryption = md5; CREATE ROLE md5er LOGIN PASSWORD 'secret'")
		return err
	})
	return w
}

// admin runs f with a superuser's connection.
func (w *world) admin(t *testing.T, f func(conn *pgx.Conn) error) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), w.server.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := f(conn); err != nil {
		t.Fatal(err)
	}
}

// stored gives what the server stores for a role.
func (w *world) stored(t *testing.T, role string) (secret string) {
	t.Helper()
	w.admin(t, func(conn *pgx.Conn) error {
		return conn.QueryRow(context.Background(), "SELECT rolpassword FROM pg_authid WHERE rolname = $1", role).Scan(&secret)
	})
	return secret
}

// setup is how a proxy stands between.
type setup struct {
	upstream string // parameters of its URL, such as sslmode=require
	cert     *certificate
	clients  tls.ClientAuthType // certificates of clients
	mode     auth.Mode
	users    string // text of the users file
	rules    string // text of the map of certificates
}

// launch starts a proxy for as long as the test runs, and gives its address.
func (w *world) launch(t *testing.T, s setup) string {
	t.Helper()
	file := func(text string) string {
		if text == "" {
			return ""
		}
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	log := zap.NewNop()
	if os.Getenv("STARTUP_LOG") != "" {
		log, _ = zap.NewDevelopment()
	}
	a, err := auth.New(auth.Options{Mode: s.mode, Users: file(s.users), Map: file(s.rules), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	o := proxy.Options{Address: "127.0.0.1:0", Auth: a, Log: log,
		Upstream: fmt.Sprintf("postgres://127.0.0.1:%d/?%s", w.server.Port(), s.upstream)}
	if s.cert != nil {
		pool := x509.NewCertPool()
		pool.AddCert(w.ca.tls.Leaf)
		o.TLS = &tls.Config{Certificates: []tls.Certificate{*s.cert.tls}, NextProtos: []string{"postgresql"}, ClientCAs: pool, ClientAuth: s.clients}
	}
	p, err := proxy.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return p.Addr().String()
}

// direct is the server's own address.
func (w *world) direct() string { return fmt.Sprintf("127.0.0.1:%d", w.server.Port()) }

// conninfo is a connection string of libpq's.
func (w *world) conninfo(address, user, password string, more ...string) string {
	host, port, _ := net.SplitHostPort(address)
	return fmt.Sprintf("host=%s port=%s user=%s password=%s dbname=postgres sslrootcert=%s ", host, port, user, password, w.ca.certFile) + strings.Join(more, " ")
}
