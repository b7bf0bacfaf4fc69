package auth

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/pgowl/pgowl/proxy/protocol"
)

// Every way to prove a secret, at a real server.
func TestProve(t *testing.T) {
	s := server(t)
	v, err := parseVerifier(stored(t, "scrammer"))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := deriveKeys("secret", v.salt, v.iterations)
	if err != nil {
		t.Fatal(err)
	}
	others, err := deriveKeys("secret", []byte("other salt"), v.iterations)
	if err != nil {
		t.Fatal(err)
	}
	wrongKeys, err := deriveKeys("wrong", v.salt, v.iterations)
	if err != nil {
		t.Fatal(err)
	}
	right, wrong := Secret{Password: "secret"}, Secret{Password: "wrong"}
	const either, plain, secure = 0, 1, 2
	for _, c := range []struct {
		name   string
		user   string
		secret Secret
		o      ProveOptions
		over   int
		code   string // of the refusal; "" for none
		own    bool   // the refusal is PgOwl's
	}{
		{"trust", "truster", Secret{}, ProveOptions{}, either, "", false},
		{"trust, binding required", "truster", right, ProveOptions{ChannelBinding: "require"}, either, "28000", true},
		{"md5", "md5er", right, ProveOptions{}, either, "", false},
		{"md5, hash", "md5er", Secret{md5: md5Hash("secret", "md5er")}, ProveOptions{}, either, "", false},
		{"md5, wrong", "md5er", wrong, ProveOptions{}, either, "28P01", false},
		{"md5, keys", "md5er", Secret{Keys: keys}, ProveOptions{}, either, "28000", true},
		{"md5, binding required", "md5er", right, ProveOptions{ChannelBinding: "require"}, either, "28000", true},
		{"clear", "clear", right, ProveOptions{}, secure, "", false},
		{"clear outside TLS", "clear", right, ProveOptions{}, plain, "28000", true},
		{"clear outside TLS, allowed", "clear", right, ProveOptions{AllowCleartext: true}, plain, "", false},
		{"clear, wrong", "clear", wrong, ProveOptions{}, secure, "28P01", false},
		{"clear, keys", "clear", Secret{Keys: keys}, ProveOptions{}, secure, "28000", true},
		{"SCRAM", "scrammer", right, ProveOptions{}, either, "", false},
		{"SCRAM, keys", "scrammer", Secret{Keys: keys}, ProveOptions{}, either, "", false},
		{"SCRAM, keys of another salt", "scrammer", Secret{Keys: others}, ProveOptions{}, either, "28000", true},
		{"SCRAM, wrong keys", "scrammer", Secret{Keys: wrongKeys}, ProveOptions{}, either, "28P01", false},
		{"SCRAM, wrong", "scrammer", wrong, ProveOptions{}, either, "28P01", false},
		{"SCRAM, hash", "scrammer", Secret{md5: md5Hash("secret", "scrammer")}, ProveOptions{}, either, "28000", true},
		{"SCRAM, nothing", "scrammer", Secret{}, ProveOptions{}, either, "28000", true},
		{"SCRAM, unknown role", "nobody", right, ProveOptions{}, either, "28P01", false},
		{"SCRAM bound", "scrammer", right, ProveOptions{ChannelBinding: "require"}, secure, "", false},
		{"SCRAM bound, keys", "scrammer", Secret{Keys: keys}, ProveOptions{ChannelBinding: "require"}, secure, "", false},
		{"SCRAM bound, outside TLS", "scrammer", right, ProveOptions{ChannelBinding: "require"}, plain, "28000", true},
		{"SCRAM not bound", "scrammer", right, ProveOptions{ChannelBinding: "disable"}, either, "", false},
	} {
		for _, inTLS := range []bool{false, true} {
			if c.over == plain && inTLS || c.over == secure && !inTLS {
				continue
			}
			t.Run(fmt.Sprintf("%s, TLS %v", c.name, inTLS), func(t *testing.T) {
				conn := open(t, s, c.user, inTLS)
				err := Prove(context.Background(), conn, c.user, c.secret, c.o)
				if c.code == "" {
					if err != nil {
						t.Fatal(err)
					}
					// What follows is unread, and the session is one.
					for {
						m, err := ReadMessage(conn)
						if err != nil {
							t.Fatal(err)
						}
						if m[0] == 'Z' {
							return
						}
					}
				}
				var refused *ServerError
				var own *Error
				code := ""
				if errors.As(err, &refused) {
					code = fields(refused.Message)['C']
				} else if errors.As(err, &own) {
					code = own.Code
				}
				if code != c.code || (own != nil) != c.own {
					t.Errorf("got %q (%v), own %v; want %q, own %v", code, err, own != nil, c.code, c.own)
				}
			})
		}
	}
}

// A context that ends, ends the wait for a server that says nothing.
func TestProveEndsWithItsContext(t *testing.T) {
	c, _ := pair(t, nil, nil)
	ctx, cancel := context.WithCancelCause(context.Background())
	cause := errors.New("enough")
	cancel(cause)
	if err := Prove(ctx, c, "u", Secret{Password: "p"}, ProveOptions{}); !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
}

// Passwords of every kind are normalized as the server does it.
func TestPasswordsAreThoseOfTheServer(t *testing.T) {
	server(t)
	for _, password := range []string{
		"secret", " a b ", "a\tb", "pässword", "I\u00adX", "ﬁ", "\u2168", "\u00aa", "a\u00a0b", "a\u200bb", "a\u3000b", "\u0627\u0031", "\u0627\u0031\u0628",
		"a\u0007ü", "\u0221x", "🦉", "\u1e9e", "e\u0301", "\u00ad", "ǅ", "a\u0340", "𝐀", "\u0378", "\u212b", "㎏", "\u202ex", "\ufeffü", "\U000e0001ü", "\ue000", "Ω\u2126", "\u10c7",
	} {
		admin(t, func(conn *pgx.Conn) error {
			quoted, err := conn.PgConn().EscapeString(password)
			if err != nil {
				return err
			}
			_, err = conn.Exec(context.Background(), "DROP ROLE IF EXISTS various; CREATE ROLE various PASSWORD '"+quoted+"'")
			return err
		})
		v, err := parseVerifier(stored(t, "various"))
		if err != nil {
			t.Fatal(err)
		}
		keys, err := deriveKeys(password, v.salt, v.iterations)
		if err != nil {
			t.Fatal(err)
		}
		if got := keys.verifier(); string(got.storedKey) != string(v.storedKey) || string(got.serverKey) != string(v.serverKey) {
			t.Errorf("%+q is normalized in another way than the server does", password)
		}
	}
}

// accepted runs Accept at one end of a pair and f at the other.
func accepted(t *testing.T, a *Authenticator, user string, clientEnd, serverEnd net.Conn, f func(conn net.Conn) error) (Secret, error, error) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- f(clientEnd) }()
	secret, err := a.Accept(context.Background(), serverEnd, user)
	if err == nil {
		serverEnd.Write(request(requestOK, nil))
	}
	return secret, err, <-done
}

// fields gives an ErrorResponse's fields, of a message with header.
func fields(message []byte) map[byte]string {
	m := map[byte]string{}
	if len(message) < protocol.HeaderSize || message[0] != 'E' {
		return m
	}
	for rest := message[protocol.HeaderSize:]; len(rest) > 1; {
		text, r, ok := protocol.CutString(rest[1:])
		if !ok {
			break
		}
		m[rest[0]], rest = text, r
	}
	return m
}
