package predict

import (
	"encoding/json"
	"strconv"
	"unsafe"

	"github.com/pgowl/pgowl/exec/function"
)

// rowText reads a row as pgowl.row_text writes it: JSON as to_json gives it, an object in the order of the columns. A number in front
// is that of the first column without a type, from 1 on.
type rowText struct{ b []byte }

var errRow = function.Errorf("XX000", "malformed row")

// errNoRecord is PostgresML's error for an argument that is no row.
var errNoRecord = function.Errorf("XX000", "This preprocessing requires Postgres `record` types created with `row()`.")

// untyped takes the number in front, 0 for none.
func (r *rowText) untyped() int {
	n, digits := 0, 0
	for digits < len(r.b) && digits < 6 && r.b[digits] >= '0' && r.b[digits] <= '9' {
		n = 10*n + int(r.b[digits]-'0')
		digits++
	}
	if digits == len(r.b) || r.b[digits] != '{' {
		return 0 // a number, and no row at all
	}
	r.b = r.b[digits:]
	return n
}

// peek is the next byte that is no space; 0 at the end.
func (r *rowText) peek() byte {
	for len(r.b) > 0 {
		switch c := r.b[0]; c {
		case ' ', '\t', '\n', '\r':
			r.b = r.b[1:]
		default:
			return c
		}
	}
	return 0
}

// take takes the next byte if it is c.
func (r *rowText) take(c byte) bool {
	if r.peek() != c {
		return false
	}
	r.b = r.b[1:]
	return true
}

// word takes a number, true, false or null. It aliases the row.
func (r *rowText) word() (string, error) {
	r.peek()
	n := 0
	for n < len(r.b) && (r.b[n] >= '0' && r.b[n] <= '9' || r.b[n] >= 'a' && r.b[n] <= 'z' || r.b[n] == '.' || r.b[n] == '-' || r.b[n] == '+' || r.b[n] == 'E') {
		n++
	}
	if n == 0 {
		return "", errRow
	}
	w := unsafe.String(&r.b[0], n)
	r.b = r.b[n:]
	return w, nil
}

// text takes a string. It may alias the row.
func (r *rowText) text() (string, error) {
	if r.peek() != '"' {
		return "", errRow
	}
	plain := true
	for n := 1; n < len(r.b); n++ {
		switch r.b[n] {
		case '\\':
			plain = false
			n++
		case '"':
			quoted := r.b[:n+1]
			r.b = r.b[n+1:]
			if plain {
				return unsafe.String(&quoted[1], n-1), nil // with its closing quote there is a byte to point to
			}
			var s string
			if json.Unmarshal(quoted, &s) != nil {
				return "", errRow
			}
			return s, nil
		}
	}
	return "", errRow
}

// columns counts the columns of the row, which it has been opened of.
func (r rowText) columns() (int, error) {
	n := 0
	for r.peek() != '}' {
		if n > 0 && !r.take(',') {
			return 0, errRow
		}
		if _, err := r.text(); err != nil || !r.take(':') {
			return 0, errRow
		}
		if err := r.skip(); err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

// skip takes any value.
func (r *rowText) skip() error {
	for depth := 0; ; {
		switch c := r.peek(); c {
		case '{', '[':
			depth++
			r.b = r.b[1:]
		case '}', ']':
			depth--
			r.b = r.b[1:]
		case ',', ':':
			r.b = r.b[1:]
		case '"':
			if _, err := r.text(); err != nil {
				return err
			}
		default:
			if _, err := r.word(); err != nil {
				return err
			}
		}
		if depth < 0 {
			return errRow
		}
		if depth == 0 {
			return nil
		}
	}
}

// whole reports whether a word may be a whole number.
func whole(word string) bool {
	for i := range len(word) {
		if c := word[i]; (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// number reads a word that is a number or a boolean.
func number(word string) (float32, error) {
	switch word {
	case "true":
		return 1, nil
	case "false":
		return 0, nil
	}
	// A bigint goes to float4 in one step, as it does in training.
	if whole(word) {
		if i, err := strconv.ParseInt(word, 10, 64); err == nil {
			return float32(i), nil
		}
	}
	f, err := strconv.ParseFloat(word, 64)
	if err == nil {
		return float32(f), nil
	}
	if e, ok := err.(*strconv.NumError); ok && e.Err == strconv.ErrRange {
		return 0, function.Errorf("22003", "%s is out of range for type real", string(append([]byte(nil), word...)))
	}
	return 0, errRow
}
