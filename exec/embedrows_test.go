package exec

import (
	"bytes"
	"encoding/binary"
	"testing"
)

func TestVectorForms(t *testing.T) {
	v := vectors{list: [][]float32{{1, -2.5}, nil, {0.1}}, element: 77}
	if got, want := v.Text(), `{"{1,-2.5}",NULL,"{0.1}"}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	var want []byte
	for _, word := range []uint32{1, 1, 77, 3, 1,
		36, 1, 0, 700, 2, 1, 4, 0x3f800000, 4, 0xc0200000,
		0xffffffff,
		28, 1, 0, 700, 1, 1, 4, 0x3dcccccd} {
		want = binary.BigEndian.AppendUint32(want, word)
	}
	if got := v.Binary(); !bytes.Equal(got, want) || cap(got) < len(want) {
		t.Errorf("% x\nwant % x", got, want)
	}
}

func TestEmbedRowsRefusesOthersArguments(t *testing.T) {
	e, _ := nowhere(t)
	oid := []byte{0, 0, 0, 77}
	for _, args := range [][][]byte{nil, {make([]byte, 24)}, {make([]byte, 10), oid}, {make([]byte, 24), oid[:2]}, {append(make([]byte, 20), 0, 0, 0, 9, 'm'), oid},
		{append(make([]byte, 20), 0, 0, 0, 3, 'm', 0, 'k'), oid}} {
		if _, _, err := e.callEmbedRows(t.Context(), nil, args); err == nil {
			t.Errorf("%q was taken", args)
		}
	}
	all, n, err := e.callEmbedRows(t.Context(), nil, [][]byte{append(make([]byte, 20), 0xff, 0xff, 0xff, 0xff), oid})
	if err != nil || n != 1 || all.Text() != "{NULL}" {
		t.Errorf("%v, %d, %v", all, n, err)
	}
}
