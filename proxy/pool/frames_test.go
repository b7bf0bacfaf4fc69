package pool

import (
	"bytes"
	"encoding/binary"
	"io"
	"testing"

	"github.com/pgowl/pgowl/proxy/protocol"
)

// A header alone takes no memory: room comes with the bytes, and goes with the message.
func TestAnnounced(t *testing.T) {
	for _, announced := range []uint32{1 << 30, 1<<32 - 1} {
		there, say := io.Pipe()
		f := newFrames(there)
		go say.Write(binary.BigEndian.AppendUint32([]byte{'T'}, announced))
		size, ok := protocol.HeaderSize, false
		for !ok {
			if err := f.fill(size); err != nil {
				t.Fatal(err)
			}
			_, size, ok = f.peek()
			if !ok {
				size = protocol.HeaderSize
			}
		}
		f.room(size)
		if len(f.data) != protocol.StartBuffer {
			t.Errorf("a header that announces %d bytes takes %d", announced, len(f.data))
		}
		say.Close()
	}
}

// A message that is larger than any buffer arrives whole, takes no more than twice its size, and what it took is given back.
func TestLargeMessage(t *testing.T) {
	body := bytes.Repeat([]byte("large "), 50_000)
	small := protocol.Append(nil, 'Z', []byte{'I'})
	f := newFrames(io.MultiReader(bytes.NewReader(small), bytes.NewReader(protocol.Append(nil, 'T', body)), bytes.NewReader(small)))
	for i, want := range [][]byte{{'I'}, body, {'I'}} {
		_, got, err := f.next()
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("message %d: %d bytes of %d, %v", i, len(got), len(want), err)
		}
		if len(f.data) > 2*len(body) {
			t.Errorf("%d bytes of room for a message of %d", len(f.data), len(body))
		}
	}
	if len(f.data) != protocol.StartBuffer {
		t.Errorf("%d bytes of room are kept", len(f.data))
	}
}
