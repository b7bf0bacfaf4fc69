package fault

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/pgowl/pgowl/integration/pgtest"
)

// perMinute is how many connections are made in a storm: 10,000 a minute.
const perMinute = 10_000

// TestConnectStorm connects 10,000 times a minute: most ask something and go, the rest break off. PGOWL_SOAK says for how long.
func TestConnectStorm(t *testing.T) {
	lasts := 5 * time.Second
	if v := os.Getenv("PGOWL_SOAK"); v != "" {
		var err error
		if lasts, err = time.ParseDuration(v); err != nil {
			t.Fatal(err)
		}
	}
	o, _ := site(t, false)
	hello := startup(t, o.direct, "postgres")
	before := o.read(t)
	began := time.Now()
	total := int(float64(perMinute) * lasts.Minutes())
	var wait sync.WaitGroup
	var mu sync.Mutex
	var took []time.Duration
	failed := map[string]int{}
	queue := make(chan int, 100) // whoever is late does not delay who comes after
	visit := func(n int) error {
		start := time.Now()
		conn, err := net.DialTimeout("tcp", o.sql, patience)
		if err != nil {
			return err
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(patience))
		c := &raw{conn.(*net.TCPConn), pgproto3.NewFrontend(conn, conn)}
		switch n % 10 {
		case 0:
			c.say(hello[:rand.IntN(len(hello))])
			c.reset()
			return nil
		case 1:
			c.say(hello)
			c.reset()
			return nil
		}
		c.say(hello)
		if err := c.until('Z'); err != nil {
			return err
		}
		c.query("SELECT 1")
		if err := c.until('Z'); err != nil {
			return err
		}
		if n%10 < 8 {
			c.say(bytesOf(&pgproto3.Terminate{}))
		}
		mu.Lock()
		took = append(took, time.Since(start))
		mu.Unlock()
		return nil
	}
	for range 64 {
		wait.Go(func() {
			for n := range queue {
				if err := visit(n); err != nil {
					var e *net.OpError
					if errors.As(err, &e) {
						err = e.Err
					}
					mu.Lock()
					failed[err.Error()]++
					mu.Unlock()
				}
			}
		})
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	late := 0
	n := 0
	for next := total / 10; n < total && time.Since(began) < lasts+time.Second; {
		<-tick.C
		for due := int(time.Since(began).Minutes() * perMinute); n < min(due, total); n++ {
			select {
			case queue <- n:
			default:
				late++
				queue <- n
			}
		}
		if n >= next {
			t.Logf("%v, %d connections: %v", time.Since(began).Round(time.Second), n, o.read(t))
			next += total / 10
		}
	}
	close(queue)
	wait.Wait()
	lasted := time.Since(began)
	slices.Sort(took)
	t.Logf("%d connections in %v (%.0f a minute; %d had to wait for a free client); %d asked: median %v, p99 %v, longest %v; failed: %v", n,
		lasted.Round(time.Millisecond), float64(n)/lasted.Minutes(), late, len(took), took[len(took)/2], took[len(took)*99/100], took[len(took)-1], failed)
	if len(failed) > 0 {
		t.Errorf("connections failed: %v", failed)
	}
	left := "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = $1"
	if os.Getenv("PGOWL_POOL") != "" {
		left += " AND state <> 'idle'" // a pool keeps its connections
	}
	await(t, o.direct, left, mark)
	o.settles(t, before, wireSlack)
}

// Cancel requests by the hundred, right ones and wrong ones, stop what they are for and nothing else.
func TestCancelStorm(t *testing.T) {
	t.Parallel()
	o, _ := site(t, true)
	before := o.read(t)
	var sessions []*pgx.Conn
	for range 8 {
		sessions = append(sessions, connect(t, through(o.direct, o.sql)))
	}
	bystander := connect(t, through(o.direct, o.sql))
	quiet := run(bystander, "SELECT pg_sleep(3)")
	stop := make(chan struct{})
	var wait_ sync.WaitGroup
	for range 4 {
		wait_.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				c, err := net.Dial("tcp", o.sql)
				if err != nil {
					t.Error(err)
					return
				}
				b := binary.BigEndian.AppendUint32([]byte{0, 0, 0, 16, 0x04, 0xd2, 0x16, 0x2e}, rand.Uint32())
				c.Write(binary.BigEndian.AppendUint32(b, rand.Uint32()))
				c.SetReadDeadline(time.Now().Add(patience))
				c.Read(b[:1]) // as libpq does: who does not wait for the answer fills the queue before those who are meant to be served
				c.Close()
			}
		})
	}
	statements := []string{"SELECT pg_sleep(100)", longStream, longCall, longTrain}
	cancelled := 0
	for n := range 24 {
		conn := sessions[n%len(sessions)]
		done := run(conn, statements[n%len(statements)])
		var err error
		for over := false; !over; {
			if err := conn.PgConn().CancelRequest(context.Background()); err != nil {
				t.Fatal(err)
			}
			select {
			case err = <-done:
				over = true
			case <-time.After(20 * time.Millisecond):
			}
		}
		if got := code(err); got != "57014" {
			t.Errorf("%s: got %s, want 57014", statements[n%len(statements)], got)
		}
		cancelled++
	}
	close(stop)
	wait_.Wait()
	if err := wait(t, quiet); err != nil {
		t.Errorf("who was not meant: %v", err)
	}
	for _, conn := range append(sessions, bystander) {
		if err := works(conn); err != nil && code(err) != "57014" { // a request that came late may still hit what comes next
			t.Errorf("afterwards: %v", err)
		}
		conn.Close(context.Background())
	}
	t.Logf("%d statements cancelled", cancelled)
	o.settles(t, before, stackSlack)
}

