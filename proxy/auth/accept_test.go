package auth

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/integration/pgtest"
	"github.com/pgowl/pgowl/proxy/protocol"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// verifierText gives what a server would store for a password.
func verifierText(t testing.TB, password string) string {
	t.Helper()
	keys, err := deriveKeys(password, []byte("0123456789abcdef"), 4096)
	if err != nil {
		t.Fatal(err)
	}
	return keys.verifier().text()
}

// Whoever proves a right secret is accepted, inside TLS and outside, and what Accept gives opens a server that stores the same.
func TestAcceptUsers(t *testing.T) {
	certificate := pgtest.Certificate(t, "localhost", nil)
	users := `"plain" "secret"` + "\n" + `"stored" "` + verifierText(t, "secret") + `"` + "\n" + `"hashed" "` + md5Hash("secret", "hashed") + `"` + "\n" + `"empty" ""`
	a := authenticator(t, Users, users)
	for _, inTLS := range []bool{false, true} {
		for _, binding := range []string{"prefer", "require", "disable"} {
			for _, c := range []struct {
				user, password string
				code           string
				scram          bool
			}{
				{"plain", "secret", "", true},
				{"plain", "wrong", "28P01", true},
				{"stored", "secret", "", true},
				{"stored", "wrong", "28P01", true},
				{"hashed", "secret", "", false},
				{"hashed", "wrong", "28P01", false},
				{"nobody", "secret", "28P01", true},
				{"empty", "", "28P01", true},
				{"empty", "x", "28P01", true},
			} {
				t.Run(fmt.Sprintf("%s %s, TLS %v, binding %s", c.user, c.password, inTLS, binding), func(t *testing.T) {
					cert := certificate
					if !inTLS {
						cert = nil
					}
					clientEnd, serverEnd := pair(t, cert, nil)
					want := c.code
					if c.user == "hashed" && !inTLS {
						want = "28000"
					}
					if binding == "require" && (!inTLS || !c.scram) {
						want = "the client's"
					}
					secret, err, clientErr := accepted(t, a, c.user, clientEnd, serverEnd, func(conn net.Conn) error {
						defer conn.Close()
						p := c.password
						if p == "" {
							p = "x"
						}
						return Prove(context.Background(), conn, c.user, Secret{Password: p}, ProveOptions{ChannelBinding: binding})
					})
					var own *Error
					switch {
					case want == "":
						if err != nil || clientErr != nil {
							t.Fatalf("Accept: %v; the client: %v", err, clientErr)
						}
					case want == "the client's":
						// PgOwl has nothing to bind to: the client does not go on.
						if err == nil || clientErr == nil {
							t.Errorf("Accept: %v; the client: %v", err, clientErr)
						}
						return
					default:
						var told *ServerError
						if !errors.As(err, &own) || own.Code != want {
							t.Errorf("Accept: %v, want %s", err, want)
						}
						if !errors.As(clientErr, &told) || fields(told.Message)['C'] != want {
							t.Errorf("the client: %v, want %s", clientErr, want)
						}
						return
					}
					// The same stored secret stands at a server behind.
					behind := authenticator(t, Users, users)
					upstream, other := pair(t, certificate, nil)
					_, err, proveErr := accepted(t, behind, c.user, upstream, other, func(conn net.Conn) error {
						return Prove(context.Background(), conn, c.user, secret, ProveOptions{})
					})
					if err != nil || proveErr != nil {
						t.Errorf("at the server behind: %v; %v", err, proveErr)
					}
				})
			}
		}
	}
}

