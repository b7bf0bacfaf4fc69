package train

import (
	"bytes"
	"encoding/binary"
	"math"
)

// tuples reads what COPY ... TO STDOUT (FORMAT binary) sends (see "Binary Format" in the manual's page on COPY): a header, then for each row the number
// of its fields and for each field its length (-1 for NULL) and its value, then a trailer. It may be cut anywhere. The rows go straight to their place
// among the features; nothing is allocated for one.
type tuples struct {
	decoder
	begun, ended bool
	fixed        int     // most bytes of a row where every column is a number; else 0
	places       []place // once the first row has told how wide the arrays are
	labelled     []*labels
}

// place is where a column's value goes, and how it is read.
type place struct {
	how    how
	length uint32 // of the value, for numbers
	offset int
}

// how a value is read.
type how uint8

const (
	bySlow how = iota // a text or an array
	byFloat4
	byFloat8
	byInt // all sizes, and boolean
)

var copySignature = []byte("PGCOPY\n\xff\r\n\x00")

// copyHeader is the length of the signature, the flags and the length of an extension.
const copyHeader = 11 + 4 + 4

// copySQL is the statement that tuples reads.
func copySQL(rel relation, fs []feature, others string) string {
	var sql bytes.Buffer
	sql.WriteString("COPY (SELECT ")
	for i := range fs {
		sql.WriteString(fs[i].sql() + ", ")
	}
	sql.WriteString(others + " FROM " + rel.SQL() + " AS t) TO STDOUT (FORMAT binary)")
	return sql.String()
}

// Write takes the next piece. It does not keep it.
func (t *tuples) Write(piece []byte) error {
	if len(t.rest) == 0 {
		n, err := t.read(piece)
		t.rest = append(t.rest, piece[n:]...)
		return err
	}
	t.rest = append(t.rest, piece...)
	n, err := t.read(t.rest)
	t.rest = t.rest[:copy(t.rest, t.rest[n:])]
	return err
}

// Close checks that all has come.
func (t *tuples) Close() error {
	if !t.ended || len(t.rest) > 0 {
		return malformed("the copy has no end")
	}
	return nil
}

// read reads what is whole at the start of b and gives the number of its bytes.
func (t *tuples) read(b []byte) (done int, err error) {
	if !t.begun {
		n, err := copyHead(b)
		if n == 0 || err != nil {
			return 0, err
		}
		t.begun, done = true, n
		t.fixed = t.most()
	}
	for {
		if t.ended && done < len(b) {
			return done, malformed("the copy goes on after its end")
		}
		row := b[done:]
		if t.fixed == 0 || len(row) < t.fixed || t.places == nil {
			n, err := t.whole(row)
			if n == 0 || err != nil {
				return done, err
			}
			row = row[:n]
			if n == 2 {
				t.ended = true
				done += n
				continue
			}
		}
		n, err := t.row(row)
		if err != nil {
			return done, err
		}
		if n == 2 {
			t.ended = true
		}
		done += n
	}
}

// copyHead gives the length of the header, 0 if it is not all there.
func copyHead(b []byte) (int, error) {
	if !bytes.HasPrefix(copySignature, b[:min(len(b), len(copySignature))]) {
		return 0, malformed("it is not of the binary format")
	}
	if len(b) < copyHeader {
		return 0, nil
	}
	flags, more := binary.BigEndian.Uint32(b[len(copySignature):]), binary.BigEndian.Uint32(b[len(copySignature)+4:])
	if flags != 0 || more > 1<<20 {
		return 0, malformed("the copy has flags %x and %d bytes of extension", flags, more)
	}
	if len(b)-copyHeader < int(more) {
		return 0, nil
	}
	return copyHeader + int(more), nil
}

// most is the most bytes that a row takes, 0 where only the row tells.
func (t *tuples) most() int {
	n := 2
	for i := range t.features {
		f := &t.features[i]
		if f.Array || f.text() {
			return 0
		}
		n += 4 + f.wire.size
	}
	for _, l := range t.labels.all() {
		if l.wire.size <= 0 {
			return 0
		}
		n += 4 + l.wire.size
	}
	for _, a := range t.asides {
		if a.wire.size <= 0 {
			return 0
		}
		n += 4 + a.wire.size
	}
	return n
}

// count is the number of columns.
func (t *tuples) count() int { return len(t.features) + t.labels.count() + len(t.asides) }

