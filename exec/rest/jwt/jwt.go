// Package jwt verifies the bearer tokens of the REST API: HS256 and nothing else. Its errors have the codes and messages of
// PostgREST 16, which clients of the API know.
package jwt

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"
)

const (
	// MinSecret is the least length of a secret, in bytes: as long as the hash (RFC 7518, section 3.2).
	MinSecret = 32
	// Skew is by how much clocks may differ.
	Skew = 30 * time.Second
)

// Codes of errors, as in PostgREST.
const (
	CodeNoSecret = "PGRST300" // a token came, but there is no secret
	CodeInvalid  = "PGRST301" // not a token, or not signed with our secret
	CodeClaims   = "PGRST303" // a token of ours that doesn't hold (now)
)

// Error says why a token was refused.
type Error struct {
	Code    string // one of the codes above
	Message string
	Details string // may be empty
}

func (e *Error) Error() string {
	if e.Details != "" {
		return e.Message + ": " + e.Details
	}
	return e.Message
}

// ErrSecret is what NewVerifier says of a secret that is too short.
var ErrSecret = errors.New("the token secret must have at least " + strconv.Itoa(MinSecret) + " characters")

// Claims are the members of a token's payload, as they were written.
type Claims map[string]json.RawMessage

// Verifier checks tokens.
type Verifier struct {
	secret   []byte
	audience string
	now      func() time.Time
}

// NewVerifier makes a verifier for tokens that are signed with secret. An empty secret refuses every token. With an audience,
// tokens that name audiences must name that one.
func NewVerifier(secret, audience string, now func() time.Time) (*Verifier, error) {
	if secret != "" && len(secret) < MinSecret {
		return nil, ErrSecret
	}
	return &Verifier{secret: []byte(secret), audience: audience, now: now}, nil
}

// Verify gives the claims of a token, or an *Error.
func (v *Verifier) Verify(token string) (Claims, error) {
	if len(v.secret) == 0 {
		return nil, &Error{Code: CodeNoSecret, Message: "Server lacks JWT secret"}
	}
	payload, err := v.payload(token)
	if err != nil {
		return nil, err
	}
	claims, ok := parseClaims(payload)
	if !ok {
		return nil, &Error{Code: CodeClaims, Message: "Parsing claims failed"}
	}
	if problem := v.check(claims); problem != "" {
		return nil, &Error{Code: CodeClaims, Message: problem}
	}
	return claims, nil
}

// payload checks the signature. The algorithm is pinned: what the token's header asks for is only ever compared with it.
func (v *Verifier) payload(token string) ([]byte, error) {
	if token == "" {
		return nil, &Error{Code: CodeInvalid, Message: "Empty JWT is sent in Authorization header"}
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, &Error{Code: CodeInvalid, Message: "Expected 3 parts in JWT; got " + strconv.Itoa(len(parts))}
	}
	undecodable := &Error{Code: CodeInvalid, Message: "JWT cryptographic operation failed"}
	var header struct {
		Alg  string   `json:"alg"`
		Crit []string `json:"crit"`
	}
	raw, err := decode(parts[0])
	if err != nil || json.Unmarshal(raw, &header) != nil {
		return nil, undecodable
	}
	if header.Alg == "none" {
		return nil, &Error{Code: CodeInvalid, Message: "Wrong or unsupported encoding algorithm",
			Details: "JWT is unsecured but expected 'alg' was not 'none'"}
	}
	sig, err := decode(parts[2])
	if err != nil {
		return nil, undecodable
	}
	payload, err := decode(parts[1])
	if err != nil {
		return nil, undecodable
	}
	// An extension that must be understood isn't (RFC 7515, section 4.1.11).
	wrong := header.Alg != jwt.SigningMethodHS256.Alg() || len(header.Crit) > 0
	if wrong || jwt.SigningMethodHS256.Verify(parts[0]+"."+parts[1], sig, v.secret) != nil {
		return nil, &Error{Code: CodeInvalid, Message: "No suitable key or wrong key type",
			Details: "None of the keys was able to decode the JWT"}
	}
	return payload, nil
}

func decode(part string) ([]byte, error) { return base64.RawURLEncoding.Strict().DecodeString(part) }

func parseClaims(payload []byte) (Claims, bool) {
	if !utf8.Valid(payload) {
		return nil, false
	}
	var claims Claims
	if json.Unmarshal(payload, &claims) != nil || claims == nil {
		return nil, false
	}
	return claims, true
}

// check returns what is wrong with the claims at this time.
func (v *Verifier) check(claims Claims) string {
	now, skew := float64(v.now().Unix()), Skew.Seconds()
	for _, c := range []struct {
		name, problem string
		bad           func(t float64) bool
	}{
		{"exp", "JWT expired", func(t float64) bool { return t < now-skew }},
		{"nbf", "JWT not yet valid", func(t float64) bool { return t > now+skew }},
		{"iat", "JWT issued at future", func(t float64) bool { return t > now+skew }},
	} {
		raw := claims[c.name]
		if isNull(raw) {
			continue
		}
		t, ok := number(raw)
		if !ok {
			return "The JWT '" + c.name + "' claim must be a number"
		}
		if c.bad(t) {
			return c.problem
		}
	}
	return v.checkAudience(claims["aud"])
}

func (v *Verifier) checkAudience(raw json.RawMessage) string {
	if isNull(raw) {
		return ""
	}
	var named []string
	var one string
	if json.Unmarshal(raw, &one) == nil {
		named = []string{one}
	} else {
		var many []*string
		if json.Unmarshal(raw, &many) != nil {
			return notAudience
		}
		for _, a := range many {
			if a == nil {
				return notAudience
			}
			named = append(named, *a)
		}
	}
	if v.audience == "" || len(named) == 0 {
		return ""
	}
	for _, a := range named {
		if a == v.audience {
			return ""
		}
	}
	return "JWT not in audience"
}

const notAudience = "The JWT 'aud' claim must be a string or an array of strings"

func isNull(raw json.RawMessage) bool { return raw == nil || bytes.Equal(raw, []byte("null")) }

// number reads a JSON number; one that is too large becomes infinite.
func number(raw json.RawMessage) (float64, bool) {
	if raw[0] != '-' && (raw[0] < '0' || raw[0] > '9') {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, false
	}
	return f, true
}
