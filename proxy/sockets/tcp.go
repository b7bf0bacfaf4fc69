package sockets

import (
	"net"
	"time"
)

// TCP are the options of a TCP connection by which a peer that has gone without a word is noticed. Zero values leave it to the system, as
// Postgres (tcp_keepalives_idle ...) and libpq (keepalives_idle ...) do.
type TCP struct {
	Off         bool          // no keepalives at all, libpq's keepalives=0
	Idle        time.Duration // without traffic, before the first probe
	Interval    time.Duration // between probes
	Count       int           // probes without an answer, before the connection counts as lost
	UserTimeout time.Duration // that sent data may stay unacknowledged (Linux)
}

// Apply sets the options. On what isn't TCP there are none, and an option that the system doesn't know changes nothing.
func (t TCP) Apply(conn net.Conn) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return
	}
	orSystem := func(d time.Duration) time.Duration {
		if d <= 0 {
			return -1
		}
		return max(d, time.Second)
	}
	config := net.KeepAliveConfig{Enable: !t.Off, Idle: orSystem(t.Idle), Interval: orSystem(t.Interval), Count: t.Count}
	if t.Count <= 0 {
		config.Count = -1
	}
	tcp.SetKeepAliveConfig(config)
	if t.UserTimeout > 0 {
		setUserTimeout(tcp, t.UserTimeout)
	}
}
