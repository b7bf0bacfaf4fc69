package pgxsuite

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/pgowl/pgowl/integration/pgtest"
)

// world is the server that both sides end at.
type world struct {
	server *pgtest.Server
	certs  certificates
	copies int
}

func openWorld(t *testing.T) *world {
	t.Helper()
	c := makeCertificates(t)
	return &world{server: startServer(t, c), certs: c}
}

// copy gives a new copy of the suite's database, since its tests leave things behind.
func (w *world) copy(t *testing.T) string {
	t.Helper()
	w.copies++
	name := fmt.Sprintf("pgx_test_%d", w.copies)
	execute(t, w.server.URL("postgres"), "CREATE DATABASE "+name+" TEMPLATE pgx_test")
	return name
}

// sides gives the two ways in, each with a database of its own. PgOwl is three: one for sessions without TLS, one with TLS on both sides
// of it, and one between Unix sockets.
func (w *world) sides(t *testing.T) (direct, through side) {
	t.Helper()
	port, folder := w.server.Port(), w.server.SocketDir()
	direct = side{"direct", w.copy(t), port, port, folder, port}
	through = side{name: "through PgOwl", database: w.copy(t), socket: t.TempDir(), number: 6432}
	service := w.server.URL(through.database)
	through.plain = portOf(t, startOwl(t, w.upstream(through.database, url.Values{"sslmode": {"disable"}}), service))
	through.secure = portOf(t, startOwl(t, w.upstream(through.database, url.Values{"sslmode": {"verify-full"},
		"sslrootcert": {w.certs.caFile}, "sslcert": {w.certs.owl.certFile}, "sslkey": {w.certs.owl.keyFile}}), service,
		"PGOWL_TLS_CERT="+w.certs.server.certFile, "PGOWL_TLS_KEY="+w.certs.server.keyFile, "PGOWL_TLS_CA="+w.certs.caFile, "PGOWL_USERS="+w.users(t)))
	startOwl(t, w.upstream(through.database, url.Values{"host": {folder}}), service, "PGOWL_LISTEN="+filepath.Join(through.socket, ".s.PGSQL.6432"))
	return direct, through
}

// users gives a users file for the log-ins that end in PgOwl: a verifier as the server has it, which is all that a log-in with a
// password needs, and a password for the role that shows a certificate.
func (w *world) users(t *testing.T) string {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), w.server.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var verifier string
	if err := conn.QueryRow(context.Background(), "SELECT rolpassword FROM pg_authid WHERE rolname = 'pgx_ssl'").Scan(&verifier); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "users.txt")
	write(t, path, fmt.Sprintf("\"pgx_ssl\" %q\n\"pgx_sslcert\" %q\n", verifier, password))
	return path
}

// upstream is the server's address for PgOwl.
func (w *world) upstream(database string, settings url.Values) string {
	u := url.URL{Scheme: "postgres", Host: fmt.Sprintf("localhost:%d", w.server.Port()), Path: "/" + database}
	if settings.Has("host") {
		u.Host = ""
		settings.Set("port", strconv.Itoa(w.server.Port()))
	}
	u.RawQuery = settings.Encode()
	return u.String()
}
