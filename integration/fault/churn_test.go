package fault

import (
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

// Clients that break off anywhere, and such that send garbage, leave no descriptor, no goroutine and no backend behind.
func TestChurn(t *testing.T) {
	w := open(t)
	conn := connect(t, w.owl)
	if err := works(conn); err != nil {
		t.Fatal(err)
	}
	database := conn.Config().Database
	files, routines := count(), runtime.NumGoroutine()
	hello, _ := (&pgproto3.StartupMessage{ProtocolVersion: 3 << 16, Parameters: map[string]string{"user": "postgres", "database": database}}).Encode(nil)
	var work []byte
	for _, m := range []pgproto3.FrontendMessage{
		&pgproto3.Query{String: "SELECT pgml.predict('line', '{1,2}'::real[])"},
		&pgproto3.Query{String: "SELECT pgml.predict('line', ARRAY[g, 1]::real[]) FROM generate_series(1, 5000) g"},
		&pgproto3.Parse{Name: "a", Query: "SELECT pgml.predict('line', ARRAY[g, $1]::real[]) FROM generate_series(1, 50) g"},
		&pgproto3.Bind{PreparedStatement: "a", Parameters: [][]byte{[]byte("1")}},
		&pgproto3.Execute{MaxRows: 3}, &pgproto3.Execute{}, &pgproto3.Sync{},
		&pgproto3.Query{String: "DO $$ BEGIN FOR i IN 1..20 LOOP PERFORM pgml.predict('line', ARRAY[i, 1]::real[]); END LOOP; END $$"},
		&pgproto3.Query{String: "COPY points FROM STDIN"},
		&pgproto3.CopyData{Data: []byte("{1,1}\t1\n")},
	} {
		work, _ = m.Encode(work)
	}
	for seed := range uint64(4) {
		var wait sync.WaitGroup
		for n := range uint64(8) {
			wait.Add(1)
			go func() {
				defer wait.Done()
				random := rand.New(rand.NewPCG(seed, n))
				for range 8 {
					c, err := net.Dial("tcp", w.proxy.Addr().String())
					if err != nil {
						t.Error(err)
						return
					}
					c.SetDeadline(time.Now().Add(patience))
					all := append(append([]byte(nil), hello...), work...)
					all = all[:random.IntN(len(all))+1]
					if random.IntN(3) == 0 {
						all[random.IntN(len(all))] ^= byte(1 + random.IntN(255))
					}
					c.Write(all)
					if random.IntN(2) == 0 { // an answer to a message that was cut short never comes
						c.SetReadDeadline(time.Now().Add(time.Duration(random.IntN(40)) * time.Millisecond))
						io.CopyN(io.Discard, c, int64(random.IntN(3000)))
					}
					c.Close()
				}
			}()
		}
		wait.Wait()
	}
	// This test's two sessions stay.
	await(t, w.url, "SELECT count(*) <= 2 FROM pg_stat_activity WHERE datname = $1 AND application_name = '' AND pid NOT IN (pg_backend_pid())", database)
	if err := works(conn); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	// The pool of mailboxes may have grown: 16 descriptors, and a pool of four connections.
	for deadline := time.Now().Add(patience); ; runtime.Gosched() {
		f, r := count(), runtime.NumGoroutine()
		if f <= files+24 && r <= routines+24 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("descriptors: %d, then %d; goroutines: %d, then %d", files, f, routines, r)
		}
	}
}

// count is the number of open descriptors.
func count() int {
	entries, _ := os.ReadDir("/proc/self/fd")
	return len(entries)
}
