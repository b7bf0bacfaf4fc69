package predict

import (
	"math"
	"strings"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/models/preprocess"
	"github.com/pgowl/pgowl/models/store"
)

// Row appends the features of a row to dst: encoded, imputed and scaled as the training data was. row is what pgowl.row_text makes of a
// record. Its columns are those of the training data without the labels; a model that preprocesses none of them takes their numbers
// however they are spread over columns.
//
// What is no record, lacks a type, or has a value missing is XX000; a value of another type than the column's is 42804.
// exec/catalog/sql/pgowl/repeatable/22_rows.sql does the same in SQL.
func (m *Model) Row(dst []float32, row []byte) ([]float32, error) {
	r := rowText{row}
	if untyped := r.untyped(); untyped > 0 {
		e := function.Errorf("XX000", "Type information missing for column: \"%s\".", m.columnName(untyped-1, "f"))
		return dst, e.WithHint("Cast the literal to the column's type, as in 'value'::text.")
	}
	if !r.take('{') {
		return dst, errNoRecord
	}
	plain := m.index == nil
	if !plain {
		n, err := r.columns()
		if err != nil {
			return dst, err
		}
		if n != len(m.Header.Features) {
			return dst, m.columns(n)
		}
	}
	columns := 0
	for r.peek() != '}' {
		if columns > 0 && !r.take(',') {
			return dst, errRow
		}
		key, err := r.text()
		if err != nil || !r.take(':') {
			return dst, errRow
		}
		if plain {
			dst, err = m.numbers(dst, &r, columns, key, nil)
		} else {
			dst, err = m.column(dst, &r, columns, key)
		}
		if err != nil {
			return dst, err
		}
		columns++
	}
	if len(r.b) != 1 {
		return dst, errRow
	}
	return dst, nil
}

// columns is the error for a row of n columns.
func (m *Model) columns(n int) error {
	names := make([]string, len(m.Header.Features))
	for i, f := range m.Header.Features {
		names[i] = f.Name
	}
	e := function.Errorf("XX000", "cannot reshape array of size %d into shape (%d)", n, len(names))
	e.Detail = "A row for this model has the columns " + strings.Join(names, ", ") + "."
	return e
}

// columnName names a column of a row for a message.
func (m *Model) columnName(i int, otherwise string) string {
	if i < len(m.Header.Features) {
		return m.Header.Features[i].Name
	}
	return otherwise
}

// column appends a column's features.
func (m *Model) column(dst []float32, r *rowText, i int, key string) ([]float32, error) {
	f := &m.Header.Features[i]
	p := f.Preprocess
	if p != nil && p.Text() {
		return m.category(dst, r, i)
	}
	start := len(dst)
	dst, err := m.numbers(dst, r, i, key, p)
	if err != nil {
		return dst, err
	}
	if n := len(dst) - start; n != f.Width {
		return dst, function.Errorf("XX000", "Mismatched array length for feature `%s`. Expected: %d Received: %d", f.Name, f.Width, n)
	}
	if p == nil {
		return dst, nil
	}
	for j := start; j < len(dst); j++ {
		if v := dst[j]; !p.Put(dst[j:j+1], v) {
			return dst, m.missing(f, "")
		}
	}
	return dst, nil
}

// category appends the features of a text.
func (m *Model) category(dst []float32, r *rowText, i int) ([]float32, error) {
	f := &m.Header.Features[i]
	text := preprocess.Null
	switch r.peek() {
	case '"':
		var err error
		if text, err = r.text(); err != nil {
			return dst, err
		}
		if f.Type == "bpchar" {
			text = strings.TrimRight(text, " ")
		}
	case 'n':
		if w, err := r.word(); err != nil || w != "null" {
			return dst, errRow
		}
	default:
		return dst, function.Errorf("42804", "column \"%s\" of the row must be a text, as the model has learned it", f.Name)
	}
	v, ok := m.index[i][text]
	if !ok {
		v = float32(math.NaN())
	}
	start := len(dst)
	for range f.Width {
		dst = append(dst, 0)
	}
	if !f.Preprocess.Put(dst[start:], v) {
		return dst, m.missing(f, text)
	}
	return dst, nil
}

// missing is the error for a value that is missing, or a text that the training data did not have.
func (m *Model) missing(f *store.Feature, text string) error {
	p := f.Preprocess
	if p == nil {
		p = new(preprocess.Column)
	}
	if p.Encode == preprocess.Ordinal {
		return function.Errorf("XX000", "%v", p.Unlisted(text))
	}
	e := function.Errorf("XX000", "%v", p.Missing(1, f.Name))
	if p.Text() {
		e.Detail = "The training data does not have the text \"" + strings.Clone(text) + "\"."
	}
	return e
}

// numbers appends the numbers of a column: a number, a boolean or an array of them. NULL is missing, which only a column that imputes may be.
func (m *Model) numbers(dst []float32, r *rowText, i int, key string, p *preprocess.Column) ([]float32, error) {
	// Made for messages alone.
	name := func() string {
		if m.index == nil && len(m.Header.Features) == 1 {
			return strings.Clone(key) // of the columns that are one array in training
		}
		return m.columnName(i, strings.Clone(key))
	}
	depth := 0
	for {
		switch c := r.peek(); {
		case c == '[':
			r.take('[')
			depth++
			if r.peek() != ']' {
				continue
			}
		case c == ']' && depth > 0:
			// Falls to the closing below.
		case c == '"':
			t, err := r.text()
			if err != nil {
				return dst, err
			}
			switch t { // to_json writes these as text
			case "NaN":
				dst = append(dst, float32(math.NaN()))
			case "Infinity":
				dst = append(dst, float32(math.Inf(1)))
			case "-Infinity":
				dst = append(dst, float32(math.Inf(-1)))
			default:
				return dst, function.Errorf("42804", "column \"%s\" of the row must be a number, as the model has learned it, and not a text", name())
			}
		case c == '{':
			return dst, function.Errorf("0A000", "column \"%s\" of the row is a record, which predict does not take", name())
		default:
			w, err := r.word()
			if err != nil {
				return dst, err
			}
			if w == "null" {
				if depth > 0 || m.index != nil && strings.HasPrefix(m.Header.Features[i].Type, "_") {
					return dst, function.Errorf("XX000", "An array of feature `%s` has an element that is NULL. Arrays and their elements must not be NULL.", name())
				}
				if p == nil || p.Fill == nil {
					return dst, m.missing(&store.Feature{Name: name()}, "")
				}
				dst = append(dst, float32(math.NaN()))
				break
			}
			v, err := number(w)
			if err != nil {
				return dst, err
			}
			dst = append(dst, v)
		}
		for depth > 0 && r.take(']') {
			depth--
		}
		if depth == 0 {
			return dst, nil
		}
		if !r.take(',') {
			return dst, errRow
		}
	}
}
