package exchange

import (
	"encoding/binary"
	"math"
	"strconv"
)

// UBJSON (ubjson.org, draft 12) is JSON in binary form. XGBoost writes the same document in it as in JSON, with typed arrays. It is read by turning it into
// JSON, so that there is one reader; what has no counterpart there (numbers that are no numbers) is refused.

const maxUBJSONDepth = 64

// ubjsonToJSON turns a document into JSON. Its text is at most twenty times as long.
func ubjsonToJSON(data []byte) ([]byte, error) {
	r := ubjReader{data: data, out: make([]byte, 0, 2*len(data))}
	r.value(r.byte(), 0)
	if r.err != nil {
		return nil, r.err
	}
	if len(r.data) > 0 {
		return nil, bad("%d bytes too many", len(r.data))
	}
	return r.out, nil
}

// ubjReader takes bytes from the front; after the first error it only gives zeros.
type ubjReader struct {
	data, out []byte
	err       error
}

func (r *ubjReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = bad(format, args...)
	}
	r.data = nil
}

func (r *ubjReader) take(n int) []byte {
	if n < 0 || n > len(r.data) {
		r.fail("it ends early")
		return make([]byte, 8)
	}
	b := r.data[:n]
	r.data = r.data[n:]
	return b
}

func (r *ubjReader) byte() byte { return r.take(1)[0] }

func (r *ubjReader) peek() byte {
	if len(r.data) == 0 {
		return 0
	}
	return r.data[0]
}

// integer reads the content of an integer of a type.
func (r *ubjReader) integer(marker byte) int64 {
	switch marker {
	case 'i':
		return int64(int8(r.take(1)[0]))
	case 'U':
		return int64(r.take(1)[0])
	case 'I':
		return int64(int16(binary.BigEndian.Uint16(r.take(2))))
	case 'l':
		return int64(int32(binary.BigEndian.Uint32(r.take(4))))
	case 'L':
		return int64(binary.BigEndian.Uint64(r.take(8)))
	}
	r.fail("an integer of type %q", marker)
	return 0
}

// length reads the number of the elements or bytes that follow, each of which takes a byte at least.
func (r *ubjReader) length() int {
	n := r.integer(r.byte())
	if n < 0 || n > int64(len(r.data)) {
		r.fail("it ends early")
		return 0
	}
	return int(n)
}

func (r *ubjReader) text() {
	r.out = appendText(r.out, string(r.take(r.length())))
}

func (r *ubjReader) number(v float64, bits int) {
	if v-v != 0 {
		r.fail("a number is %v", v)
		return
	}
	r.out = strconv.AppendFloat(r.out, v, 'g', -1, bits)
}

// value reads the content of a value of a type.
func (r *ubjReader) value(marker byte, depth int) {
	switch marker {
	case 'Z':
		r.out = append(r.out, "null"...)
	case 'T':
		r.out = append(r.out, "true"...)
	case 'F':
		r.out = append(r.out, "false"...)
	case 'i', 'U', 'I', 'l', 'L':
		r.out = strconv.AppendInt(r.out, r.integer(marker), 10)
	case 'd':
		r.number(float64(math.Float32frombits(binary.BigEndian.Uint32(r.take(4)))), 32)
	case 'D':
		r.number(math.Float64frombits(binary.BigEndian.Uint64(r.take(8))), 64)
	case 'C':
		r.out = appendText(r.out, string(r.take(1)))
	case 'S':
		r.text()
	case '[', '{':
		if depth >= maxUBJSONDepth {
			r.fail("it is nested deeper than %d", maxUBJSONDepth)
			return
		}
		r.container(marker, depth+1)
	default:
		r.fail("a value of type %q", marker)
	}
}

// container reads an array or an object, up to its end or, where it says so first, of so many elements, or of so many elements of a type.
func (r *ubjReader) container(open byte, depth int) {
	closing := open + 2 // ] and } alike
	r.out = append(r.out, open)
	typ, count := byte(0), -1
	if r.peek() == '$' {
		r.byte()
		typ = r.byte()
		switch typ {
		case 'i', 'U', 'I', 'l', 'L', 'd', 'D', 'C', 'S':
		default: // what takes no bytes would make much of little
			r.fail("an array of type %q", typ)
			return
		}
		if r.peek() != '#' {
			r.fail("a type without a length")
			return
		}
	}
	if r.peek() == '#' {
		r.byte()
		count = r.length()
	}
	for i := 0; r.err == nil && i != count; i++ {
		if count < 0 && r.peek() == closing {
			r.byte()
			break
		}
		if i > 0 {
			r.out = append(r.out, ',')
		}
		if open == '{' {
			r.text()
			r.out = append(r.out, ':')
		}
		marker := typ
		if marker == 0 {
			marker = r.byte()
		}
		r.value(marker, depth)
	}
	r.out = append(r.out, closing)
}
