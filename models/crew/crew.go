package gbdt

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// crew runs tasks on several threads. It owns no goroutine between calls.
type crew struct {
	workers int
	stopped atomic.Bool
}

// newCrew makes a crew of the wanted size (0 or less: a thread a core). It stops handing out tasks when ctx is done; the
// caller calls release in the end.
func newCrew(ctx context.Context, threads int) (c *crew, release func() bool) {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	c = &crew{workers: threads}
	return c, context.AfterFunc(ctx, func() { c.stopped.Store(true) })
}

// serialBelow is the cost, in units of about a nanosecond, under which waking other threads takes longer than the work.
const serialBelow = 20_000

// each calls task for 0 to n-1, on several threads when the cost is worth it, and returns when all have returned. When the
// crew has been stopped some tasks were never called: callers look at stopped before they use what the tasks have made.
func (c *crew) each(n, cost int, task func(i int)) {
	workers := min(c.workers, n)
	if workers <= 1 || cost < serialBelow {
		for i := 0; i < n && !c.stopped.Load(); i++ {
			task(i)
		}
		return
	}
	var next atomic.Int64
	run := func() {
		for {
			i := int(next.Add(1)) - 1
			if i >= n || c.stopped.Load() {
				return
			}
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
