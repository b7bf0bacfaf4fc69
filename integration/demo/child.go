package main

import (
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// child is a program that the demo started, leader of its own process group.
type child struct {
	pid  int
	done chan struct{} // closed when it has ended
}

// startChild starts cmd. Should the demo die, the kernel sends the child sig: so the thread that starts it has to live as
// long as the child does.
func startChild(cmd *exec.Cmd, sig syscall.Signal) (*child, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	tieTo(cmd.SysProcAttr, sig)
	c := &child{done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := cmd.Start(); err != nil {
			started <- err
			return
		}
		c.pid = cmd.Process.Pid
		started <- nil
		_ = cmd.Wait()
		close(c.done)
	}()
	return c, <-started
}

func (c *child) signal(sig syscall.Signal) {
	select {
	case <-c.done: // its number may be another's by now
	default:
		_ = syscall.Kill(-c.pid, sig)
	}
}

// stop asks the child to end, and kills its group when it has not within the time.
func (c *child) stop(within time.Duration) {
	c.signal(syscall.SIGTERM)
	t := time.NewTimer(within)
	defer t.Stop()
	select {
	case <-c.done:
	case <-t.C:
		c.signal(syscall.SIGKILL)
		<-c.done
	}
}

// withoutPrefix gives environ without the variables whose names begin with prefix.
func withoutPrefix(environ []string, prefix string) []string {
	var out []string
	for _, e := range environ {
		if !strings.HasPrefix(e, prefix) {
			out = append(out, e)
		}
	}
	return out
}
