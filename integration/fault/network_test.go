package fault

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// bad are networks that are slow or odd, but lose nothing.
var bad = map[string]fault{
	"latency":   {delay: 5 * time.Millisecond, jitter: 5 * time.Millisecond},
	"slicer":    {slice: 7},
	"byte":      {slice: 1},
	"bandwidth": {rate: 2 << 20},
	"all":       {delay: time.Millisecond, jitter: time.Millisecond, slice: 1000, rate: 8 << 20},
}

// wired is a PgOwl process with a cable on either side, and the URL that leads through all of it.
func wired(t *testing.T, stack bool) (o *owl, near, far *cable, url string) {
	t.Helper()
	server := lockedServer(t)
	direct := server.Database(t)
	far = lay(t, fmt.Sprintf("127.0.0.1:%d", server.Port()))
	service := "PGOWL_SERVICE="
	if stack {
		service += direct // the engine's own connections are not what is cut
	}
	// A peer that has vanished is looked for soon: the system's own keepalives take hours.
	soon := "keepalives_idle=2&keepalives_interval=1&keepalives_count=3"
	env := []string{service, "PGOWL_CLIENT_KEEPALIVE_IDLE=2s", "PGOWL_CLIENT_KEEPALIVE_INTERVAL=1s", "PGOWL_CLIENT_KEEPALIVE_COUNT=3"}
	o = launch(t, through(direct, far.address())+"&"+soon, env...)
	o.direct = direct
	if stack {
		prepare(t, through(direct, o.sql))
		if err := works(connect(t, through(direct, o.sql))); err != nil {
			t.Fatal(err)
		}
	}
	near = lay(t, o.sql)
	return o, near, far, through(direct, near.address())
}

// Whatever the network does to pieces, answers are whole and right.
func TestBadNetwork(t *testing.T) {
	o, near, far, url := wired(t, true)
	before := o.read(t)
	for name, f := range bad {
		for side, c := range map[string]*cable{"client": near, "server": far} {
			t.Run(name+" "+side, func(t *testing.T) {
				c.set(f)
				defer c.set(fault{})
				conn := connect(t, url)
				defer conn.Close(context.Background())
				if err := works(conn); err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(context.Background(), patience)
				defer cancel()
				var sum, n int
				rows := 300
				if f.slice == 1 {
					rows = 50
				}
				result, err := conn.Query(ctx, fmt.Sprintf("SELECT length(repeat(g::text, 100)), repeat(g::text, 100) FROM generate_series(1, %d) g", rows))
				if err != nil {
					t.Fatal(err)
				}
				for result.Next() {
					var length int
					var text string
					if err := result.Scan(&length, &text); err != nil || len(text) != length {
						t.Fatalf("%d, %d: %v", len(text), length, err)
					}
					n, sum = n+1, sum+length
				}
				if err := result.Err(); err != nil || n != rows {
					t.Fatalf("%d rows: %v", n, err)
				}
				if _, err := conn.Exec(ctx, "CREATE TEMP TABLE lines (a text)"); err != nil {
					t.Fatal(err)
				}
				data := strings.Repeat("a line of text\n", rows)
				if tag, err := conn.PgConn().CopyFrom(ctx, strings.NewReader(data), "COPY lines FROM STDIN"); err != nil || tag.RowsAffected() != int64(rows) {
					t.Errorf("COPY in: %v, %v", tag, err)
				}
				var back strings.Builder
				if _, err := conn.PgConn().CopyTo(ctx, &back, "COPY lines TO STDOUT"); err != nil || back.String() != data {
					t.Errorf("COPY out: %d bytes of %d, %v", back.Len(), len(data), err)
				}
			})
		}
	}
	o.settles(t, before, stackSlack)
}

// A network that is cut in the middle of anything, on either side, ends the session and leaves nothing behind.
func TestCut(t *testing.T) {
	t.Parallel()
	o, near, far, _ := wired(t, true)
	before := o.read(t)
	dialled := 0
	for side, c := range map[string]*cable{"client": near, "server": far} {
		for _, phase := range phases {
			t.Run(side+" "+phase.name, func(t *testing.T) {
				for range 3 {
					dialled++
					r := dial(t, near.address())
					if err := phase.reach(t, r, o.direct); err != nil {
						t.Fatal(err)
					}
					defer r.Close()
				}
				near.carries(t, dialled)
				c.reset()
				if side == "client" {
					await(t, o.direct, "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = $1", mark)
				}
			})
		}
	}
	await(t, o.direct, "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = $1", mark)
	o.settles(t, before, stackSlack)
}

// A network that stands still and goes on again does no harm: nothing is lost, and meanwhile others are served.
func TestFrozen(t *testing.T) {
	o, near, far, url := wired(t, false)
	before := o.read(t)
	for side, c := range map[string]*cable{"client": near, "server": far} {
		t.Run(side, func(t *testing.T) {
			conn := connect(t, url)
			defer conn.Close(context.Background())
			c.set(fault{frozen: true})
			done := run(conn, "SELECT generate_series(1, 100000)")
			if side == "client" {
				if err := wait(t, run(connect(t, through(o.direct, o.sql)), "SELECT 1")); err != nil {
					t.Errorf("another session: %v", err)
				}
			}
			select {
			case err := <-done:
				t.Errorf("an answer through a frozen cable: %v", err)
			case <-time.After(time.Second):
			}
			c.set(fault{})
			if err := wait(t, done); err != nil {
				t.Errorf("after the thaw: %v", err)
			}
		})
	}
	o.settles(t, before, wireSlack)
}

// Peers that vanish without a word, on either side, are noticed by keepalives.
func TestHalfOpen(t *testing.T) {
	t.Parallel()
	o, near, far, url := wired(t, false)
	before := o.read(t)
	for side, c := range map[string]*cable{"client": near, "server": far} {
		t.Run(side, func(t *testing.T) {
			for range 5 {
				connect(t, url)
			}
			if err := c.lose(side == "client"); err != nil {
				t.Skipf("no right to make a peer vanish: %v", err)
			}
			began := time.Now()
			tick := time.NewTicker(time.Second)
			defer tick.Stop()
			for o.read(t).files > before.files+wireSlack.count {
				if time.Since(began) > 3*time.Minute {
					t.Fatal("the sessions of vanished peers stay")
				}
				<-tick.C
			}
			t.Logf("noticed after %v", time.Since(began).Round(time.Second))
			c.reset()
		})
	}
	o.settles(t, before, wireSlack)
}
