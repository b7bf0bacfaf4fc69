package mailbox

import (
	"context"
	"errors"
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
