package main

import (
	"net/url"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/integration/pgtest"
)

// TestReachUpstream: a role is not missed, a database and a server are.
func TestReachUpstream(t *testing.T) {
	with := func(change func(u *url.URL)) string {
		u, err := url.Parse(pgtest.Database(t))
		if err != nil {
			t.Fatal(err)
		}
		change(u)
		return u.String()
	}
	for url, want := range map[string]string{
		with(func(*url.URL) {}): "Postgres ",
		with(func(u *url.URL) { u.User = url.User("nobody_at_all") }):     "a Postgres answers; clients log in as themselves",
		with(func(u *url.URL) { u.Path = "/no_such_database" }):           "!3D000",
		with(func(u *url.URL) { u.Host, u.RawQuery = "127.0.0.1:1", "" }): "!refused",
	} {
		got, err := reachUpstream(t.Context(), url)
		if err != nil {
			got = "!" + err.Error()
		}
		if !strings.HasPrefix(got, want[:1]) || !strings.Contains(got, want[1:]) {
			t.Errorf("%s: got %s, want %s", url, got, want)
		}
	}
}
