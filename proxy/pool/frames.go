package pool

import (
	"fmt"
	"io"

	"github.com/pgowl/pgowl/proxy/protocol"
)

// maxReply is enough for what the pool itself asks for.
const maxReply = 1 << 20

// frames reads messages from a server. Slices of it are valid until the next read.
type frames struct {
	from io.Reader
	data []byte
	r, w int // data[r:w] is unread
}

func newFrames(from io.Reader) frames {
	return frames{from: from, data: make([]byte, protocol.StartBuffer)}
}

// peek gives the next message's type and size with header; ok is false where the header is not there yet.
func (f *frames) peek() (typ byte, size int, ok bool) { return protocol.Header(f.data[f.r:f.w]) }

// room makes place to read into. need is the size of the message that is waited for.
func (f *frames) room(need int) { f.data, f.r, f.w = protocol.Room(f.data, f.r, f.w, need) }

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
		if ok && (size < protocol.HeaderSize || size > maxReply) {
			return 0, nil, fmt.Errorf("message %q of %d bytes from the server", typ, size)
		}
		if ok && f.w-f.r >= size {
			body = f.data[f.r+protocol.HeaderSize : f.r+size]
			f.r += size
			return typ, body, nil
		}
		if !ok {
			size = protocol.HeaderSize
		}
		if err := f.fill(size); err != nil {
			return 0, nil, err
		}
	}
}

// whole makes a message with its header of what next gave; it stays valid.
func whole(typ byte, body []byte) []byte { return protocol.Append(nil, typ, body) }
