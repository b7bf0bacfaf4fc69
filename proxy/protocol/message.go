package protocol

import (
	"bytes"
	"encoding/binary"
)

const (
	// HeaderSize is that of a message's type and length, in bytes. Every message but the start-up packet has them.
	HeaderSize = 5
	// MaxMessage is the server's own limit for a message, in bytes.
	MaxMessage = 1 << 30

	// StartBuffer is the size of a buffer to read messages into, and FullBuffer the one that is enough for a connection that moves bulk. What
	// grew beyond that has come by a large message, and goes with it.
	StartBuffer = 8 << 10
	FullBuffer  = 64 << 10
)

// Header reads a message's type, and its size with the header; ok is false where the header is not there yet.
func Header(b []byte) (typ byte, size int, ok bool) {
	if len(b) < HeaderSize {
		return 0, 0, false
	}
	return b[0], int(binary.BigEndian.Uint32(b[1:])) + 1, true
}

// Append appends a message to b.
func Append(b []byte, typ byte, body []byte) []byte {
	b = append(b, typ)
	b = binary.BigEndian.AppendUint32(b, uint32(len(body)+4))
	return append(b, body...)
}

// CutString reads a zero-terminated string; ok is false where its end is not there.
func CutString(b []byte) (s string, rest []byte, ok bool) {
	i := bytes.IndexByte(b, 0)
	if i < 0 {
		return "", nil, false
	}
	return string(b[:i]), b[i+1:], true
}

// Room makes place to read into, behind w, in a buffer whose data[r:w] is unread: it gives the buffer and its positions from now on. need
// is the size of the message that is waited for, where it is known. Room comes with the bytes: a header that announces a gigabyte
// costs nothing yet.
func Room(data []byte, r, w, need int) (_ []byte, newR, newW int) {
	if r == w {
		r, w = 0, 0
		if len(data) > FullBuffer {
			data = make([]byte, StartBuffer)
		}
	}
	if r > 0 && (w == len(data) || r+need > len(data)) {
		w = copy(data, data[r:w])
		r = 0
	}
	if w == len(data) {
		larger := make([]byte, min(max(need, FullBuffer), 2*len(data)))
		w = copy(larger, data)
		data = larger
	}
	return data, r, w
}
