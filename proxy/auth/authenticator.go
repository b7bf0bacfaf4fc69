package auth

import (
	"context"
	"net"

	"go.uber.org/zap"
)

// Mode tells who authenticates clients (PGOWL_AUTH).
type Mode string

// The modes. The zero value is Relay.
const (
	Relay    Mode = "relay"    // the server, whose requests are relayed; PgOwl where that cannot work
	Users    Mode = "users"    // PgOwl, from the users file
	Password Mode = "password" // the server, by the password that PgOwl asks for inside TLS
)

// Options are what an Authenticator needs; all may be left out.
type Options struct {
	Mode  Mode
	Users string      // path of the users file; empty: nobody is known
	Map   string      // path of the file that maps certificates to roles; empty: the common name is the role
	Log   *zap.Logger // nil: quiet
}

// Authenticator authenticates clients. Its methods may be called from several goroutines.
type Authenticator struct {
	options Options
}

// New reads the files.
func New(o Options) (*Authenticator, error) {
	if o.Mode == "" {
		o.Mode = Relay
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	a := &Authenticator{options: o}
	return a, a.Reload()
}

// Reload reads the files again. On an error what was read before stays, as a whole.
func (a *Authenticator) Reload() error { return nil }

// Mode is the mode that New was given.
func (a *Authenticator) Mode() Mode { return a.options.Mode }

// Accept authenticates a client that has sent its start-up message, by its certificate, from the users file, or, in mode Password,
// by asking for the password, which is then not checked here but by whoever it is proved to. client may be a *tls.Conn. It sends no
// AuthenticationOk. An error was already told to the client.
func (a *Authenticator) Accept(ctx context.Context, client net.Conn, user string) (Secret, error) {
	return Secret{}, errNotBuilt
}