// Where the password has to be asked for, it is asked for inside TLS and on Unix sockets alone.
func TestAcceptPassword(t *testing.T) {
	certificate := pgtest.Certificate(t, "localhost", nil)
	users := `"known" "secret"`
	for _, c := range []struct {
		mode  Mode
		user  string
		inTLS bool
		want  string // the password that came, or SQLSTATE
	}{
		{Password, "known", true, "typed"},
		{Password, "nobody", true, "typed"},
		{Password, "known", false, "28000"},
		{Relay, "nobody", true, "typed"},
		{Relay, "nobody", false, "28000"},
		{Relay, "known", true, "28P01"},
		{Relay, "known", false, "28P01"},
	} {
		cert := certificate
		if !c.inTLS {
			cert = nil
		}
		clientEnd, serverEnd := pair(t, cert, nil)
		secret, err, _ := accepted(t, authenticator(t, c.mode, users), c.user, clientEnd, serverEnd, func(conn net.Conn) error {
			defer conn.Close()
			return Prove(context.Background(), conn, c.user, Secret{Password: "typed"}, ProveOptions{})
		})
		got := secret.Password
		var own *Error
		if errors.As(err, &own) {
			got = own.Code
		}
		if got != c.want {
			t.Errorf("%s %s, TLS %v: got %q (%v), want %q", c.mode, c.user, c.inTLS, got, err, c.want)
		}
	}
	t.Run("unix socket", func(t *testing.T) {
		l, err := net.Listen("unix", t.TempDir()+"/s")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		clientEnd, err := net.Dial("unix", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer clientEnd.Close()
		serverEnd, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer serverEnd.Close()
		secret, err, clientErr := accepted(t, authenticator(t, Relay, ""), "nobody", clientEnd, serverEnd, func(conn net.Conn) error {
			return Prove(context.Background(), conn, "nobody", Secret{Password: "typed"}, ProveOptions{})
		})
		if secret.Password != "typed" || err != nil || clientErr != nil {
			t.Errorf("got %v, %v", err, clientErr)
		}
	})
}

// Somebody in between who passes TLS on with a certificate of his own gets no further than the binding.
func TestBindingToAnotherCertificate(t *testing.T) {
	a := authenticator(t, Users, `"u" "secret"`)
	clientEnd, serverEnd := pair(t, pgtest.Certificate(t, "localhost", nil), nil)
	other := bindingData(pgtest.Certificate(t, "localhost", nil).Leaf)
	_, err, _ := accepted(t, a, "u", clientEnd, serverEnd, func(conn net.Conn) error {
		defer conn.Close()
		if _, err := ReadMessage(conn); err != nil {
			return err
		}
		c, err := newScramClient(Secret{Password: "secret"}, []string{scramPlus}, other, "", newNonce())
		if err != nil {
			return err
		}
		conn.Write([]byte(sasl(scramPlus, c.first())))
		m, err := ReadMessage(conn)
		if err != nil {
			return err
		}
		last, err := c.answer(string(m[protocol.HeaderSize+4:]))
		if err != nil {
			return err
		}
		_, err = conn.Write([]byte(response(last)))
		return err
	})
	var own *Error
	if !errors.As(err, &own) || own.Code != "28000" || own.Message != "SCRAM channel binding check failed" {
		t.Errorf("got %v", err)
	}
}

// The binding is to the certificate that this connection was shown, of several and of one that came with a reload.
func TestBindingToTheCertificateShown(t *testing.T) {
	first, second := pgtest.Certificate(t, "a", nil), pgtest.Certificate(t, "b", nil)
	choice := first
	chosen := func(c *tls.Config) {
		c.Certificates = nil
		c.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return choice, nil }
	}
	forClient := func(c *tls.Config) {
		*c = tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return &tls.Config{Certificates: []tls.Certificate{*choice}}, nil
		}}
	}
	a := authenticator(t, Users, `"u" "secret"`)
	for _, way := range []func(*tls.Config){chosen, forClient} {
		for _, choice = range []*tls.Certificate{first, second} {
			clientEnd, serverEnd := pair(t, first, nil, way)
			_, err, clientErr := accepted(t, a, "u", clientEnd, serverEnd, func(conn net.Conn) error {
				return Prove(context.Background(), conn, "u", Secret{Password: "secret"}, ProveOptions{ChannelBinding: "require"})
			})
			if err != nil || clientErr != nil {
				t.Errorf("%v, %v", err, clientErr)
			}
		}
	}
}

// A certificate is enough where it maps to the role and the users file can prove the role; else a password is asked for.
func TestAcceptCertificate(t *testing.T) {
	ca := pgtest.Certificate(t, "ca", nil)
	pool := x509.NewCertPool()
	pool.AddCert(ca.Leaf)
	verify := func(c *tls.Config) { c.ClientCAs, c.ClientAuth = pool, tls.VerifyClientCertIfGiven }
	unverified := func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert }
	users := `"ann" "secret"` + "\n" + `"bob" "` + verifierText(t, "secret") + `"` + "\n" + `"ops" "md5aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"`
	rules := "# who is who\nann bob\n\"mary ann\" ann # a comment\n/^(.*)@example\\.com$ \\1\n/^team- ops\n"
	for _, c := range []struct {
		name, common, user string
		mapped             bool
		verify             func(*tls.Config)
		accepted           bool
	}{
		{"name", "ann", "ann", false, verify, true},
		{"another name", "bob", "ann", false, verify, false},
		{"nobody's", "nobody", "nobody", false, verify, false},
		{"a verifier proves nothing", "bob", "bob", false, verify, false},
		{"not verified", "ann", "ann", false, unverified, false},
		{"mapped", "mary ann", "ann", true, verify, true},
		{"a map replaces the rule of names", "ann", "ann", true, verify, false},
		{"group", "ann@example.com", "ann", true, verify, true},
		{"group, no match", "ann@example.org", "ann", true, verify, false},
		{"pattern", "team-1", "ops", true, verify, true},
		{"pattern, another role", "team-1", "ann", true, verify, false},
		{"zero byte", "ann\x00.example", "ann", false, verify, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := Options{Mode: Relay, Users: write(t, users)}
			if c.mapped {
				o.Map = write(t, rules)
			}
			a, err := New(o)
			if err != nil {
				t.Fatal(err)
			}
			own := pgtest.Certificate(t, c.common, ca)
			clientEnd, serverEnd := pair(t, ca, &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{*own}}, c.verify)
			secret, err, clientErr := accepted(t, a, c.user, clientEnd, serverEnd, func(conn net.Conn) error {
				defer conn.Close()
				m, err := ReadMessage(conn)
				if err == nil && !bytes.Equal(m, request(requestOK, nil)) {
					err = errors.New("was asked")
				}
				return err
			})
			if c.accepted != (err == nil && clientErr == nil) {
				t.Errorf("Accept: %v, the client: %v", err, clientErr)
			}
			if c.accepted && secret.Password == "" && secret.md5 == "" {
				t.Error("nothing to prove with")
			}
		})
	}
}

