package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// newcomers is how many clients log in at the same time.
const newcomers = 8

// way is a route with or without TLS.
type way struct {
	route
	secure bool
}

// connections counts new sessions a second: SCRAM, one statement, the end. A pooler may have the session at the server already; whoever
// relays waits for a new backend each time.
func connections(ctx context.Context, s *stage, o options) error {
	fmt.Printf("\nnew connections: %d clients log in by SCRAM, run SELECT 1 and leave; a second, medians of %d rounds of %v\n", newcomers, o.rounds, o.time)
	var ways []way
	for _, r := range s.routes {
		if r.name == "direct" || r.name == "relay" {
			ways = append(ways, way{r, false}) // the server here has no TLS
		}
	}
	if s.bouncer != nil {
		r := route{"pgbouncer", s.bouncer.url, s.bouncer.pid()}
		ways = append(ways, way{r, false}, way{r, true})
	}
	for _, b := range pooled(breeds(o), o.pools, s.usersFile) {
		w, err := b.start(ctx, s, "PGOWL_TLS_CERT="+s.certFile, "PGOWL_TLS_KEY="+s.keyFile)
		if err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
		defer w.stop()
		r := route{b.name, w.url, w.pid()}
		ways = append(ways, way{r, false}, way{r, true})
	}
	rates, cpu := map[string][]float64{}, map[string][]float64{}
	for round := range o.rounds {
		turn := slices.Clone(ways)
		if round%2 == 1 {
			slices.Reverse(turn)
		}
		for _, w := range turn {
			rate, us, err := arrive(ctx, w, o.time)
			if err != nil {
				return fmt.Errorf("%s: %w", w.title(), err)
			}
			rates[w.title()], cpu[w.title()] = append(rates[w.title()], rate), append(cpu[w.title()], us)
		}
	}
	for _, w := range ways {
		text := ""
		if s.bouncer != nil {
			rival := way{route{name: "pgbouncer"}, w.secure}.title()
			text = fmt.Sprintf("  (%.2f of PgBouncer)", ratio(rates[w.title()], rates[rival]))
		}
		line(w.title(), "%7.0f, proxy %5.0f µs each%s", middle(rates[w.title()]), middle(cpu[w.title()]), text)
	}
	return nil
}

func (w way) title() string {
	if w.secure {
		return w.name + ", TLS"
	}
	return w.name
}

// pooled adds PgOwl as it pools, with a users file as PgBouncer has, to PgOwl as it relays.
func pooled(list []breed, ways, users string) []breed {
	out := slices.Clone(list)
	for _, b := range list {
		for _, pool := range strings.FieldsFunc(ways, func(r rune) bool { return r == ',' }) {
			env := append(slices.Clone(b.env), "PGOWL_POOL="+pool, fmt.Sprintf("PGOWL_POOL_SIZE=%d", maxSessions), "PGOWL_AUTH=users", "PGOWL_USERS="+users)
			out = append(out, breed{b.name + ", pool=" + pool, b.binary, env})
		}
	}
	return out
}

// arrive logs in again and again for a time, and gives the rate and the proxy's processor time for each in µs.
func arrive(ctx context.Context, w way, length time.Duration) (rate, us float64, err error) {
	c, err := newClient(w.url, w.secure)
	if err != nil {
		return 0, 0, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	visit := func() error {
		l, err := c.login(ctx)
		if err != nil {
			return err
		}
		defer l.quit()
		return l.query("SELECT 1")
	}
	if err := visit(); err != nil { // the keys are derived now
		return 0, 0, err
	}
	var before map[int]spent
	if w.pid != 0 {
		before = threads(w.pid)
	}
	var n atomic.Int64
	var wait sync.WaitGroup
	start := time.Now()
	for range newcomers {
		wait.Go(func() {
			for time.Since(start) < length && ctx.Err() == nil {
				if err := visit(); err != nil {
					cancel(err)
					return
				}
				n.Add(1)
			}
		})
	}
	wait.Wait()
	if ctx.Err() != nil {
		return 0, 0, context.Cause(ctx)
	}
	took := time.Since(start)
	count := float64(n.Load())
	if w.pid != 0 {
		us = float64(since(before, threads(w.pid)).cpu) / float64(time.Microsecond) / count
	}
	return count / took.Seconds(), us, nil
}
