package train

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/models/preprocess"
)

// decoder reads the stream of rows, each in the form of Postgres' record_send: the number of fields, then for each its type,
// its length (-1 for NULL) and its value; arrays in the form of array_send. A row tells its own length, so the rows need no
// frame around them and the stream may be cut anywhere.
type decoder struct {
	features []feature // in the relation's order; the labels come last in a row
	labels   *labels
	asides   asides // behind the labels
	x        matrix
	rest     []byte // the beginning of a row that is not complete yet
	fields   []wireField
}

// Write takes the next piece of the stream. It does not keep the piece.
func (d *decoder) Write(piece []byte) error {
	if d.fields == nil {
		d.fields = wireFields(d.features)
	}
	if len(d.rest) > 0 {
		d.rest = append(d.rest, piece...)
		n, err := d.rows(d.rest)
		d.rest = d.rest[:copy(d.rest, d.rest[n:])]
		return err
	}
	n, err := d.rows(piece)
	d.rest = append(d.rest, piece[n:]...)
	return err
}

// Close checks that the stream ended with a row.
func (d *decoder) Close() error {
	if len(d.rest) > 0 {
		return malformed("the stream ends inside a row")
	}
	return nil
}

func malformed(format string, args ...any) *function.Error {
	return function.Errorf("08P01", "pgml.train: the server sent a row that cannot be read: "+format, args...)
}

// rows decodes the complete rows at the start of b and gives the number of their bytes.
func (d *decoder) rows(b []byte) (int, error) {
	done := 0
	for {
		n, err := d.length(b[done:])
		if err != nil || n == 0 {
			return done, err
		}
		if err := d.row(b[done : done+n]); err != nil {
			return done, err
		}
		done += n
	}
}

// length gives the length of the row at the start of b, 0 if it is not all there.
func (d *decoder) length(b []byte) (int, error) {
	if len(b) < 4 {
		return 0, nil
	}
	all := len(d.fields) + d.labels.count() + len(d.asides)
	if n := int32(binary.BigEndian.Uint32(b)); int(n) != all {
		return 0, malformed("%d columns instead of %d", n, all)
	}
	at := 4
	for range all {
		if len(b)-at < 8 {
			return 0, nil
		}
		n := int32(binary.BigEndian.Uint32(b[at+4:]))
		at += 8
		if n < -1 {
			return 0, malformed("a length of %d", n)
		}
		if n > 0 {
			if int(n) > len(b)-at {
				return 0, nil
			}
			at += int(n)
		}
	}
	return at, nil
}

// row decodes one complete row.
func (d *decoder) row(b []byte) error {
	if d.x.width == 0 {
		if err := d.layout(b); err != nil {
			return err
		}
	}
	x, err := d.x.next()
	if err != nil {
		return err
	}
	b = b[4:]
	for i := range d.fields {
		f := &d.features[d.fields[i].features[0]]
		// Type and length in one look: that of nearly all values. What begins so is all there, as length has checked.
		if binary.BigEndian.Uint64(b) == f.head {
			v := f.wire.float(b[8:])
			if v-v != 0 {
				f.inspect(v)
			}
			x[f.offset] = v
			b = b[8+f.wire.size:]
			continue
		}
		var v []byte
		var oid uint32
		oid, v, b = field(b)
		if d.fields[i].array {
			if err := d.group(d.fields[i], v, x); err != nil {
				return err
			}
			continue
		}
		dst := x[f.offset : f.offset+f.width]
		if f.Array {
			if err := f.array(v, dst); err != nil {
				return err
			}
			continue
		}
		if f.text() {
			if oid != f.wire.oid {
				return malformed("column %q has type %d", f.Name, oid)
			}
			code, err := f.texts.code(v, f.Name)
			if err != nil {
				return err
			}
			dst[0] = float32(code)
			continue
		}
		if v == nil {
			dst[0] = nan
			f.missing++
			continue
		}
		if oid != f.wire.oid || len(v) != f.wire.size {
			return malformed("column %q has type %d of %d bytes", f.Name, oid, len(v))
		}
		dst[0] = f.wire.float(v)
		f.inspect(dst[0])
	}
	if b, err = d.labels.take(b); err != nil {
		return err
	}
	for _, a := range d.asides {
		var v []byte
		_, v, b = field(b)
		if err := a.add(v); err != nil {
			return err
		}
	}
	return nil
}

// layout finds the widths of the arrays in the first row, and with them where each column's features stand.
func (d *decoder) layout(b []byte) error {
	b = b[4:]
	for i := range d.fields {
		f := &d.features[d.fields[i].features[0]]
		var v []byte
		_, v, b = field(b)
		f.head = noHead
		switch {
		case f.Array:
			if err := f.widen(v); err != nil {
				return err
			}
		case !f.text() && !d.fields[i].array:
			f.head = uint64(f.wire.oid)<<32 | uint64(f.wire.size)
		}
	}
	return d.spread()
}

// widen takes the width of an array column from its first value.
func (f *feature) widen(v []byte) error {
	a, err := f.open(v)
	if err == nil && a.count == 0 {
		err = function.Errorf("XX000", "An array of feature `%s` is empty.", f.Name)
	}
	if err != nil {
		return err
	}
	f.width = a.count
	return nil
}

// spread gives each column its place in a row, once all widths are known.
func (d *decoder) spread() error {
	width := 0
	for i := range d.features {
		f := &d.features[i]
		f.offset = width
		width += f.width
		if width > maxWidth {
			return function.Errorf("54000", "pgml.train: a row has more than %d features", maxWidth)
		}
	}
	d.x.width = width
	return nil
}

