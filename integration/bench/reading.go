package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/url"
	osexec "os/exec"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// readings measures how a training gets its data: COPY into memory and binning, beside psql's COPY of the same table into nothing. The time of reading is
// that up to the statement's first message, which comes when all has been read; that of binning is what the model says of its fit, of one tree with one split.
func readings(ctx context.Context, s *stage, o options) error {
	direct, err := pgx.Connect(ctx, s.url("direct"))
	if err != nil {
		return err
	}
	defer direct.Close(context.Background())
	var columns []string
	for i := range trainedWidth {
		columns = append(columns, fmt.Sprintf("random()::real AS c%d", i))
	}
	for _, sql := range []string{
		"CREATE UNLOGGED TABLE readings AS SELECT " + strings.Join(columns, ", ") + fmt.Sprintf(", (random() < 0.5)::int AS y FROM generate_series(1, %d)", o.fitted),
		"VACUUM readings", // hint bits: the first reader would set them
	} {
		if _, err := direct.Exec(ctx, sql); err != nil {
			return err
		}
	}
	defer direct.Exec(context.Background(), "DROP TABLE readings; DELETE FROM pgml.projects WHERE name = 'readings'", pgx.QueryExecModeSimpleProtocol)
	var best, streamed reading
	bare := math.Inf(1)
	for range o.rounds {
		took, err := s.copyOut(ctx)
		if err != nil {
			return err
		}
		bare = min(bare, took)
		r, err := s.read(ctx, "copy")
		if err != nil {
			return err
		}
		if best.total == 0 || r.read+r.bin < best.read+best.bin {
			best = r
		}
		if r, err = s.read(ctx, "call"); err != nil {
			return err
		}
		if streamed.total == 0 || r.total < streamed.total {
			streamed = r
		}
	}
	line("psql's binary COPY to /dev/null", "%.2f s", bare)
	line("PgOwl: COPY and binning", "%.2f s (COPY into memory %.2f, binning %.2f); the whole statement %.2f", best.read+best.bin, best.read, best.bin, best.total)
	line("PgOwl: the whole statement, read within it", "%.2f s", streamed.total)
	line("COPY and binning / psql's COPY", "%.2f (aim 1.2)  the least of %d rounds each", (best.read+best.bin)/bare, o.rounds)
	return nil
}

// reading is what one training took, in seconds.
type reading struct{ read, bin, total float64 }

// copyOut copies the table out by psql, or where there is none by pgconn.
func (s *stage) copyOut(ctx context.Context) (seconds float64, err error) {
	const sql = "COPY readings TO STDOUT (FORMAT binary)"
	if program, err := osexec.LookPath("psql"); err == nil {
		c := osexec.CommandContext(ctx, program, "-X", "-q", "-c", sql, s.url("direct"))
		start := time.Now()
		err := c.Run() // its output goes to /dev/null
		return time.Since(start).Seconds(), err
	}
	c, err := pgconn.Connect(ctx, s.url("direct"))
	if err != nil {
		return 0, err
	}
	defer c.Close(context.Background())
	start := time.Now()
	_, err = c.CopyTo(ctx, io.Discard, sql)
	return time.Since(start).Seconds(), err
}

// read trains one split on the table through PgOwl.
func (s *stage) read(ctx context.Context, lane string) (r reading, err error) {
	u, err := url.Parse(s.owls[0].url)
	if err != nil {
		return r, err
	}
	config, err := pgconn.ParseConfig(u.String())
	if err != nil {
		return r, err
	}
	var start time.Time
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		if strings.HasPrefix(n.Message, "Snapshotting") {
			r.read = time.Since(start).Seconds()
		}
	}
	c, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return r, err
	}
	defer c.Close(context.Background())
	if _, err = c.Exec(ctx, "SET pgowl.lanes = '"+lane+"'").ReadAll(); err != nil {
		return r, err
	}
	start = time.Now()
	_, err = c.Exec(ctx, `SELECT * FROM pgml.train('readings', 'classification', 'readings', 'y', 'xgboost', '{"n_estimators": 1, "max_depth": 1}',
		test_size => 2, test_sampling => 'last')`).ReadAll()
	if err != nil {
		return r, err
	}
	r.total = time.Since(start).Seconds()
	results, err := c.Exec(ctx, "SELECT metrics FROM pgml.models ORDER BY id DESC LIMIT 1").ReadAll()
	if err != nil {
		return r, err
	}
	var metrics struct {
		FitTime float64 `json:"fit_time"`
	}
	err = json.Unmarshal(results[0].Rows[0][0], &metrics)
	r.bin = metrics.FitTime
	return r, err
}
