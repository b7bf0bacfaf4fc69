package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pgowl/pgowl/integration/pgtest"
	"github.com/pgowl/pgowl/proxy"
)

// certificate gives settings of TLS with a self-signed one.
func certificate(t *testing.T) *tls.Config {
	t.Helper()
	return &tls.Config{Certificates: []tls.Certificate{*pgtest.Certificate(t, "localhost", nil)}, NextProtos: []string{"postgresql"}}
}

// login connects with a URL's settings and tells how it went.
func login(u url.URL, address, query string) string {
	u.Host, u.RawQuery = address, query
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, u.String())
	if err != nil {
		var pg *pgconn.PgError
		if errors.As(err, &pg) {
			return pg.Severity + " " + pg.Code + " " + pg.Message
		}
		return "no server error: " + err.Error()
	}
	defer conn.Close(ctx)
	var who string
	if err := conn.QueryRow(ctx, "SELECT current_user || ' ' || current_database()").Scan(&who); err != nil {
		return err.Error()
	}
	return who
}

// Every way to log in, right and wrong, ends through the proxy as it does without.
func TestPasswords(t *testing.T) {
	w := open(t)
	server := pgtest.Start(t, pgtest.HBA("host all clear 127.0.0.1/32 password"), pgtest.HBA("host all md5 127.0.0.1/32 md5"),
		pgtest.HBA("host all scram 127.0.0.1/32 scram-sha-256"), pgtest.HBA("host all refused 127.0.0.1/32 reject"))
	upstream := server.URL("postgres")
	admin, err := pgx.Connect(context.Background(), upstream)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(context.Background())
	if _, err := admin.Exec(context.Background(), `SET password_encryption = 'md5'; CREATE ROLE md5 LOGIN PASSWORD 'right';
		SET password_encryption = 'scram-sha-256'; CREATE ROLE scram LOGIN PASSWORD 'right'; CREATE ROLE clear LOGIN PASSWORD 'right';
		CREATE ROLE refused LOGIN; CREATE ROLE trusted LOGIN; CREATE ROLE nologin NOLOGIN; CREATE ROLE full LOGIN CONNECTION LIMIT 0`); err != nil {
		t.Fatal(err)
	}
	direct := strings.TrimPrefix(strings.Split(upstream, "@")[1], "")
	direct, _, _ = strings.Cut(direct, "/")
	plain := launch(t, proxy.Options{Upstream: upstream}).Addr().String()
	secure := launch(t, proxy.Options{Upstream: upstream, TLS: certificate(t)}).Addr().String()
	for _, user := range []string{"clear", "md5", "scram", "refused", "trusted", "nologin", "full", "nobody", "postgres"} {
		for _, password := range []string{"right", "wrong", ""} {
			for _, database := range []string{"postgres", "nosuch"} {
				u := url.URL{Scheme: "postgres", User: url.UserPassword(user, password), Path: "/" + database}
				want := login(u, direct, "sslmode=disable")
				for name, got := range map[string]string{
					"proxy":            login(u, plain, "sslmode=disable"),
					"proxy, TLS asked": login(u, plain, "sslmode=prefer"),
					"TLS":              login(u, secure, "sslmode=require"),
					"without TLS":      login(u, secure, "sslmode=disable"),
				} {
					if strings.HasPrefix(want, "no server error") && strings.HasPrefix(got, "no server error") {
						continue
					}
					if got != want {
						t.Errorf("%s: %s, %q, %s: got %s, want %s", name, user, password, database, got, want)
					}
				}
			}
		}
	}
	u := url.URL{Scheme: "postgres", User: url.User("postgres"), Path: "/postgres"}
	if got := login(u, plain, "sslmode=require"); !strings.Contains(got, "refused TLS") {
		t.Errorf("TLS where there is none: %s", got)
	}
	_ = w
}

