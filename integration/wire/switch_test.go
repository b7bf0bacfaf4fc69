package wire

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Sessions go from their driver to the goroutines and back, with statements of ours and plain ones in turns and in flight: every answer
// comes, in its place. Enough plain statements in a row make a session change back.
func TestSessionsChangeDrivers(t *testing.T) {
	w := open(t)
	for _, f := range w.fronts {
		t.Run(f.owl.name, func(t *testing.T) {
			var wait sync.WaitGroup
			for client := range 4 {
				wait.Go(func() {
					if err := changeDrivers(f.owl, rand.New(rand.NewPCG(seed, uint64(client)))); err != nil {
						t.Errorf("WIRE_SEED=%d, client %d: %v", seed, client, err)
					}
				})
			}
			wait.Wait()
		})
	}
}

func changeDrivers(to target, random *rand.Rand) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	conn, err := pgconn.Connect(ctx, "postgres://postgres@"+to.address+"/"+to.database+"?sslmode=disable")
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for n := 0; n < 3000; {
		p := conn.StartPipeline(ctx)
		var want []string
		for range 1 + random.IntN(60) {
			n++
			text, answer := "SELECT $1::int", strconv.Itoa(n)
			if random.IntN(25) == 0 {
				text, answer = "SELECT $1::int + pgml.norm_l2(ARRAY[3, 4]::real[])", strconv.Itoa(n+5)
			}
			p.SendQueryParams(text, [][]byte{[]byte(strconv.Itoa(n))}, nil, nil, nil)
			want = append(want, answer)
			if random.IntN(3) == 0 {
				if err := p.Sync(); err != nil {
					return err
				}
				want = append(want, "sync")
			}
		}
		if err := p.Sync(); err != nil {
			return err
		}
		for i, answer := range append(want, "sync") {
			results, err := p.GetResults()
			if err != nil {
				return fmt.Errorf("answer %d of %d: %w", i, len(want)+1, err)
			}
			got := "sync"
			if r, ok := results.(*pgconn.ResultReader); ok {
				read := r.Read()
				if read.Err != nil || len(read.Rows) != 1 {
					return fmt.Errorf("answer %d of %d: %d rows, %w", i, len(want)+1, len(read.Rows), read.Err)
				}
				got = string(read.Rows[0][0])
			}
			if got != answer {
				return fmt.Errorf("answer %d of %d is %s, not %s", i, len(want)+1, got, answer)
			}
		}
		if err := p.Close(); err != nil {
			return err
		}
		// A pause in the pipeline, so that the session comes to rest.
		for range random.IntN(30) {
			n++
			r := conn.ExecParams(ctx, "SELECT $1::int", [][]byte{[]byte(strconv.Itoa(n))}, nil, nil, nil).Read()
			if r.Err != nil || len(r.Rows) != 1 || string(r.Rows[0][0]) != strconv.Itoa(n) {
				return fmt.Errorf("statement %d: %v, %w", n, r.Rows, r.Err)
			}
		}
	}
	return nil
}