// A server that is killed under sessions in every phase, and comes back, leaves the proxy as it was.
func TestServerKilledUnderLoad(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t, pgtest.HBA("host all "+lockUser+" 127.0.0.1/32 scram-sha-256"))
	url := server.Database(t)
	o := launch(t, url)
	prepare(t, through(url, o.sql))
	conn := connect(t, url)
	if _, err := conn.Exec(context.Background(), "CREATE ROLE "+lockUser+" LOGIN PASSWORD 'hunter2'"); err != nil {
		t.Fatal(err)
	}
	if err := works(connect(t, through(url, o.sql))); err != nil {
		t.Fatal(err)
	}
	conn.Close(context.Background())
	before := o.read(t)
	for name, end := range map[string]func(){"killed": server.Kill, "stopped": server.Stop} {
		t.Run(name, func(t *testing.T) {
			var all []*raw
			for _, phase := range phases {
				for range 2 {
					c := dial(t, o.sql)
					if err := phase.reach(t, c, url); err != nil {
						t.Fatalf("%s: %v", phase.name, err)
					}
					all = append(all, c)
				}
			}
			began := time.Now()
			end()
			gone := time.Since(began)
			for i, c := range all {
				// Those that have not met the server yet have nothing to hear.
				if phase := phases[i/2]; i/2 > 2 && !c.over() {
					t.Errorf("%s: the session hangs", phase.name)
				}
				c.Close()
			}
			heard := time.Since(began)
			server.Restart(t)
			back := time.Since(began)
			for deadline := time.Now().Add(patience); ; {
				status, body := get(fmt.Sprintf("http://%s/ready", o.http))
				if status == 200 {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("not ready: %d %s", status, body)
				}
			}
			if err := works(connect(t, through(url, o.sql))); err != nil {
				t.Errorf("afterwards: %v", err)
			}
			t.Logf("the server was gone after %v; all sessions had heard after %v; it was back after %v, and PgOwl ready after %v", gone.Round(time.Millisecond),
				heard.Round(time.Millisecond), back.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
		})
	}
	o.settles(t, before, stackSlack)
}
