// Package function holds what the engine functions and the lanes agree on: the session that a function was called in,
// and the error that a client sees. It has no behaviour of its own.
package function

import (
	"context"
	"encoding/json"
	"fmt"
)

// Role says whose rights a statement runs with inside a session.
type Role int

// The two roles of a call.
const (
	Caller Role = iota // the role that called the function: its rights, its row security
	Owner              // the owner of schema pgml: for the registry's own tables
)

// Severity of a message to the client.
type Severity string

// The severities that functions use.
const (
	Info    Severity = "INFO"
	Notice  Severity = "NOTICE"
	Warning Severity = "WARNING"
)

// Session is the SQL session, transaction and snapshot in which a function was called. Statements run inside the calling
// statement: what they write is seen by it, and is rolled back with it. When one fails, the calling statement has failed with
// that error already, ctx is cancelled, and the method returns ctx's cause: there is nothing to clean up.
type Session interface {
	// Query runs one SELECT, or one INSERT/UPDATE/DELETE with RETURNING, and gives its rows as a JSON array of objects.
	// The statement sees args as the single parameter $1 of type jsonb: ($1->>'name'), ($1->>'id')::bigint,
	// decode($1->>'data', 'base64') ...
	Query(ctx context.Context, as Role, sql string, args map[string]any) (json.RawMessage, error)
	// Exec runs one statement of any kind without parameters and without a result.
	Exec(ctx context.Context, as Role, sql string) error
	// Stream runs a SELECT with one column of type bytea and passes its values on in order, cut into pieces at
	// arbitrary places (a piece may end inside a value). The piece is valid until each returns.
	Stream(ctx context.Context, as Role, sql string, each func(piece []byte) error) error
	// Ahead is what was read for the calling statement before it began, nil for nothing; see package train. The first call of a statement gets it.
	Ahead() any
	// Message sends a message to the client, in order with the statement's own.
	Message(severity Severity, text string)
	// Server is the server's version number, as in server_version_num (150018).
	Server() int
}

// Error is an error that a client sees, with the fields of the wire protocol.
type Error struct {
	Code    string // SQLSTATE
	Message string
	Detail  string
	Hint    string
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("%s (SQLSTATE %s)", e.Message, e.Code) }

// Errorf makes an Error with a SQLSTATE.
func Errorf(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// WithHint returns a copy with a hint.
func (e *Error) WithHint(hint string) *Error {
	c := *e
	c.Hint = hint
	return &c
}
