package proxy

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/pgowl/pgowl/proxy/auth"
	"github.com/pgowl/pgowl/proxy/protocol"
)

// The request codes that stand where a start-up packet has its protocol version (manual, "Message Formats").
const (
	sslRequest    = 80877103
	gssEncRequest = 80877104
	cancelRequest = 80877102
	maxStartup    = 10000 // the server's own limit for a start-up packet
)

// packet is a start-up packet: code and what follows it.
type packet struct {
	code uint32
	body []byte
}

func readPacket(r io.Reader) (packet, error) {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:4]); err != nil {
		return packet{}, err
	}
	size := binary.BigEndian.Uint32(head[:])
	if size < 8 || size > maxStartup {
		return packet{}, fmt.Errorf("start-up packet of %d bytes", size)
	}
	body := make([]byte, size-4)
	if _, err := io.ReadFull(r, body); err != nil {
		return packet{}, err
	}
	return packet{binary.BigEndian.Uint32(body), body[4:]}, nil
}

func (p packet) encode() []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(p.body)+8))
	b = binary.BigEndian.AppendUint32(b, p.code)
	return append(b, p.body...)
}

// parameters gives the settings of a start-up message.
func (p packet) parameters() map[string]string {
	m := map[string]string{}
	for rest := p.body; len(rest) > 1; {
		name, r, ok := protocol.CutString(rest)
		if !ok || name == "" {
			break
		}
		value, r, ok := protocol.CutString(r)
		if !ok {
			break
		}
		m[name], rest = value, r
	}
	return m
}

// with adds a setting to a start-up message; it is left alone where its end is not where it should be.
func (p packet) with(name, value string) packet {
	rest := p.body
	for {
		key, r, ok := protocol.CutString(rest)
		if !ok {
			return p
		}
		if key == "" {
			if len(r) > 0 {
				return p
			}
			break
		}
		if _, rest, ok = protocol.CutString(r); !ok {
			return p
		}
	}
	body := append([]byte(nil), p.body[:len(p.body)-1]...)
	body = append(body, name...)
	body = append(body, 0)
	body = append(body, value...)
	return packet{p.code, append(body, 0, 0)}
}

// peekedConn gives back a byte that was read to see what it is.
type peekedConn struct {
	net.Conn
	first []byte
}

func (c *peekedConn) Read(b []byte) (int, error) {
	if len(c.first) > 0 {
		n := copy(b, c.first)
		c.first = c.first[n:]
		return n, nil
	}
	return c.Conn.Read(b)
}

// negotiate answers what a client may ask before its start-up message
// and reads that. A cancel request is carried out, and ends with errClosed.
func (p *Server) negotiate(ctx context.Context, conn net.Conn) (_ net.Conn, first packet, err error) {
	secure := false                                                      // the client is inside TLS
	offered := p.secure() != nil && conn.LocalAddr().Network() != "unix" // as Postgres, which offers none on a unix socket
	askedTLS, askedGSS := false, false
	for {
		if !askedTLS && !askedGSS && offered {
			// A client may start with TLS at once (ALPN postgresql), as Postgres 17's libpq can.
			b := make([]byte, 1)
			if _, err := io.ReadFull(conn, b); err != nil {
				return conn, first, err
			}
			conn = &peekedConn{conn, b}
			if b[0] == 0x16 {
				if conn, err = p.handshake(ctx, conn, true); err != nil {
					return conn, first, err
				}
				secure = true
			}
		}
		first, err = readPacket(conn)
		if err != nil {
			return conn, first, err
		}
		// Each may be asked for once, and nothing inside TLS: then the server takes the request for a version that it does not know.
		if again := first.code == sslRequest && (askedTLS || secure) || first.code == gssEncRequest && (askedGSS || secure); again {
			text := fmt.Sprintf("unsupported frontend protocol %d.%d: server supports 3.0 to 3.0", first.code>>16, first.code&0xffff)
			fatal(conn, "0A000", text)
			return conn, first, errors.New(text)
		}
		switch first.code {
		case sslRequest:
			askedTLS = true
			if !offered {
				if _, err := conn.Write([]byte{'N'}); err != nil {
					return conn, first, err
				}
				continue
			}
			if stuffed(conn) {
				fatalDetail(conn, "08P01", "received unencrypted data after SSL request",
					"This could be either a client-software bug or evidence of an attempted man-in-the-middle attack.")
				return conn, first, errors.New("bytes in the clear behind a request for TLS")
			}
			if _, err := conn.Write([]byte{'S'}); err != nil {
				return conn, first, err
			}
			// Nothing has been read beyond the request: what is stuffed behind it later goes into the handshake, which fails on it.
			if conn, err = p.handshake(ctx, conn, false); err != nil {
				return conn, first, err
			}
			secure = true
		case gssEncRequest:
			askedGSS = true
			if _, err := conn.Write([]byte{'N'}); err != nil {
				return conn, first, err
			}
		case cancelRequest:
			p.cancelSession(ctx, first)
			return conn, first, errClosed
		default:
			return conn, first, nil
		}
	}
}

func (p *Server) handshake(ctx context.Context, conn net.Conn, direct bool) (net.Conn, error) {
	t := auth.ServerTLS(conn, p.secure())
	if err := t.HandshakeContext(ctx); err != nil {
		return conn, fmt.Errorf("TLS handshake: %w", err)
	}
	if direct && t.ConnectionState().NegotiatedProtocol != "postgresql" {
		return conn, errors.New("direct TLS without the application protocol postgresql")
	}
	return t, nil
}

// authentication sees what the server asks for.
func (s *session) authentication(body []byte) (keep bool, err error) {
	changed := withoutBinding(body)
	if changed == nil {
		return true, nil
	}
	s.pending = append(s.pending, changed...)
	return false, nil
}

// backendKey notes what a cancel request for this session will carry, and opens the call lane: the process id is known now.
func (s *session) backendKey(body []byte) {
	if len(body) < 8 {
		return
	}
	s.key = cancelKey(body)
	s.proxy.remember(s)
	if e := s.proxy.options.Engine; s.wantsCalls {
		s.calls.Store(e.Handler(binary.BigEndian.Uint32(body), s))
	}
}
