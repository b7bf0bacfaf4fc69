package ops

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/pgowl/pgowl/integration/pgtest"
)

// message gives an error's text as the server sent it.
func message(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code + " " + pg.Message
	}
	return ""
}

// admitted tries until a connection is taken: the end of another is noticed a moment after it.
func admitted(t *testing.T, url string, options ...func(*pgx.ConnConfig)) *pgx.Conn {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		conn, err := dial(t, url, options...)
		if err == nil {
			return conn
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

func TestConnectionLimits(t *testing.T) {
	server := pgtest.Start(t)
	url := server.Database(t)
	one(t, connect(t, url), "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'limited') THEN CREATE ROLE limited LOGIN; END IF; END $$")
	as := func(user, database string) func(*pgx.ConnConfig) {
		return func(c *pgx.ConnConfig) { c.User, c.Database = user, database }
	}
	name := url[strings.LastIndex(url, "/")+1:]
	name, _, _ = strings.Cut(name, "?")
	for _, c := range []struct {
		env     string
		others  []func(*pgx.ConnConfig) // these still get in
		refused func(*pgx.ConnConfig)
		want    string
	}{
		{"PGOWL_MAX_CONNECTIONS=2", []func(*pgx.ConnConfig){as("limited", "postgres")}, as("postgres", "template1"), "53300 sorry, too many clients already"},
		{"PGOWL_MAX_ROLE_CONNECTIONS=1", []func(*pgx.ConnConfig){as("limited", name)}, as("postgres", "template1"), `53300 too many connections for role "postgres"`},
		{"PGOWL_MAX_DATABASE_CONNECTIONS=1", []func(*pgx.ConnConfig){as("postgres", "template1")}, as("limited", name), `53300 too many connections for database "` + name + `"`},
	} {
		t.Run(c.env, func(t *testing.T) {
			o := launch(t, url, c.env)
			owl := through(url, o.sql)
			first := connect(t, owl)
			for _, other := range c.others {
				connect(t, owl, other)
			}
			if _, err := dial(t, owl, c.refused); message(err) != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
			first.Close(context.Background())
			admitted(t, owl, c.refused)
		})
	}
}

// A client that says nothing, or doesn't get to the end of its log-in, is gone after the time for it, and others are served meanwhile.
func TestLoginLimits(t *testing.T) {
	server := pgtest.Start(t, pgtest.Password("secret"))
	o := launch(t, strings.Replace(server.URL("postgres"), "postgres@", "postgres:secret@", 1), "PGOWL_LOGIN_TIME=700ms", "PGOWL_MAX_LOGINS=2")
	silent, err := net.Dial("tcp", o.sql)
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	halfway, err := net.Dial("tcp", o.sql)
	if err != nil {
		t.Fatal(err)
	}
	defer halfway.Close()
	startup, _ := (&pgproto3.StartupMessage{ProtocolVersion: 196608, Parameters: map[string]string{"user": "postgres"}}).Encode(nil)
	halfway.Write(startup)
	silent.SetReadDeadline(time.Now().Add(patience))
	halfway.SetReadDeadline(time.Now().Add(patience))
	if b, err := io.ReadAll(silent); err != nil || len(b) > 0 {
		t.Errorf("silent: got %q, %v", b, err)
	}
	if b, _ := io.ReadAll(halfway); !strings.Contains(string(b), "C57014") || !strings.Contains(string(b), "canceling authentication due to timeout") {
		t.Errorf("halfway: got %q", b)
	}
	var full []net.Conn
	for range 2 {
		conn, err := net.Dial("tcp", o.sql)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		full = append(full, conn)
	}
	third, err := net.Dial("tcp", o.sql)
	if err != nil {
		t.Fatal(err)
	}
	defer third.Close()
	third.SetReadDeadline(time.Now().Add(patience))
	if b, _ := io.ReadAll(third); len(b) > 0 && !strings.Contains(string(b), "C53300") { // it may be in time for the place of one of the two
		t.Errorf("third: got %q", b)
	}
	for _, conn := range full {
		conn.Close()
	}
	admitted(t, through(strings.Replace(server.URL("postgres"), "postgres@", "postgres:secret@", 1), o.sql))
}

// A log-in that is over is over, with a pool as without: its time does not end the session, and its place is free.
func TestLoggedIn(t *testing.T) {
	url := pgtest.Start(t).Database(t)
	for _, mode := range []string{"none", "session", "transaction"} {
		o := launch(t, url, "PGOWL_POOL="+mode, "PGOWL_LOGIN_TIME=2s", "PGOWL_MAX_LOGINS=1")
		first := connect(t, through(url, o.sql))
		second := connect(t, through(url, o.sql))
		if _, err := try(first, "SELECT pg_sleep(2.5)"); err != nil {
			t.Errorf("%s: %v", mode, err)
		}
		one(t, second, "SELECT 1")
		if got := metric(t, o, `pgowl_sessions{state="idle"}`); got != 2 {
			t.Errorf("%s: %v idle sessions", mode, got)
		}
		o.signal(t, syscall.SIGTERM)
		if _, err := try(second, "SELECT 1"); err != nil && code(err) != "57P01" {
			t.Errorf("%s: at the end: %v", mode, err)
		}
		o.ended(t)
	}
}

func TestMessageLimit(t *testing.T) {
	url := pgtest.Start(t).Database(t)
	for _, driver := range drivers {
		o := launch(t, url, "PGOWL_MAX_MESSAGE=100kB", "PGOWL_DRIVER="+driver)
		conn := connect(t, through(url, o.sql))
		if got := one(t, conn, "SELECT length('"+strings.Repeat("x", 90_000)+"')"); got != "90000" {
			t.Errorf("%s: below: got %s", driver, got)
		}
		if _, err := try(conn, "SELECT '"+strings.Repeat("x", 200_000)+"'"); code(err) != "54000" {
			t.Errorf("%s: above: got %v", driver, err)
		}
		one(t, connect(t, through(url, o.sql)), "SELECT 1")
	}
}
