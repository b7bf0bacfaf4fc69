package startup

import (
	"strings"
	"testing"

	"github.com/pgowl/pgowl/proxy/auth"
)

// Whichever hop has TLS and whatever the server asks, clients see what they see without PgOwl.
func TestLogins(t *testing.T) {
	w := open(t)
	answers := map[string]string{} // of the server itself
	users := `"scrammer" "` + w.stored(t, "scrammer") + `"` + "\n" + `"secure" "secret"` + "\n" + `"md5er" "` + w.stored(t, "md5er") + `"` + "\n" + `"clear" "secret"`
	for _, s := range []struct {
		name string
		setup
		inTLS bool // clients come with TLS
	}{
		{"plain, plain", setup{upstream: "sslmode=disable"}, false},
		{"plain, TLS", setup{upstream: "sslmode=require"}, false},
		{"TLS, plain", setup{upstream: "sslmode=disable", cert: w.owl}, true},
		{"TLS, TLS", setup{upstream: "sslmode=require", cert: w.owl}, true},
		{"TLS, TLS, users known", setup{upstream: "sslmode=require", cert: w.owl, users: users}, true},
		{"TLS, TLS, binding required upstream", setup{upstream: "sslmode=require&channel_binding=require", cert: w.owl}, true},
		{"TLS, TLS, the same certificate", setup{upstream: "sslmode=require", cert: w.same}, true},
		{"TLS, TLS, passwords", setup{upstream: "sslmode=require", cert: w.owl, mode: auth.Password}, true},
		{"plain, plain, users", setup{upstream: "sslmode=disable", mode: auth.Users, users: users}, false},
		{"plain, TLS, users", setup{upstream: "sslmode=require", mode: auth.Users, users: users}, false},
		{"TLS, plain, users", setup{upstream: "sslmode=disable", cert: w.owl, mode: auth.Users, users: users}, true},
		{"TLS, TLS, users", setup{upstream: "sslmode=require", cert: w.owl, mode: auth.Users, users: users}, true},
	} {
		t.Run(s.name, func(t *testing.T) {
			address := w.launch(t, s.setup)
			tlsUp := strings.Contains(s.upstream, "require")
			for _, c := range clients(t)[:2] {
				for _, l := range []struct{ user, password string }{
					{"scrammer", "secret"}, {"scrammer", "wrong"}, {"nobody", "secret"}, {"md5er", "secret"}, {"md5er", "wrong"},
					{"clear", "secret"}, {"clear", "wrong"}, {"truster", "x"}, {"secure", "secret"}, {"rejected", "x"},
				} {
					if !same(s.setup, l.user, s.inTLS, tlsUp) {
						continue
					}
					mode := "sslmode=disable"
					if s.inTLS {
						mode = "sslmode=verify-full"
					}
					// The server looks at its own hop, so this one is asked for what is there.
					direct := "sslmode=disable"
					if tlsUp {
						direct = "sslmode=require"
					}
					key := c.name + direct + l.user + l.password
					if answers[key] == "" {
						answers[key] = c.run(t, w.conninfo(w.direct(), l.user, l.password, direct))
					}
					want := answers[key]
					got := c.run(t, w.conninfo(address, l.user, l.password, mode))
					if got != want {
						t.Errorf("%s, %s %s: got %q, want %q", c.name, l.user, l.password, got, want)
					}
				}
			}
		})
	}
}

// same tells whether a log-in is one that goes through PgOwl as it goes without it; the others have tests of their own.
func same(s setup, user string, inTLS, tlsUp bool) bool {
	if s.mode == auth.Users && (user == "truster" || user == "md5er" && !inTLS) {
		return false // nobody is in by the server's trust; md5 is taken inside TLS alone
	}
	if (s.mode == auth.Users || s.users != "") && user == "clear" && !tlsUp {
		return false // a password known to PgOwl is not sent in clear
	}
	if strings.Contains(s.upstream, "channel_binding=require") && (user == "md5er" || user == "clear" || user == "truster") {
		return false // those cannot be bound
	}
	return true
}

// What libpq may insist on works where it can work, and fails where PgOwl has no way.
func TestInsistence(t *testing.T) {
	w := open(t)
	verifiers := `"scrammer" "` + w.stored(t, "scrammer") + `"`
	relay := w.launch(t, setup{upstream: "sslmode=require", cert: w.owl})
	known := w.launch(t, setup{upstream: "sslmode=verify-full&channel_binding=require&sslrootcert=" + w.ca.certFile, cert: w.owl, users: verifiers})
	users := w.launch(t, setup{upstream: "sslmode=disable", cert: w.owl, mode: auth.Users, users: verifiers})
	alike := w.launch(t, setup{upstream: "sslmode=require", cert: w.same})
	plain := w.launch(t, setup{upstream: "sslmode=require&channel_binding=require"})
	const in = "scrammer"
	for _, c := range []struct {
		name, address, options string
		user, want             string // want: how the answer of every client starts, or what it holds behind *
		since                  int    // of libpq, which knows the option
	}{
		{"binding, users known", known, "sslmode=verify-full channel_binding=require", "scrammer", in, 13},
		{"binding, mode users", users, "sslmode=verify-full channel_binding=require", "scrammer", in, 13},
		{"binding, same certificate", alike, "sslmode=verify-full channel_binding=require", "scrammer", in, 13},
		{"binding, relayed", relay, "sslmode=verify-full channel_binding=require", "scrammer", "*channel binding required", 13},
		{"no binding, relayed", relay, "sslmode=verify-full channel_binding=disable", "scrammer", in, 13},
		{"no binding, users known", known, "sslmode=verify-full channel_binding=disable", "scrammer", in, 13},
		{"outside TLS, users known", known, "sslmode=disable", "scrammer", in, 13},
		{"outside TLS, not known, binding required upstream", plain, "sslmode=disable", "scrammer", "*a password is asked for only inside TLS", 13},
		{"nothing to bind upstream", known, "sslmode=require", "truster", "*channel binding is required, but the server asks for no log-in", 13},
		{"SCRAM or nothing, users known", known, "sslmode=require require_auth=scram-sha-256", "scrammer", in, 16},
		{"SCRAM or nothing, relayed", relay, "sslmode=require require_auth=scram-sha-256", "scrammer", "*server requested", 16},
		{"SCRAM or nothing, same certificate", alike, "sslmode=require require_auth=scram-sha-256", "scrammer", in, 16},
		{"direct TLS", relay, "sslmode=verify-full sslnegotiation=direct", "scrammer", in, 17},
		{"direct TLS, binding", known, "sslmode=verify-full sslnegotiation=direct channel_binding=require", "scrammer", in, 17},
	} {
		for _, cl := range clients(t) {
			if cl.name == "psql" && c.since > 15 {
				continue
			}
			t.Run(c.name+", "+cl.name, func(t *testing.T) {
				got := cl.run(t, w.conninfo(c.address, c.user, "secret", c.options))
				if want, part := strings.CutPrefix(c.want, "*"); part && !strings.Contains(got, want) || !part && got != want {
					t.Errorf("got %q, want %q", got, c.want)
				}
			})
		}
	}
}
