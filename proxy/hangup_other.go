//go:build !linux

package proxy

import "net"

// hungUp cannot tell here: it shows when something is written to the client.
func hungUp(net.Conn) bool { return false }
