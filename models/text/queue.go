package text

import (
	"context"
	"slices"
	"sync"
)

// A queue holds the texts that wait for a model, of all sessions. Whenever a core is free a worker takes a batch: it is the turn of the call that has waited for the
// longest, and what room its texts leave goes to others of about the same length. So nobody waits for company while a core is idle, and when all are busy the texts
// that come meanwhile go through the model together.
type queue struct {
	cores  int // workers, at most
	budget int // tokens of a batch, padding included
	least  int // tokens below which work is not divided for the sake of more workers; minBatch if that is more
	cost   int // of a run, in tokens of padding; runCost if that is more
	turn   turns
	run    func(b *batch, each func(p part, i int, pooled []float32)) error

	mu      sync.Mutex
	calls   []*call // with texts that wait, in the order of their turns
	waiting int     // their tokens
	workers int
	busy    int  // of these: with a batch
	hasty   bool // there is a worker for small calls
	done    Batches
	working sync.WaitGroup
}

// turns says when a worker may run, and who else wants to. All models share it.
type turns interface {
	// take waits for a core, or for the place beside the cores that is for small calls; free gives it back.
	take(hasty bool)
	free(hasty bool)
	// busy says whether no core is free and some of the work is large.
	busy() bool
	// large notes that there is a large call more (1) or less (-1).
	large(n int)
	// enter notes that a batch runs, and tells whether it is the only one; leave, that it does no more.
	enter() (alone bool)
	leave()
}

const (
	// smallCall is the number of tokens up to which a call is small: when large ones have all cores, it does not wait until they have finished a batch.
	smallCall = 256
	// hastyBudget is the number of tokens of a batch of small calls that is run beside the cores' work.
	hastyBudget = 256
)

// call is the texts that somebody waits for.
type call struct {
	work  *work
	order []int // texts, the longest first
	taken int   // of order
	size  int   // texts of the call in a batch, at most; 0: any
	small bool
	each  func(i int, pooled []float32)

	done    chan struct{} // closed when left is 0 or err is set
	left    int           // texts without a vector
	err     error
	over    bool // done is closed, or nobody waits any more
	running []*batch
}

// do has the work done: each gets a pooled vector for each text, by one goroutine or another, none after do has returned. When ctx is done before, what waits is dropped, what
// runs is stopped unless others need it, and the error is ctx's cause.
func (q *queue) do(ctx context.Context, w *work, size int, each func(i int, pooled []float32)) error {
	c := &call{work: w, order: make([]int, len(w.lengths)), size: size, each: each, done: make(chan struct{}), left: len(w.lengths)}
	total := 0
	for i, n := range w.lengths {
		c.order[i] = i
		total += n
	}
	if total == 0 {
		return context.Cause(ctx)
	}
	// Stable, so that the batches do not depend on the sort's whims.
	slices.SortStableFunc(c.order, func(a, b int) int { return w.lengths[b] - w.lengths[a] })
	if c.small = total <= smallCall; !c.small {
		q.turn.large(1)
		defer q.turn.large(-1)
	}
	q.mu.Lock()
	q.calls = append(q.calls, c)
	q.waiting += total
	for q.workers < q.cores && (q.workers-q.busy)*max(minBatch, q.least) < q.waiting {
		q.workers++
		q.working.Go(func() { q.serve(false) })
	}
	if c.small && !q.hasty && q.turn.busy() {
		q.hasty = true
		q.working.Go(func() { q.serve(true) })
	}
	q.mu.Unlock()
	select {
	case <-c.done:
	case <-ctx.Done():
		q.mu.Lock()
		defer q.mu.Unlock()
		if c.over {
			break
		}
		c.err = context.Cause(ctx)
		q.drop(c)
	}
	return c.err
}

// drop forgets a call: its texts that wait, and its part in the batches that run. The queue is locked.
func (q *queue) drop(c *call) {
	c.over = true
	for _, i := range c.order[c.taken:] {
		q.waiting -= c.work.lengths[i]
	}
	c.taken = len(c.order)
	q.calls = slices.DeleteFunc(q.calls, func(x *call) bool { return x == c })
	for _, b := range c.running {
		if b.alive--; b.alive == 0 && b.stop != nil {
			b.stop()
		}
	}
}

// serve takes batches until none is left.
func (q *queue) serve(hasty bool) {
	for again := false; ; again = true {
		q.turn.take(hasty)
		b := q.next(hasty, again)
		if b == nil {
			q.turn.free(hasty)
			return
		}
		err := q.runBatch(b)
		if err == nil || len(b.parts) == 1 {
			q.finish(b, err)
		} else {
			for _, alone := range q.apart(b) { // nobody is to pay for another's text
				q.finish(alone, q.runBatch(alone))
			}
		}
		q.turn.free(hasty)
	}
}

