package pool

// kind is what a reply ends with.
type kind uint8

const (
	forQuery    kind = iota // a simple query: up to ReadyForQuery
	forFunction             // a function call: up to ReadyForQuery
	forSync                 // ReadyForQuery
	forParse                // ParseComplete
	forBind                 // BindComplete
	forDescribe             // RowDescription or NoData
	forExecute              // CommandComplete, EmptyQueryResponse or PortalSuspended
	forClose                // CloseComplete
	forCopyEnd              // nothing: the client ended a copy here
)

// untilReady reports whether a reply ends with ReadyForQuery, and so is not skipped after an error.
func (k kind) untilReady() bool { return k <= forSync }

// reply is an answer that the session waits for.
type reply struct {
	kind   kind
	hidden bool         // the session does not know of it
	server string       // the statement's name in the server's complaints, to be changed into client's; "" where they are the same
	client string       // the statement's name
	tell   func(fate)   // what becomes of the message; nil: nobody has to know
	tag    func([]byte) // gets command tags; nil: only what matters for all
}

// fate is what became of a message.
type fate uint8

const (
	done    fate = iota
	failed       // the server answered with an error
	skipped      // the server ignored it because of an error before
)

// expected is the ordered list of replies that are still to come. It follows the rules of the manual's chapter "Frontend/Backend
// Protocol": after an error the server skips to the next Sync; while a copy into the server goes on, it ignores Sync.
type expected struct {
	replies  []reply
	head     int
	skipping bool // an error came, and the Sync that ends it has not been sent yet
	copying  bool // the server waits for copy data
	open     bool // something was sent since the last message that ReadyForQuery answers
	tx       byte // transaction status of the last ReadyForQuery
	inCopy   int  // Syncs that were taken for sent inside the copy that goes on, or has not been answered yet
	// doubtful tells that such a copy failed: the server may have ignored its Syncs, or have read them behind the error and answered. It may
	// owe more than is expected here, now and later.
	doubtful bool
}

func (q *expected) empty() bool { return q.head == len(q.replies) }

// last tells whether nothing but Syncs was sent behind what is being answered.
func (q *expected) last() bool {
	for i := q.head + 1; i < len(q.replies); i++ {
		if q.replies[i].kind != forSync {
			return false
		}
	}
	return true
}

// push notes a message that is sent to the server. ignored tells that the server will ignore it: then it has no effect, either.
func (q *expected) push(e reply) (ignored bool) {
	q.open = !e.kind.untilReady()
	switch {
	case e.kind == forCopyEnd:
		if q.copying || q.empty() { // of a copy that goes on, or that the server has given up
			q.copying = false
			return false
		}
	case e.kind == forSync:
		if q.copying {
			q.inCopy++
			return true
		}
		q.skipping = false
	case q.skipping:
		return true
	}
	if q.head > 32 && q.head*2 > len(q.replies) {
		n := copy(q.replies, q.replies[q.head:])
		clear(q.replies[n:])
		q.replies, q.head = q.replies[:n], 0
	}
	q.replies = append(q.replies, e)
	return false
}

// front is the reply that comes next.
func (q *expected) front() *reply {
	for !q.empty() {
		if e := &q.replies[q.head]; e.kind != forCopyEnd {
			return e
		}
		q.pop(done)
	}
	return nil
}

func (q *expected) pop(f fate) {
	e := &q.replies[q.head]
	if e.tell != nil {
		e.tell(f)
	}
	*e = reply{}
	q.head++
	if q.empty() {
		q.replies, q.head = q.replies[:0], 0
	}
}

// answer moves on by a message of the server. status is the body's first byte of a ReadyForQuery.
func (q *expected) answer(typ, status byte) {
	switch typ {
	case 'Z':
		q.copying, q.tx, q.inCopy = false, status, 0
		for e := q.front(); e != nil; e = q.front() {
			last := e.kind.untilReady()
			q.pop(done)
			if last {
				break
			}
		}
	case 'E':
		q.doubtful = q.doubtful || q.inCopy > 0
		q.inCopy = 0
		q.fail()
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
	q.front() // drops the ends of copies that have no reply left before them
}

// fail drops what the server skips after an error. What came last is told first, so that each finds things as it left them.
func (q *expected) fail() {
	e := q.front()
	q.copying = false
	if e == nil || e.kind.untilReady() {
		return
	}
	end := q.head
	for end < len(q.replies) && q.replies[end].kind != forSync {
		end++
	}
	q.skipping = end == len(q.replies)
	for i := end - 1; i >= q.head; i-- {
		if tell := q.replies[i].tell; tell != nil {
			q.replies[i].tell = nil
			if i == q.head {
				tell(failed)
			} else {
				tell(skipped)
			}
		}
	}
	for range end - q.head {
		q.pop(done)
	}
}

func (q *expected) finish(k kind) {
	if e := q.front(); e != nil && e.kind == k {
		q.pop(done)
	}
}

// copyStarts drops the Syncs that the server will read, and ignore, before the end of the copy.
func (q *expected) copyStarts() {
	kept := q.replies[:min(q.head+1, len(q.replies))]
	rest := q.replies[len(kept):]
	q.copying = true
	for _, e := range rest {
		if q.copying && e.kind == forCopyEnd {
			q.copying = false
		} else if !q.copying || e.kind != forSync {
			kept = append(kept, e)
		} else {
			q.inCopy++
		}
	}
	clear(q.replies[len(kept):])
	q.replies = kept
}
