package auth

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"

	"github.com/pgowl/pgowl/proxy/protocol"
)

// ProveOptions change how Prove acts.
type ProveOptions struct {
	ChannelBinding string                     // require, prefer or disable, as libpq's channel_binding; empty: prefer
	AllowCleartext bool                       // a password may go to the server in clear outside TLS, too
	First          []byte                     // a message of the server, with its header, that was read already; nil: none
	Other          func(message []byte) error // gets NoticeResponse and NegotiateProtocolVersion, with header; nil: they are dropped
}

// Prove answers the server's authentication requests on a connection whose start-up message has been sent, until AuthenticationOk,
// which it reads. server may be a *tls.Conn. A refusal of the server's is a *ServerError, one of PgOwl's own an *Error. A server
// that has not shown that it knows the secret itself ends a SCRAM exchange.
func Prove(ctx context.Context, server net.Conn, user string, s Secret, o ProveOptions) error {
	release := watch(ctx, server)
	p := &prover{server: server, user: user, secret: s, options: o}
	err := p.run()
	if ended := release(); ended != nil {
		return ended
	}
	return err
}

// prover is one run of Prove.
type prover struct {
	server  net.Conn
	user    string
	secret  Secret
	options ProveOptions

	scram    *scramClient // nil: no SCRAM exchange has begun
	answered bool         // a request was answered; there is no second one
	verified bool         // the server has shown its signature
}

func (p *prover) run() error {
	message := p.options.First
	for {
		if message == nil {
			var err error
			if message, err = ReadMessage(p.server); err != nil {
				return fmt.Errorf("authentication at the server: %w", err)
			}
		}
		switch message[0] {
		case 'R':
			if len(message) < protocol.HeaderSize+4 {
				return errors.New("authentication at the server: a request without a code")
			}
			done, err := p.request(binary.BigEndian.Uint32(message[protocol.HeaderSize:]), message[protocol.HeaderSize+4:])
			if done || err != nil {
				return err
			}
		case 'E':
			return &ServerError{Message: message}
		case 'N', 'v':
			if p.options.Other != nil {
				if err := p.options.Other(message); err != nil {
					return err
				}
			}
		default:
			return fmt.Errorf("authentication at the server: unexpected message %q", message[0])
		}
		message = nil
	}
}

// request handles one authentication request.
func (p *prover) request(code uint32, data []byte) (done bool, err error) {
	if p.options.ChannelBinding == bindRequire && code != requestSASL && (p.scram == nil || code == requestOK && !p.verified) {
		return false, errorf(codeNotAllowed, "channel binding is required, but the server asks for no log-in that can be bound")
	}
	switch code {
	case requestOK:
		if p.scram != nil && !p.verified {
			return false, errorf(codeNotAllowed, "the server ends the SCRAM exchange before it has shown its signature")
		}
		return true, nil
	case requestSASLContinue, requestSASLFinal:
		if p.scram == nil {
			return false, errors.New("authentication at the server: SASL goes on that has not begun")
		}
		if code == requestSASLFinal {
			err = p.scram.verify(string(data))
			p.verified = err == nil
			return false, err
		}
		if p.scram.want != "" {
			return false, errors.New("authentication at the server: a second SCRAM challenge")
		}
		answer, err := p.scram.answer(string(data))
		if err != nil {
			return false, err
		}
		return false, p.send([]byte(answer))
	}
	if p.answered {
		return false, errors.New("authentication at the server: a second request")
	}
	p.answered = true
	switch code {
	case requestCleartext:
		if !IsPrivate(p.server) && !p.options.AllowCleartext {
			return false, errorf(codeNotAllowed, "the server asks for the password in clear outside TLS")
		}
		if p.secret.Password == "" {
			return false, errorf(codeNotAllowed, "the server asks for the password in clear, and PgOwl has none for this role")
		}
		return false, p.send(append([]byte(p.secret.Password), 0))
	case requestMD5:
		hash := p.secret.md5
		if p.secret.Password != "" {
			hash = md5Hash(p.secret.Password, p.user)
		}
		if hash == "" {
			return false, errorf(codeNotAllowed, "the server asks for an md5 log-in, and PgOwl has neither password nor md5 hash for this role")
		}
		if len(data) != 4 {
			return false, errors.New("authentication at the server: an md5 salt that has not four bytes")
		}
		return false, p.send(append([]byte(md5Answer(hash, data)), 0))
	case requestSASL:
		return false, p.begin(data)
	}
	name := requestNames[code]
	if name == "" {
		name = fmt.Sprintf("method %d", code)
	}
	return false, errorf(codeUnsupported, "PgOwl cannot log in at the server by %s", name)
}

// begin starts a SCRAM exchange.
func (p *prover) begin(data []byte) (err error) {
	var offered []string
	for len(data) > 0 && data[0] != 0 {
		name, rest, ok := protocol.CutString(data)
		if !ok {
			return errors.New("authentication at the server: a malformed list of SASL mechanisms")
		}
		offered, data = append(offered, name), rest
	}
	if p.scram, err = newScramClient(p.secret, offered, serverBinding(p.server), p.options.ChannelBinding, newNonce()); err != nil {
		return err
	}
	first := p.scram.first()
	body := append([]byte(p.scram.mechanism), 0)
	body = binary.BigEndian.AppendUint32(body, uint32(len(first)))
	return p.send(append(body, first...))
}

func (p *prover) send(body []byte) error {
	_, err := p.server.Write(protocol.Append(nil, 'p', body))
	return err
}
