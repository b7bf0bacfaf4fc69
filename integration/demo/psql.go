package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/pgowl/pgowl/integration/child"
)

// psql is one running psql, one session, that is given statement after statement.
type psql struct {
	child *child.Process
	in    io.WriteCloser
	out   *bufio.Reader
	pipe  *os.File
}

// endMark is what psql prints behind each result, so that its end is known.
const endMark = "--pgowl-demo-end-of-result--"

func startPsql(ctx context.Context, owl *owl) (*psql, error) {
	cmd := exec.Command("psql", "-X", "-v", "ON_ERROR_STOP=1", "-P", "pager=off")
	cmd.Env = append(child.WithoutPrefix(os.Environ(), "PG"), owl.psqlEnv()...)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	// One pipe for both, so that messages and results come in their order.
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = w, w
	c, err := child.Start(cmd, syscall.SIGTERM)
	w.Close()
	if err != nil {
		r.Close()
		return nil, fmt.Errorf("psql: %w", err)
	}
	p := &psql{child: c, in: in, out: bufio.NewReader(r), pipe: r}
	// A Ctrl-C in the middle of a long statement ends psql, and with it the read that waits for the result.
	context.AfterFunc(ctx, func() { c.Signal(syscall.SIGTERM) })
	return p, nil
}

// run sends text and gives what psql printed for it. psql ends at the first error.
func (p *psql) run(text string) (string, error) {
	if _, err := fmt.Fprintf(p.in, "%s\n\\echo %s\n", text, endMark); err != nil {
		return "", fmt.Errorf("psql: %w", err)
	}
	var b strings.Builder
	for {
		line, err := p.out.ReadString('\n')
		if strings.TrimRight(line, "\n") == endMark {
			return b.String(), nil
		}
		b.WriteString(line)
		if err != nil {
			return b.String(), errors.New("psql ended: the statement above failed")
		}
	}
}

func (p *psql) stop() {
	p.in.Close()
	p.child.Stop(5 * time.Second)
	p.pipe.Close()
}
