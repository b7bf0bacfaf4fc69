package train

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
)

// grouped is how many columns of one type travel as one array. A value costs 8 bytes less so, and the server a fifth of its time for each byte
// that it need not send; an array has a header, too.
const grouped = 4

// wireField is a field of a row on the wire: one column, or the array of several of one type.
type wireField struct {
	features []int // indices
	array    bool
}

// wireFields says how the columns travel.
func wireFields(fs []feature) []wireField {
	count := map[string]int{}
	for i := range fs {
		if f := &fs[i]; !f.Array && !f.text() {
			count[f.wire.cast]++
		}
	}
	var fields []wireField
	place := map[string]int{}
	for i := range fs {
		f := &fs[i]
		if f.Array || f.text() || count[f.wire.cast] < grouped {
			fields = append(fields, wireField{features: []int{i}})
			continue
		}
		at, ok := place[f.wire.cast]
		if !ok {
			at = len(fields)
			place[f.wire.cast] = at
			fields = append(fields, wireField{array: true})
		}
		fields[at].features = append(fields[at].features, i)
	}
	return fields
}

// statement is the SELECT whose rows a decoder reads: one row is one value of type bytea.
func statement(rel relation, fs []feature, label string) string {
	sql := "SELECT pg_catalog.record_send(ROW("
	for _, w := range wireFields(fs) {
		columns := make([]string, len(w.features))
		for i, at := range w.features {
			columns[i] = fs[at].sql()
		}
		list := strings.Join(columns, ", ")
		if w.array {
			list = "ARRAY[" + list + "]"
		}
		sql += list + ", "
	}
	return fmt.Sprintf("%s%s)) FROM %s AS t", sql, label, rel.SQL())
}

// group decodes the array of several columns, in the form of array_send (see feature.open), into a row. NULLs are missing values.
func (d *decoder) group(w wireField, v []byte, row []float32) error {
	first := &d.features[w.features[0]]
	size := first.wire.size
	if len(v) < 20 || binary.BigEndian.Uint32(v) != 1 || binary.BigEndian.Uint32(v[8:]) != first.wire.oid ||
		binary.BigEndian.Uint32(v[12:]) != uint32(len(w.features)) {
		return malformed("the columns of type %s have another form", first.wire.cast)
	}
	v = v[20:]
	for _, at := range w.features {
		f := &d.features[at]
		switch {
		case len(v) >= 4+size && binary.BigEndian.Uint32(v) == uint32(size):
			x := f.wire.float(v[4:])
			if x-x != 0 {
				f.inspect(x)
			}
			row[f.offset] = x
			v = v[4+size:]
		case len(v) >= 4 && binary.BigEndian.Uint32(v) == math.MaxUint32:
			row[f.offset] = nan
			f.missing++
			v = v[4:]
		default:
			return malformed("column %q has a value of another size", f.Name)
		}
	}
	if len(v) > 0 {
		return malformed("%d bytes too many after the columns of type %s", len(v), first.wire.cast)
	}
	return nil
}