// whole gives the length of the row, or the trailer, at the start of b, 0 if it is not all there.
func (t *tuples) whole(b []byte) (int, error) {
	if len(b) < 2 {
		return 0, nil
	}
	want := t.count()
	if n := int16(binary.BigEndian.Uint16(b)); n == -1 {
		return 2, nil
	} else if int(n) != want {
		return 0, malformed("%d columns instead of %d", n, want)
	}
	at := 2
	for range want {
		if len(b)-at < 4 {
			return 0, nil
		}
		n := int32(binary.BigEndian.Uint32(b[at:]))
		at += 4
		switch {
		case n < -1:
			return 0, malformed("a length of %d", n)
		case n <= 0:
		case int(n) > len(b)-at:
			return 0, nil
		default:
			at += int(n)
		}
	}
	return at, nil
}

// row reads the row, or the trailer, at the start of b, which holds as many bytes as one can take, and gives the number of them. The shortcuts are for
// numbers that are there.
func (t *tuples) row(b []byte) (int, error) {
	size := len(b)
	switch n := int16(binary.BigEndian.Uint16(b)); {
	case n == -1:
		return 2, nil
	case int(n) != t.count():
		return 0, malformed("%d columns instead of %d", n, t.count())
	}
	if t.places == nil {
		if err := t.lay(b[2:]); err != nil {
			return 0, err
		}
	}
	x, err := t.x.next()
	if err != nil {
		return 0, err
	}
	b = b[2:]
	for i := range t.places {
		p := &t.places[i]
		var v float32
		switch {
		case p.how == byFloat4 && len(b) >= 8 && binary.BigEndian.Uint32(b) == 4:
			v = math.Float32frombits(binary.BigEndian.Uint32(b[4:]))
			b = b[8:]
		case p.how == byFloat8 && len(b) >= 12 && binary.BigEndian.Uint32(b) == 8:
			v = float32(math.Float64frombits(binary.BigEndian.Uint64(b[4:])))
			b = b[12:]
		case p.how == byInt && len(b) >= 4+int(p.length) && binary.BigEndian.Uint32(b) == p.length:
			x[p.offset] = float32(t.features[i].wire.int(b[4:]))
			b = b[4+p.length:]
			continue
		default:
			if b, err = t.value(&t.features[i], b, x); err != nil {
				return 0, err
			}
			continue
		}
		x[p.offset] = v
		if v-v != 0 {
			t.features[i].inspect(v)
		}
	}
	for _, l := range t.labelled {
		var v []byte
		if v, b, err = copied(b); err == nil {
			err = l.add(v)
		}
		if err != nil {
			return 0, err
		}
	}
	for _, a := range t.asides {
		var v []byte
		if v, b, err = copied(b); err == nil {
			err = a.add(v)
		}
		if err != nil {
			return 0, err
		}
	}
	return size - len(b), nil
}

// value reads a value that needs a closer look: of a text, of an array, NULL, or malformed.
func (t *tuples) value(f *feature, b []byte, x []float32) (rest []byte, err error) {
	v, rest, err := copied(b)
	if err != nil {
		return nil, err
	}
	dst := x[f.offset : f.offset+f.width]
	switch {
	case f.Array:
		return rest, f.array(v, dst)
	case f.text():
		code, err := f.texts.code(v, f.Name)
		dst[0] = float32(code)
		return rest, err
	case v == nil:
		dst[0] = nan
		f.missing++
		return rest, nil
	}
	return nil, malformed("column %q has a value of %d bytes", f.Name, len(v))
}

// copied takes the next field off a row. The value of NULL is nil.
func copied(b []byte) (v, rest []byte, err error) {
	if len(b) < 4 {
		return nil, nil, malformed("it ends inside a row")
	}
	n := int32(binary.BigEndian.Uint32(b))
	b = b[4:]
	if n == -1 {
		return nil, b, nil
	}
	if n < 0 || int(n) > len(b) {
		return nil, nil, malformed("a length of %d", n)
	}
	return b[:n:n], b[n:], nil
}

// lay finds the widths of the arrays in the first row, and with them where each column's features stand.
func (t *tuples) lay(b []byte) error {
	t.labelled = t.labels.all()
	for i := range t.features {
		v, rest, err := copied(b)
		if err != nil {
			return err
		}
		b = rest
		if f := &t.features[i]; f.Array {
			if err := f.widen(v); err != nil {
				return err
			}
		}
	}
	if err := t.spread(); err != nil {
		return err
	}
	t.places = make([]place, len(t.features))
	for i := range t.features {
		f := &t.features[i]
		p := place{offset: f.offset, length: uint32(max(f.wire.size, 0))}
		switch {
		case f.Array || f.text():
		case f.wire.kind != 'f':
			p.how = byInt
		case f.wire.size == 4:
			p.how = byFloat4
		default:
			p.how = byFloat8
		}
		t.places[i] = p
	}
	return nil
}
