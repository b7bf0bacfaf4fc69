package linear

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// crew runs tasks on several threads. It owns no goroutine between calls.
type crew struct {
	ctx     context.Context
	workers int
	stopped atomic.Bool
}

// newCrew makes a crew of the wanted size (0 or less: a thread a core). It stops handing out tasks when ctx is done; the caller calls
// release in the end.
func newCrew(ctx context.Context, threads int) (c *crew, release func() bool) {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	c = &crew{ctx: ctx, workers: threads}
	return c, context.AfterFunc(ctx, func() { c.stopped.Store(true) })
}

// err is the cause of a context that is done. Who has called each asks it before using what the tasks have made.
func (c *crew) err() error { return context.Cause(c.ctx) }

// each calls task for 0 to n-1 and returns when all have returned. When the crew has been stopped some tasks were never called.
func (c *crew) each(n int, task func(i int)) {
	workers := min(c.workers, n)
	if workers <= 1 {
		for i := 0; i < n && !c.stopped.Load(); i++ {
			task(i)
		}
		return
	}
	var next atomic.Int64
	run := func() {
		for i := int(next.Add(1)) - 1; i < n && !c.stopped.Load(); i = int(next.Add(1)) - 1 {
			task(i)
		}
	}
	var others sync.WaitGroup
	for range workers - 1 {
		others.Go(run)
	}
	run()
	others.Wait()
}

const (
	// maxBlocks is the number of blocks that the rows of a large data set are taken in: enough for the cores, few enough for what each keeps.
	maxBlocks = 64
	blockRows = 512 // at least, but for the last
)

// blocks is a division of rows that depends on their number alone.
type blocks struct{ rows, count int }

func newBlocks(rows int) blocks {
	return blocks{rows, max(1, min(maxBlocks, rows/blockRows))}
}

func (b blocks) bounds(i int) (from, to int) {
	return int(int64(b.rows) * int64(i) / int64(b.count)), int(int64(b.rows) * int64(i+1) / int64(b.count))
}
