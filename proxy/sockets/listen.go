package sockets

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Listen opens all addresses, or none: the error names the one that failed.
func Listen(ctx context.Context, addresses []Address) ([]net.Listener, error) {
	return listen(ctx, addresses, 0)
}

// listen is Listen with the port that the name of a unix socket gets; 0: the first TCP address's.
func listen(ctx context.Context, addresses []Address, port int) ([]net.Listener, error) {
	all := make([]net.Listener, len(addresses))
	var err error
	for i, a := range addresses { // TCP first: a port that was left to the system is in the name of a unix socket
		if a.Network != "tcp" {
			continue
		}
		config := net.ListenConfig{KeepAlive: -1, Control: Local} // whoever accepts sets it
		if all[i], err = config.Listen(ctx, "tcp", a.Address); err != nil {
			break
		}
	}
	if port == 0 {
		port = firstPort(all)
	}
	if port == 0 {
		port = defaultPort
	}
	for i, a := range addresses {
		if err != nil {
			break
		}
		if a.Network == "unix" {
			all[i], err = listenUnix(ctx, a.path(port))
		}
	}
	if err != nil {
		for _, l := range all {
			if l != nil {
				l.Close()
			}
		}
		return nil, fmt.Errorf("listen: %w", err)
	}
	return all, nil
}

// firstPort is the port of the first TCP listener; 0 where there is none.
func firstPort(all []net.Listener) int {
	for _, l := range all {
		if l == nil {
			continue
		}
		if a, ok := l.Addr().(*net.TCPAddr); ok {
			return a.Port
		}
	}
	return 0
}

// listenUnix makes a socket that everybody may connect to, as Postgres does (unix_socket_permissions). A file that an ended
// process left there is removed; one that somebody answers on is not, nor anything that isn't a socket.
func listenUnix(ctx context.Context, path string) (net.Listener, error) {
	if len(path) > maxPath {
		return nil, fmt.Errorf("unix socket path %q is too long (at most %d bytes)", path, maxPath)
	}
	unlock, err := lock(path + ".lock")
	if err != nil {
		return nil, err
	}
	defer unlock()
	if info, err := os.Lstat(path); err == nil {
		if info.Mode()&os.ModeSocket == 0 {
			return nil, fmt.Errorf("%s exists and is no socket", path)
		}
		dialer := net.Dialer{Timeout: time.Second}
		conn, err := dialer.DialContext(ctx, "unix", path)
		if err == nil {
			conn.Close()
		}
		if !errors.Is(err, syscall.ECONNREFUSED) {
			return nil, fmt.Errorf("%s is in use: %w", path, syscall.EADDRINUSE)
		}
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o777); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// lock keeps two processes from taking a stale socket's place at the same time: one could remove the other's new one. The file
// is gone again afterwards.
func lock(path string) (unlock func(), err error) {
	for {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, fmt.Errorf("unix socket in %s: %w", filepath.Dir(path), errors.Unwrap(err))
		}
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		// Whoever had it before may have removed it: then what is locked here keeps nobody out.
		locked, err1 := f.Stat()
		there, err2 := os.Stat(path)
		if err1 == nil && err2 == nil && os.SameFile(locked, there) {
			return func() {
				os.Remove(path)
				f.Close()
			}, nil
		}
		f.Close()
	}
}
