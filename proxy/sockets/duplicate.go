package sockets

import (
	"errors"
	"syscall"
)

// Duplicate gives a second descriptor of a socket, which the runtime's poller does not know. The File of package net would be no good: when
// its descriptor is asked for, os makes it blocking, and with it the one it is a copy of.
func Duplicate(socket syscall.Conn) (fd int, err error) {
	raw, err := socket.SyscallConn()
	if err != nil {
		return -1, err
	}
	fd, failed := -1, error(nil)
	err = raw.Control(func(first uintptr) {
		n, _, errno := syscall.Syscall(syscall.SYS_FCNTL, first, syscall.F_DUPFD_CLOEXEC, 0)
		if errno != 0 {
			failed = errno
			return
		}
		fd = int(n)
	})
	return fd, errors.Join(err, failed)
}
