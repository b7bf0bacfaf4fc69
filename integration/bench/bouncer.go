package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// bouncer is a running PgBouncer that pools by session, as PgOwl serves.
type bouncer struct {
	cmd  *exec.Cmd
	done chan struct{}
	url  string
}

// findBouncer gives PgBouncer's program: the one named, or the package's, which leaves it off most users' PATH; empty where there is none.
func findBouncer(named string) string {
	if named != "" {
		return named
	}
	for _, name := range []string{"pgbouncer", "/usr/sbin/pgbouncer"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// startBouncer starts PgBouncer as its manual would have it for session pooling with SCRAM: the users file has the server's own
// verifiers, so that it can log in with what clients prove.
func startBouncer(ctx context.Context, s *stage, name string) (*bouncer, error) {
	upstream, err := url.Parse(s.url("direct"))
	if err != nil {
		return nil, err
	}
	address := freeAddress()
	listen, err := url.Parse("//" + address)
	if err != nil {
		return nil, err
	}
	folder := filepath.Join(s.folder, name)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	file := filepath.Join(folder, "pgbouncer.ini")
	text := fmt.Sprintf(`[databases]
* = host=127.0.0.1 port=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %s
unix_socket_dir =
auth_type = scram-sha-256
auth_file = %s
client_tls_sslmode = allow
client_tls_cert_file = %s
client_tls_key_file = %s
pool_mode = session
max_client_conn = %d
default_pool_size = %d
log_connections = 0
log_disconnections = 0
ignore_startup_parameters = extra_float_digits
`, upstream.Port(), listen.Port(), s.usersFile, s.certFile, s.keyFile, maxSessions, maxSessions)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return nil, err
	}
	b := &bouncer{done: make(chan struct{}), url: withAddress(upstream.String(), address)}
	b.cmd = exec.Command(s.options.bouncer, "-q", file)
	if os.Geteuid() == 0 {
		// It refuses to be root. Its own -u would make the kernel forget that it is to end with us.
		nobody, err := account("nobody")
		if err != nil {
			return nil, err
		}
		b.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: nobody}
	}
	log, err := os.Create(filepath.Join(folder, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	b.cmd.Stdout, b.cmd.Stderr = log, log
	if err := startChild(b.cmd, b.done); err != nil {
		return nil, err
	}
	if err := reachable(ctx, address, b.done); err != nil {
		b.stop()
		return nil, fmt.Errorf("%s: %w:\n%s", s.options.bouncer, err, lastWords(log.Name()))
	}
	return b, nil
}

func (b *bouncer) pid() int { return b.cmd.Process.Pid }

func (b *bouncer) stop() {
	b.cmd.Process.Kill()
	<-b.done
}

// account finds a user of the system.
func account(name string) (*syscall.Credential, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, err
}
