package proxy

import (
	"io"

	"github.com/pgowl/pgowl/proxy/protocol"
)

// buffer reads messages from a connection. Slices of it are valid until the next fill.
type buffer struct {
	conn io.Reader
	data []byte
	r, w int // data[r:w] is unread
	skip int // bytes of a message's body that are still to come and are forwarded unread
}

func newBuffer(conn io.Reader) *buffer {
	return &buffer{conn: conn, data: spare.Get().(*[protocol.StartBuffer]byte)[:]}
}

// peek gives the next message's type and its whole size with header; ok is false where the header is not there yet.
func (b *buffer) peek() (typ byte, size int, ok bool) { return protocol.Header(b.data[b.r:b.w]) }

// complete reports whether the next message is there as a whole.
func (b *buffer) complete() bool {
	_, size, ok := b.peek()
	return ok && b.w-b.r >= size
}

// pass goes over what is there of a body that is forwarded unread.
func (b *buffer) pass() {
	n := min(b.skip, b.w-b.r)
	b.r += n
	b.skip -= n
}

// room makes place to read into, and for a message of at least need bytes.
func (b *buffer) room(need int) { b.data, b.r, b.w = protocol.Room(b.data, b.r, b.w, need) }

// fill reads more. need is the size of the message that is waited for, where it is known.
func (b *buffer) fill(need int) error {
	b.room(need)
	n, err := b.conn.Read(b.data[b.w:])
	b.w += n
	if n > 0 {
		if b.w == len(b.data) && len(b.data) < protocol.FullBuffer {
			data := make([]byte, 2*len(b.data))
			b.w = copy(data, b.data[b.r:b.w])
			b.r, b.data = 0, data
		}
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}
