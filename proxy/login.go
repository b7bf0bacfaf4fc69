package proxy

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/pgowl/pgowl/proxy/auth"
	"github.com/pgowl/pgowl/proxy/protocol"
)

// login comes between the start-up message, which the server has been sent, and the pumps. Where the server's request can be
// relayed it does as little as it can; else PgOwl authenticates the client and proves its secret to the server. Errors were told to
// the client.
func (s *session) login(to *upstream, user string) error {
	l := &login{session: s, auth: s.proxy.auth, to: to, user: user, inside: to == s.proxy.inner}
	l.certified = !l.inside && l.auth.Certified(s.client, user)
	if !l.mayAuthenticate() {
		return nil // the pumps relay it all
	}
	stop := context.AfterFunc(s.ctx, func() { s.server.SetDeadline(past) })
	defer stop()
	request, err := l.first()
	if err != nil {
		return err
	}
	if request[0] == 'E' {
		s.client.Write(request)
		return errClosed
	}
	if !l.mustAuthenticate(request[protocol.HeaderSize:]) {
		if changed := withoutBinding(request[protocol.HeaderSize:]); changed != nil && !auth.SameBinding(s.client, s.server) {
			request = changed
		}
		_, err := s.client.Write(request)
		return err
	}
	return l.authenticate(request)
}

// login is one run of it.
type login struct {
	*session
	auth      *auth.Authenticator
	to        *upstream
	user      string
	inside    bool // the client is a part of PgOwl: no mode is for it
	certified bool // the client's certificate is all that is asked for
}

// mayAuthenticate tells whether there are requests of the server's that would not be relayed.
func (l *login) mayAuthenticate() bool {
	if l.to.binding == "require" || l.certified {
		return true
	}
	return !l.inside && (l.auth.Mode() != auth.Relay || auth.IsTLS(l.client) && auth.IsTLS(l.server))
}

// mustAuthenticate tells whether PgOwl itself authenticates the client, knowing the server's request.
func (l *login) mustAuthenticate(request []byte) bool {
	code := binary.BigEndian.Uint32(request)
	const ok, sasl = 0, 10
	switch {
	case l.to.binding == "require", l.certified:
		return true
	case l.inside:
		return false
	case l.auth.Mode() == auth.Users:
		return true
	case l.auth.Mode() == auth.Password:
		return code != ok // a server that trusts would check no password
	}
	// The client would see that TLS ends here: as libpq puts it, that it can bind itself and is not offered to.
	return code == sasl && auth.IsTLS(l.client) && !auth.SameBinding(l.client, l.server) && slices.Contains(saslMechanisms(request), "SCRAM-SHA-256-PLUS")
}

// first reads up to the server's first request or error; what else it says goes to the client.
func (l *login) first() ([]byte, error) {
	for {
		message, err := auth.ReadMessage(l.server)
		if err != nil {
			return nil, fmt.Errorf("the server's first message: %w", err)
		}
		switch {
		case message[0] == 'E', message[0] == 'R' && len(message) >= protocol.HeaderSize+4:
			return message, nil
		case message[0] == 'N', message[0] == 'v':
			if _, err := l.client.Write(message); err != nil {
				return nil, err
			}
		default:
			return nil, fmt.Errorf("unexpected message %q of the server", message[0])
		}
	}
}

// authenticate carries out both halves.
func (l *login) authenticate(request []byte) error {
	accept := l.auth.Accept
	if l.inside {
		accept = l.auth.AskPassword // what PgOwl's own parts log in with, the server has to check
	}
	secret, err := accept(l.ctx, l.client, l.user)
	if err != nil {
		return err
	}
	err = auth.Prove(l.ctx, l.server, l.user, secret, auth.ProveOptions{
		ChannelBinding: l.to.binding,
		AllowCleartext: l.to.cleartext,
		First:          request,
		Other:          func(message []byte) error { _, err := l.client.Write(message); return err },
	})
	var refused *auth.ServerError
	var own *auth.Error
	switch {
	case errors.As(err, &refused):
		l.client.Write(refused.Message)
	case errors.As(err, &own):
		fatal(l.client, own.Code, own.Message)
	case err == nil:
		_, err = l.client.Write(encode(&pgproto3.AuthenticationOk{}))
	}
	return err
}

// saslMechanisms gives the names in an AuthenticationSASL's body.
func saslMechanisms(request []byte) []string {
	var m pgproto3.AuthenticationSASL
	if m.Decode(request) != nil {
		return nil
	}
	return m.AuthMechanisms
}

// withoutBinding gives an AuthenticationSASL without the mechanism that binds, from a request's body; nil where that is not offered.
// TLS ends here, so a client cannot bind itself to the server's. A client without TLS would take the offer for an attack.
func withoutBinding(request []byte) []byte {
	const sasl = 10
	if len(request) < 4 || binary.BigEndian.Uint32(request) != sasl {
		return nil
	}
	offered := saslMechanisms(request)
	kept := slices.DeleteFunc(slices.Clone(offered), func(name string) bool { return name == "SCRAM-SHA-256-PLUS" })
	if len(kept) == len(offered) {
		return nil
	}
	return encode(&pgproto3.AuthenticationSASL{AuthMechanisms: kept})
}

// stuffed tells whether a client has sent more than it could know of: an attacker in between may put bytes in the clear before
// those that come inside TLS (CVE-2021-23214).
func stuffed(conn net.Conn) bool {
	if p, ok := conn.(*peekedConn); ok {
		if len(p.first) > 0 {
			return true
		}
		conn = p.Conn
	}
	raw, ok := conn.(syscall.Conn)
	if !ok {
		return false
	}
	c, err := raw.SyscallConn()
	if err != nil {
		return false
	}
	n := 0
	c.Read(func(fd uintptr) bool { // does not wait: the descriptor doesn't block
		n, _, _ = syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK)
		return true
	})
	return n > 0
}

// fatalDetail is fatal with a DETAIL.
func fatalDetail(conn net.Conn, code, message, detail string) {
	conn.SetWriteDeadline(time.Now().Add(5 * time.Second))
	conn.Write(encode(&pgproto3.ErrorResponse{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: code, Message: message, Detail: detail}))
}
