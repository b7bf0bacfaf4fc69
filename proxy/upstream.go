package proxy

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// upstream is the server behind the proxy: its addresses in the order that they are tried in, each with or without TLS, as the URL's
// sslmode asks.
type upstream struct {
	targets   []target
	binding   string // channel_binding: require, prefer or disable
	cleartext bool   // require_auth names password: PgOwl may send one in clear, even outside TLS
}

type target struct {
	network, address string
	tls              *tls.Config
}

// newUpstream reads a Postgres URL (hosts, ports, sslmode, sslrootcert, sslcert, sslkey ...), with libpq's meaning.
func newUpstream(url string) (*upstream, error) {
	c, err := pgconn.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("upstream: %w", err)
	}
	u := &upstream{binding: c.ChannelBinding, cleartext: slices.Contains(strings.Split(c.RequireAuth, ","), "password")}
	add := func(host string, port uint16, config *tls.Config) {
		network, address := pgconn.NetworkAddress(host, port)
		u.targets = append(u.targets, target{network, address, config})
	}
	add(c.Host, c.Port, c.TLSConfig)
	for _, f := range c.Fallbacks {
		add(f.Host, f.Port, f.TLSConfig)
	}
	return u, nil
}

var errNoTLS = errors.New("server refused TLS connection")

// dial connects to the first target that answers.
func (u *upstream) dial(ctx context.Context) (net.Conn, error) {
	var failed error
	for _, t := range u.targets {
		conn, err := t.dial(ctx)
		if err == nil {
			return conn, nil
		}
		failed = err
	}
	return nil, failed
}

func (t target) dial(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, t.network, t.address)
	if err != nil || t.tls == nil {
		return conn, err
	}
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(loginTime)
	}
	conn.SetDeadline(deadline)
	if _, err = conn.Write(binary.BigEndian.AppendUint32([]byte{0, 0, 0, 8}, sslRequest)); err == nil {
		answer := make([]byte, 1)
		if _, err = conn.Read(answer); err == nil && answer[0] != 'S' {
			err = errNoTLS
		}
	}
	if err == nil {
		secure := tls.Client(conn, t.tls)
		if err = secure.HandshakeContext(ctx); err == nil {
			conn.SetDeadline(time.Time{})
			return secure, nil
		}
	}
	conn.Close()
	return nil, err
}
