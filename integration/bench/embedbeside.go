package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// embedBesideAim is how long a text may take while a statement embeds many.
const embedBesideAim = 50 * time.Millisecond

// besidePause is between two texts, so that they are somebody's questions and not another load.
const besidePause = 20 * time.Millisecond

// beside embeds headlines one at a time while another session's statement embeds all texts, by each precision that takes part, and says how long they take.
func (e *embedding) beside(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, e.owl.url)
	if err != nil {
		return err
	}
	defer conn.Close(context.Background())
	for _, p := range precisions {
		if e.find("PgOwl "+p.name) == nil {
			continue
		}
		sql := fmt.Sprintf("SELECT pgml.embed('%s', $1, '%s')", embedder, p.kwargs)
		done := make(chan error, 1)
		go func() {
			_, err := e.byStatement(ctx, p, 0)
			done <- err
		}()
		var took []time.Duration
		for i := 0; ; i++ {
			select {
			case err := <-done:
				if err != nil {
					return err
				}
			case <-time.After(besidePause):
				start := time.Now()
				var v []float32
				if err := conn.QueryRow(ctx, sql, fmt.Sprint(e.texts[i%100], " ", i)).Scan(&v); err != nil {
					return errors.Join(err, <-done)
				}
				took = append(took, time.Since(start))
				continue
			}
			break
		}
		if len(took) == 0 {
			return errors.New("the statement has ended before a headline was asked for: give it more texts")
		}
		line("one headline beside it, "+p.name, "%s (aim %d)", latency(took), embedBesideAim.Milliseconds())
	}
	return nil
}
