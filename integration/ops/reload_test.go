package ops

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pgowl/pgowl/integration/pgtest"
)

// writePair makes a certificate with a serial number.
func writePair(t *testing.T, dir string, serial int64) (cert, key string) {
	t.Helper()
	priv, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &priv.PublicKey, priv)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(priv)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "owl.crt"), filepath.Join(dir, "owl.key")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "EC PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// SIGHUP puts the settings that can be changed into force for new sessions; those that are there go on. What can't be is named, and a
// mistake changes nothing.
func TestReload(t *testing.T) {
	server := pgtest.Start(t)
	first := server.Database(t)
	dir := t.TempDir()
	cert, key := writePair(t, dir, 1)
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
	var serial int64
	secure := func(c *pgx.ConnConfig) {
		c.TLSConfig = &tls.Config{InsecureSkipVerify: true, VerifyConnection: func(s tls.ConnectionState) error {
			serial = s.PeerCertificates[0].SerialNumber.Int64()
			return nil
		}}
	}
	old := connect(t, owl, secure)
	one(t, old, "CREATE TEMP TABLE mine (a int)")
	if serial != 1 {
		t.Errorf("certificate before: %d", serial)
	}

	writePair(t, dir, 2)
	write(files + "max_connections = 2\nlog_level = debug\npool_size = 7\nhttp = 127.0.0.1:1\n")
	o.signal(t, syscall.SIGHUP)
	kept := o.logged(t, "these settings take effect with the next start only", 1)[0]["settings"].([]any)
	o.logged(t, "the settings were read again", 1)
	if len(kept) != 1 || kept[0] != "pool_size" { // http is the environment's in this test
		t.Errorf("kept: %v", kept)
	}
	connect(t, owl, secure)
	if serial != 2 {
		t.Errorf("certificate afterwards: %d", serial)
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
