package sockets

import (
	"net"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// congestion tells which congestion control a connection has.
func congestion(t *testing.T, conn net.Conn) string {
	t.Helper()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var name [16]byte
	size := uint32(len(name))
	var errno syscall.Errno
	raw.Control(func(fd uintptr) {
		_, _, errno = syscall.Syscall6(syscall.SYS_GETSOCKOPT, fd, syscall.IPPROTO_TCP, syscall.TCP_CONGESTION,
			uintptr(unsafe.Pointer(&name)), uintptr(unsafe.Pointer(&size)), 0)
	})
	if errno != 0 {
		t.Fatal(errno)
	}
	return strings.TrimRight(string(name[:size]), "\x00")
}

// Inside this machine nothing is paced, at either end; what listens for others keeps the system's choice.
func TestLocalIsNotPaced(t *testing.T) {
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	untouched, err := net.Dial("tcp", plain.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer untouched.Close()
	system := congestion(t, untouched)
	for address, want := range map[string]string{"127.0.0.1:0": "reno", "0.0.0.0:0": system} {
		all, err := Listen(t.Context(), []Address{{"tcp", address}})
		if err != nil {
			t.Fatal(err)
		}
		defer all[0].Close()
		_, port, _ := net.SplitHostPort(all[0].Addr().String())
		dialer := net.Dialer{Control: Local}
		near, err := dialer.Dial("tcp", net.JoinHostPort("127.0.0.1", port))
		if err != nil {
			t.Fatal(err)
		}
		defer near.Close()
		far, err := all[0].Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer far.Close()
		if got := congestion(t, near); got != "reno" {
			t.Errorf("%s: who calls uses %s", address, got)
		}
		if got := congestion(t, far); got != want {
			t.Errorf("%s: who was called uses %s, not %s", address, got, want)
		}
	}
}
