package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/pgowl/pgowl/exec/embedded"
)

var tpsLine = regexp.MustCompile(`tps = ([0-9.]+) \(without`)

// pass runs pgbench's select-only script by every route, in each protocol mode and with few and many clients. The routes take turns, so
// that a machine that is slow for a while is slow for all.
func pass(ctx context.Context, s *stage, o options) error {
	fmt.Printf("\npass: pgbench -S, median of %d rounds of %d s, statements a second (part of direct)\n", o.rounds, o.seconds)
	routes := s.routes
	if o.bouncer != "" {
		b, err := startBouncer(ctx, o.bouncer, s)
		if err != nil {
			return err
		}
		defer b.stop()
		routes = append(routes[:len(routes):len(routes)], b.route)
	}
	if out, err := pgbench(ctx, s.url("direct"), "-i", "-q", "-s", "5"); err != nil {
		return fmt.Errorf("pgbench -i: %w: %s", err, out)
	}
	for _, mode := range []string{"simple", "extended", "prepared"} {
		for _, clients := range []int{1, 8, 32} {
			tps := map[string][]float64{}
			for range o.rounds {
				for _, r := range routes {
					out, err := pgbench(ctx, r.url, "-n", "-S", "-M", mode, "-c", strconv.Itoa(clients), "-j", strconv.Itoa(min(clients, 2)), "-T", strconv.Itoa(o.seconds))
					if err != nil {
						return fmt.Errorf("pgbench by %s: %w: %s", r.name, err, out)
					}
					m := tpsLine.FindSubmatch(out)
					if m == nil {
						continue // on a very busy machine connecting alone may take the whole time
					}
					n, _ := strconv.ParseFloat(string(m[1]), 64)
					tps[r.name] = append(tps[r.name], n)
				}
			}
			text := ""
			base := median(tps["direct"])
			for _, r := range routes {
				m := median(tps[r.name])
				text += fmt.Sprintf("%-9s %6.0f (%.2f)   ", r.name, m, m/base)
			}
			text += fmt.Sprintf("pgowl/relay %.2f", median(tps["pgowl"])/median(tps["relay"]))
			line(fmt.Sprintf("%s, %d clients", mode, clients), "%s", text)
		}
	}
	return nil
}

func pgbench(ctx context.Context, raw string, args ...string) ([]byte, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, err
	}
	program := "pgbench"
	if b, err := embedded.Find(0); err == nil {
		program = b.Program(program) // Debian's packages leave it off the PATH
	}
	cmd := exec.CommandContext(ctx, program, append(args, u.Path[1:])...)
	password, _ := u.User.Password()
	cmd.Env = append(os.Environ(), "PGHOST="+u.Hostname(), "PGPORT="+u.Port(), "PGUSER="+u.User.Username(), "PGPASSWORD="+password, "PGSSLMODE=disable")
	return cmd.CombinedOutput()
}

// bouncer is a running PgBouncer that pools by session, as PgOwl serves.
type bouncer struct {
	cmd   *exec.Cmd
	done  chan struct{}
	route route
}

func startBouncer(ctx context.Context, program string, s *stage) (*bouncer, error) {
	u, err := url.Parse(s.url("direct"))
	if err != nil {
		return nil, err
	}
	address := freeAddress()
	listen, _ := url.Parse("//" + address)
	password, _ := u.User.Password()
	folder := filepath.Join(s.folder, "bouncer")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	file := filepath.Join(folder, "pgbouncer.ini")
	text := fmt.Sprintf(`[databases]
postgres = host=127.0.0.1 port=%s dbname=postgres user=%s password=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %s
unix_socket_dir =
auth_type = any
pool_mode = session
default_pool_size = 100
ignore_startup_parameters = extra_float_digits
`, u.Port(), u.User.Username(), password, listen.Port())
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return nil, err
	}
	b := &bouncer{done: make(chan struct{}), route: route{"pgbouncer", withAddress(u.String(), address)}}
	b.cmd = exec.Command(program, "-q", file)
	if os.Geteuid() == 0 {
		b.cmd.Args = append(b.cmd.Args, "-u", "nobody") // it refuses to be root
	}
	if err := startChild(b.cmd, b.done); err != nil {
		return nil, err
	}
	if err := reachable(ctx, address, b.done); err != nil {
		b.stop()
		return nil, fmt.Errorf("%s: %w", program, err)
	}
	return b, nil
}

func (b *bouncer) stop() {
	b.cmd.Process.Kill()
	<-b.done
}
