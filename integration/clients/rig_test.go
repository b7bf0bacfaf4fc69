package clients

import (
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pgowl/pgowl/integration/pgtest"
)

// database is where the drivers' own suites run: some of them know no other.
const database = "postgres"

// rig is a server as those suites want it, and a PgOwl before it.
type rig struct {
	server          *pgtest.Server
	direct, through side
	dir             string // for what the suites write
}

// suiteRoles are those that lib/pq's suite logs in with, each in its own way.
var suiteRoles = []string{
	`CREATE ROLE pqgo LOGIN SUPERUSER`,
	`CREATE DATABASE pqgo`,
	`CREATE ROLE pqgossl LOGIN`,
	`CREATE ROLE pqgosslcert LOGIN`,
	`CREATE ROLE pqgopassword LOGIN PASSWORD 'wordpass'`,
	`CREATE ROLE pqgoscram LOGIN PASSWORD 'wordpass'`,
	`SET password_encryption = md5`,
	`CREATE ROLE pqgomd5 LOGIN PASSWORD 'wordpass'`,
	`RESET password_encryption`,
	`ALTER ROLE postgres PASSWORD 'pw'`,
}

var sharedRig struct {
	sync.Mutex
	server *pgtest.Server
	rig    *rig
}

// suitesRig gives the one rig of this test binary; the package's end stops it.
func suitesRig(t *testing.T) *rig {
	t.Helper()
	needParts(t)
	sharedRig.Lock()
	defer sharedRig.Unlock()
	if sharedRig.server == nil {
		sharedRig.server = openServer(t)
	}
	if sharedRig.rig == nil {
		sharedRig.rig = openRig(t, sharedRig.server)
	}
	return sharedRig.rig
}

func closeRig() {
	if sharedRig.rig != nil {
		sharedRig.rig.through.owl.process.Stop(limit)
	}
	if sharedRig.server != nil {
		sharedRig.server.Remove()
	}
}

// certificate reads one of lib/pq's, which server and PgOwl show.
func certificate(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(moduleFolder(t, "github.com/lib/pq"), "testdata", "ssl", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func openServer(t *testing.T) *pgtest.Server {
	t.Helper()
	server, err := pgtest.Open(
		pgtest.HBA("host all pqgomd5 all md5"), pgtest.HBA("host all pqgopassword all password"), pgtest.HBA("host all pqgoscram all scram-sha-256"),
		pgtest.HBA("hostnossl all pqgossl all reject"), pgtest.HBA("hostnossl all pqgosslcert all reject"),
		pgtest.HBA("hostssl all pqgossl all trust"), pgtest.HBA("hostssl all pqgosslcert all cert"),
		pgtest.File("server.crt", certificate(t, "server.crt")), pgtest.File("server.key", certificate(t, "server.key")),
		pgtest.File("root.crt", certificate(t, "root.crt")),
		pgtest.Setting("ssl", "on"), pgtest.Setting("ssl_ca_file", "root.crt"), pgtest.Setting("max_prepared_transactions", "10"))
	if err != nil {
		t.Fatal(err)
	}
	execute(t, server.URL("postgres"), suiteRoles...)
	return server
}

func openRig(t *testing.T, server *pgtest.Server, settings ...string) *rig {
	t.Helper()
	dir, err := os.MkdirTemp(shared.dir, "suites")
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{server: server, dir: dir}
	// A module's files can be read by everybody, which a key should not be.
	cert, key := filepath.Join(r.dir, "server.crt"), filepath.Join(r.dir, "server.key")
	for path, text := range map[string]string{cert: certificate(t, "server.crt"), key: certificate(t, "server.key")} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r.direct = side{name: "directly", host: "127.0.0.1", port: strconv.Itoa(server.Port())}
	o, err := startOwl(append([]string{"PGOWL_DATA=" + r.dir, "PGOWL_UPSTREAM=" + withUser(t, server.URL(database), "", ""),
		"PGOWL_SERVICE=" + server.URL(database), "PGOWL_TLS_CERT=" + cert, "PGOWL_TLS_KEY=" + key}, settings...)...)
	if err != nil {
		t.Fatal(err)
	}
	o.url = withHost(t, server.URL(database), o.sql)
	host, port, err := net.SplitHostPort(o.sql)
	if err != nil {
		t.Fatal(err)
	}
	r.through = side{name: "through PgOwl", host: host, port: port, owl: o}
	return r
}

func withHost(t *testing.T, server, host string) string {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = host
	return u.String()
}

// reset drops what a suite has left behind in schema public.
func (r *rig) reset(t *testing.T) {
	t.Helper()
	execute(t, r.server.URL(database), `SET client_min_messages = warning`, `DROP SCHEMA IF EXISTS public CASCADE`, `CREATE SCHEMA public`)
}

func execute(t *testing.T, url string, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for _, sql := range statements {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

// moduleFolder is where the go command keeps a module that this one needs.
func moduleFolder(t *testing.T, module string) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	dir := strings.TrimSpace(string(out))
	if err == nil && dir == "" { // known, and not fetched yet
		if err = exec.Command("go", "mod", "download", module).Run(); err == nil {
			return moduleFolder(t, module)
		}
	}
	if err != nil {
		t.Fatalf("%s: %v", module, err)
	}
	return dir
}
