// Package child runs the programs that the demo and the tests from outside start, so that none of them is left behind: each
// leads a process group of its own, is signalled when its parent dies, and is stopped first kindly, then not.
package child

import (
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// Process is a program that was started, leader of its own process group.
type Process struct {
	pid  int
	done chan struct{}
	code int // valid when done is closed
}

// Start starts cmd. Should this process die, the kernel sends the child sig (where it can): so the thread that starts it has
// to live as long as the child does.
func Start(cmd *exec.Cmd, sig syscall.Signal) (*Process, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	tieTo(cmd.SysProcAttr, sig)
	p := &Process{done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := cmd.Start(); err != nil {
			started <- err
			return
		}
		p.pid = cmd.Process.Pid
		started <- nil
		_ = cmd.Wait()
		p.code = cmd.ProcessState.ExitCode()
		close(p.done)
	}()
	return p, <-started
}

// Done is closed when the program has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Code waits for the end and gives the exit status; -1 after a signal.
func (p *Process) Code() int {
	<-p.done
	return p.code
}

// Signal sends sig to the program's process group, unless it has ended.
func (p *Process) Signal(sig syscall.Signal) {
	select {
	case <-p.done: // its number may be another's by now
	default:
		_ = syscall.Kill(-p.pid, sig)
	}
}

// Stop asks the program to end, kills its group when it has not within the time, and waits for its end.
func (p *Process) Stop(within time.Duration) {
	p.Signal(syscall.SIGTERM)
	t := time.NewTimer(within)
	defer t.Stop()
	select {
	case <-p.done:
	case <-t.C:
		p.Signal(syscall.SIGKILL)
		<-p.done
	}
}

// WithoutPrefix gives environ without the variables whose names begin with prefix.
func WithoutPrefix(environ []string, prefix string) []string {
	var out []string
	for _, e := range environ {
		if !strings.HasPrefix(e, prefix) {
			out = append(out, e)
		}
	}
	return out
}
