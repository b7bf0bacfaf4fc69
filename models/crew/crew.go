// Package crew runs tasks of the training engines on several threads, until the context of the training is done. In which order tasks run is open: who wants
// the same bytes for any number of threads divides the work by the data alone, and puts the parts together in their order.
package crew

import (
	"context"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
)

// Crew runs tasks on several threads. It owns no goroutine between calls.
type Crew struct {
	ctx     context.Context
	workers int
	stopped *atomic.Bool
}

// New makes a crew of the wanted size (0 or less: a thread a core). It stops handing out tasks when ctx is done; the
// caller calls release in the end.
func New(ctx context.Context, threads int) (c *Crew, release func() bool) {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	c = &Crew{ctx, threads, new(atomic.Bool)}
	return c, context.AfterFunc(ctx, func() { c.stopped.Store(true) })
}

// Workers is the number of threads, the caller's included.
func (c *Crew) Workers() int { return c.workers }

// Alone is a crew of the caller's thread only, for what happens inside a task. It stops with c.
func (c *Crew) Alone() *Crew { return &Crew{c.ctx, 1, c.stopped} }

// Stopped reports whether the context is done; it costs next to nothing.
func (c *Crew) Stopped() bool { return c.stopped.Load() }

// Err is the cause of a context that is done. Who has called Each asks it, or Stopped, before using what the tasks have made.
func (c *Crew) Err() error { return context.Cause(c.ctx) }

// serialBelow is the cost, in units of about a nanosecond, under which waking other threads takes longer than the work.
const serialBelow = 20_000

// Large is the cost of tasks that are always worth several threads.
const Large = math.MaxInt

// Each calls task for 0 to n-1, on several threads when the cost of all is worth it, and returns when all have returned. When the
// crew has been stopped some tasks were never called.
func (c *Crew) Each(n, cost int, task func(i int)) {
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
