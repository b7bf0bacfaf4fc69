package exec

import (
	"context"

	"github.com/pgowl/pgowl/parser"
)

// Accepts reports whether a stream's hidden columns have types that the engines read; if not, the call lane has to do it.
func (e *Engine) Accepts(p *parser.Plan, hidden []Field) bool {
	for _, c := range p.Columns {
		if !accepts(c, hidden) {
			return false
		}
	}
	for _, f := range p.Filters {
		if !accepts(f.Call, hidden) {
			return false
		}
	}
	return len(hidden) == p.Hidden
}

func accepts(c *parser.FunctionCall, hidden []Field) bool {
	for i := range c.Args {
		a := &c.Args[i]
		switch {
		case a.Kind == parser.Nested:
			if !accepts(a.Call, hidden) {
				return false
			}
		case a.Kind != parser.Column:
		case a.Index >= len(hidden):
			return false
		case c.Function == "embed" && i < 2 && !isText(hidden[a.Index].OID),
			c.Function == "embed" && i == 2 && hidden[a.Index].OID != oidJSONB,
			c.Function != "embed" && i == 0 && hidden[a.Index].OID != oidInt8,
			c.Function != "embed" && i == 1 && !isFeatures(hidden[a.Index].OID):
			return false
		}
	}
	return true
}

// Rows gathers the rows of a stream until their values are computed. It belongs to one goroutine.
type Rows struct {
	engine  *Engine
	plan    *parser.Plan
	fields  []Field
	formats []int16

	data   []byte
	cells  [][2]int // by row and hidden column; end -1 for NULL
	n      int
	kept   []int      // the rows that pass the filters
	values [][][]byte // by call and kept row
	wire   []byte     // that values are parts of
}

// Rows starts to gather the rows of a plan. fields are the hidden columns', formats the wire formats of the calls' values.
func (e *Engine) Rows(p *parser.Plan, fields []Field, formats []int16) *Rows {
	return &Rows{engine: e, plan: p, fields: fields, formats: formats, values: make([][][]byte, len(p.Columns))}
}

// Add takes a copy of a row's hidden columns, nil for NULL.
func (r *Rows) Add(hidden [][]byte) error {
	for _, v := range hidden {
		if v == nil {
			r.cells = append(r.cells, [2]int{0, -1})
			continue
		}
		start := len(r.data)
		r.data = append(r.data, v...)
		r.cells = append(r.cells, [2]int{start, len(r.data)})
	}
	r.n++
	return nil
}

// Len is the number of rows that were gathered.
func (r *Rows) Len() int { return r.n }

// Compute computes the calls for the gathered rows: the filters', then the columns' for those that pass.
func (r *Rows) Compute(ctx context.Context) error {
	r.kept = r.kept[:0]
	for row := range r.n {
		r.kept = append(r.kept, row)
	}
	args := func(row int, a *parser.Arg) (Field, []byte, error) {
		if a.Kind != parser.Column {
			return foldArgument(a, nil)
		}
		cell := r.cells[r.kept[row]*len(r.fields)+a.Index]
		if cell[1] < 0 {
			return r.fields[a.Index], nil, nil
		}
		return r.fields[a.Index], r.data[cell[0]:cell[1]:cell[1]], nil
	}
	for i := range r.plan.Filters {
		f := &r.plan.Filters[i]
		out, err := r.engine.compute(ctx, streamLane, f.Call, len(r.kept), args)
		if err != nil {
			return err
		}
		passed := r.kept[:0]
		for i, row := range r.kept {
			if !out.null[i] && f.Holds(out.reals[i]) {
				passed = append(passed, row)
			}
		}
		r.kept = passed
	}
	for i, c := range r.plan.Columns {
		out, err := r.engine.compute(ctx, streamLane, c, len(r.kept), args)
		if err != nil {
			return err
		}
		values := r.values[i][:0]
		for row := range r.kept {
			if out.null[row] {
				values = append(values, nil)
				continue
			}
			start := len(r.wire)
			if out.reals != nil {
				r.wire = encodeReal(r.wire, r.formats[i], out.reals[row])
			} else {
				r.wire = encodeReals(r.wire, r.formats[i], out.vectors[row])
			}
			values = append(values, r.wire[start:len(r.wire):len(r.wire)])
		}
		r.values[i] = values
	}
	return nil
}

// Kept are the rows that pass the filters, in order, valid until Reset.
func (r *Rows) Kept() []int { return r.kept }

// Value is the value of a call in a row, by its place among the kept ones; nil for NULL; valid until Reset.
func (r *Rows) Value(row, call int) []byte { return r.values[call][row] }

// Reset forgets the rows.
func (r *Rows) Reset() { r.data, r.cells, r.n, r.wire = r.data[:0], r.cells[:0], 0, r.wire[:0] }
