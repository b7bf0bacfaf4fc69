package child

import (
	"bufio"
	"os/exec"
	"slices"
	"syscall"
	"testing"
	"time"
)

func TestCodeIsTheProgramsOwn(t *testing.T) {
	p, err := Start(exec.Command("sh", "-c", "exit 3"), syscall.SIGTERM)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Code(); got != 3 {
		t.Errorf("exit status: got %d, want 3", got)
	}
	p.Stop(time.Minute) // of what has ended: nothing happens
}

func TestStartTellsWhatIsMissing(t *testing.T) {
	if _, err := Start(exec.Command("/no/such/program"), syscall.SIGTERM); err == nil {
		t.Error("a program that is not there was started")
	}
}

// TestStopKillsTheWholeGroup stops a program that will not hear, and what it started.
func TestStopKillsTheWholeGroup(t *testing.T) {
	cmd := exec.Command("sh", "-c", "trap '' TERM; sh -c 'trap \"\" TERM; echo on; while :; do sleep 100; done' & wait; wait")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p, err := Start(cmd, syscall.SIGKILL)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	if _, err := lines.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	p.Stop(10 * time.Millisecond)
	if got := p.Code(); got != -1 {
		t.Errorf("exit status: got %d, want -1", got)
	}
	// The pipe ends when the last of them is gone.
	if text, err := lines.ReadString('\n'); err == nil {
		t.Errorf("something went on and wrote %q", text)
	}
}

func TestWithoutPrefix(t *testing.T) {
	if got := WithoutPrefix([]string{"PGHOST=a", "PATH=b", "PG=c"}, "PG"); !slices.Equal(got, []string{"PATH=b"}) {
		t.Errorf("got %v", got)
	}
}