// runBatch runs a batch, which counts as one that runs no longer than that: finish lets its callers come back at once.
func (q *queue) runBatch(b *batch) error {
	b.alone = q.turn.enter() && b.alone
	defer q.turn.leave()
	return q.run(b, q.deliver)
}

// apart divides a batch that has failed into those of its calls.
func (q *queue) apart(b *batch) []*batch {
	q.mu.Lock()
	defer q.mu.Unlock()
	var all []*batch
	for _, p := range b.parts {
		alone := &batch{parts: []part{p}, rows: len(p.texts), longest: b.longest}
		for _, i := range p.texts {
			alone.tokens += p.call.work.lengths[i]
		}
		if !p.call.over {
			alone.alive = 1
			p.call.running = append(slices.DeleteFunc(p.call.running, func(x *batch) bool { return x == b }), alone)
		}
		all = append(all, alone)
	}
	return all
}

// next takes a batch off the queue; nil ends the worker. again says that the worker has had one.
func (q *queue) next(hasty, again bool) *batch {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !hasty && again {
		q.busy--
	}
	b := q.pick(hasty)
	switch {
	case b != nil:
		q.waiting -= b.tokens
		for _, p := range b.parts {
			p.call.running = append(p.call.running, b)
		}
		if !hasty {
			q.busy++
		}
	case hasty:
		q.hasty = false
	default:
		q.workers--
	}
	return b
}

// pick makes a batch for the call whose turn it is, and of what others have that fits; nil if there is none. The queue is locked.
func (q *queue) pick(hasty bool) *batch {
	at := slices.IndexFunc(q.calls, func(c *call) bool { return c.small || !hasty })
	if at < 0 {
		return nil
	}
	first := q.calls[at]
	budget := hastyBudget
	if !hasty {
		// An even share for each core, but not so small that the fixed cost of a run shows.
		budget = min(q.budget, max(minBatch, q.least, (q.waiting+q.cores-1)/q.cores))
	}
	b := &batch{cost: q.cost}
	b.take(first, budget)
	if len(q.calls) > 1 {
		length := func(c *call) int { return c.work.lengths[c.order[c.taken]] }
		var others []*call
		for _, c := range q.calls {
			if c != first && (c.small || !hasty) && length(c) <= b.longest {
				others = append(others, c)
			}
		}
		slices.SortStableFunc(others, func(x, y *call) int { return length(y) - length(x) })
		for _, c := range others {
			b.take(c, budget)
		}
	}
	q.calls = slices.Delete(q.calls, at, at+1)
	q.calls = append(q.calls, first)
	q.calls = slices.DeleteFunc(q.calls, func(c *call) bool { return c.taken == len(c.order) })
	b.alone = len(q.calls) == 0
	return b
}

// deliver hands out a vector, if it is still wanted.
func (q *queue) deliver(p part, i int, pooled []float32) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !p.call.over {
		p.call.each(i, pooled)
	}
}

// running is a batch that runs.
type running struct {
	queue *queue
	batch *batch
}

var _ stopper = running{}

// begun implements stopper.
func (r running) begun(stop func()) bool {
	r.queue.mu.Lock()
	defer r.queue.mu.Unlock()
	r.batch.stop = stop
	return r.batch.alive > 0
}

// ended implements stopper.
func (r running) ended() {
	r.queue.mu.Lock()
	defer r.queue.mu.Unlock()
	r.batch.stop = nil
}

// Batches counts what has gone through a model.
type Batches struct {
	Runs    uint64
	Texts   uint64
	Tokens  uint64 // of the texts
	Padding uint64 // tokens that only fill up
}

func (a *Batches) add(b Batches) {
	a.Runs, a.Texts, a.Tokens, a.Padding = a.Runs+b.Runs, a.Texts+b.Texts, a.Tokens+b.Tokens, a.Padding+b.Padding
}

// stats are the tokens that wait, and what has been done.
func (q *queue) stats() (waiting int, done Batches) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiting, q.done
}

// finish tells the calls what has become of a batch.
func (q *queue) finish(b *batch, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err == nil {
		q.done.add(Batches{1, uint64(b.rows), uint64(b.tokens), uint64(b.rows*b.longest - b.tokens)})
	}
	for _, p := range b.parts {
		c := p.call
		c.running = slices.DeleteFunc(c.running, func(x *batch) bool { return x == b })
		if c.over {
			continue
		}
		if c.left -= len(p.texts); err != nil {
			c.err = err
			q.drop(c)
			close(c.done)
		} else if c.left == 0 {
			c.over = true
			close(c.done)
		}
	}
}

// close waits for the workers. Nobody may call do any more.
func (q *queue) close() { q.working.Wait() }
