package fault

import (
	"context"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/pgowl/pgowl/integration/pgtest"
)

// A server forgets a cancel request that reaches it before it has begun with the statement, so requests on the heels of their statements get lost now and then. On the way through
// PgOwl, which has two connections to read from, they must not overtake: no more are lost than directly, but for chance. FAULT_OVERTAKE has more sent, and -v prints how many were lost; on a machine that has
// other work to do it is up to half of them, on both sides.
func TestCancelOvertakesNothing(t *testing.T) {
	server := pgtest.Start(t)
	for _, c := range []struct{ name, sql, env string }{
		{"relayed", "SELECT pg_sleep(1)", "PGOWL_POOL=none"},
		{"planned", "SELECT pg_sleep(1) /* pgml. */", "PGOWL_POOL=none"},
		{"pool by session", "SELECT pg_sleep(1)", "PGOWL_POOL=session"},
		{"pool by transaction", "SELECT pg_sleep(1)", "PGOWL_POOL=transaction"},
	} {
		t.Run(c.name, func(t *testing.T) {
			url := server.Database(t)
			o := launch(t, url, c.env)
			n := 64
			if text := os.Getenv("FAULT_OVERTAKE"); text != "" {
				var err error
				if n, err = strconv.Atoi(text); err != nil {
					t.Fatal(err)
				}
			}
			direct, owl := lostCancels(t, url, c.sql, n), lostCancels(t, through(url, o.sql), c.sql, n)
			t.Logf("of %d requests %d were lost directly, %d through PgOwl", n, direct, owl)
			if owl > direct+n/3 {
				t.Errorf("of %d requests %d were lost directly, %d through PgOwl", n, direct, owl)
			}
		})
	}
}

// lostCancels sends a statement n times, from a few sessions, each followed by a cancel request at once, and counts those that ran to their end.
func lostCancels(t *testing.T, url, sql string, n int) int {
	t.Helper()
	const sessions = 8
	ctx := context.Background()
	var lost atomic.Int64
	var wg sync.WaitGroup
	for range sessions {
		wg.Go(func() {
			conn, err := pgconn.Connect(ctx, url)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close(ctx)
			for range n / sessions {
				conn.Frontend().SendQuery(&pgproto3.Query{String: sql})
				if err := conn.Frontend().Flush(); err != nil {
					t.Error(err)
					return
				}
				if err := conn.CancelRequest(ctx); err != nil {
					t.Error(err)
					return
				}
				failed := false
				for done := false; !done; {
					m, err := conn.ReceiveMessage(ctx)
					if err != nil {
						t.Error(err)
						return
					}
					switch m.(type) {
					case *pgproto3.ErrorResponse:
						failed = true
					case *pgproto3.ReadyForQuery:
						done = true
					}
				}
				if !failed {
					lost.Add(1)
				}
			}
		})
	}
	wg.Wait()
	return int(lost.Load())
}
