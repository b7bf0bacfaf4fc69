package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Cluster is one data directory and, while it runs, the server on it. The fields are set before the first call and not
// changed while a server runs. The methods may be called from several goroutines.
type Cluster struct {
	Binaries  Binaries
	Dir       string            // the data directory; its parent exists
	SocketDir string            // where the Unix socket stands; at most 90 bytes long
	Port      int               // TCP port on 127.0.0.1; 0: a free one, chosen at the first Start and then kept
	LogFile   string            // the server's log is appended here
	Settings  map[string]string // passed as -c name=value
	Orphan    syscall.Signal    // what the server gets when this process dies; 0 means a fast shutdown (SIGINT)

	mu   sync.Mutex
	proc *process
}

// Initialized says whether Dir holds a finished data directory, and of which major version.
func (c *Cluster) Initialized() (major int, ok bool) {
	text, err := os.ReadFile(filepath.Join(c.Dir, "PG_VERSION"))
	if err != nil {
		return 0, false
	}
	// initdb writes global/pg_control late, postgresql.conf early; a directory without the first is a torn one.
	if _, err := os.Stat(filepath.Join(c.Dir, "global", "pg_control")); err != nil {
		return 0, false
	}
	major, err = strconv.Atoi(strings.TrimSpace(string(text)))
	return major, err == nil
}

// Init makes the data directory with superuser postgres, encoding UTF8, and byte order as its collation. With a password,
// clients must give it (SCRAM); with an empty one everybody on this machine is trusted, which is for tests alone. hba are
// lines put before the rules in pg_hba.conf.
func (c *Cluster) Init(ctx context.Context, password string, hba ...string) error {
	acc, err := accountFor(c.Dir)
	if err != nil {
		return err
	}
	// Made under another name and renamed at the end: a crash in between leaves no half-made data directory.
	work := c.Dir + ".new"
	if err := os.RemoveAll(work); err != nil {
		return err
	}
	if err := os.Mkdir(work, 0o700); err != nil {
		return err
	}
	if err := acc.give(work); err != nil {
		return err
	}
	if err := acc.reaches(work); err != nil {
		return err
	}
	defer os.RemoveAll(work)
	args := []string{"-D", work, "-U", "postgres", "-E", "UTF8", "--no-sync"}
	if runtime.GOOS == "linux" {
		args = append(args, "--locale=C.UTF-8")
	} else {
		args = append(args, "--locale=C")
	}
	if password == "" {
		args = append(args, "--auth=trust")
	} else {
		// Beside the work folder and not inside, as initdb wants an empty one; a file of its own, as its path is an argument.
		pw := c.Dir + ".pw"
		if err := os.WriteFile(pw, []byte(password+"\n"), 0o600); err != nil {
			return err
		}
		defer os.Remove(pw)
		if err := acc.give(pw); err != nil {
			return err
		}
		args = append(args, "--auth=scram-sha-256", "--pwfile="+pw)
	}
	cmd := exec.CommandContext(ctx, c.Binaries.Program("initdb"), args...)
	cmd.Env = environment()
	cmd.Dir = "/"
	cmd.SysProcAttr = acc.attributes()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, lastLines(out, 3))
	}
	if len(hba) > 0 {
		path := filepath.Join(work, "pg_hba.conf")
		rest, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		text := strings.Join(hba, "\n") + "\n" + string(rest)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
	}
	return os.Rename(work, c.Dir)
}

