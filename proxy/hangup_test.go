//go:build linux

package proxy

import (
	"crypto/tls"
	"net"
	"testing"
	"time"
)

func TestHungUp(t *testing.T) {
	for name, wrap := range map[string]func(net.Conn) net.Conn{
		"plain":  func(c net.Conn) net.Conn { return c },
		"peeked": func(c net.Conn) net.Conn { return &peekedConn{Conn: c} },
		"TLS":    func(c net.Conn) net.Conn { return tls.Server(&peekedConn{Conn: c}, nil) },
	} {
		far, raw := socketPair(t)
		conn := wrap(raw)
		far.Write([]byte("unread"))
		if hungUp(conn) {
			t.Errorf("%s: gone too early", name)
		}
		far.Close()
		for deadline := time.Now().Add(10 * time.Second); !hungUp(conn); {
			if time.Now().After(deadline) {
				t.Fatalf("%s: still there", name)
			}
		}
		raw.Close()
	}
	if near, _ := net.Pipe(); hungUp(near) {
		t.Error("a pipe does not tell")
	}
}
