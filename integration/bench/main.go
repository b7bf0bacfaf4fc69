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
	"strconv"
	"strings"
	"syscall"
	"time"
)

// options are what the command line says.
type options struct {
	owl        string        // pgowl's program; several by comma are compared with each other
	drivers    string        // PGOWL_DRIVER, by comma; empty: PgOwl's own choice
	parts      string        // what to measure, by comma
	modes      string        // of pgbench, by comma
	clients    []int         // of pgbench
	rounds     int           // of each measurement that has rounds
	time       time.Duration // of one round
	bytes      int64         // of COPY
	idle       time.Duration // how long idle sessions are looked at
	pools      string        // PGOWL_POOL for new connections, by comma; PgOwl is measured without it, too
	calls      int           // samples of each latency
	rows       int           // of the stream lane's table
	fitted     int           // rows that models are trained on
	vectors    int           // that are searched
	titles     string        // CSV of titles and labels, gzipped or not; empty: the classifier's part is left out
	limit      int           // titles to read; 0: all
	python     string        // an interpreter that has xgboost; empty: no comparison
	embed      string        // one that has onnxruntime, openvino and fastembed; empty: none of them is compared with
	torch      string        // one that has sentence-transformers; empty: it is not compared with
	models     string        // folder with the model in all its forms; empty: PgOwl's own
	texts      int           // that are embedded
	embeddings int           // that memory is looked at during
	contest    string        // who embeds them, by comma; empty: all
	bouncer    string        // PgBouncer's program; empty: none
}

// parts that can be measured, and the order that they are measured in.
var parts = map[string]func(context.Context, *stage, options) error{
	"pgbench": pgbenchPart, "copy": bulk, "idle": idle, "allocs": allocs, "connections": connections, "lanes": lanes, "forms": forms, "titles": titles, "train": trainPart, "tokens": tokensPart, "embed": embedPart, "embedmemory": embedMemory, "search": nearestPart,
}

var partNames = []string{"pgbench", "copy", "idle", "allocs", "connections", "lanes", "forms", "titles", "train", "tokens", "embed", "embedmemory", "search"}

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
	flags.StringVar(&o.owl, "pgowl", "bin/pgowl", "PgOwl's program, or several by comma")
	flags.StringVar(&o.drivers, "driver", "", "PGOWL_DRIVER of PgOwl, or several by comma: a route each")
	flags.StringVar(&o.parts, "part", strings.Join(partNames, ","), "what to measure, by comma")
	flags.StringVar(&o.modes, "mode", "simple,extended,prepared", "pgbench's protocol modes")
	clients := flags.String("c", "1,8,32,200", "numbers of pgbench's clients")
	flags.IntVar(&o.rounds, "rounds", 3, "rounds, whose median counts")
	flags.DurationVar(&o.time, "time", 3*time.Second, "length of one round of a route; pgbench takes whole seconds")
	flags.Int64Var(&o.bytes, "bytes", 1<<30, "text that COPY moves")
	flags.DurationVar(&o.idle, "idle", 10*time.Second, "how long idle sessions are looked at")
	flags.StringVar(&o.pools, "pool", "session", "PGOWL_POOL for new connections, by comma; PgOwl is measured without it, too")
	flags.IntVar(&o.calls, "calls", 2000, "samples of each latency")
	flags.IntVar(&o.rows, "rows", 100000, "rows of the table that predictions stream over")
	flags.IntVar(&o.fitted, "fitted", 1_000_000, "rows that models are trained on")
	flags.IntVar(&o.vectors, "vectors", 1_000_000, "vectors that are searched")
	flags.StringVar(&o.titles, "titles", os.Getenv("PGOWL_BENCH_TITLES"), "CSV file: title,is_clickbait")
	flags.IntVar(&o.limit, "limit", 3000, "number of titles; 0 means all")
	flags.StringVar(&o.python, "python", os.Getenv("PGOWL_BENCH_PYTHON"), "Python that has xgboost, to compare with")
	flags.StringVar(&o.embed, "embedders", os.Getenv("PGOWL_BENCH_EMBEDDERS"), "Python that has onnxruntime, openvino and fastembed, to compare with")
	flags.StringVar(&o.torch, "torch", os.Getenv("PGOWL_BENCH_TORCH"), "Python that has sentence-transformers, to compare with")
	flags.StringVar(&o.models, "models", os.Getenv("PGOWL_BENCH_MODELS"), "folder with the model, its int8 graph and its weights")
	flags.IntVar(&o.texts, "texts", 3125, "texts that are embedded, 24 headlines to a long one; 25000 are all of a file of titles")
	flags.IntVar(&o.embeddings, "embeddings", 1_000_000, "texts that are embedded while memory is looked at")
	flags.StringVar(&o.contest, "contest", "", "who embeds, by comma, as the part embed names them; empty: all")
	flags.StringVar(&o.bouncer, "pgbouncer", os.Getenv("PGOWL_BENCH_PGBOUNCER"), "PgBouncer's program, to compare with")
	target := flags.String("relay", "", "serve as a bare relay to this address, and nothing else")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *target != "" {
		return serveRelay(ctx, *target)
	}
	for _, text := range strings.Split(*clients, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxSessions {
			return fmt.Errorf("-c %s: want numbers from 1 to %d", *clients, maxSessions)
		}
		o.clients = append(o.clients, n)
	}
	for _, name := range strings.Split(o.parts, ",") {
		if parts[name] == nil {
			return fmt.Errorf("no part %q: there are %s", name, strings.Join(partNames, ", "))
		}
	}
	o.bouncer = findBouncer(o.bouncer)
	if o.bouncer == "" {
		fmt.Println("PgBouncer is not installed: nothing is compared with it")
	}
	raiseFileLimit()
	s, err := setUp(ctx, o)
	if err != nil {
		return err
	}
	defer s.tearDown()
	fmt.Printf("Postgres %d, %d processors, %s\n", s.postgres.Binaries.Major, runtime.NumCPU(), runtime.Version())
	for _, name := range strings.Split(o.parts, ",") {
		if err := parts[name](ctx, s, o); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// raiseFileLimit lets this process and those that it starts have as many files open as the system allows: Go would give its children the
// lower limit back that it found, unless the limit is set by hand.
func raiseFileLimit() {
	var l syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l) == nil {
		l.Cur = l.Max
		syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l)
	}
}
