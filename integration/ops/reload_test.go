package ops

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/pgowl/pgowl/integration/pgtest"
)

// SIGHUP puts the settings that can be changed into force for new sessions; those that are there go on. What can't be is named, and a
// mistake changes nothing.
func TestReload(t *testing.T) {
	server := pgtest.Start(t)
	first := server.Database(t)
	dir := t.TempDir()
	before, after := pgtest.Certificate(t, "owl", nil), pgtest.Certificate(t, "owl", nil)
	cert, key := pgtest.PEMFiles(t, dir, "owl", before)
	config := filepath.Join(dir, "pgowl.conf")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files := "tls_cert = " + cert + "\ntls_key = " + key + "\n"
	write(files)
	o := launch(t, first, "PGOWL_CONFIG="+config)
	owl := through(first, o.sql)
	var shown *x509.Certificate
	secure := func(c *pgx.ConnConfig) {
		c.TLSConfig = &tls.Config{InsecureSkipVerify: true, VerifyConnection: func(s tls.ConnectionState) error {
			shown = s.PeerCertificates[0]
			return nil
		}}
	}
	old := connect(t, owl, secure)
	one(t, old, "CREATE TEMP TABLE mine (a int)")
	if !shown.Equal(before.Leaf) {
		t.Errorf("certificate before: %v", shown.SerialNumber)
	}

	pgtest.PEMFiles(t, dir, "owl", after)
	write(files + "max_connections = 2\nlog_level = debug\npool_size = 7\nhttp = 127.0.0.1:1\n")
	o.signal(t, syscall.SIGHUP)
	kept := o.logged(t, "these settings take effect with the next start only", 1)[0]["settings"].([]any)
	o.logged(t, "the settings were read again", 1)
	if len(kept) != 1 || kept[0] != "pool_size" { // http is the environment's in this test
		t.Errorf("kept: %v", kept)
	}
	connect(t, owl, secure)
	if !shown.Equal(after.Leaf) {
		t.Errorf("certificate afterwards: %v", shown.SerialNumber)
	}
	if _, err := dial(t, owl, secure); code(err) != "53300" {
		t.Errorf("the new limit: got %v", err)
	}
	o.logged(t, "connection received", 1) // the new log level
	if got := one(t, old, "SELECT count(*) FROM mine"); got != "0" {
		t.Errorf("the old session: got %s", got)
	}

	write(files + "max_connections = many\n")
	o.signal(t, syscall.SIGHUP)
	o.logged(t, "the settings stay as they are", 1)
	if _, err := dial(t, owl, secure); code(err) != "53300" {
		t.Errorf("the limit after a mistake: got %v", err)
	}
}
