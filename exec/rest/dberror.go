package rest

import (
	"encoding/json"
	"errors"
	"net/http"
	"sort"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// dbFault maps an error of a database session to an answer. authed tells whether the request came with a token: what the
// anonymous role may not do is a reason to log in.
func dbFault(err error, authed bool) *fault {
	var f *fault
	if errors.As(err, &f) {
		return f
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return &fault{status: http.StatusServiceUnavailable, code: "PGRST001",
			message: "Database client error. Retrying the connection.", cause: err}
	}
	if pg.Code == "PGRST" {
		return raisedFault(pg)
	}
	f = &fault{status: statusOf(pg, authed), code: pg.Code, message: pg.Message, details: pg.Detail, hint: pg.Hint, cause: err}
	if f.status == http.StatusUnauthorized {
		f.headers = []header{{"WWW-Authenticate", "Bearer"}}
	}
	return f
}

// statusOf is PostgREST's table from SQLSTATE to HTTP status.
func statusOf(pg *pgconn.PgError, authed bool) int {
	switch pg.Code {
	case "23503", "23505": // foreign key, unique
		return 409
	case "25006": // read-only transaction
		return 405
	case "21000": // cardinality; pg-safeupdate uses it for what clients do wrong
		if strings.HasSuffix(pg.Message, "requires a WHERE clause") {
			return 400
		}
		return 500
	case "22023":
		if strings.HasPrefix(pg.Message, "role") && strings.HasSuffix(pg.Message, "does not exist") {
			return 401 // the token's role
		}
		return 400
	case "53400", "42P17":
		return 500
	case "57P01":
		return 503
	case "P0001":
		return 400
	case "42883":
		if strings.HasPrefix(pg.Message, "function xmlagg(") {
			return 406
		}
		return 404
	case "42P01":
		return 404
	case "42501":
		if authed {
			return 403
		}
		return 401
	}
	if rest, ok := strings.CutPrefix(pg.Code, "PT"); ok {
		if n, err := strconv.Atoi(rest); err == nil && validStatus(n) {
			return n
		}
		return 500
	}
	if len(pg.Code) >= 2 {
		switch pg.Code[:2] {
		case "08", "53":
			return 503
		case "0L", "0P", "28":
			return 403
		case "09", "25", "2D", "38", "39", "3B", "40", "54", "55", "57", "58", "F0", "HV", "P0", "XX":
			return 500
		}
	}
	return 400
}

// validStatus: what can be the status of an answer (1xx would only announce one).
func validStatus(n int) bool { return n >= 200 && n <= 999 }

// raisedFault reads RAISE SQLSTATE 'PGRST', by which a function decides on the whole answer.
func raisedFault(pg *pgconn.PgError) *fault {
	var msg struct {
		Code    *string `json:"code"`
		Message *string `json:"message"`
		Details *string `json:"details"`
		Hint    *string `json:"hint"`
	}
	var det struct {
		Status     *int              `json:"status"`
		StatusText *string           `json:"status_text"` // read, but HTTP/2 has none and net/http sends its own
		Headers    map[string]string `json:"headers"`
	}
	const detailHint = "DETAIL must be a JSON object with obligatory keys: 'status', 'headers' and optional key: 'status_text'."
	bad := func(details, hint string) *fault {
		return &fault{status: 500, code: "PGRST121", message: `Could not parse JSON in the "RAISE SQLSTATE 'PGRST'" error`,
			details: details, hint: hint, cause: pg}
	}
	if json.Unmarshal([]byte(pg.Message), &msg) != nil || msg.Code == nil || msg.Message == nil {
		return bad("Invalid JSON value for MESSAGE: '"+pg.Message+"'",
			"MESSAGE must be a JSON object with obligatory keys: 'code', 'message' and optional keys: 'details', 'hint'.")
	}
	if pg.Detail == "" {
		return bad("DETAIL is missing in the RAISE statement", detailHint)
	}
	if json.Unmarshal([]byte(pg.Detail), &det) != nil || det.Status == nil || det.Headers == nil || !validStatus(*det.Status) {
		return bad("Invalid JSON value for DETAIL: '"+pg.Detail+"'", detailHint)
	}
	f := &fault{status: *det.Status, code: *msg.Code, message: *msg.Message, cause: pg}
	if msg.Details != nil {
		f.details = *msg.Details
	}
	if msg.Hint != nil {
		f.hint = *msg.Hint
	}
	for name, value := range det.Headers {
		f.headers = append(f.headers, header{name, value})
	}
	sort.Slice(f.headers, func(i, j int) bool { return f.headers[i].name < f.headers[j].name })
	return f
}
