package auth

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pgowl/pgowl/integration/pgtest"
)

// patience is how long anything may take; only a hang takes that long.
const patience = 30 * time.Second

var shared struct {
	sync.Mutex
	server *pgtest.Server
	remove func()
}

// server is a Postgres with TLS, and a role for each way to log in; their passwords are "secret".
func server(t *testing.T) *pgtest.Server {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.server != nil {
		return shared.server
	}
	certificate, key := pgtest.PEM(t, pgtest.Certificate(t, "localhost", nil))
	opts := []pgtest.Option{pgtest.File("server.crt", certificate), pgtest.File("server.key", key), pgtest.Setting("ssl", "on")}
	for _, line := range []string{"host all scrammer all scram-sha-256", "host all nobody all scram-sha-256", "host all md5er all md5",
		"host all clear all password", "host all truster all trust"} {
		opts = append(opts, pgtest.HBA(line))
	}
	s, err := pgtest.Open(opts...)
	if err != nil {
		t.Fatal(err)
	}
	shared.server, shared.remove = s, s.Remove
	exec(t, "CREATE ROLE scrammer LOGIN PASSWORD 'secret'; CREATE ROLE clear LOGIN PASSWORD 'secret'; CREATE ROLE truster LOGIN;"+
		"SET password_encryption = md5; CREATE ROLE md5er LOGIN PASSWORD 'secret'")
	return s
}

// admin runs f with a superuser's connection.
func admin(t *testing.T, f func(conn *pgx.Conn) error) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), shared.server.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := f(conn); err != nil {
		t.Fatal(err)
	}
}

func exec(t *testing.T, sql string) {
	t.Helper()
	admin(t, func(conn *pgx.Conn) error { _, err := conn.Exec(context.Background(), sql); return err })
}

// stored gives what the server stores for a role.
func stored(t *testing.T, role string) (secret string) {
	t.Helper()
	admin(t, func(conn *pgx.Conn) error {
		return conn.QueryRow(context.Background(), "SELECT rolpassword FROM pg_authid WHERE rolname = $1", role).Scan(&secret)
	})
	return secret
}

// open connects to the server and sends a start-up message.
func open(t *testing.T, s *pgtest.Server, user string, secure bool) net.Conn {
	t.Helper()
	var conn net.Conn
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.Port()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	if secure {
		conn.Write([]byte{0, 0, 0, 8, 4, 210, 22, 47})
		if _, err := conn.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
	}
	if _, err := conn.Write(startup(user)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func startup(user string) []byte {
	body := []byte("\x00\x03\x00\x00user\x00" + user + "\x00database\x00postgres\x00\x00")
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body)+4)), body...)
}

// write makes a file and gives its path.
func write(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// authenticator makes one from the text of a users file.
func authenticator(t testing.TB, mode Mode, users string) *Authenticator {
	t.Helper()
	a, err := New(Options{Mode: mode, Users: write(t, users)})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// pair connects two ends: over TCP, and with a certificate inside TLS. client is nil for a client without a certificate of its own.
func pair(t *testing.T, certificate *tls.Certificate, client *tls.Config, change ...func(*tls.Config)) (clientEnd, serverEnd net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	for _, conn := range []net.Conn{c, s} {
		conn.SetDeadline(time.Now().Add(patience))
		t.Cleanup(func() { conn.Close() })
	}
	if certificate == nil {
		return c, s
	}
	if client == nil {
		client = &tls.Config{InsecureSkipVerify: true}
	}
	config := &tls.Config{Certificates: []tls.Certificate{*certificate}}
	for _, f := range change {
		f(config)
	}
	inner, outer := tls.Client(c, client), ServerTLS(s, ServerConfig(config))
	done := make(chan error, 1)
	go func() { done <- outer.Handshake() }()
	if err := inner.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return inner, outer
}

// text is what parseVerifier reads.
func (v *verifier) text() string {
	b64 := base64.StdEncoding.EncodeToString
	return verifierPrefix + strconv.Itoa(v.iterations) + ":" + b64(v.salt) + "$" + b64(v.storedKey) + ":" + b64(v.serverKey)
}
