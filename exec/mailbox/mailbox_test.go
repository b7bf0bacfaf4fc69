package mailbox

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pgowl/pgowl/integration/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// TestStats: who has a box, who waits for one and who has had to wait are told apart.
func TestStats(t *testing.T) {
	url := pgtest.Database(t)
	p := New(func(ctx context.Context) (*pgconn.PgConn, error) { return pgconn.Connect(ctx, url) }, 1)
	defer p.Close()
	want := func(s Stats) {
		t.Helper()
		if got := p.Stats(); got != s {
			t.Errorf("got %+v, want %+v", got, s)
		}
	}
	want(Stats{Limit: 1})
	box, err := p.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want(Stats{Limit: 1, Boxes: 1, InUse: 1})
	second := make(chan *Box)
	go func() {
		b, err := p.Get(t.Context())
		if err != nil {
			t.Error(err)
		}
		second <- b
	}()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); p.Stats().Waiting == 0 && time.Now().Before(deadline); {
		<-tick.C
	}
	want(Stats{Limit: 1, Boxes: 1, InUse: 1, Waiting: 1, Waits: 1})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Get(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	want(Stats{Limit: 1, Boxes: 1, InUse: 1, Waiting: 1, Waits: 2})
	box.Release()
	box = <-second
	want(Stats{Limit: 1, Boxes: 1, InUse: 1, Waits: 2})
	box.Release()
	want(Stats{Limit: 1, Boxes: 1, Waits: 2})
}

// TestLost: who may have left a row behind is told of, and nobody else.
func TestLost(t *testing.T) {
	url := pgtest.Database(t)
	direct, err := pgconn.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer direct.Close(context.Background())
	if _, err := direct.Exec(t.Context(), "CREATE SCHEMA pgowl; CREATE TABLE pgowl.replies (id text PRIMARY KEY, body text)").ReadAll(); err != nil {
		t.Fatal(err)
	}
	for _, row := range []bool{false, true} {
		lost := 0
		p := New(func(ctx context.Context) (*pgconn.PgConn, error) { return pgconn.Connect(ctx, url) }, 1)
		p.Lost = func() { lost++ }
		defer p.Close()
		box, err := p.Get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if row {
			if err := box.PostRow(t.Context(), "--mark", "id", "body"); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := direct.Exec(t.Context(), fmt.Sprintf("SELECT pg_terminate_backend(%d)", box.conn.PID())).ReadAll(); err != nil {
			t.Fatal(err)
		}
		box.Release()
		if !row { // it had nothing to do on the way back, and is found out at the next turn
			if box, err = p.Get(t.Context()); err != nil {
				t.Fatal(err)
			}
			box.Post(t.Context(), "--mark", "body")
			box.Release()
		}
		if (lost == 1) != row {
			t.Errorf("row %v: told %d times", row, lost)
		}
	}
}
