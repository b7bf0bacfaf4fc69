package sockets

import (
	"net"
	"syscall"
	"testing"
	"time"
)

func TestTCPOptions(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	// system is what a socket has that nobody has touched.
	dialer := net.Dialer{KeepAlive: -1}
	dial := func() *net.TCPConn {
		conn, err := dialer.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn.(*net.TCPConn)
	}
	option := func(conn *net.TCPConn, level, name int) (v int) {
		raw, err := conn.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		raw.Control(func(fd uintptr) { v, err = syscall.GetsockoptInt(int(fd), level, name) })
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	all := func(conn *net.TCPConn) [5]int {
		return [5]int{option(conn, syscall.SOL_SOCKET, syscall.SO_KEEPALIVE), option(conn, syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE),
			option(conn, syscall.IPPROTO_TCP, syscall.TCP_KEEPINTVL), option(conn, syscall.IPPROTO_TCP, syscall.TCP_KEEPCNT),
			option(conn, syscall.IPPROTO_TCP, tcpUserTimeout)}
	}
	system := all(dial())
	for _, c := range []struct {
		name string
		set  TCP
		want [5]int
	}{
		{"the system's", TCP{}, [5]int{1, system[1], system[2], system[3], 0}},
		{"off", TCP{Off: true}, [5]int{0, system[1], system[2], system[3], 0}},
		{"all set", TCP{Idle: 30 * time.Second, Interval: 5 * time.Second, Count: 4, UserTimeout: 1500 * time.Millisecond}, [5]int{1, 30, 5, 4, 1500}},
	} {
		conn := dial()
		c.set.Apply(conn)
		if got := all(conn); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}
