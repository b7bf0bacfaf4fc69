package jwt

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const secret = "reallyreallyreallyreallyverysafe"

var at = time.Unix(1_700_000_000, 0)

func verifier(t testing.TB, secret, audience string) *Verifier {
	t.Helper()
	v, err := NewVerifier(secret, audience, func() time.Time { return at })
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func sign(t testing.TB, header, payload, secret string) string {
	t.Helper()
	enc := base64.RawURLEncoding.EncodeToString
	text := enc([]byte(header)) + "." + enc([]byte(payload))
	sig, err := jwt.SigningMethodHS256.Sign(text, []byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + enc(sig)
}

const hs256 = `{"alg":"HS256","typ":"JWT"}`

func TestVerify(t *testing.T) {
	other := strings.Repeat("x", 32)
	for _, c := range []struct {
		name, token, audience string
		code, message         string // empty: accepted
	}{
		{name: "plain", token: sign(t, hs256, `{"role":"a"}`, secret)},
		{name: "all times", token: sign(t, hs256, `{"exp":1700000001,"nbf":1699999999.5,"iat":1.7e9}`, secret)},
		{name: "null claims", token: sign(t, hs256, `{"exp":null,"aud":null}`, secret)},
		{name: "exp within skew", token: sign(t, hs256, `{"exp":1699999970}`, secret)},
		{name: "exp past skew", token: sign(t, hs256, `{"exp":1699999969}`, secret), code: "PGRST303", message: "JWT expired"},
		{name: "exp huge", token: sign(t, hs256, `{"exp":1e999999999}`, secret)},
		{name: "exp hugely negative", token: sign(t, hs256, `{"exp":-1e999999999}`, secret), code: "PGRST303", message: "JWT expired"},
		{name: "nbf within skew", token: sign(t, hs256, `{"nbf":1700000030}`, secret)},
		{name: "nbf past skew", token: sign(t, hs256, `{"nbf":1700000031}`, secret), code: "PGRST303", message: "JWT not yet valid"},
		{name: "iat past skew", token: sign(t, hs256, `{"iat":1700000031}`, secret), code: "PGRST303", message: "JWT issued at future"},
		{name: "exp text", token: sign(t, hs256, `{"exp":"x"}`, secret), code: "PGRST303", message: "The JWT 'exp' claim must be a number"},
		{name: "nbf boolean", token: sign(t, hs256, `{"nbf":true}`, secret), code: "PGRST303", message: "The JWT 'nbf' claim must be a number"},
		{name: "iat object", token: sign(t, hs256, `{"iat":{}}`, secret), code: "PGRST303", message: "The JWT 'iat' claim must be a number"},
		{name: "aud any", token: sign(t, hs256, `{"aud":"x"}`, secret)},
		{name: "aud bad", token: sign(t, hs256, `{"aud":["x",1]}`, secret), code: "PGRST303", message: notAudience},
		{name: "aud null in list", token: sign(t, hs256, `{"aud":[null]}`, secret), code: "PGRST303", message: notAudience},
		{name: "aud ours", token: sign(t, hs256, `{"aud":["x","us"]}`, secret), audience: "us"},
		{name: "aud none", token: sign(t, hs256, `{"aud":[]}`, secret), audience: "us"},
		{name: "aud other", token: sign(t, hs256, `{"aud":"x"}`, secret), audience: "us", code: "PGRST303", message: "JWT not in audience"},
		{name: "empty", code: "PGRST301", message: "Empty JWT is sent in Authorization header"},
		{name: "two parts", token: "a.b", code: "PGRST301", message: "Expected 3 parts in JWT; got 2"},
		{name: "garbage", token: "quif.fon.iuq", code: "PGRST301", message: "JWT cryptographic operation failed"},
		{name: "other secret", token: sign(t, hs256, `{}`, other), code: "PGRST301", message: "No suitable key or wrong key type"},
		{name: "none", token: sign(t, `{"alg":"none"}`, `{}`, secret), code: "PGRST301", message: "Wrong or unsupported encoding algorithm"},
		{name: "None", token: sign(t, `{"alg":"None"}`, `{}`, secret), code: "PGRST301", message: "No suitable key or wrong key type"},
		{name: "RS256 header", token: sign(t, `{"alg":"RS256"}`, `{}`, secret), code: "PGRST301", message: "No suitable key or wrong key type"},
		{name: "HS512 header", token: sign(t, `{"alg":"HS512"}`, `{}`, secret), code: "PGRST301", message: "No suitable key or wrong key type"},
		{name: "critical extension", token: sign(t, `{"alg":"HS256","crit":["b64"]}`, `{}`, secret), code: "PGRST301", message: "No suitable key or wrong key type"},
		{name: "payload text", token: sign(t, hs256, `"x"`, secret), code: "PGRST303", message: "Parsing claims failed"},
		{name: "payload null", token: sign(t, hs256, `null`, secret), code: "PGRST303", message: "Parsing claims failed"},
		{name: "payload not UTF-8", token: sign(t, hs256, "{\"a\":\"\xff\"}", secret), code: "PGRST303", message: "Parsing claims failed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			claims, err := verifier(t, secret, c.audience).Verify(c.token)
			var e *Error
			switch {
			case c.code == "" && (err != nil || claims == nil):
				t.Errorf("got %v, want claims", err)
			case c.code != "" && (!errors.As(err, &e) || e.Code != c.code || e.Message != c.message):
				t.Errorf("got %v, want %s %s", err, c.code, c.message)
			}
		})
	}
}

func TestClaimsKeepTheirText(t *testing.T) {
	claims, err := verifier(t, secret, "").Verify(sign(t, hs256, `{"id":12345678901234567890.10}`, secret))
	if err != nil || string(claims["id"]) != "12345678901234567890.10" {
		t.Errorf("got %s, %v", claims["id"], err)
	}
}

func TestSecret(t *testing.T) {
	if _, err := NewVerifier("short", "", time.Now); !errors.Is(err, ErrSecret) {
		t.Errorf("short secret: got %v", err)
	}
	var e *Error
	_, err := verifier(t, "", "").Verify(sign(t, hs256, `{}`, secret))
	if !errors.As(err, &e) || e.Code != CodeNoSecret {
		t.Errorf("no secret: got %v", err)
	}
}

func FuzzVerify(f *testing.F) {
	f.Add(sign(f, hs256, `{"role":"a","exp":1e9}`, secret))
	f.Add("a.b.c")
	f.Add("eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0.e30.")
	f.Fuzz(func(t *testing.T, token string) {
		if claims, err := verifier(t, strings.Repeat("k", 32), "").Verify(token); err == nil {
			t.Errorf("accepted %q: %v", token, claims)
		}
	})
}

// FuzzClaims signs whatever comes: nothing in a payload may bring the check down.
func FuzzClaims(f *testing.F) {
	f.Add(`{"exp":1,"nbf":-1e5,"iat":"x","aud":["a"]}`)
	f.Fuzz(func(t *testing.T, payload string) {
		_, err := verifier(t, secret, "us").Verify(sign(t, hs256, payload, secret))
		var e *Error
		if err != nil && (!errors.As(err, &e) || e.Code != CodeClaims) {
			t.Errorf("%q: got %v", payload, err)
		}
	})
}
