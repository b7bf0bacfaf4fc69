package train

import (
	"fmt"
	"strings"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/models/preprocess"
)

// scalar says how a type of Postgres comes over the wire: which type to cast to, its OID and its size in bytes.
// What it becomes is always a float32.
type scalar struct {
	cast string
	oid  uint32
	size int
	kind byte // b, i, f; t for a text
}

// scalars are the types of feature columns, alone or as the elements of arrays. numeric travels as float8, which is what it
// would be narrowed to anyway. (Not float4: the server refuses a double that a float4 is too small for.)
var scalars = map[string]scalar{
	"bool":    {"bool", 16, 1, 'b'},
	"int2":    {"int2", 21, 2, 'i'},
	"int4":    {"int4", 23, 4, 'i'},
	"int8":    {"int8", 20, 8, 'i'},
	"float4":  {"float4", 700, 4, 'f'},
	"float8":  {"float8", 701, 8, 'f'},
	"numeric": {"float8", 701, 8, 'f'},
}

// categorical are the types whose values are categories.
var categorical = map[string]bool{"text": true, "varchar": true, "bpchar": true}

// bytea is what texts travel as: in UTF-8, whatever the session's encoding is.
var bytea = scalar{"bytea", 17, -1, 't'}

// feature is a column that is read as features: one for a scalar, the number of elements for an array, one or more for a text.
type feature struct {
	column
	wire     scalar
	width    int    // 1 for a scalar; of an array -1 until the first row has told
	offset   int    // of its first feature in a row
	head     uint64 // of a number, its type and its length as they stand before a value; of others noHead
	missing  int    // NULLs and NaNs met so far; of a text, categories that training has not seen
	infinite int    // infinities, also those that narrowing made

	grouped    bool       // the model is divided by it
	texts      dictionary // of a text column: what its codes in the matrix stand for
	options    preprocess.Options
	fitted     preprocess.Column // once the training part has been looked at
	statistics statistics        // of the training part, encoded, before anything is imputed
}

// features splits the columns into features and label, and refuses types that it cannot read.
func features(columns []column, label string) ([]feature, column, error) {
	var fs []feature
	y := -1
	for i, c := range columns {
		if c.Name == label {
			y = i
			continue
		}
		// The name is from the caller's side; only what is in these tables goes into a statement of the owner's.
		base := strings.TrimSuffix(c.Type, "[]")
		wire, ok := scalars[base]
		switch {
		case ok && c.Builtin:
		case c.Builtin && categorical[base] && !c.Array:
			wire = bytea
		default:
			return nil, column{}, unhandled(c)
		}
		f := feature{column: c, wire: wire, width: 1, options: preprocess.Default}
		if c.Array {
			f.width = -1
		}
		fs = append(fs, f)
	}
	if y < 0 {
		return nil, column{}, noLabel(label)
	}
	if len(fs) == 0 {
		return nil, column{}, function.Errorf("XX000", "There are no feature columns beside the label `%s`.", label)
	}
	return fs, columns[y], nil
}

func noLabel(name string) *function.Error {
	return function.Errorf("XX000", "Column `%s` not found. Did you pass the correct `y_column_name`?", name)
}

func unhandled(c column) *function.Error {
	kind := "scalar"
	if c.Array {
		kind = "array"
	}
	return function.Errorf("XX000", "Unhandled type for quantitative %s column: %s %q", kind, c.Name, c.Type)
}

// text reports whether the column's values are categories.
func (f *feature) text() bool { return f.wire.kind == 't' }

// sql is the column as the reading statement asks for it.
func (f *feature) sql() string {
	if f.text() {
		return textSQL(f.Name)
	}
	array := ""
	if f.Array {
		array = "[]"
	}
	return fmt.Sprintf(`t.%s::pg_catalog.%s%s`, quote(f.Name), f.wire.cast, array)
}

// textSQL is a text column as bytes in UTF-8. The trailing blanks of a bpchar are not part of it.
func textSQL(name string) string {
	return "pg_catalog.convert_to(t." + quote(name) + "::pg_catalog.text, 'UTF8')"
}
