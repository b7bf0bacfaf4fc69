package embedded

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a started program that is waited for.
type process struct {
	pid  int
	done chan struct{} // closed when it has ended and been reaped
}

// startProcess starts cmd on a thread that lives as long as the process does: the kernel's parent-death signal is tied
// to the starting thread, and the Go runtime ends idle threads as it likes.
func startProcess(cmd *exec.Cmd) (*process, error) {
	started := make(chan error, 1)
	p := &process{done: make(chan struct{})}
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := cmd.Start(); err != nil {
			started <- err
			return
		}
		p.pid = cmd.Process.Pid
		started <- nil
		_ = cmd.Wait() // how it ended is in its log
		close(p.done)
	}()
	return p, <-started
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// stop asks more and more firmly, each with its time: fast, immediate, kill.
func (p *process) stop() {
	for _, step := range []struct {
		sig  syscall.Signal
		wait time.Duration
	}{{syscall.SIGINT, 30 * time.Second}, {syscall.SIGQUIT, 10 * time.Second}} {
		_ = syscall.Kill(p.pid, step.sig)
		t := time.NewTimer(step.wait)
		select {
		case <-p.done:
			t.Stop()
			return
		case <-t.C:
		}
	}
	p.kill()
}

func (p *process) kill() {
	backends := children(p.pid)
	_ = syscall.Kill(p.pid, syscall.SIGKILL)
	for _, pid := range backends {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	<-p.done
}

// children gives the processes whose parent is pid. Backends lead sessions of their own, so a signal to the group would
// not reach them. Empty where there is no /proc; they then end by themselves when they notice.
func children(pid int) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var out []int
	for _, e := range entries {
		id, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile(filepath.Join("/proc", e.Name(), "stat"))
		if err != nil {
			continue
		}
		// The second field is the name in brackets, which may hold anything; the parent is the second field behind it.
		_, rest, ok := strings.Cut(string(stat[max(0, strings.LastIndexByte(string(stat), ')')):]), ") ")
		fields := strings.Fields(rest)
		if ok && len(fields) > 1 && fields[1] == strconv.Itoa(pid) {
			out = append(out, id)
		}
	}
	return out
}

// clearOrphan deals with the postmaster.pid of an earlier process: a server that still runs on the directory is shut
// down (it has nobody left to serve), and a file whose process is gone, or is another program by now, is removed.
func clearOrphan(ctx context.Context, dir string) error {
	lines := lockFile(dir)
	if len(lines) < 2 {
		return nil
	}
	pid, err := strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil || pid <= 1 {
		return nil // Postgres knows what to do with a torn file
	}
	if !runsOn(pid, dir) {
		return os.Remove(filepath.Join(dir, "postmaster.pid"))
	}
	deadline := time.Now().Add(30 * time.Second)
	for asked := false; runsOn(pid, dir); asked = true {
		if !asked {
			_ = syscall.Kill(pid, syscall.SIGINT)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("a Postgres server (process %d) still runs on %s and does not stop", pid, dir)
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// runsOn says whether process pid is a postmaster on dir. Postmasters work inside their data directory.
func runsOn(pid int, dir string) bool {
	if err := syscall.Kill(pid, 0); err == syscall.ESRCH {
		return false
	}
	cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
	if err != nil {
		if _, statErr := os.Stat("/proc/self/cwd"); statErr != nil {
			return true // no /proc here: be careful
		}
		return false // another user's process, or a zombie
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		real = dir
	}
	return cwd == real
}
