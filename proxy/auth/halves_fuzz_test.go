package auth

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzHalves lets the two halves of SCRAM talk, whatever the password and the nonces are: they understand each other, the server learns
// the client's key, and no other password is taken for the right one.
func FuzzHalves(f *testing.F) {
	f.Add("secret", "secret", "salt", "abc", "def", true)
	f.Add("pässword", "pa\u0308ssword", "s", "~", "!", false)
	f.Fuzz(func(t *testing.T, password, other, salt, clientNonce, serverNonce string, plus bool) {
		if password == "" || salt == "" || clientNonce == "" || serverNonce == "" || !isPrintable(clientNonce+serverNonce) ||
			strings.IndexByte(password+other, 0) >= 0 { // a zero byte ends a password, and HMAC ignores it at the end
			return
		}
		keys, err := deriveKeys(password, []byte(salt), 2)
		if err != nil {
			t.Fatal(err)
		}
		var binding []byte
		offered := []string{scram}
		if plus {
			binding, offered = []byte("hash"), []string{scramPlus, scram}
		}
		try := func(password string) (bool, []byte) {
			c, err := newScramClient(Secret{Password: password}, offered, binding, "", clientNonce)
			if err != nil {
				t.Fatal(err)
			}
			s := &scramServer{verifier: keys.verifier(), plus: c.mechanism == scramPlus, binding: binding, nonce: serverNonce}
			first, bad := s.challenge(c.first())
			if bad != nil {
				t.Fatal(bad)
			}
			final, err := c.answer(first)
			if err != nil {
				t.Fatal(err)
			}
			last, key, ok, bad := s.conclude(final)
			if bad != nil {
				t.Fatal(bad)
			}
			if ok && c.verify(last) != nil {
				t.Fatal("the client does not believe the server")
			}
			return ok, key
		}
		if ok, key := try(password); !ok || !bytes.Equal(key, keys.ClientKey) {
			t.Fatalf("the right password is refused, or gives another key: %v", ok)
		}
		if other == "" {
			return
		}
		if ok, _ := try(other); ok && prepare(other) != prepare(password) {
			t.Fatal("a wrong password is taken")
		}
	})
}

// FuzzUsers writes what was read of a users file and reads it again; errors are short and show nothing that is no text.
func FuzzUsers(f *testing.F) {
	f.Add("\"ann\" \"secret\" ignored\n; a comment\n\n\"bob\"\t\"md5aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"")
	f.Add("\"a\"\"b\" \"c\"\"d\"")
	f.Add("\"x\" \"" + verifierText(f, "secret") + "\"")
	f.Add("\"x\" \"SCRAM-SHA-256$4096:c2FsdA==$x:y\"")
	f.Fuzz(func(t *testing.T, text string) {
		users, err := parseUsers(text)
		if err != nil {
			if !utf8.ValidString(err.Error()) || len(err.Error()) > 120 {
				t.Fatalf("error %q", err)
			}
			return
		}
		var again strings.Builder
		for name, e := range users {
			secret := e.password + e.md5
			if e.verifier != nil {
				secret = e.verifier.text()
			}
			again.WriteString(`"` + strings.ReplaceAll(name, `"`, `""`) + `" "` + strings.ReplaceAll(secret, `"`, `""`) + "\"\n")
		}
		back, err := parseUsers(again.String())
		if err != nil || len(back) != len(users) {
			t.Fatalf("%d users, %d when written and read again: %v", len(users), len(back), err)
		}
		for name, e := range users {
			b := back[name]
			if b == nil || b.password != e.password || b.md5 != e.md5 || (b.verifier == nil) != (e.verifier == nil) {
				t.Fatalf("%q has changed", name)
			}
		}
	})
}
