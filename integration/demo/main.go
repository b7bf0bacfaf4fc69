// Command demo starts bin/pgowl with a private Postgres and plays the story on it, through psql and curl, printing each
// statement, its result and the time it took. On a terminal it then goes on serving until Ctrl-C. It stops all it started.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"github.com/pgowl/pgowl/integration/story"
)

var errInterrupted = errors.New("interrupted")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	begin := time.Now()
	owl, err := startOwl(ctx)
	if err != nil {
		return err
	}
	defer owl.stop()
	fmt.Printf("PgOwl is ready after %s.\n", since(begin))

	begin = time.Now()
	if err := play(ctx, owl, append(story.Steps(), story.Search()...)); err != nil {
		if ctx.Err() != nil {
			return errInterrupted
		}
		return err
	}
	fmt.Printf("\nThe story took %s. To go on by yourself:\n\n    %s\n", since(begin), owl.connectLine())
	if !terminal() {
		fmt.Println()
		return nil
	}
	token, err := newToken(owl.secret, story.WebRole, 24*time.Hour)
	if err != nil {
		return err
	}
	fmt.Printf("    TOKEN=%s # for curl, for a day\n\nServing until Ctrl-C.\n", token)
	select {
	case <-ctx.Done():
		return nil
	case <-owl.Done():
		return fmt.Errorf("pgowl ended by itself; its last words:\n%s", owl.lastWords())
	}
}

// terminal says whether somebody sits at standard input. The shell's test knows on every system.
func terminal() bool {
	cmd := exec.Command("test", "-t", "0")
	cmd.Stdin = os.Stdin
	return cmd.Run() == nil
}

// since rounds to what a reader wants to see.
func since(begin time.Time) time.Duration {
	d := time.Since(begin)
	if d < time.Second {
		return d.Round(100 * time.Microsecond)
	}
	return d.Round(10 * time.Millisecond)
}
