package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// allocs counts what the running program allocates for a statement that it passes, and shows the microbenchmark of its sessions where
// its source is at hand.
func allocs(ctx context.Context, s *stage, o options) error {
	const statements = 20000
	fmt.Println("\nallocations")
	for i, b := range breeds(o) {
		c, err := newClient(s.owls[i].url, false)
		if err != nil {
			return err
		}
		l, err := c.login(ctx)
		if err != nil {
			return err
		}
		defer l.quit()
		count := func(n int) (float64, error) {
			before := goMemory(ctx, s.owls[i].http)
			for range n {
				if err := l.query("SELECT 1"); err != nil {
					return 0, err
				}
			}
			return goMemory(ctx, s.owls[i].http)["go_memstats_mallocs_total"] - before["go_memstats_mallocs_total"], nil
		}
		if _, err := count(1); err != nil { // the first page of metrics costs more than the next
			return err
		}
		none, err := count(0)
		if err != nil {
			return err
		}
		all, err := count(statements)
		if err != nil {
			return err
		}
		line("a simple statement of five messages, "+b.name, "%.4f", max(0, all-none)/statements)
	}
	if _, err := os.Stat("proxy/pass_bench_test.go"); err != nil {
		return nil
	}
	gotool := os.Getenv("GO")
	if gotool == "" {
		gotool = "go"
	}
	out, err := exec.CommandContext(ctx, gotool, "test", "-run", "^TestPassAllocatesNothing$", "-bench", "^BenchmarkPass$", "-benchmem", "-benchtime", "20000x", "./proxy").CombinedOutput()
	for text := range strings.Lines(string(out)) {
		if strings.HasPrefix(text, "Benchmark") || err != nil {
			fmt.Print("  ", text)
		}
	}
	return err
}