// Start starts the server and returns when it takes connections. A server that runs already is left alone. What a dead
// process left behind is cleared away: a stale postmaster.pid, or a server of ours that has become an orphan.
func (c *Cluster) Start(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.proc != nil && !c.proc.ended() {
		return nil
	}
	acc, err := accountFor(c.Dir)
	if err != nil {
		return err
	}
	if err := acc.reaches(c.Dir); err != nil {
		return err
	}
	if err := clearOrphan(ctx, c.Dir); err != nil {
		return err
	}
	chosen := c.Port != 0
	for attempt := 0; ; attempt++ {
		port := c.Port
		if !chosen {
			if port, err = FreePort(); err != nil {
				return err
			}
		}
		err = c.launch(ctx, acc, port)
		if err == nil {
			c.Port = port
			return nil
		}
		// Somebody may have taken the free port in between, and backends of a killed server take a moment to go.
		retry := errors.Is(err, errBusy) || (!chosen && errors.Is(err, errPortTaken))
		if !retry || attempt >= 50 {
			return err
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

var (
	errPortTaken = errors.New("port taken")
	errBusy      = errors.New("data directory still in use")
)

func (c *Cluster) launch(ctx context.Context, acc account, port int) error {
	args := []string{"-D", c.Dir, "-p", strconv.Itoa(port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=" + c.SocketDir}
	names := make([]string, 0, len(c.Settings))
	for name := range c.Settings {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		args = append(args, "-c", name+"="+c.Settings[name])
	}
	log, err := os.OpenFile(c.LogFile, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	before, err := log.Seek(0, 2)
	if err != nil {
		return err
	}
	cmd := exec.Command(c.Binaries.Program("postgres"), args...)
	cmd.Env = environment()
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = acc.attributes()
	orphan := c.Orphan
	if orphan == 0 {
		orphan = syscall.SIGINT
	}
	tieTo(cmd.SysProcAttr, orphan)
	p, err := startProcess(cmd)
	if err != nil {
		return fmt.Errorf("starting Postgres: %w", err)
	}
	for {
		if ready(c.Dir, p.pid) {
			c.proc = p
			return nil
		}
		select {
		case <-p.done:
			return startError(c.LogFile, before)
		case <-ctx.Done():
			p.stop()
			return context.Cause(ctx)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// startError tells why a server did not start, from what it logged since the offset from.
func startError(logFile string, from int64) error {
	text, err := os.ReadFile(logFile)
	if err != nil {
		return fmt.Errorf("Postgres did not start: %w", err)
	}
	text = text[min(from, int64(len(text))):]
	cause := errors.New("see " + logFile)
	switch {
	case bytes.Contains(text, []byte("Address already in use")):
		cause = errPortTaken
	case bytes.Contains(text, []byte("still in use")), bytes.Contains(text, []byte("Is another postmaster")):
		cause = errBusy
	}
	return fmt.Errorf("Postgres did not start: %s: %w", lastLines(text, 3), cause)
}

// Stop ends the server by a fast shutdown (open transactions are rolled back, clients are told) and waits for its end. It
// may be called when nothing runs.
func (c *Cluster) Stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.proc != nil {
		c.proc.stop()
		c.proc = nil
	}
}

// Kill ends the server and all its backends at once, as a power failure would.
func (c *Cluster) Kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.proc != nil {
		c.proc.kill()
		c.proc = nil
	}
}

// Done is closed when the running server has ended; nil when none was started.
func (c *Cluster) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.proc == nil {
		return nil
	}
	return c.proc.done
}

// Pid is the running postmaster's process id, 0 when none runs.
func (c *Cluster) Pid() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.proc == nil || c.proc.ended() {
		return 0
	}
	return c.proc.pid
}

// FreePort gives a TCP port of 127.0.0.1 that nobody listens on at this moment.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// environment is what a server's programs see: nothing of the caller's PG* variables, which would change its behaviour.
func environment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "LANG=C", "HOME=/", "TZ=UTC"}
}

// ready reads postmaster.pid as pg_ctl does: the eighth line says how far the server has come.
func ready(dir string, pid int) bool {
	lines := lockFile(dir)
	return len(lines) >= 8 && lines[0] == strconv.Itoa(pid) && strings.TrimSpace(lines[7]) == "ready"
}

func lockFile(dir string) []string {
	text, err := os.ReadFile(filepath.Join(dir, "postmaster.pid"))
	if err != nil {
		return nil
	}
	return strings.Split(string(text), "\n")
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func lastLines(text []byte, n int) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return strings.Join(lines, " | ")
}
