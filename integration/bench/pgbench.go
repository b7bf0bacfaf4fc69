package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pgowl/pgowl/exec/embedded"
)

var (
	tpsLine     = regexp.MustCompile(`tps = ([0-9.]+) \(without`)
	connectLine = regexp.MustCompile(`initial connection time = ([0-9.]+) ms`)
)

// figures are what the rounds of one route at one point gave, in the order of the rounds; a run that gave nothing has zeros.
type figures struct {
	tps, p99, proxy, switches, all, others []float64

	connect time.Duration // how long a client took to connect at last; pgbench's time includes it
}

// pgbenchPart runs pgbench's select-only script by every route, in each protocol mode and with few and many clients. The routes take
// turns, in changing order, so that a machine that is slow for a while is slow for all.
func pgbenchPart(ctx context.Context, s *stage, o options) error {
	seconds := max(1, int((o.time+time.Second-1)/time.Second))
	fmt.Printf("\npgbench -S: medians of %d rounds of %d s a route, and the time to connect. Ratios are taken round by round. proxy, all: µs of processor time for a statement,\n"+
		"of the proxy alone and of proxy, pgbench and server together; sw: the proxy's context switches for one; others: processors that something else kept busy\n", o.rounds, seconds)
	if out, err := pgbench(ctx, s.url("direct"), "-i", "-q", "-s", "5").CombinedOutput(); err != nil {
		return fmt.Errorf("pgbench -i: %w: %s", err, out)
	}
	ratios := map[string][]point{}
	for _, mode := range strings.Split(o.modes, ",") {
		for _, clients := range o.clients {
			result := map[string]*figures{}
			for _, r := range s.routes {
				result[r.name] = &figures{connect: 10 * time.Millisecond}
			}
			for round := range o.rounds {
				routes := slices.Clone(s.routes)
				if round%2 == 1 {
					slices.Reverse(routes)
				}
				for _, r := range routes {
					if err := onePgbench(ctx, s, r, mode, clients, seconds, result[r.name]); err != nil {
						return fmt.Errorf("pgbench by %s: %w", r.name, err)
					}
				}
			}
			fmt.Printf("  %-28s %9s %8s %8s %8s %8s %8s %7s %7s\n", fmt.Sprintf("%s, %d clients", mode, clients), "tps", "/direct", "/bouncer", "p99 ms", "proxy µs", "all µs", "sw", "others")
			for _, r := range s.routes {
				f := result[r.name]
				direct, bouncer := ratio(f.tps, result["direct"].tps), 0.0
				if b := result["pgbouncer"]; b != nil {
					bouncer = ratio(f.tps, b.tps)
					ratios[r.name] = append(ratios[r.name], point{mode, clients, bouncer, ratio(f.p99, b.p99), ratio(f.proxy, b.proxy), ratio(f.all, b.all)})
				}
				fmt.Printf("  %28s %9.0f %8.2f %8.2f %8.3f %8.2f %8.1f %7.2f %7.2f\n", r.name, middle(f.tps), direct, bouncer, middle(f.p99), middle(f.proxy), middle(f.all), middle(f.switches), median(f.others))
			}
		}
	}
	if s.bouncer != nil {
		summary(s, o, ratios)
	}
	return nil
}

// point is how a route compares with PgBouncer in one mode with so many clients.
type point struct {
	mode    string
	clients int
	tps     float64
	p99     float64
	proxy   float64
	all     float64
}

// summary is the table that decides: each route's statements a second as a part of PgBouncer's.
func summary(s *stage, o options, ratios map[string][]point) {
	fmt.Printf("\n  tps as a part of PgBouncer's%46s", "")
	for _, c := range o.clients {
		fmt.Printf(" %6d", c)
	}
	fmt.Println(" clients")
	for _, r := range s.routes {
		if r.name == "pgbouncer" {
			continue
		}
		for _, mode := range strings.Split(o.modes, ",") {
			fmt.Printf("  %28s %-45s", r.name, mode)
			for _, p := range ratios[r.name] {
				if p.mode == mode {
					fmt.Printf(" %6.2f", p.tps)
				}
			}
			fmt.Println()
		}
		var tps, p99, proxy, all []float64
		for _, p := range ratios[r.name] {
			tps, p99, proxy, all = append(tps, p.tps), append(p99, p.p99), append(proxy, p.proxy), append(all, p.all)
		}
		fmt.Printf("  %28s tps median %.2f, lowest %.2f; p99 median %.2f, highest %.2f; processor time, median: proxy %.2f, all %.2f\n",
			r.name, middle(tps), slices.Min(tps), middle(p99), slices.Max(p99), middle(proxy), middle(all))
	}
}

// ratio is the median of a list's ratios to another, round by round.
func ratio(a, b []float64) float64 {
	var list []float64
	for i := range min(len(a), len(b)) {
		if a[i] > 0 && b[i] > 0 {
			list = append(list, a[i]/b[i])
		}
	}
	return middle(list)
}

// onePgbench runs it once and notes what came out.
func onePgbench(ctx context.Context, s *stage, r route, mode string, clients, seconds int, f *figures) error {
	logs, err := os.MkdirTemp(s.folder, "log")
	if err != nil {
		return err
	}
	defer os.RemoveAll(logs)
	seconds += int((time.Duration(clients)*f.connect + time.Second - 1) / time.Second)
	cmd := pgbench(ctx, r.url, "-n", "-S", "-M", mode, "-c", strconv.Itoa(clients), "-j", strconv.Itoa(min(clients, 2)), "-T", strconv.Itoa(seconds),
		"-l", "--log-prefix="+filepath.Join(logs, "t"))
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		return err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		err = cmd.Wait()
	}()
	looks := watch(done, r.pid, cmd.Process.Pid, s.postgres.Pid())
	<-done
	if err != nil {
		return fmt.Errorf("%w: %s", err, out.String())
	}
	run, err := readLogs(filepath.Join(logs, "t"))
	if err != nil {
		return err
	}
	tps, took := number(tpsLine, out.String()), make([]time.Duration, len(run)) // 0 where connecting took the whole time
	if all := number(connectLine, out.String()); all > 0 {
		f.connect = time.Duration(all * float64(time.Millisecond) / float64(clients))
	}
	for i, t := range run {
		took[i] = t.took
	}
	c, _ := costs(looks, run)
	f.tps, f.p99 = append(f.tps, tps), append(f.p99, ms(quantile(took, 0.99)))
	f.proxy, f.switches, f.all, f.others = append(f.proxy, c.proxy), append(f.switches, c.switches), append(f.all, c.all), append(f.others, c.others)
	return nil
}

// number reads a figure of pgbench's report; 0 where it is not there.
func number(line *regexp.Regexp, report string) float64 {
	m := line.FindStringSubmatch(report)
	if m == nil {
		return 0
	}
	n, _ := strconv.ParseFloat(m[1], 64)
	return n
}

// pgbench gives the command, with the way to the server.
func pgbench(ctx context.Context, raw string, args ...string) *exec.Cmd {
	u, _ := url.Parse(raw)
	program := "pgbench"
	if b, err := embedded.Find(0); err == nil {
		program = b.Program(program) // Debian's packages leave it off the PATH
	}
	cmd := exec.CommandContext(ctx, program, append(args, u.Path[1:])...)
	password, _ := u.User.Password()
	cmd.Env = append(os.Environ(), "PGHOST="+u.Hostname(), "PGPORT="+u.Port(), "PGUSER="+u.User.Username(), "PGPASSWORD="+password, "PGSSLMODE=disable")
	return cmd
}
