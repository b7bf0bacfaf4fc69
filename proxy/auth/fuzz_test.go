package auth

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/proxy/protocol"
)

const (
	fuzzNonce = "rOprNGfwEbeRWgbNEkqO"
	fuzzUsers = "\"plain\" \"hunter2\"\n\"hashed\" \"md50123456789abcdef0123456789abcdef\"\n" +
		"\"stored\" \"SCRAM-SHA-256$4096:MDEyMzQ1Njc4OWFiY2RlZg==$MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\"\n"
)

// FuzzFiles reads the users file and the rules for certificates. An error shows no secret.
func FuzzFiles(f *testing.F) {
	f.Add(fuzzUsers)
	f.Add("# comment\n\n\"a\"\"b\" \"c\"\"d\" # more\n")
	f.Add("/^(.*)@example\\.org$ \\1\ncn role\n\"two words\" \"a role\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		users, err := parseUsers(text)
		for name, e := range users {
			if err != nil || e == nil {
				t.Fatalf("user %q with error %v", name, err)
			}
			if e.verifier != nil {
				again, err := parseVerifier(e.verifier.text())
				if err != nil || again.text() != e.verifier.text() {
					t.Errorf("verifier %q became %v, %v", e.verifier.text(), again, err)
				}
			}
			if s, ok := e.secret(); ok && strings.Contains(s.String(), "hunter2") {
				t.Errorf("a secret shows itself")
			}
		}
		rules, err := parseRules(text)
		if err == nil {
			for _, r := range rules {
				r.allows("alice@example.org", "alice")
			}
		}
	})
}

// FuzzSCRAMServer is what a client may say in a SCRAM log-in: nobody gets in.
func FuzzSCRAMServer(f *testing.F) {
	f.Add("n,,n=,r="+fuzzNonce, "c=biws,r="+fuzzNonce+"server,p=dGhlIHByb29mIGlzIHdyb25nLCBvZiBjb3Vyc2UuLi4=", false, false)
	f.Add("p=tls-server-end-point,,n=user,r="+fuzzNonce, "c=cD10bHMtc2VydmVyLWVuZC1wb2ludCwsYmluZGluZw==,r="+fuzzNonce+"server,p=AAAA", true, true)
	f.Add("y,,n=,r=x,ext=1", "c=eSws,r=xserver,x=y,p=", false, true)
	v := &verifier{salt: []byte("salt"), iterations: 4096, storedKey: make([]byte, keySize), serverKey: make([]byte, keySize)}
	f.Fuzz(func(t *testing.T, first, last string, plus, bound bool) {
		s := &scramServer{verifier: v, plus: plus, nonce: "server"}
		if bound {
			s.binding = []byte("binding")
		}
		answer, err := s.challenge(first)
		if err != nil {
			return
		}
		if !strings.HasPrefix(answer, "r=") || !strings.Contains(answer, "server") {
			t.Errorf("challenge %q", answer)
		}
		if _, _, ok, err := s.conclude(last); err == nil && ok {
			t.Errorf("%q, %q got in", first, last)
		}
	})
}

// FuzzSCRAMClient is what a server may say in a SCRAM log-in: none that does not know the secret is taken for one that does.
func FuzzSCRAMClient(f *testing.F) {
	f.Add("r="+fuzzNonce+"server,s=c2FsdA==,i=1", "v=dGhlIHNpZ25hdHVyZSBpcyB3cm9uZywgb2YgY291cnNlLi4=", "SCRAM-SHA-256", "prefer")
	f.Add("r="+fuzzNonce+",s=,i=0", "e=other-error", "SCRAM-SHA-256-PLUS SCRAM-SHA-256", "require")
	f.Fuzz(func(t *testing.T, first, last, offered, mode string) {
		for _, binding := range [][]byte{nil, []byte("binding")} {
			c, err := newScramClient(Secret{Password: "secret"}, strings.Fields(offered), binding, mode, fuzzNonce)
			if err != nil {
				continue
			}
			c.first()
			if m := iterations.FindStringSubmatch(first); m != nil {
				if n, _ := strconv.Atoi(m[1]); n > 1000 {
					return // takes its time, as it must
				}
			}
			if _, err := c.answer(first); err != nil {
				continue
			}
			if c.verify(last) == nil {
				t.Errorf("%q, %q was taken for one who knows the secret", first, last)
			}
		}
	})
}

