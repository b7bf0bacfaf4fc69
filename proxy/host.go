package proxy

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pgowl/pgowl/proxy/sockets"
)

// host is one server of an upstream.
type host struct {
	name             string // as the URL has it
	port             uint16
	network, address string
	tls              []*tls.Config // in the order that they are tried in; nil: in clear
	direct           bool          // TLS from the first byte (sslnegotiation)
	timeout          time.Duration // connect_timeout; 0: none but the context's
	tcp              sockets.TCP

	probe probe // nil: nobody can ask for the role
	// background runs something beside the sessions, until the proxy stops; false: it has stopped.
	background func(f func(ctx context.Context)) bool
	role       roleCache
	state      atomic.Int32 // of the last try: up, down, or not known yet
}

// What is known of a host from the last try to connect.
const (
	hostUntried int32 = iota
	hostUp
	hostDown
)

// dial connects, and shakes hands for TLS where the URL wants it.
func (h *host) dial(ctx context.Context) (net.Conn, error) { return h.dialAt(ctx, h.address) }

// dialAt is dial with an address of this host that is known already.
func (h *host) dialAt(ctx context.Context, address string) (conn net.Conn, err error) {
	if h.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, h.timeout)
		defer cancel()
	}
	for i, config := range h.tls {
		conn, err = h.dialTLS(ctx, address, config, i+1 < len(h.tls) && h.tls[i+1] == nil)
		if err == nil {
			h.state.Store(hostUp)
			return conn, nil
		}
		if unreachable := (*net.OpError)(nil); errors.As(err, &unreachable) && unreachable.Op == "dial" {
			break // it would be so without TLS, too
		}
	}
	h.state.Store(hostDown)
	return nil, err
}

var (
	errNoTLS  = errors.New("server refused TLS connection")
	errNoALPN = errors.New("direct TLS without the application protocol postgresql")
)

// dialTLS connects with one of the TLS settings. A server that refuses TLS is taken as it is where plain is allowed.
func (h *host) dialTLS(ctx context.Context, address string, config *tls.Config, plain bool) (net.Conn, error) {
	dialer := net.Dialer{KeepAlive: -1, Control: sockets.Local} // set below
	conn, err := dialer.DialContext(ctx, h.network, address)
	if err != nil {
		return nil, err
	}
	h.tcp.Apply(conn)
	if config == nil {
		return conn, nil
	}
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(loginTime)
	}
	conn.SetDeadline(deadline)
	secure, err := h.secure(ctx, conn, config)
	if err == errNoTLS && plain {
		secure, err = conn, nil
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	conn.SetDeadline(time.Time{})
	return secure, nil
}

// secure asks for TLS, one byte at most is read of the answer, and shakes hands.
func (h *host) secure(ctx context.Context, conn net.Conn, config *tls.Config) (net.Conn, error) {
	if !h.direct {
		if _, err := conn.Write(binary.BigEndian.AppendUint32([]byte{0, 0, 0, 8}, sslRequest)); err != nil {
			return nil, err
		}
		answer := make([]byte, 1)
		if _, err := io.ReadFull(conn, answer); err != nil {
			return nil, fmt.Errorf("answer to the request for TLS: %w", err)
		}
		if answer[0] != 'S' {
			return nil, errNoTLS
		}
	}
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("TLS handshake with the server: %w", err)
	}
	if h.direct && secure.ConnectionState().NegotiatedProtocol != "postgresql" {
		return nil, errNoALPN
	}
	return secure, nil
}

// origins remembers which host the addresses belong to that connections lead to. It has as many entries as the hosts' names have addresses.
type origins struct {
	mu    sync.Mutex
	hosts map[string]*host
}

func newOrigins() *origins { return &origins{hosts: map[string]*host{}} }

func (o *origins) note(conn net.Conn, h *host) {
	key := conn.RemoteAddr().String()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.hosts[key] = h
}

// of gives the host that a connection leads to; nil where it is none of these.
func (o *origins) of(conn net.Conn) *host {
	if conn == nil {
		return nil
	}
	key := conn.RemoteAddr().String()
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.hosts[key]
}
