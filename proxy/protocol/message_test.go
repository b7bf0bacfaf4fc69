package protocol

import (
	"bytes"
	"testing"
)

// What is unread stays, there is always room for a byte more, and the buffer follows what came, not what was announced.
func FuzzRoom(f *testing.F) {
	f.Add(10, 4, 9, 100)
	f.Add(8<<10, 0, 8<<10, 1<<30)
	f.Add(256<<10, 7, 7, 5)
	f.Fuzz(func(t *testing.T, size, r, w, need int) {
		if size < 1 || size > 1<<20 || r < 0 || w < r || w > size || need < 0 || need > MaxMessage {
			t.Skip()
		}
		data := make([]byte, size)
		for i := r; i < w; i++ {
			data[i] = byte(i)
		}
		unread := bytes.Clone(data[r:w])
		got, gr, gw := Room(data, r, w, need)
		if !bytes.Equal(got[gr:gw], unread) {
			t.Fatal("what was unread has changed")
		}
		if gw == len(got) {
			t.Fatal("no room")
		}
		if len(got) > max(2*size, StartBuffer) {
			t.Fatalf("%d bytes after %d", len(got), size)
		}
	})
}

func TestCutString(t *testing.T) {
	for _, c := range []struct {
		in, s, rest string
		ok          bool
	}{{"", "", "", false}, {"a", "", "", false}, {"\x00", "", "", true}, {"a\x00b\x00", "a", "b\x00", true}} {
		s, rest, ok := CutString([]byte(c.in))
		if s != c.s || string(rest) != c.rest || ok != c.ok {
			t.Errorf("%q: %q, %q, %v", c.in, s, rest, ok)
		}
	}
}

func TestHeader(t *testing.T) {
	m := Append(nil, 'Q', []byte("SELECT 1\x00"))
	if typ, size, ok := Header(m); typ != 'Q' || size != len(m) || !ok {
		t.Errorf("%q, %d of %d, %v", typ, size, len(m), ok)
	}
	if _, _, ok := Header(m[:HeaderSize-1]); ok {
		t.Error("four bytes are no header")
	}
}
