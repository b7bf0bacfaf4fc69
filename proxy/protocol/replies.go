package protocol

import "iter"

// Kind is what a reply ends with.
type Kind uint8

const (
	ForStartup  Kind = iota // authentication, up to the first ReadyForQuery
	ForQuery                // a simple query: up to ReadyForQuery
	ForFunction             // a function call: up to ReadyForQuery
	ForSync                 // ReadyForQuery
	ForParse                // ParseComplete
	ForBind                 // BindComplete
	ForDescribe             // RowDescription or NoData
	ForExecute              // CommandComplete, EmptyQueryResponse or PortalSuspended
	ForClose                // CloseComplete
	ForCopyEnd              // nothing: the client ended a copy here
)

// untilReady reports whether a reply ends with ReadyForQuery, and so is not skipped after an error.
func (k Kind) untilReady() bool { return k <= ForSync }

// Fate is what became of a message.
type Fate uint8

const (
	Done    Fate = iota
	Failed       // the server answered with an error
	Skipped      // the server ignored it because of an error before
)

// Waiter is what waits for a reply. Settled tells it, once, that the reply is complete, or won't come.
type Waiter interface{ Settled(f Fate) }

// Replies is the ordered list of replies that are still to come, up to the next Sync and beyond. It follows the rules of the manual's
// chapter "Frontend/Backend Protocol": after an error the server skips to the next Sync; while a copy into the server goes on, it
// ignores Sync. The zero value expects nothing.
type Replies[W Waiter] struct {
	list []reply[W]
	head int

	Skipping bool // an error came, and the Sync that ends it has not been sent yet
	Copying  bool // the server waits for copy data
	Open     bool // something was sent since the last message that ReadyForQuery answers
	TX       byte // transaction status of the last ReadyForQuery: I, T or E; 0 before the first
	// Doubtful tells that a copy failed that Syncs were taken to be inside of: the server may have ignored them, or have read them behind the
	// error and answered. It may owe more than is expected here, now and later.
	Doubtful bool

	inCopy int // Syncs that were taken for sent inside the copy that goes on, or has not been answered yet
}

type reply[W Waiter] struct {
	kind   Kind
	waiter W
}

// Reset makes it expect nothing, outside a transaction.
func (q *Replies[W]) Reset() { *q = Replies[W]{list: q.list[:0], TX: 'I'} }

// Empty reports whether nothing is expected.
func (q *Replies[W]) Empty() bool { return q.head == len(q.list) }

// Resting reports whether nothing is expected, and nothing is under way.
func (q *Replies[W]) Resting() bool { return q.Empty() && !q.Skipping && !q.Copying && !q.Open }

// EndsReady reports whether the last of the replies ends with ReadyForQuery, so that the server sends it unasked.
func (q *Replies[W]) EndsReady() bool {
	return !q.Empty() && q.list[len(q.list)-1].kind.untilReady()
}

// All are the replies in their order.
func (q *Replies[W]) All() iter.Seq2[Kind, W] {
	return func(yield func(Kind, W) bool) {
		for _, e := range q.list[q.head:] {
			if !yield(e.kind, e.waiter) {
				return
			}
		}
	}
}

// Push notes a message that is sent to the server. Must be called before it is sent. ignored tells that the server will ignore it: then it
// has no effect, and its waiter hears nothing. Neither does that of a ForCopyEnd that ends a copy which goes on: there is nothing to wait for.
func (q *Replies[W]) Push(k Kind, w W) (ignored bool) {
	q.Open = !k.untilReady()
	switch {
	case k == ForCopyEnd:
		if q.Copying || q.Empty() { // of a copy that goes on, or that the server has given up
			q.Copying = false
			return false
		}
	case k == ForSync:
		if q.Copying {
			q.inCopy++
			return true
		}
		q.Skipping = false
	case q.Skipping:
		return true
	}
	if q.head > 32 && q.head*2 > len(q.list) {
		n := copy(q.list, q.list[q.head:])
		clear(q.list[n:])
		q.list, q.head = q.list[:n], 0
	}
	q.list = append(q.list, reply[W]{k, w})
	return false
}

// Front is the reply that comes next; w is nil where none is expected, else valid until the next call.
func (q *Replies[W]) Front() (k Kind, w *W) {
	for !q.Empty() {
		if e := &q.list[q.head]; e.kind != ForCopyEnd {
			return e.kind, &e.waiter
		}
		q.pop(Done)
	}
	return 0, nil
}

func (q *Replies[W]) pop(f Fate) {
	w := q.list[q.head].waiter
	q.drop(1)
	w.Settled(f)
}

// drop takes the next n replies off the list.
func (q *Replies[W]) drop(n int) {
	clear(q.list[q.head : q.head+n])
	q.head += n
	if q.Empty() {
		q.list, q.head = q.list[:0], 0
	}
}

// Answer moves on by a message of the server. status is the body's first byte of a ReadyForQuery.
func (q *Replies[W]) Answer(typ, status byte) {
	switch typ {
	case 'Z':
		q.Copying, q.TX, q.inCopy = false, status, 0
		for k, w := q.Front(); w != nil; k, w = q.Front() {
			q.pop(Done)
			if k.untilReady() {
				break
			}
		}
	case 'E':
		q.Doubtful = q.Doubtful || q.inCopy > 0
		q.inCopy = 0
		q.fail()
	case '1':
		q.finish(ForParse)
	case '2':
		q.finish(ForBind)
	case '3':
		q.finish(ForClose)
	case 'T', 'n':
		q.finish(ForDescribe)
	case 'C', 'I', 's':
		q.inCopy = 0
		q.finish(ForExecute)
	case 'G', 'W':
		q.copyStarts()
	}
	q.Front() // drops the ends of copies that have no reply left before them
}

// fail drops what the server skips after an error. What was sent last hears of it first, so that each finds things as it left them.
func (q *Replies[W]) fail() {
	k, w := q.Front()
	q.Copying = false
	if w == nil || k.untilReady() {
		return
	}
	end := q.head
	for end < len(q.list) && q.list[end].kind != ForSync {
		end++
	}
	q.Skipping = end == len(q.list)
	for i := end - 1; i >= q.head; i-- {
		f := Skipped
		if i == q.head {
			f = Failed
		}
		q.list[i].waiter.Settled(f)
	}
	q.drop(end - q.head)
}

func (q *Replies[W]) finish(k Kind) {
	if front, w := q.Front(); w != nil && front == k {
		q.pop(Done)
	}
}

// copyStarts drops the Syncs that the server will read, and ignore, before the end of the copy.
func (q *Replies[W]) copyStarts() {
	kept := q.list[:min(q.head+1, len(q.list))]
	rest := q.list[len(kept):]
	q.Copying = true
	for _, e := range rest {
		switch {
		case q.Copying && e.kind == ForCopyEnd:
			q.Copying = false
			e.waiter.Settled(Done)
		case q.Copying && e.kind == ForSync:
			q.inCopy++
			e.waiter.Settled(Skipped)
		default:
			kept = append(kept, e)
		}
	}
	clear(q.list[len(kept):])
	q.list = kept
}
