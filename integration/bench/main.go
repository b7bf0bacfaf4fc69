// Command bench measures PgOwl from outside, on a Postgres of its own: what a session costs beside a direct connection and a bare
// relay (pgbench), what a call costs in each lane, and how the tutorial's classifier does on real data. It prints figures; it judges none.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
)

// options are what the command line says.
type options struct {
	owl     string // pgowl's binary
	parts   string // what to measure, by comma
	rounds  int    // of pgbench
	seconds int    // of one pgbench run
	calls   int    // samples of each latency
	rows    int    // of the stream lane's table
	titles  string // CSV of titles and labels, gzipped or not; empty: the classifier's part is left out
	limit   int    // titles to read; 0: all
	python  string // an interpreter that has xgboost; empty: no comparison
	bouncer string // PgBouncer's program; empty: none
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&o.owl, "pgowl", "bin/pgowl", "PgOwl's program")
	flags.StringVar(&o.parts, "parts", "pass,lanes,titles", "what to measure")
	flags.IntVar(&o.rounds, "rounds", 3, "rounds of pgbench, whose median counts")
	flags.IntVar(&o.seconds, "seconds", 2, "length of one pgbench run")
	flags.IntVar(&o.calls, "calls", 2000, "samples of each latency")
	flags.IntVar(&o.rows, "rows", 100000, "rows of the table that predictions stream over")
	flags.StringVar(&o.titles, "titles", os.Getenv("PGOWL_BENCH_TITLES"), "CSV file: title,is_clickbait")
	flags.IntVar(&o.limit, "limit", 3000, "number of titles; 0 means all")
	flags.StringVar(&o.python, "python", os.Getenv("PGOWL_BENCH_PYTHON"), "Python that has xgboost, to compare with")
	flags.StringVar(&o.bouncer, "pgbouncer", os.Getenv("PGOWL_BENCH_PGBOUNCER"), "PgBouncer's program, to compare with")
	target := flags.String("relay", "", "serve as a bare relay to this address, and nothing else")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *target != "" {
		return serveRelay(ctx, *target)
	}
	s, err := setUp(ctx, o.owl)
	if err != nil {
		return err
	}
	defer s.tearDown()
	fmt.Printf("Postgres %d, %d processors, %s\n", s.postgres.Major(), runtime.NumCPU(), runtime.Version())
	parts := map[string]func(context.Context, *stage, options) error{"pass": pass, "lanes": lanes, "titles": titles}
	for _, name := range strings.Split(o.parts, ",") {
		part := parts[name]
		if part == nil {
			return fmt.Errorf("no part %q: there are pass, lanes, titles", name)
		}
		if err := part(ctx, s, o); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}
