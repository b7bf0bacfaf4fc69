package proxy

import (
	"net"
	"syscall"
)

// lowWater sets how many bytes must have come before a connection counts as readable. It reports whether that worked.
func lowWater(conn *net.TCPConn, bytes int) bool {
	raw, err := conn.SyscallConn()
	if err != nil {
		return false
	}
	done := false
	raw.Control(func(fd uintptr) {
		done = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVLOWAT, bytes) == nil
	})
	return done
}
