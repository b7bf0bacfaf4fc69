package sockets

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// The environment by which listening sockets come from systemd (sd_listen_fds(3)) or from the PgOwl that started this one. The last two are
// PgOwl's own: the addresses as they are configured, separated by commas, and the descriptor to write a byte to when all serves.
const (
	envPID       = "LISTEN_PID"
	envCount     = "LISTEN_FDS"
	envNames     = "LISTEN_FDNAMES"
	envAddresses = "LISTEN_ADDRESSES"
	envReady     = "LISTEN_READY_FD"
	firstFD      = 3
)

// HTTP is the name of the sockets for HTTP; all others are for SQL.
const HTTP = "http"

// Set is the listening sockets of a process: those that it was given, and those that it opens.
type Set struct {
	program string // path of this program

	mu    sync.Mutex
	given []socket // not asked for yet
	used  []socket
	ready *os.File // nil: nobody waits
}

type socket struct {
	name     string // HTTP, or anything for SQL
	address  string // as configured; empty: systemd's, whatever the settings say
	listener net.Listener
}

// Inherit takes what the environment says was handed to this process, and takes that out of the environment. Without anything it gives an
// empty set.
func Inherit() (*Set, error) {
	s := &Set{}
	s.program, _ = exec.LookPath(os.Args[0])
	if abs, err := filepath.Abs(s.program); err == nil {
		s.program = abs
	}
	env := map[string]string{}
	for _, name := range []string{envPID, envCount, envNames, envAddresses, envReady} {
		env[name] = os.Getenv(name)
		os.Unsetenv(name)
	}
	if pid := env[envPID]; env[envCount] == "" || pid != "" && pid != strconv.Itoa(os.Getpid()) || pid == "" && env[envReady] == "" {
		return s, nil
	}
	count, err := strconv.Atoi(env[envCount])
	if err != nil || count < 0 || count > 1000 {
		return nil, fmt.Errorf("%s is no number of sockets", envCount)
	}
	names, addresses := strings.Split(env[envNames], ":"), strings.Split(env[envAddresses], ",")
	for i := range count {
		syscall.CloseOnExec(firstFD + i)
		f := os.NewFile(uintptr(firstFD+i), "listener")
		l, err := net.FileListener(f)
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("inherited socket %d: %w", i+1, err)
		}
		one := socket{listener: l}
		if i < len(names) {
			one.name = names[i]
		}
		if i < len(addresses) {
			one.address = addresses[i]
		}
		if u, ok := l.(*net.UnixListener); ok {
			u.SetUnlinkOnClose(one.address != "") // systemd keeps its own
		}
		s.given = append(s.given, one)
	}
	if fd, err := strconv.Atoi(env[envReady]); err == nil && fd >= firstFD {
		syscall.CloseOnExec(fd)
		s.ready = os.NewFile(uintptr(fd), "ready")
	}
	return s, nil
}

// Listen gives the sockets for some addresses (ParseAddresses' form): those that were given, else new ones. Sockets of systemd's stand for
// all addresses of their name.
func (s *Set) Listen(ctx context.Context, name, text string) ([]net.Listener, error) {
	addresses, err := ParseAddresses(text)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []net.Listener
	for i := 0; i < len(s.given); {
		if g := s.given[i]; g.address == "" && (g.name == HTTP) == (name == HTTP) {
			all = append(all, s.take(i))
			continue
		}
		i++
	}
	if len(all) > 0 {
		return all, nil
	}
	all = make([]net.Listener, len(addresses))
	var missing []Address
	var places []int
	for i, a := range addresses {
		for k, g := range s.given {
			if g.address == a.Address && (g.name == HTTP) == (name == HTTP) {
				all[i] = s.take(k)
				break
			}
		}
		if all[i] == nil {
			missing, places = append(missing, a), append(places, i)
		}
	}
	fresh, err := listen(ctx, missing, firstPort(all))
	if err != nil {
		return nil, err
	}
	for k, i := range places {
		all[i] = fresh[k]
		s.used = append(s.used, socket{name, addresses[i].Address, fresh[k]})
	}
	return all, nil
}

// take moves a given socket to the used ones.
func (s *Set) take(i int) net.Listener {
	one := s.given[i]
	s.given = append(s.given[:i:i], s.given[i+1:]...)
	s.used = append(s.used, one)
	return one.listener
}

// Ready tells whoever waits, the PgOwl before this one or systemd (sd_notify(3)), that all is served, and closes sockets that nobody
// asked for.
func (s *Set) Ready() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.given {
		g.listener.Close()
	}
	s.given = nil
	if s.ready != nil {
		s.ready.Write([]byte{1})
		s.ready.Close()
		s.ready = nil
	}
	Notify("READY=1\nMAINPID=" + strconv.Itoa(os.Getpid()))
}

// Notify tells systemd about the state of the service, where it wants to know.
func Notify(state string) {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return
	}
	if conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"}); err == nil {
		conn.Write([]byte(state))
		conn.Close()
	}
}

// HandOver starts this program anew, from the file that is there now, with the same arguments and all sockets, and returns its process
// once it serves. Both accept connections then: the caller has to stop. After an error, which the end of ctx is, the new process has ended,
// and nothing has changed.
func (s *Set) HandOver(ctx context.Context) (*os.Process, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer read.Close()
	defer write.Close()
	cmd := exec.Command(s.program, os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = nil, os.Stdout, os.Stderr
	var names, addresses []string
	for _, u := range s.used {
		fd, err := Duplicate(u.listener.(syscall.Conn))
		if err != nil {
			return nil, err
		}
		f := os.NewFile(uintptr(fd), u.name)
		defer f.Close()
		cmd.ExtraFiles = append(cmd.ExtraFiles, f)
		names, addresses = append(names, u.name), append(addresses, u.address)
	}
	cmd.ExtraFiles = append(cmd.ExtraFiles, write)
	cmd.Env = append(os.Environ(), envCount+"="+strconv.Itoa(len(names)), envNames+"="+strings.Join(names, ":"),
		envAddresses+"="+strings.Join(addresses, ","), envReady+"="+strconv.Itoa(firstFD+len(names)))
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	write.Close() // its end is noticed now
	defer context.AfterFunc(ctx, func() { read.SetReadDeadline(time.Unix(1, 0)) })()
	if _, err := read.Read(make([]byte, 1)); err != nil {
		cmd.Process.Kill()
		e := cmd.Wait()
		switch {
		case ctx.Err() != nil:
			err = context.Cause(ctx)
		case e != nil:
			err = e
		}
		return nil, fmt.Errorf("the new process does not serve: %w", err)
	}
	go cmd.Wait() // so that it leaves no zombie if it ends before this process
	for _, u := range s.used {
		if l, ok := u.listener.(*net.UnixListener); ok {
			l.SetUnlinkOnClose(false) // its file is the new process's now
		}
	}
	return cmd.Process, nil
}
