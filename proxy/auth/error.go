package auth

import (
	"fmt"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/pgowl/pgowl/proxy/protocol"
)

// Error is a refusal of PgOwl's own, in the words and with the SQLSTATE that Postgres has for it where Postgres has one.
type Error struct {
	Code    string // SQLSTATE
	Message string
	Detail  string
}

// Error tells message, detail and SQLSTATE.
func (e *Error) Error() string {
	if e.Detail == "" {
		return fmt.Sprintf("%s (SQLSTATE %s)", e.Message, e.Code)
	}
	return fmt.Sprintf("%s: %s (SQLSTATE %s)", e.Message, e.Detail, e.Code)
}

// The SQLSTATEs of this package.
const (
	codeViolation   = "08P01" // protocol_violation
	codeUnsupported = "0A000" // feature_not_supported
	codeNotAllowed  = "28000" // invalid_authorization_specification
	codePassword    = "28P01" // invalid_password
)

func errorf(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// wrongPassword is all that somebody learns who is not who he says, whatever the reason.
func wrongPassword(user string) *Error {
	return errorf(codePassword, "password authentication failed for user \"%s\"", user)
}

// tell sends the error that ends a session.
func tell(conn net.Conn, e *Error) {
	m := &pgproto3.ErrorResponse{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: e.Code, Message: e.Message, Detail: e.Detail}
	if b, err := m.Encode(nil); err == nil {
		conn.SetWriteDeadline(time.Now().Add(tellTime))
		conn.Write(b)
	}
}

// tellTime is how long a client may take to take an error.
const tellTime = 5 * time.Second

// ServerError is the server's refusal.
type ServerError struct {
	Message []byte // the ErrorResponse, with its header
}

// Error tells the server's message and SQLSTATE.
func (e *ServerError) Error() string {
	var m pgproto3.ErrorResponse
	if len(e.Message) < protocol.HeaderSize || m.Decode(e.Message[protocol.HeaderSize:]) != nil {
		return "the server refuses, without a reason"
	}
	return fmt.Sprintf("the server refuses: %s (SQLSTATE %s)", m.Message, m.Code)
}
