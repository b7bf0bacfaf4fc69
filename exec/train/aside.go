package train

import (
	"math"
	"slices"
	"strings"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/models/learn"
)

// role is what a column says of rows that is neither a feature nor a label: the argument of pgml.train that names the column.
type role string

// The roles.
const (
	weighs  role = "weight"            // how many rows the row counts as
	asks    role = "qid"               // the query whose answers the row is among
	bounded role = "label_upper_bound" // what the label is at most, NULL for any; the label is the least then
)

// roles are all of them, in the order in which they stand in a row that is read.
var roles = []role{weighs, asks, bounded}

// aside collects a column with a role.
type aside struct {
	column
	role   role
	wire   scalar
	nulls  int
	wrong  int
	values []float32        // of numbers
	codes  []int32          // of queries, in the order in which they are met
	places map[string]int32 // of a query's value as it travels
}

// newAside refuses a column whose type does not suit the role.
func newAside(c column, as role) (*aside, error) {
	a := &aside{column: c, role: as}
	wire, number := scalars[c.Type]
	switch {
	case as == asks && c.Builtin && categorical[c.Type]:
		a.wire = bytea
	case number && c.Builtin && wire.kind != 'b' && (as != asks || wire.kind == 'i'):
		a.wire = wire
	default:
		e := function.Errorf("42804", "pgml.train: \"%s\" is of type %s, and cannot be the %s", clip(c.Name, 100), c.Type, as)
		if e.Hint = "It must be a column of numbers."; as == asks {
			e.Hint = "It must be a column of whole numbers or texts."
		}
		return nil, e
	}
	if as == asks {
		a.places = map[string]int32{}
	}
	return a, nil
}

// sql is the column as the reading statement asks for it.
func (a *aside) sql() string {
	if a.wire.kind == 't' {
		return textSQL(a.Name)
	}
	return "t." + quote(a.Name) + "::pg_catalog." + a.wire.cast
}

// add takes the next row's value, nil for NULL.
func (a *aside) add(v []byte) error {
	if v != nil && a.wire.kind != 't' && len(v) != a.wire.size {
		return malformed("%s %q has %d bytes", a.role, a.Name, len(v))
	}
	if a.role == asks {
		if v == nil {
			a.nulls++
		}
		code, ok := a.places[string(v)]
		if !ok {
			code = int32(len(a.places))
			a.places[string(v)] = code
		}
		a.codes = append(a.codes, code)
		return nil
	}
	x := float32(math.Inf(1))
	if v != nil {
		x = a.wire.float(v)
	}
	switch {
	case v == nil && a.role == weighs:
		a.nulls++
	case x != x || a.role == weighs && (x < 0 || math.IsInf(float64(x), 1)):
		a.wrong++
	}
	a.values = append(a.values, x)
	return nil
}

// check reports values that say nothing.
func (a *aside) check() error {
	switch {
	case a.nulls > 0:
		return function.Errorf("22004", "pgml.train: %d values of \"%s\", the %s, are NULL", a.nulls, clip(a.Name, 100), a.role)
	case a.wrong > 0 && a.role == weighs:
		return function.Errorf("22023", "pgml.train: %d values of \"%s\", the weight, are negative or no finite numbers", a.wrong, clip(a.Name, 100))
	case a.wrong > 0:
		return function.Errorf("22023", "pgml.train: %d values of \"%s\", the %s, are no numbers", a.wrong, clip(a.Name, 100), a.role)
	case a.role == weighs && len(a.values) > 0 && slices.Max(a.values) == 0:
		return function.Errorf("22023", "pgml.train: all values of \"%s\", the weight, are 0", clip(a.Name, 100))
	}
	return nil
}

// asides are the columns with a role, in the order of roles.
type asides []*aside

// of is the one with a role, nil if there is none.
func (as asides) of(r role) *aside {
	for _, a := range as {
		if a.role == r {
			return a
		}
	}
	return nil
}

// check is that of each.
func (as asides) check() error {
	for _, a := range as {
		if err := a.check(); err != nil {
			return err
		}
	}
	return nil
}

// named says which role a column has, "" for none.
func (as asides) named(name string) role {
	for _, a := range as {
		if a.Name == name {
			return a.role
		}
	}
	return ""
}

// list is how the reading statement asks for them, behind the labels.
func (as asides) list() string {
	var b strings.Builder
	for _, a := range as {
		b.WriteString(", " + a.sql())
	}
	return b.String()
}

// asked are the columns that the request gives a role to.
func (r *Request) asked() map[role]string {
	all := map[role]string{}
	for as, name := range map[role]string{weighs: r.Weight, asks: r.QueryID, bounded: r.UpperBound} {
		if name != "" {
			all[as] = name
		}
	}
	return all
}

// takeAside takes the columns with a role out of the others. names has a column for each role.
func takeAside(columns []column, names map[role]string, isLabel func(name string) bool) (rest []column, taken asides, err error) {
	for _, as := range roles {
		name, given := names[as]
		if !given {
			continue
		}
		at := slices.IndexFunc(columns, func(c column) bool { return c.Name == name })
		switch {
		case at < 0:
			return nil, nil, function.Errorf("42703", "pgml.train: there is no column \"%s\" to be the %s", clip(name, 100), as)
		case isLabel(name):
			return nil, nil, function.Errorf("22023", "pgml.train: \"%s\" is the label, and cannot be the %s", clip(name, 100), as)
		case taken.named(name) != "":
			return nil, nil, function.Errorf("22023", "pgml.train: \"%s\" cannot be both the %s and the %s", clip(name, 100), taken.named(name), as)
		}
		a, err := newAside(columns[at], as)
		if err != nil {
			return nil, nil, err
		}
		taken = append(taken, a)
	}
	for _, c := range columns {
		if taken.named(c.Name) == "" {
			rest = append(rest, c)
		}
	}
	return rest, taken, nil
}

// divideAsides puts what the columns say of rows into the parts that the rows are in.
func (d *dataset) divideAsides(taken asides, marked []bool) error {
	var parts [2][]int32 // rows of the training part and of the test part
	for i, test := range marked {
		k := b2i(test)
		parts[k] = append(parts[k], int32(i))
	}
	for k, to := range []*learn.Dataset{&d.train, &d.test} {
		if a := taken.of(weighs); a != nil {
			to.Weights = learn.Pick(a.values, parts[k])
		}
		if a := taken.of(asks); a != nil {
			to.Queries = learn.Pick(a.codes, parts[k])
		}
		if a := taken.of(bounded); a != nil {
			to.Upper = learn.Pick(a.values, parts[k])
		}
	}
	if w := d.train.Weights; len(w) > 0 && slices.Max(w) == 0 {
		return function.Errorf("22023", "pgml.train: no row of the training part has a weight")
	}
	d.asides = taken
	return nil
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
