package proxy

import "github.com/pgowl/pgowl/proxy/protocol"

// sink takes the server's messages for an entry in the client's place. It is called by the backend's pump.
type sink interface {
	// message takes a message (body without header, valid during the call) and reports whether it goes on to the client.
	message(typ byte, body []byte) bool
	// over tells that nothing more comes: the reply is complete, or was skipped because of an error before it.
	over()
}

// entry is one expected reply.
type entry struct {
	kind protocol.Kind
	sink sink // nil: the reply is the client's as it is
}

// queue is the ordered list of replies that a session still expects.
type queue struct {
	protocol.Replies[waiting]
	sinks int // entries with a sink
}

// waiting is who waits for a reply.
type waiting struct {
	sink sink
	in   *queue
}

// Settled implements protocol.Waiter.
func (w waiting) Settled(protocol.Fate) {
	if w.sink != nil {
		w.in.sinks--
		w.sink.over()
	}
}

// push notes a message that is sent to the server. Must be called before it is sent.
func (q *queue) push(e entry) {
	ignored := q.Push(e.kind, waiting{e.sink, q})
	switch {
	case e.sink == nil:
	case ignored:
		e.sink.over()
	default:
		q.sinks++
	}
}
