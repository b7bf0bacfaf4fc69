package fault

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

// Clients that ask for much and read nothing hold up nobody but themselves, and what they asked for stays with the server.
func TestSlowReaders(t *testing.T) {
	for name, stack := range map[string]bool{"wire": false, "stack": true} {
		t.Run(name, func(t *testing.T) {
			o, _ := site(t, stack)
			before := o.read(t)
			queries := []string{flood, copyOut}
			allowed := wireSlack
			if stack {
				queries, allowed = append(queries, stream), stackSlack
			}
			const each = 10
			var readers []*raw
			for _, sql := range queries {
				for range each {
					c := login(t, o.sql, o.direct)
					c.query(sql)
					readers = append(readers, c)
				}
			}
			// All wait to get rid of what they have, and do so for a while.
			await(t, o.direct, "SELECT count(*) = $2 FROM pg_stat_activity WHERE application_name = $1 AND wait_event = 'ClientWrite' AND query_start < clock_timestamp() - interval '3 s'", mark, len(readers))
			held := o.read(t)
			t.Logf("%d slow readers: %v", len(readers), held)
			if perReader := (held.resident - before.resident) / len(readers); perReader > 1<<20 {
				t.Errorf("a slow reader takes %d kB", perReader>>10)
			}
			if err := wait(t, run(connect(t, through(o.direct, o.sql)), "SELECT 1")); err != nil {
				t.Errorf("another session: %v", err)
			}
			for i, c := range readers {
				if i%2 == 0 {
					c.reset()
				} else {
					c.Close()
				}
			}
			await(t, o.direct, "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = $1", mark)
			o.settles(t, before, allowed)
		})
	}
}

// Clients that write one byte at a time are served all the same.
func TestSlowWriters(t *testing.T) {
	o, _ := site(t, true)
	before := o.read(t)
	c := dial(t, o.sql)
	drip := func(b []byte) {
		for i := range b {
			c.say(b[i : i+1])
		}
	}
	c.SetNoDelay(true)
	drip(startup(t, o.direct, "postgres"))
	if err := c.until('Z'); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{"SELECT 1", "SELECT pgml.predict('line', '{3,4}'::real[])", "SELECT pgml.predict('line', ARRAY[g, 4]::real[]) FROM generate_series(3, 30) g"} {
		drip(bytesOf(&pgproto3.Query{String: sql}))
		if err := c.until('Z'); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
		drip(bytesOf(&pgproto3.Parse{Query: sql}, &pgproto3.Bind{}, &pgproto3.Describe{ObjectType: 'P'}, &pgproto3.Execute{}, &pgproto3.Sync{}))
		if err := c.until('Z'); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
	c.Close()
	await(t, o.direct, "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = $1", mark)
	o.settles(t, before, stackSlack)
}

// What a header announces takes no memory before it comes.
func TestAnnouncedMessages(t *testing.T) {
	o, _ := site(t, true)
	before := o.read(t)
	const clients = 50
	var all []*raw
	for range clients {
		c := login(t, o.sql, o.direct)
		c.say(append([]byte{'Q', 0x3f, 0xff, 0xff, 0xf0}, "SELECT pgml.embed("...))
		all = append(all, c)
	}
	if err := wait(t, run(connect(t, through(o.direct, o.sql)), "SELECT 1")); err != nil {
		t.Errorf("another session: %v", err)
	}
	held := o.read(t)
	t.Logf("%d announced gigabytes: %v", clients, held)
	if each := (held.resident - before.resident) / clients; each > 512<<10 {
		t.Errorf("an announced gigabyte takes %d kB", each>>10)
	}
	for _, c := range all {
		c.reset()
	}
	await(t, o.direct, "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = $1", mark)
	o.settles(t, before, stackSlack)
}

// Log-ins that never get anywhere hold up nobody, and are gone when their time is up.
func TestHalfLogins(t *testing.T) {
	o, _ := site(t, false, "PGOWL_LOGIN_TIME=5s")
	before := o.read(t)
	const each = 100
	var all []*raw
	for range each {
		for _, first := range [][]byte{nil, startup(t, o.direct, "postgres")[:11], []byte("\x00\x00\x00\x08\x04\xd2\x16\x2f"), []byte("\x00\x00\x27\x10"), startup(t, o.direct, lockUser)} {
			c := dial(t, o.sql)
			if first != nil {
				c.say(first)
			}
			all = append(all, c)
		}
	}
	began := time.Now()
	conn := connect(t, through(o.direct, o.sql))
	if err := wait(t, run(conn, "SELECT 1")); err != nil {
		t.Errorf("a session beside %d half log-ins: %v", len(all), err)
	}
	t.Logf("a session beside %d half log-ins took %v; meanwhile: %v", len(all), time.Since(began).Round(time.Millisecond), o.read(t))
	conn.Close(context.Background())
	// The proxy is the one that ends them.
	for _, c := range all {
		for b := make([]byte, 4096); ; {
			if _, err := c.Read(b); err != nil {
				if e, ok := err.(interface{ Timeout() bool }); ok && e.Timeout() {
					t.Fatal("a log-in that gets nowhere is not ended")
				}
				break
			}
		}
	}
	o.settles(t, before, wireSlack)
}