var iterations = regexp.MustCompile(`i=(\d+)`)

// FuzzAccept lets clients say what they like instead of a password: nobody gets in but who knows it, and who does not is told why.
func FuzzAccept(f *testing.F) {
	path := filepath.Join(f.TempDir(), "users")
	if err := os.WriteFile(path, []byte(fuzzUsers), 0o600); err != nil {
		f.Fatal(err)
	}
	a, err := New(Options{Mode: Users, Users: path})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("plain", []byte("p\x00\x00\x00\x37SCRAM-SHA-256\x00\x00\x00\x00\x21n,,n=,r="+fuzzNonce+"xx"))
	f.Add("hashed", []byte("p\x00\x00\x00\x28md50123456789abcdef0123456789abcdef\x00"))
	f.Add("nobody", []byte("p\x00\x00\x00\x05\x00"))
	f.Add("stored", []byte("Q\x00\x00\x00\x05\x00"))
	f.Fuzz(func(t *testing.T, user string, said []byte) {
		client, ours := net.Pipe()
		go func() {
			client.Write(said)
			client.Close()
		}()
		go io.Copy(io.Discard, client)
		if _, err := a.Accept(context.Background(), ours, user); err == nil {
			t.Errorf("%q got in as %q", said, user)
		} else if strings.Contains(err.Error(), "hunter2") && !strings.Contains(string(said)+user, "hunter2") {
			t.Errorf("the error shows a secret: %v", err)
		}
		ours.Close()
	})
}

// FuzzProve lets servers say what they like to a log-in: the password is never said in clear, and what is no AuthenticationOk is none.
func FuzzProve(f *testing.F) {
	f.Add([]byte("R\x00\x00\x00\x2a\x00\x00\x00\x0aSCRAM-SHA-256-PLUS\x00SCRAM-SHA-256\x00\x00R\x00\x00\x00\x1e\x00\x00\x00\x0br=abc,s=c2FsdA==,i=1"))
	f.Add([]byte("R\x00\x00\x00\x0c\x00\x00\x00\x05abcdR\x00\x00\x00\x08\x00\x00\x00\x00"))
	f.Add([]byte("R\x00\x00\x00\x08\x00\x00\x00\x03"))
	f.Add([]byte("v\x00\x00\x00\x0c\x00\x00\x00\x00\x00\x00\x00\x00E\x00\x00\x00\x15SFATAL\x00C28000\x00\x00"))
	f.Fuzz(func(t *testing.T, said []byte) {
		if m := iterations.FindSubmatch(said); m != nil {
			if n, _ := strconv.Atoi(string(m[1])); n > 1000 {
				return
			}
		}
		server, ours := net.Pipe()
		heard := make(chan []byte, 1)
		go func() {
			b, _ := io.ReadAll(server)
			heard <- b
		}()
		go func() {
			server.Write(said)
			server.Close()
		}()
		err := Prove(context.Background(), ours, "me", Secret{Password: "my secret"}, ProveOptions{})
		ours.Close()
		if strings.Contains(string(<-heard), "my secret") {
			t.Errorf("%q was told the password in clear", said)
		}
		var refused *ServerError
		if errors.As(err, &refused) && len(refused.Message) < protocol.HeaderSize {
			t.Errorf("an error of the server's without a message")
		}
		if err != nil && strings.Contains(err.Error(), "my secret") {
			t.Errorf("the error shows the password")
		}
	})
}