// exchange sends bytes, reads single-byte answers as given, and then messages to ReadyForQuery or the end.
func exchange(address string, sends [][]byte, bare int) (log []string) {
	c, err := dial(address, whole, 0)
	if err != nil {
		return []string{err.Error()}
	}
	defer c.close()
	for i, b := range sends {
		c.out = b
		c.send()
		if i < bare {
			c.conn.SetReadDeadline(time.Now().Add(patience))
			var answer [1]byte
			_, err := io.ReadFull(c.in, answer[:])
			if err != nil {
				return append(log, "EOF")
			}
			log = append(log, fmt.Sprintf("byte %q", answer[0]))
		}
	}
	if err := c.read("Z"); err != nil && !strings.Contains(err.Error(), "waiting for Z") {
		c.log = append(c.log, err.Error())
	}
	return append(log, c.log...)
}

func request(code uint32) []byte { return start(code)[:8:8] }

func fixed(b []byte) []byte { b[3] = byte(len(b)); return b }

// What comes before and with the start-up message.
func TestStartup(t *testing.T) {
	w := open(t)
	const ssl, gss = 80877103, 80877104
	hello := func(version uint32, settings ...string) []byte {
		return start(version, append([]string{"user", "postgres", "database", w.database}, settings...)...)
	}
	broken := hello(version30)
	broken[len(broken)-1] = 'x'
	long := hello(version30, "application_name", strings.Repeat("a", 9000))
	for name, c := range map[string]struct {
		sends [][]byte
		bare  int
	}{
		"plain":                 {[][]byte{hello(version30)}, 0},
		"settings":              {[][]byte{hello(version30, "application_name", "wire", "search_path", "pg_catalog", "options", "-c DateStyle=German -c statement_timeout=5s")}, 0},
		"unknown setting":       {[][]byte{hello(version30, "nosuch", "x")}, 0},
		"bad setting":           {[][]byte{hello(version30, "work_mem", "x")}, 0},
		"bad options":           {[][]byte{hello(version30, "options", "--nosuch")}, 0},
		"encoding":              {[][]byte{hello(version30, "client_encoding", "LATIN1")}, 0},
		"bad encoding":          {[][]byte{hello(version30, "client_encoding", "nosuch")}, 0},
		"replication":           {[][]byte{hello(version30, "replication", "database")}, 0},
		"3.2":                   {[][]byte{hello(3<<16 | 2)}, 0},
		"3.2 with extras":       {[][]byte{hello(3<<16|2, "_pq_.nosuch", "1", "_pq_.other", "2")}, 0},
		"3.9999":                {[][]byte{hello(3<<16 | 9999)}, 0},
		"2.0":                   {[][]byte{hello(2 << 16)}, 0},
		"4.0":                   {[][]byte{hello(4 << 16)}, 0},
		"no user":               {[][]byte{start(version30, "database", w.database)}, 0},
		"no database":           {[][]byte{start(version30, "user", "postgres")}, 0},
		"nothing":               {[][]byte{start(version30)}, 0},
		"no end":                {[][]byte{broken}, 0},
		"long":                  {[][]byte{long}, 0},
		"too long":              {[][]byte{hello(version30, "application_name", strings.Repeat("a", 10000))}, 0},
		"length 0":              {[][]byte{{0, 0, 0, 0}}, 0},
		"length 4":              {[][]byte{{0, 0, 0, 4}}, 0},
		"length 7":              {[][]byte{{0, 0, 0, 7, 0, 3, 0}}, 0},
		"huge":                  {[][]byte{{0x7f, 0xff, 0xff, 0xff, 0, 3, 0, 0}}, 0},
		"HTTP":                  {[][]byte{[]byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")}, 0},
		"SSL refused":           {[][]byte{fixed(request(ssl)), hello(version30)}, 1},
		"a query at once":       {[][]byte{append(hello(version30), "Q\x00\x00\x00\x0dSELECT 1\x00"...)}, 0},
		"cancel of nobody":      {[][]byte{fixed(append(request(80877102), 0, 0, 0, 1, 0, 0, 0, 2))}, 0},
		"cancel that is broken": {[][]byte{fixed(request(80877102))}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			want := exchange(w.direct.address, c.sends, c.bare)
			for _, to := range []target{w.plain, w.owl} {
				compare(t, to.name, map[int][]string{1: want}, map[int][]string{1: exchange(to.address, c.sends, c.bare)})
			}
		})
	}
	// GSS encryption is always refused; then everything is as without.
	want := exchange(w.direct.address, [][]byte{hello(version30)}, 0)
	for _, sends := range [][][]byte{
		{fixed(request(gss)), hello(version30)},
		{fixed(request(gss)), fixed(request(ssl)), hello(version30)},
		{fixed(request(ssl)), fixed(request(gss)), hello(version30)},
	} {
		want := want
		for range len(sends) - 1 {
			want = append([]string{"byte 'N'"}, want...)
		}
		for _, to := range []target{w.plain, w.owl} {
			compare(t, to.name+", GSS", map[int][]string{1: want}, map[int][]string{1: exchange(to.address, sends, len(sends)-1)})
		}
	}
}

// With a certificate: TLS by request and at once; what is stuffed behind the request is never taken for what came inside TLS.
func TestTLS(t *testing.T) {
	w := open(t)
	address := launch(t, proxy.Options{Upstream: w.url, Engine: w.engine, TLS: certificate(t)}).Addr().String()
	hello := start(version30, "user", "postgres", "database", w.database)
	ssl := fixed(request(80877103))

	t.Run("stuffed", func(t *testing.T) {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.Write(append(append([]byte(nil), ssl...), hello...))
		conn.SetReadDeadline(time.Now().Add(patience))
		answer, err := io.ReadAll(conn)
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			t.Fatal("the proxy waits for more")
		}
		if !strings.HasPrefix(string(answer), "E") || !strings.Contains(string(answer), "C08P01") || strings.Contains(string(answer), "server_version") {
			t.Errorf("got %q", answer)
		}
	})
	t.Run("stuffed before a handshake", func(t *testing.T) {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(patience))
		conn.Write(append(append([]byte(nil), ssl...), hello...))
		if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		if err := tls.Client(conn, &tls.Config{InsecureSkipVerify: true}).Handshake(); err == nil {
			t.Error("the handshake went on behind bytes in the clear")
		}
	})
	for _, protocols := range [][]string{{"postgresql"}, nil, {"h2"}} {
		conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, NextProtos: protocols})
		ok := false
		if err == nil {
			conn.SetDeadline(time.Now().Add(patience))
			conn.Write(hello)
			head := make([]byte, 1)
			_, err = io.ReadFull(conn, head)
			ok = err == nil && head[0] == 'R'
			conn.Close()
		}
		if want := len(protocols) > 0 && protocols[0] == "postgresql"; ok != want {
			t.Errorf("TLS at once with protocols %v: %v, want %v (%v)", protocols, ok, want, err)
		}
	}
	t.Run("cancel and the stack", func(t *testing.T) {
		conn, err := pgx.Connect(context.Background(), "postgres://postgres@"+address+"/"+w.database+"?sslmode=require")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.Background())
		var v float32
		if err := conn.QueryRow(context.Background(), "SELECT pgml.predict('line', $1::real[])", []float32{3, 4}).Scan(&v); err != nil || v < 1 {
			t.Errorf("predict: %v %v", v, err)
		}
		done := make(chan error, 1)
		go func() {
			_, err := conn.PgConn().Exec(context.Background(), "SELECT pg_sleep(71)").ReadAll()
			done <- err
		}()
		if err := w.await("SELECT count(*) = 1 FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(71)' AND wait_event = 'PgSleep'"); err != nil {
			t.Fatal(err)
		}
		if err := conn.PgConn().CancelRequest(context.Background()); err != nil {
			t.Fatal(err)
		}
		var pg *pgconn.PgError
		if err := <-done; !errors.As(err, &pg) || pg.Code != "57014" {
			t.Errorf("cancel: %v", err)
		}
	})
}
