package pool

import (
	"encoding/binary"
	"fmt"
	"io"
)

const (
	headerSize = 5       // type and length
	maxMessage = 1 << 30 // the server's own limit for a message
	maxReply   = 1 << 20 // for what the pool itself asks for
	startFrame = 8 << 10
	fullFrame  = 64 << 10 // a buffer beyond this has come by a large message, and goes with it
)

// frames reads messages from a server. Slices of it are valid until the next read.
type frames struct {
	from io.Reader
	data []byte
	r, w int // data[r:w] is unread
}

func newFrames(from io.Reader) frames { return frames{from: from, data: make([]byte, startFrame)} }

// peek gives the next message's type and size with header; ok is false where the header is not there yet.
func (f *frames) peek() (typ byte, size int, ok bool) { return header(f.data[f.r:f.w]) }

// header reads a message's type and its size with header.
func header(b []byte) (typ byte, size int, ok bool) {
	if len(b) < headerSize {
		return 0, 0, false
	}
	return b[0], int(binary.BigEndian.Uint32(b[1:])) + 1, true
}

// room makes place to read into. need is the size of the message that is waited for.
func (f *frames) room(need int) {
	if f.r == f.w {
		f.r, f.w = 0, 0
		if len(f.data) > fullFrame {
			f.data = make([]byte, startFrame) // a large message has gone; so should its buffer
		}
	}
	if f.r > 0 && (f.w == len(f.data) || f.r+need > len(f.data)) {
		f.w = copy(f.data, f.data[f.r:f.w])
		f.r = 0
	}
	if f.w == len(f.data) {
		// Room comes with the bytes: a header that announces a gigabyte costs nothing yet.
		data := make([]byte, min(max(need, fullFrame), 2*len(f.data)))
		f.w = copy(data, f.data)
		f.data = data
	}
}

// fill reads more of a message of need bytes, where that is known, or of its header.
func (f *frames) fill(need int) error {
	f.room(need)
	n, err := f.from.Read(f.data[f.w:])
	f.w += n
	if n > 0 {
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

// next reads a whole message.
func (f *frames) next() (typ byte, body []byte, err error) {
	for {
		typ, size, ok := f.peek()
		if ok && (size < headerSize || size > maxReply) {
			return 0, nil, fmt.Errorf("message %q of %d bytes from the server", typ, size)
		}
		if ok && f.w-f.r >= size {
			body = f.data[f.r+headerSize : f.r+size]
			f.r += size
			return typ, body, nil
		}
		if !ok {
			size = headerSize
		}
		if err := f.fill(size); err != nil {
			return 0, nil, err
		}
	}
}

// whole makes a message with its header of what next gave; it stays valid.
func whole(typ byte, body []byte) []byte { return appendMessage(nil, typ, body) }
