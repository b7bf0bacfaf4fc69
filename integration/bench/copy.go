package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// bulk moves a table of so many bytes of text out of the server and in again by every route, in turns. The rows are like pgbench's
// accounts; tables are unlogged, and have no index.
func bulk(ctx context.Context, s *stage, o options) error {
	fmt.Printf("\nCOPY of %.2f GB: MB a second, medians of %d rounds; ratios are taken round by round\n", float64(o.bytes)/1e9, o.rounds)
	direct, err := pgconn.Connect(ctx, s.url("direct"))
	if err != nil {
		return err
	}
	defer direct.Close(context.Background())
	for _, name := range []string{"bulk_out", "bulk_in"} {
		if _, err := direct.Exec(ctx, "CREATE UNLOGGED TABLE "+name+" (aid int, bid int, abalance int, filler char(84)) WITH (autovacuum_enabled = off)").ReadAll(); err != nil {
			return err
		}
	}
	defer func() { direct.Exec(context.Background(), "DROP TABLE bulk_out, bulk_in").ReadAll() }()
	if _, err := direct.CopyFrom(ctx, rows(o.bytes), "COPY bulk_out FROM STDIN"); err != nil {
		return err
	}
	if _, err := direct.Exec(ctx, "VACUUM bulk_out").ReadAll(); err != nil { // hint bits: the first reader would set them
		return err
	}
	for _, way := range []struct {
		name string
		move func(ctx context.Context, c *pgconn.PgConn) error
	}{
		{"out", func(ctx context.Context, c *pgconn.PgConn) error {
			_, err := c.CopyTo(ctx, io.Discard, "COPY bulk_out TO STDOUT")
			return err
		}},
		{"in", func(ctx context.Context, c *pgconn.PgConn) error {
			_, err := c.CopyFrom(ctx, rows(o.bytes), "COPY bulk_in FROM STDIN")
			return err
		}},
	} {
		speeds, cpus := map[string][]float64{}, map[string][]float64{}
		for round := range o.rounds {
			routes := slices.Clone(s.routes)
			if round%2 == 1 {
				slices.Reverse(routes)
			}
			for _, r := range routes {
				if _, err := direct.Exec(ctx, "TRUNCATE bulk_in").ReadAll(); err != nil {
					return err
				}
				took, cpu, err := moveBulk(ctx, r, way.move)
				if err != nil {
					return fmt.Errorf("%s by %s: %w", way.name, r.name, err)
				}
				mb := float64(o.bytes) / 1e6
				speeds[r.name], cpus[r.name] = append(speeds[r.name], mb/took.Seconds()), append(cpus[r.name], ms(cpu)/mb*1000)
			}
		}
		for _, r := range s.routes {
			line("COPY "+way.name+", "+r.name, "%6.0f  (%.2f of direct), proxy %.0f ms on a processor for a GB", middle(speeds[r.name]), ratio(speeds[r.name], speeds["direct"]), middle(cpus[r.name]))
		}
	}
	return nil
}

func moveBulk(ctx context.Context, r route, move func(context.Context, *pgconn.PgConn) error) (took, cpu time.Duration, err error) {
	c, err := pgconn.Connect(ctx, r.url)
	if err != nil {
		return 0, 0, err
	}
	defer c.Close(context.Background())
	var before map[int]spent
	if r.pid != 0 {
		before = threads(r.pid)
	}
	start := time.Now()
	err = move(ctx, c)
	took = time.Since(start)
	if r.pid != 0 {
		cpu = since(before, threads(r.pid)).cpu
	}
	return took, cpu, err
}

// rows gives about so many bytes of COPY's text format: always the same few hundred rows.
func rows(size int64) io.Reader {
	var block bytes.Buffer
	for i := range 640 {
		fmt.Fprintf(&block, "%d\t1\t0\t%s\n", 1000000+i, strings.Repeat("f", 84))
	}
	return &repeater{block: block.Bytes(), left: (size + int64(block.Len()) - 1) / int64(block.Len())}
}

// repeater reads a block a number of times.
type repeater struct {
	block []byte
	at    int
	left  int64
}

func (r *repeater) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, io.EOF
	}
	n := copy(p, r.block[r.at:])
	if r.at += n; r.at == len(r.block) {
		r.at = 0
		r.left--
	}
	return n, nil
}
