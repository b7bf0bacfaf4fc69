package main

import (
	neturl "net/url"
	"testing"

	"github.com/pgowl/pgowl/integration/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// TestLogin: the client proves its password to a server that asks for SCRAM, and is refused with a wrong one.
func TestLogin(t *testing.T) {
	s := pgtest.Start(t, pgtest.Password("secret"))
	url := func(password string) string {
		u, err := neturl.Parse(s.URL("postgres"))
		if err != nil {
			t.Fatal(err)
		}
		u.User = neturl.UserPassword("postgres", password)
		return u.String()
	}
	c, err := newClient(url("secret"), false)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time with keys that are known
		l, err := c.login(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := l.query("SELECT 1"); err != nil {
			t.Error(err)
		}
		if err := l.query("SELECT nothing"); err == nil {
			t.Error("an error of the server was not seen")
		}
		l.quit()
	}
	if len(c.keys) != 1 {
		t.Errorf("%d keys for one salt", len(c.keys))
	}
	wrong, err := newClient(url("wrong"), false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wrong.login(t.Context()); err == nil {
		t.Error("a wrong password was taken")
	}
	secure, err := newClient(url("secret"), true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := secure.login(t.Context()); err == nil {
		t.Error("a server without TLS was taken for one with it")
	}
}
