package pool

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/pgowl/pgowl/proxy/auth"
)

// Error is a refusal of the pool's own.
type Error struct {
	Code    string // SQLSTATE
	Message string
}

// Error tells message and SQLSTATE.
func (e *Error) Error() string { return fmt.Sprintf("%s (SQLSTATE %s)", e.Message, e.Code) }

// errStopping is what a client hears that waits while PgOwl stops.
var errStopping = &Error{"57P01", "terminating connection due to administrator command"}

// errWait is what a client hears whose turn has not come. PgBouncer says query_wait_timeout with 08P01, which is a protocol violation's
// code; this one is what a server out of connections says, and drivers know it as one to try again after.
func errWait(d time.Duration) error {
	return &Error{"53300", fmt.Sprintf("no server connection became free within %v (query_wait_timeout)", d)}
}

// Refusal makes the ErrorResponse that tells a client why it gets no server connection: the server's own where there is one.
func Refusal(err error) []byte {
	var refused *auth.ServerError
	if errors.As(err, &refused) && len(refused.Message) > 0 {
		return refused.Message
	}
	m := &pgproto3.ErrorResponse{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: "08006", Message: "the server behind PgOwl cannot be reached"}
	var own *Error
	var login *auth.Error
	var network *net.OpError
	switch {
	case errors.As(err, &own):
		m.Code, m.Message = own.Code, own.Message
	case errors.As(err, &login):
		m.Code, m.Message, m.Detail = login.Code, login.Message, login.Detail
	case errors.As(err, &network):
		m.Message += ": " + network.Err.Error() // without the address, which is no client's business
	}
	b, _ := m.Encode(nil) // cannot fail below the protocol's size limit
	return b
}
