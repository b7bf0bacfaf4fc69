package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// idleSessions is how many sessions do nothing.
const idleSessions = 1000

// idle measures what a session costs that has run one statement and then does nothing: memory and processor time of the proxy, each in
// a fresh process.
func idle(ctx context.Context, s *stage, o options) error {
	fmt.Printf("\nidle: %d sessions that have run one statement; kB of memory each, processor time of %v\n", idleSessions, o.idle)
	if s.bouncer != nil {
		b, err := startBouncer(ctx, s, "idle")
		if err != nil {
			return err
		}
		err = rest(ctx, "pgbouncer", b.url, "", b.pid(), o.idle)
		b.stop()
		if err != nil {
			return fmt.Errorf("pgbouncer: %w", err)
		}
	}
	for _, b := range breeds(o) {
		w, err := b.start(ctx, s)
		if err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
		err = rest(ctx, b.name, w.url, w.http, w.pid(), o.idle)
		w.stop()
		if err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
	}
	return nil
}

// rest opens the sessions, lets them be, and prints. The first few are not counted: they bring in what all share.
func rest(ctx context.Context, name, url, page string, pid int, length time.Duration) error {
	c, err := newClient(url, false)
	if err != nil {
		return err
	}
	var links []*link
	defer func() {
		for _, l := range links {
			l.quit()
		}
	}()
	open := func(n int) error {
		for range n {
			l, err := c.login(ctx)
			if err != nil {
				return err
			}
			links = append(links, l)
			if err := l.query("SELECT 1"); err != nil {
				return err
			}
		}
		return nil
	}
	if err := open(20); err != nil {
		return err
	}
	base, _ := resident(pid)
	before := goMemory(ctx, page)
	if err := open(idleSessions); err != nil {
		return err
	}
	full, _ := resident(pid)
	// Nothing is measured for a moment: what the log-ins left to do gets done.
	if err := pause(ctx, length/5); err != nil {
		return err
	}
	start := threads(pid)
	if err := pause(ctx, length); err != nil {
		return err
	}
	used := since(start, threads(pid))
	settled, _ := resident(pid)
	each := func(kb int) float64 { return float64(kb) / idleSessions }
	text := fmt.Sprintf("%5.1f at once, %5.1f settled; %.1f ms on a processor, %d switches", each(full-base), each(settled-base), ms(used.cpu), used.switches)
	if after := goMemory(ctx, page); after != nil {
		text += fmt.Sprintf("; stacks %.1f, heap in use %.1f (garbage included), goroutines %.1f a session", (after["go_memstats_stack_inuse_bytes"]-before["go_memstats_stack_inuse_bytes"])/1024/idleSessions,
			(after["go_memstats_heap_inuse_bytes"]-before["go_memstats_heap_inuse_bytes"])/1024/idleSessions, (after["go_goroutines"]-before["go_goroutines"])/idleSessions)
	}
	line(name, "%s", text)
	return nil
}

// pause waits.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// goMemory reads the plain metrics of PgOwl's page of them; nil where there is none.
func goMemory(ctx context.Context, address string) map[string]float64 {
	if address == "" {
		return nil
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/metrics", nil)
	if err != nil {
		return nil
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil
	}
	defer answer.Body.Close()
	m := map[string]float64{}
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), " ")
		if v, err := strconv.ParseFloat(value, 64); ok && err == nil {
			m[name] = v
		}
	}
	return m
}
