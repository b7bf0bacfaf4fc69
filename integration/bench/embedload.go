package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pgowl/pgowl/models/text"
	"golang.org/x/sync/errgroup"
)

// embedOne embeds the text that is its parameter.
const embedOne = "SELECT pgml.embed('" + embedder + "', $1)"

// bySessions embeds all texts, in an order of their own, one a statement, from many sessions at once.
func (e *embedding) bySessions(ctx context.Context, _ int) (embedTime, error) {
	var conns []*pgx.Conn
	defer func() {
		for _, c := range conns {
			c.Close(context.Background())
		}
	}()
	blanks := e.blanks()
	for range embedSessions {
		c, err := pgx.Connect(ctx, e.owl.url)
		if err != nil {
			return embedTime{}, err
		}
		conns = append(conns, c)
		if err := embedText(ctx, c, "warm"); err != nil { // prepares the statement; the vector is in the cache
			return embedTime{}, err
		}
	}
	order := rand.New(rand.NewPCG(3, 1)).Perm(len(e.texts))
	return e.spent(func() error {
		var next atomic.Int64
		group, ctx := errgroup.WithContext(ctx)
		for _, c := range conns {
			group.Go(func() error {
				for i := next.Add(1) - 1; i < int64(len(order)); i = next.Add(1) - 1 {
					if err := embedText(ctx, c, e.texts[order[i]]+blanks); err != nil {
						return err
					}
				}
				return nil
			})
		}
		return group.Wait()
	})
}

func embedText(ctx context.Context, c *pgx.Conn, body string) error {
	var v []float32
	if err := c.QueryRow(ctx, embedOne, body).Scan(&v); err != nil {
		return err
	}
	if len(v) != embedWidth {
		return fmt.Errorf("a vector of %d numbers", len(v))
	}
	return nil
}

// latency embeds headlines one at a time, in turns by the engine in this process and through PgOwl, and says what PgOwl itself takes.
func (e *embedding) latency(ctx context.Context) (own string, err error) {
	if e.find("PgOwl fp32") == nil {
		return "", nil
	}
	short := len(e.texts) * longTexts / (longTexts + 1)
	n := min(e.o.calls, short, 500)
	blanks := e.blanks()
	var engine, owl, more []time.Duration
	for i := range n + 20 {
		body := e.texts[i%short] + blanks
		start := time.Now()
		if _, err := e.store.Embed(ctx, embedder, []string{body}, text.EmbedOptions{}); err != nil {
			return "", err
		}
		alone := time.Since(start)
		start = time.Now()
		if err := embedText(ctx, e.conn, body); err != nil {
			return "", err
		}
		through := time.Since(start)
		if i >= 20 {
			engine, owl, more = append(engine, alone), append(owl, through), append(more, through-alone)
		}
	}
	line("one headline, by the engine alone", "%s", latency(engine))
	line("one headline, through PgOwl", "%s", latency(owl))
	return fmt.Sprintf("%.3f ms by the medians, %.3f ms of the pairs (aim %.1f)", ms(median(owl)-median(engine)), ms(median(more)), ms(embedLatencyAim)), nil
}
