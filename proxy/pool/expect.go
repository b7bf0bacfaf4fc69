package pool

import "github.com/pgowl/pgowl/proxy/protocol"

// reply is what waits for an answer of the server to a session's message, or to one of the pool's own.
type reply struct {
	hidden bool                // the session does not know of it
	server string              // the statement's name in the server's complaints, to be changed into client's; "" where they are the same
	client string              // the statement's name
	tell   func(protocol.Fate) // what becomes of the message; nil: nobody has to know
	tag    func([]byte)        // gets command tags; nil: only what matters for all
}

// Settled implements protocol.Waiter.
func (r reply) Settled(f protocol.Fate) {
	if r.tell != nil {
		r.tell(f)
	}
}

// alone tells whether nothing but Syncs was sent behind what is being answered.
func (l *Link) alone() bool {
	first := true
	for k := range l.expect.All() {
		if !first && k != protocol.ForSync {
			return false
		}
		first = false
	}
	return true
}
