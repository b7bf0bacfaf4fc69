package proxy

import (
	"encoding/binary"
	"io"
)

const (
	headerSize  = 5 // type and length; every message but the start-up packet has it
	startBuffer = 8 << 10
	fullBuffer  = 64 << 10 // enough for a connection that is moving bulk
)

// buffer reads messages from a connection. Slices of it are valid until the next fill.
type buffer struct {
	conn io.Reader
	data []byte
	r, w int // data[r:w] is unread
	skip int // bytes of a message's body that are still to come and are forwarded unread
}

func newBuffer(conn io.Reader) *buffer {
	return &buffer{conn: conn, data: spare.Get().(*[startBuffer]byte)[:]}
}

// peek gives the next message's type and its whole size with header; ok is false where the header is not there yet.
func (b *buffer) peek() (typ byte, size int, ok bool) {
	if b.w-b.r < headerSize {
		return 0, 0, false
	}
	return b.data[b.r], int(binary.BigEndian.Uint32(b.data[b.r+1:])) + 1, true
}

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
func (b *buffer) room(need int) {
	if b.r == b.w {
		b.r, b.w = 0, 0
		if len(b.data) > fullBuffer {
			b.data = make([]byte, startBuffer) // a large message has gone; so should its buffer
		}
	}
	if b.r > 0 && (b.w == len(b.data) || b.r+need > len(b.data)) {
		b.w = copy(b.data, b.data[b.r:b.w])
		b.r = 0
	}
	if b.w == len(b.data) {
		// Room comes with the bytes: a header that announces a gigabyte costs nothing yet.
		data := make([]byte, min(max(need, fullBuffer), 2*len(b.data)))
		b.w = copy(data, b.data[:b.w])
		b.data = data
	}
}

// fill reads more. need is the size of the message that is waited for, where it is known.
func (b *buffer) fill(need int) error {
	b.room(need)
	n, err := b.conn.Read(b.data[b.w:])
	b.w += n
	if n > 0 {
		if b.w == len(b.data) && len(b.data) < fullBuffer {
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
