package sockets

import (
	"net/netip"
	"syscall"
)

// Local is for the Control of a net.ListenConfig or net.Dialer: a TCP connection inside this machine is spared the system's choice of
// congestion control where that paces what is sent (BBR does, with a timer for each message). There is no network to be
// careful with, and the timers are a good part of what a message costs.
func Local(network, address string, raw syscall.RawConn) error {
	if at, err := netip.ParseAddrPort(address); err == nil && at.Addr().Unmap().IsLoopback() {
		raw.Control(unpaced)
	}
	return nil
}
