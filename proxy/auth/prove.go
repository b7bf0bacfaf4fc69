package auth

import (
	"context"
	"errors"
	"net"
)

var errNotBuilt = errors.New("proxy/auth is not built yet")

// ProveOptions change how Prove acts.
type ProveOptions struct {
	ChannelBinding string                     // require, prefer or disable, as libpq's channel_binding; empty: prefer
	AllowCleartext bool                       // a password may go to the server in clear outside TLS, too
	First          []byte                     // a message of the server, with its header, that was read already; nil: none
	Other          func(message []byte) error // gets NoticeResponse and NegotiateProtocolVersion, with header; nil: they are dropped
}

// ServerError is the server's refusal.
type ServerError struct {
	Message []byte // the ErrorResponse, with its header
}

// Error tells the server's message and SQLSTATE.
func (e *ServerError) Error() string { return "the server refuses" }

// Prove answers the server's authentication requests on a connection whose start-up message has been sent, until AuthenticationOk,
// which it reads. server may be a *tls.Conn. A refusal is a *ServerError.
func Prove(ctx context.Context, server net.Conn, user string, s Secret, o ProveOptions) error {
	return errNotBuilt
}
