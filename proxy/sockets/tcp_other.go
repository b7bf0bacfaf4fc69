//go:build !linux

package sockets

import (
	"net"
	"time"
)

func setUserTimeout(*net.TCPConn, time.Duration) {}

func unpaced(uintptr) {}
