package proxy

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/pgowl/pgowl/integration/pgtest"
	"github.com/pgowl/pgowl/proxy/pool"
)

// A client leaves the only connection of a session pool with more to come than anybody can tell, or in the middle of a message that needs
// no answer. The next client gets its own answers, and gets them soon.
func TestSessionPoolTakesNothingUncertainBack(t *testing.T) {
	db := pgtest.Database(t)
	p, err := New(Options{Address: "127.0.0.1:0", Upstream: db, Pool: pool.Options{Mode: pool.Session, Size: 1}})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	config, err := pgx.ParseConfig(db)
	if err != nil {
		t.Fatal(err)
	}
	url := fmt.Sprintf("postgres://postgres@%s/%s?sslmode=disable", p.Addr(), config.Database)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second) // less than a reset may take
	defer cancel()
	connect := func() *pgx.Conn {
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	for _, half := range []bool{false, true} {
		first := connect()
		if _, err := first.Exec(ctx, "CREATE TABLE IF NOT EXISTS t (a int)"); err != nil {
			t.Fatal(err)
		}
		hostile, err := first.PgConn().Hijack()
		if err != nil {
			t.Fatal(err)
		}
		hostile.Conn.SetDeadline(time.Now().Add(20 * time.Second))
		receive := func(last byte) {
			t.Helper()
			for {
				m, err := hostile.Frontend.Receive()
				if err != nil {
					t.Fatal(err)
				}
				switch m.(type) {
				case *pgproto3.CopyInResponse:
					if last == 'G' {
						return
					}
				case *pgproto3.ReadyForQuery:
					if last == 'Z' {
						return
					}
				}
			}
		}
		if half {
			hostile.Conn.Write([]byte{'d', 0, 0, 0, 4 + 2 + 17, 'x', 'x'}) // DISCARD ALL would be the rest
		} else {
			hostile.Conn.Write(encode(&pgproto3.Query{String: "COPY t FROM STDIN"}))
			receive('G')
			hostile.Conn.Write(encode(&pgproto3.CopyData{Data: []byte("no number\n")}, &pgproto3.Sync{}, &pgproto3.CopyDone{},
				&pgproto3.Parse{Query: "SELECT pg_sleep(0.5), 'evil'"}, &pgproto3.Bind{}, &pgproto3.Execute{}, &pgproto3.Sync{}))
			receive('Z')
			receive('Z')
		}
		hostile.Conn.Close()
		next := connect()
		for _, want := range []string{"one", "two", "three"} {
			r, err := next.PgConn().Exec(ctx, "SELECT '"+want+"'").ReadAll()
			if err != nil || len(r) != 1 || len(r[0].Rows) != 1 || string(r[0].Rows[0][0]) != want {
				t.Errorf("half a message: %t: the next client gets %d results, %v for %q", half, len(r), err, want)
			}
		}
		next.Close(ctx)
	}
}
