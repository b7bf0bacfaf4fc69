package proxy

import (
	"bytes"
	"io"
	"testing"
	"testing/iotest"

	"github.com/pgowl/pgowl/proxy/protocol"
)

// A message's announced size is no reason to make room for it: the bytes are.
func TestBufferGrowsWithWhatArrives(t *testing.T) {
	sent := append([]byte{'Q', 0x3f, 0xff, 0xff, 0xff}, make([]byte, 300_000)...)
	b := newBuffer(iotest.OneByteReader(bytes.NewReader(sent[:20])))
	const announced = 1 << 30
	for b.fill(announced) == nil {
	}
	if len(b.data) > protocol.StartBuffer {
		t.Errorf("20 bytes take %d", len(b.data))
	}
	b = newBuffer(bytes.NewReader(sent))
	var err error
	for err == nil {
		err = b.fill(announced)
	}
	if err != io.EOF || !bytes.Equal(b.data[b.r:b.w], sent) {
		t.Fatalf("%d of %d bytes: %v", b.w-b.r, len(sent), err)
	}
	if len(b.data) > 2*len(sent) {
		t.Errorf("%d bytes take %d", len(sent), len(b.data))
	}
}

// A message at the end of the buffer is moved to where it fits.
func TestBufferMovesWhatDoesNotFit(t *testing.T) {
	const size = protocol.StartBuffer - 100
	sent := bytes.Repeat([]byte("0123456789"), 10*protocol.StartBuffer)
	b := newBuffer(iotest.HalfReader(bytes.NewReader(sent)))
	var got []byte
	for {
		if b.w-b.r >= size {
			got = append(got, b.data[b.r:b.r+size]...)
			b.r += size
			continue
		}
		if err := b.fill(size); err != nil {
			break
		}
	}
	got = append(got, b.data[b.r:b.w]...)
	if !bytes.Equal(got, sent) {
		t.Errorf("%d bytes of %d came through", len(got), len(sent))
	}
}
