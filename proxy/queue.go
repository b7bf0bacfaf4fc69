package proxy

// kind is what an entry of the queue waits for.
type kind uint8

const (
	forStartup  kind = iota // authentication, up to the first ReadyForQuery
	forQuery                // a simple query: up to ReadyForQuery
	forFunction             // a function call: up to ReadyForQuery
	forSync                 // ReadyForQuery
	forParse                // ParseComplete
	forBind                 // BindComplete
	forDescribe             // RowDescription or NoData
	forExecute              // CommandComplete, EmptyQueryResponse or PortalSuspended
	forClose                // CloseComplete
	forCopyEnd              // nothing: the client ended a copy here
)

// untilReady reports whether the reply ends with ReadyForQuery, and so is not skipped after an error.
func (k kind) untilReady() bool { return k <= forSync }

// sink takes the server's messages for an entry in the client's place. It is called by the backend's pump.
type sink interface {
	// message takes a message (body without header, valid during the call) and reports whether it goes on to the client.
	message(typ byte, body []byte) bool
	// over tells that nothing more comes: the reply is complete, or was skipped because of an error before it.
	over()
}

// entry is one expected reply.
type entry struct {
	kind kind
	sink sink // nil: the reply is the client's as it is
}

// queue is the ordered list of replies that are still expected, up to the next Sync and beyond. It follows the rules of the manual's
// chapter "Frontend/Backend Protocol": after an error the server skips to the next Sync; while a copy into the server
// goes on, it ignores Sync.
type queue struct {
	entries []entry
	head    int
	sinks   int // entries with a sink

	skipping bool // an error came, and the Sync that ends it has not been sent yet
	copying  bool // the server waits for copy data
	open     bool // something was sent since the last message that ReadyForQuery answers
	tx       byte // transaction status of the last ReadyForQuery: I, T or E; 0 before the first
	inCopy   int  // Syncs that were taken for sent inside the copy that goes on, or has not been answered yet
	// doubtful tells that such a copy failed: the server may have ignored its Syncs, or have read them behind the error and answered. It may
	// owe more than is expected here, now and later.
	doubtful bool
}

func (q *queue) empty() bool { return q.head == len(q.entries) }

// resting tells that nothing is expected, and nothing is under way.
func (q *queue) resting() bool { return q.empty() && !q.skipping && !q.copying && !q.open }

// push notes a message that is sent to the server. Must be called before it is sent.
func (q *queue) push(e entry) {
	q.open = !e.kind.untilReady()
	if e.kind == forCopyEnd {
		if q.copying {
			q.copying = false
			return
		}
		if q.empty() {
			return // of a copy that the server has given up
		}
	} else if e.kind == forSync {
		if q.copying {
			q.inCopy++
			if e.sink != nil {
				e.sink.over()
			}
			return // ignored by the server
		}
		q.skipping = false
	} else if q.skipping {
		if e.sink != nil {
			e.sink.over()
		}
		return // ignored by the server
	}
	if q.head > 32 && q.head*2 > len(q.entries) {
		n := copy(q.entries, q.entries[q.head:])
		clear(q.entries[n:])
		q.entries, q.head = q.entries[:n], 0
	}
	if e.sink != nil {
		q.sinks++
	}
	q.entries = append(q.entries, e)
}

// front is the entry whose reply comes next.
func (q *queue) front() *entry {
	for !q.empty() {
		e := &q.entries[q.head]
		if e.kind != forCopyEnd {
			return e
		}
		q.pop()
	}
	return nil
}

func (q *queue) pop() {
	e := &q.entries[q.head]
	if e.sink != nil {
		q.sinks--
		e.sink.over()
		e.sink = nil
	}
	q.head++
	if q.empty() {
		q.entries, q.head = q.entries[:0], 0
	}
}

// step moves on by a message of the server. status is the body's first byte of a ReadyForQuery.
func (q *queue) step(typ byte, status byte) {
	q.answer(typ, status)
	q.front() // drops the ends of copies that have no reply left before them
}

func (q *queue) answer(typ byte, status byte) {
	switch typ {
	case 'Z':
		q.copying, q.inCopy = false, 0
		q.tx = status
		for e := q.front(); e != nil; e = q.front() {
			ready := e.kind.untilReady()
			q.pop()
			if ready {
				break
			}
		}
	case 'E':
		q.doubtful = q.doubtful || q.inCopy > 0
		q.inCopy = 0
		e := q.front()
		q.copying = false
		if e == nil || e.kind.untilReady() {
			return
		}
		for e = q.front(); e != nil && e.kind != forSync; e = q.front() {
			q.pop()
		}
		q.skipping = e == nil
	case '1':
		q.finish(forParse)
	case '2':
		q.finish(forBind)
	case '3':
		q.finish(forClose)
	case 'T', 'n':
		q.finish(forDescribe)
	case 'C', 'I', 's':
		q.inCopy = 0
		q.finish(forExecute)
	case 'G', 'W':
		q.copyStarts()
	}
}

func (q *queue) finish(k kind) {
	if e := q.front(); e != nil && e.kind == k {
		q.pop()
	}
}

// copyStarts drops the Syncs that the server will read, and ignore, before the end of the copy.
func (q *queue) copyStarts() {
	kept := q.entries[:min(q.head+1, len(q.entries))]
	rest := q.entries[len(kept):]
	q.copying = true
	for _, e := range rest {
		switch {
		case q.copying && e.kind == forCopyEnd:
			q.copying = false
		case q.copying && e.kind == forSync:
			q.inCopy++
			if e.sink != nil {
				q.sinks--
				e.sink.over()
			}
		default:
			kept = append(kept, e)
		}
	}
	clear(q.entries[len(kept):])
	q.entries = kept
}