// Two who don't exist and one who does are not told apart by what they are asked.
func TestMockExchange(t *testing.T) {
	a := authenticator(t, Users, `"real" "secret"`)
	salts := map[string]string{}
	for range 2 {
		for _, user := range []string{"real", "nobody", "somebody"} {
			clientEnd, serverEnd := pair(t, nil, nil)
			accepted(t, a, user, clientEnd, serverEnd, func(conn net.Conn) error {
				defer conn.Close()
				ReadMessage(conn)
				conn.Write([]byte(sasl(scram, "n,,n=,r=abc")))
				m, err := ReadMessage(conn)
				if err != nil {
					t.Fatal(err)
				}
				_, rest, _ := attribute('r', string(m[protocol.HeaderSize+4:]))
				if before := salts[user]; before != "" && before != rest {
					t.Errorf("%s: %q, and then %q", user, before, rest)
				}
				salts[user] = rest
				return nil
			})
		}
	}
	if len(salts["real"]) != len(salts["nobody"]) || salts["nobody"] == salts["somebody"] || salts["nobody"] == "" {
		t.Errorf("%q", salts)
	}
}

// A file that is broken changes nothing; one that is right counts from the next log-in on.
func TestReload(t *testing.T) {
	path := write(t, `"u" "old"`)
	a, err := New(Options{Mode: Users, Users: path})
	if err != nil {
		t.Fatal(err)
	}
	login := func(password string) error {
		clientEnd, serverEnd := pair(t, nil, nil)
		_, err, _ := accepted(t, a, "u", clientEnd, serverEnd, func(conn net.Conn) error {
			return Prove(context.Background(), conn, "u", Secret{Password: password}, ProveOptions{})
		})
		return err
	}
	for _, c := range []struct{ text, password string }{{`"u" "new"`, "new"}, {"\"u\" \"newer\"\n\"broken", "new"}, {"", ""}, {`"u" "last"`, "last"}} {
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		err := a.Reload()
		if broken := strings.Contains(c.text, "broken"); broken != (err != nil) {
			t.Errorf("%q: %v", c.text, err)
		} else if broken && strings.Contains(err.Error(), "newer") {
			t.Errorf("the error shows what is in the file: %v", err)
		}
		if got := login(c.password); (got == nil) != (c.password != "") {
			t.Errorf("%q, password %q: %v", c.text, c.password, got)
		}
		if got := login("old"); got == nil {
			t.Errorf("%q: the old password is still good", c.text)
		}
	}
	os.Remove(path)
	if err := a.Reload(); err == nil || login("last") != nil {
		t.Errorf("without the file: %v", err)
	}
}

// Nothing of a secret gets into texts, JSON or the log.
func TestSecretsAreNotShown(t *testing.T) {
	keys, err := deriveKeys("hunter2", []byte("hunter2 salt"), 1)
	if err != nil {
		t.Fatal(err)
	}
	s := Secret{Password: "hunter2", Keys: keys, md5: "hunter2"}
	var out strings.Builder
	fmt.Fprintf(&out, "%v %+v %#v %s %v %+v %#v", s, s, s, s, keys, *keys, keys)
	fmt.Fprintf(&out, "%v %+v", &s, []Secret{s})
	j, err := json.Marshal(map[string]any{"s": s, "k": keys})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(j)
	var log bytes.Buffer
	l := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewDevelopmentEncoderConfig()), zapcore.AddSync(&log), zap.DebugLevel))
	l.Info("x", zap.Any("s", s), zap.Any("k", keys))
	out.Write(log.Bytes())
	if strings.Contains(out.String(), "hunter2") || strings.Contains(out.String(), "aHVudGVy") || strings.Contains(out.String(), fmt.Sprint(keys.ClientKey[:3])) {
		t.Errorf("%s", out.String())
	}
}
