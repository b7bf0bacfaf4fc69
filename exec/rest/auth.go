package rest

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/pgowl/pgowl/exec/rest/jwt"
)

// identity is who a request runs as.
type identity struct {
	role   string
	claims []byte // JSON object: the token's claims, and the role
	authed bool   // the role came with a token
}

// authenticate reads the Authorization header. A scheme other than Bearer counts as none.
func (s *Server) authenticate(r *http.Request) (identity, error) {
	claims := jwt.Claims{}
	token, sent := bearer(r.Header.Get("Authorization"))
	if sent {
		var err error
		if claims, err = s.verifier.Verify(token); err != nil {
			return identity{}, tokenFault(err)
		}
	}
	id := identity{role: s.opts.AnonRole}
	if role, ok := roleOf(claims); ok {
		id.role, id.authed = role, true
	}
	if id.role == "" && !id.authed {
		return identity{}, &fault{status: http.StatusUnauthorized, code: "PGRST302", message: "Anonymous access is disabled",
			headers: []header{{"WWW-Authenticate", "Bearer"}}}
	}
	claims["role"] = marshal(id.role)
	id.claims = marshal(claims)
	return id, nil
}

// bearer finds the token of an Authorization header.
func bearer(value string) (token string, sent bool) {
	scheme, rest, _ := strings.Cut(value, " ")
	if !strings.EqualFold(scheme, "bearer") {
		return "", false
	}
	return strings.TrimSpace(rest), true
}

// roleOf is the role claim: a string, or the text of another JSON value.
func roleOf(claims jwt.Claims) (string, bool) {
	raw, ok := claims["role"]
	if !ok {
		return "", false
	}
	var role string
	if string(raw) == "null" || json.Unmarshal(raw, &role) != nil {
		return string(raw), true
	}
	return role, true
}

func tokenFault(err error) *fault {
	var e *jwt.Error
	if !errors.As(err, &e) {
		return &fault{status: http.StatusInternalServerError, code: "PGRSTX00", message: "Internal error", cause: err}
	}
	f := &fault{status: http.StatusUnauthorized, code: e.Code, message: e.Message, details: e.Details}
	if e.Code == jwt.CodeNoSecret {
		f.status = http.StatusInternalServerError
		return f
	}
	f.headers = []header{{"WWW-Authenticate", `Bearer error="invalid_token", error_description=` + strconv.Quote(e.Message)}}
	return f
}
