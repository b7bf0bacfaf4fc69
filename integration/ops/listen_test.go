package ops

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/pgowl/pgowl/integration/pgtest"
)

// PgOwl listens on all addresses, libpq finds the unix socket by its folder, and it goes with PgOwl.
func TestSeveralAddresses(t *testing.T) {
	server := pgtest.Start(t)
	dir, err := os.MkdirTemp("", "owl") // a unix socket's path has to be short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	os.Chmod(dir, 0o777)
	o := launch(t, server.URL("postgres"), "PGOWL_LISTEN=127.0.0.1:0,"+dir+",127.0.0.1:0")
	addresses := o.logged(t, "serving", 1)[0]["addresses"].([]any)
	if len(addresses) != 3 {
		t.Fatalf("addresses: %v", addresses)
	}
	for _, a := range []any{addresses[0], addresses[2]} {
		if got := one(t, connect(t, through(server.URL("postgres"), a.(string))), "SELECT 1"); got != "1" {
			t.Errorf("%v: got %s", a, got)
		}
	}
	_, port, _ := net.SplitHostPort(o.sql)
	if want := filepath.Join(dir, ".s.PGSQL."+port); addresses[1] != want {
		t.Errorf("got %v, want %s", addresses[1], want)
	}
	// pg_stat_activity tells of the way between PgOwl and the server, so ask for something that passes both.
	if got := one(t, connect(t, server.URL("postgres"), over(addresses[1].(string))), "SELECT 2"); got != "2" {
		t.Errorf("unix: got %s", got)
	}
	if psql, err := exec.LookPath("psql"); err == nil {
		out, err := exec.Command(psql, "-X", "-At", "-h", dir, "-p", port, "-U", "postgres", "-c", "SELECT 3", "postgres").CombinedOutput()
		if err != nil || strings.TrimSpace(string(out)) != "3" {
			t.Errorf("psql: %v %s", err, out)
		}
	}
	o.signal(t, syscall.SIGTERM)
	o.ended(t)
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
