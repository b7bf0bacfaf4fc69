package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/pgowl/pgowl/integration/bench/relay"
)

// relayChild is the relay in a process of its own, as PgOwl is: inside this one it would share a runtime with the client, and be faster.
type relayChild struct {
	cmd     *exec.Cmd
	done    chan struct{}
	address string
}

// startRelay starts this program again, as a relay to target.
func startRelay(target string) (*relayChild, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	r := &relayChild{cmd: exec.Command(self, "-relay", target), done: make(chan struct{})}
	out, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer out.Close()
	r.cmd.Stdout = in
	err = startChild(r.cmd, r.done)
	in.Close()
	if err != nil {
		return nil, err
	}
	address, err := bufio.NewReader(out).ReadString('\n')
	r.address = strings.TrimSpace(address)
	if err != nil {
		r.stop()
		return nil, fmt.Errorf("the relay has not started: %w", err)
	}
	return r, nil
}

func (r *relayChild) pid() int { return r.cmd.Process.Pid }

func (r *relayChild) stop() {
	r.cmd.Process.Kill()
	<-r.done
}

// serveRelay is the other side: it says where it listens, and relays until ctx ends.
func serveRelay(ctx context.Context, target string) error {
	r, err := relay.Start(target)
	if err != nil {
		return err
	}
	defer r.Stop()
	fmt.Println(r.Addr())
	<-ctx.Done()
	return nil
}