// noHead begins no value: length refuses it.
const noHead = math.MaxUint64 - 1

// field takes the next column off a row that length has checked. The value of NULL is nil.
func field(b []byte) (oid uint32, value, rest []byte) {
	oid = binary.BigEndian.Uint32(b)
	n := int32(binary.BigEndian.Uint32(b[4:]))
	if n < 0 {
		return oid, nil, b[8:]
	}
	return oid, b[8 : 8+n : 8+n], b[8+n:]
}

var nan = float32(math.NaN())

// float narrows a value of the scalar's size to float32.
func (s scalar) float(b []byte) float32 {
	switch s.kind {
	case 'b':
		if b[0] != 0 {
			return 1
		}
		return 0
	case 'i':
		return float32(s.int(b))
	}
	if s.size == 4 {
		return math.Float32frombits(binary.BigEndian.Uint32(b))
	}
	return float32(math.Float64frombits(binary.BigEndian.Uint64(b)))
}

// int reads an integer or a boolean of the scalar's size.
func (s scalar) int(b []byte) int64 {
	switch s.size {
	case 1:
		if b[0] != 0 {
			return 1
		}
		return 0
	case 2:
		return int64(int16(binary.BigEndian.Uint16(b)))
	case 4:
		return int64(int32(binary.BigEndian.Uint32(b)))
	}
	return int64(binary.BigEndian.Uint64(b))
}

// array is an opened array: the number of its elements over all dimensions, and their bytes.
type array struct {
	count    int
	elements []byte
}

// open checks an array's header and element sizes: array_send's form is the number of dimensions, a flag for NULLs, the
// element type, then length and lower bound of each dimension, then each element with its length.
func (f *feature) open(b []byte) (array, error) {
	if b == nil {
		return array{}, f.null("is NULL")
	}
	if len(b) < 12 {
		return array{}, malformed("array %q is cut", f.Name)
	}
	dims := binary.BigEndian.Uint32(b)
	hasNull := binary.BigEndian.Uint32(b[4:])
	oid := binary.BigEndian.Uint32(b[8:])
	b = b[12:]
	if oid != f.wire.oid || dims > 6 || len(b) < int(dims)*8 {
		return array{}, malformed("array %q has %d dimensions of type %d", f.Name, dims, oid)
	}
	count := 1
	if dims == 0 {
		count = 0
	}
	for range dims {
		n := int(int32(binary.BigEndian.Uint32(b)))
		b = b[8:]
		if n <= 0 || n > math.MaxInt32/count {
			return array{}, malformed("array %q has a dimension of %d", f.Name, n)
		}
		count *= n
	}
	if hasNull != 0 {
		return array{}, f.null("has an element that is NULL")
	}
	if len(b) != count*(4+f.wire.size) {
		return array{}, malformed("array %q has %d bytes for %d elements", f.Name, len(b), count)
	}
	return array{count, b}, nil
}

// null is the error for a NULL where no preprocessor could put a value.
func (f *feature) null(what string) error {
	return function.Errorf("XX000", "An array of feature `%s` %s. Arrays and their elements must not be NULL.", f.Name, what)
}

// array decodes an array column's value into dst.
func (f *feature) array(b []byte, dst []float32) error {
	a, err := f.open(b)
	if err != nil {
		return err
	}
	if a.count != len(dst) {
		return function.Errorf("XX000", "Mismatched array length for feature `%s`. Expected: %d Received: %d", f.Name, len(dst), a.count)
	}
	size := uint32(f.wire.size)
	e := a.elements
	if f.wire.kind == 'f' && size == 4 { // embeddings: by far the most bytes
		for i := range dst {
			if binary.BigEndian.Uint32(e) != size {
				return malformed("array %q has an element of another size", f.Name)
			}
			v := math.Float32frombits(binary.BigEndian.Uint32(e[4:]))
			f.inspect(v)
			dst[i], e = v, e[8:]
		}
		return nil
	}
	for i := range dst {
		if binary.BigEndian.Uint32(e) != size {
			return malformed("array %q has an element of another size", f.Name)
		}
		dst[i] = f.wire.float(e[4 : 4+size])
		f.inspect(dst[i])
		e = e[4+size:]
	}
	return nil
}

// inspect counts what is no finite number; only then is v-v not zero.
func (f *feature) inspect(v float32) {
	switch {
	case v-v == 0:
	case v != v:
		f.missing++
	default:
		f.infinite++
	}
}

// check reports the first column that has missing values which nothing is imputed for, or infinite ones, which no engine takes.
func (d *decoder) check() error {
	for i := range d.features {
		if f := &d.features[i]; f.missing > 0 && f.options.Impute == preprocess.Error {
			if f.grouped {
				return function.Errorf("22004", "pgml.train: %d values of \"%s\" are missing, and it cannot be grouped by", f.missing, f.Name).
					WithHint("Cast the column to text, in a view: rows where a text is NULL are of no group.")
			}
			e := function.Errorf("XX000", "%v", f.fitted.Missing(f.missing, f.Name))
			if f.text() {
				e.Detail = "The test part has texts that the training part does not have."
				e.Hint = fmt.Sprintf(`Impute them, as in preprocess => '{%q: {"impute": "mode"}}'.`, f.Name)
			}
			return e
		} else if f.infinite > 0 {
			return function.Errorf("XX000", "%d values for %s are infinite, or too large for float4.", f.infinite, f.Name)
		}
	}
	return nil
}
