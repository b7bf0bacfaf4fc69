//go:build !linux

package proxy

import "net"

// lowWater does nothing here.
func lowWater(*net.TCPConn, int) bool { return false }
