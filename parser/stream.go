package parser

import (
	"strconv"
	"strings"

	pg_query "github.com/pganalyze/pg_query_go/v6"
)

// neverCalled begins an expression in which a call stands for the server to check, but is not evaluated. The planner can't know that.
const neverCalled = "CASE WHEN pg_catalog.now() IS NULL THEN "

// columns decides whether the calls that stand in a SELECT's target list can be computed as rows flow by, and if so makes the
// edits: each call is put where it is never evaluated (so that the server still checks and types it), and its arguments are
// returned behind the statement's own columns.
func (r *reader) columns(s *pg_query.SelectStmt) map[*pg_query.FuncCall]bool {
	taken, ok := r.tryColumns(s)
	if !ok {
		r.plan.Columns, r.plan.Filters, r.plan.Positions, r.plan.Hidden, r.plan.edits, r.plan.Tables, r.plan.Operators = nil, nil, nil, 0, nil, nil, nil
		return nil
	}
	return taken
}

func (r *reader) tryColumns(s *pg_query.SelectStmt) (map[*pg_query.FuncCall]bool, bool) {
	if s == nil || s.Op != pg_query.SetOperation_SETOP_NONE || len(s.DistinctClause) > 0 || len(s.GroupClause) > 0 ||
		s.HavingClause != nil || len(s.ValuesLists) > 0 || len(s.TargetList) == 0 || strings.Contains(r.text, `"pgowl.`) { // a column of ours, by its name
		return nil, false
	}
	taken := map[*pg_query.FuncCall]bool{}
	var edits []edit
	var hidden strings.Builder
	firstStar, lastStar := len(s.TargetList), -1
	for i, node := range s.TargetList {
		if isStar(node.GetResTarget().GetVal()) {
			firstStar = min(firstStar, i)
			lastStar = i
		}
	}
	for i, node := range s.TargetList {
		target := node.GetResTarget()
		f := target.GetVal().GetFuncCall()
		if f == nil {
			continue
		}
		call := r.readCall(f)
		if call == nil || !call.streamable() || !call.readsRow() {
			continue
		}
		name := target.Name
		if name == "" {
			name = call.Function
		}
		if r.sortsBy(s.SortClause, name) {
			return nil, false
		}
		switch {
		case i < firstStar:
			r.plan.Positions = append(r.plan.Positions, i)
		case i > lastStar:
			r.plan.Positions = append(r.plan.Positions, i-len(s.TargetList))
		default:
			return nil, false
		}
		r.hide(call, &hidden)
		behind := " END"
		if target.Name == "" {
			behind += ` AS "` + name + `"`
		}
		edits = append(edits, r.plan.around(call, neverCalled, behind))
		taken[f] = true
		r.plan.Columns = append(r.plan.Columns, call)
	}
	edits = append(edits, r.filters(s, taken, func(c *FunctionCall) { r.hide(c, &hidden) })...)
	if len(taken) == 0 {
		return nil, false
	}
	end := targetEnd(r.tokens, int(s.TargetList[len(s.TargetList)-1].GetResTarget().GetLocation()))
	// Where the list's last entry is a call, its edit ends where this one starts; splice keeps their order.
	r.plan.edits = append(edits, edit{start: end, end: end, text: hidden.String()})
	return taken, true
}

// isStar reports whether a target is * or something.*, which stands for as many columns as there are.
func isStar(node *pg_query.Node) bool {
	if c := node.GetColumnRef(); c != nil {
		return c.Fields[len(c.Fields)-1].GetAStar() != nil
	}
	if c := node.GetAIndirection(); c != nil {
		return c.Indirection[len(c.Indirection)-1].GetAStar() != nil
	}
	return false
}

// streamable reports whether the call's arguments are values that a row can carry.
func (c *FunctionCall) streamable() bool {
	for i := range c.Args {
		a := &c.Args[i]
		switch {
		case a.Kind == Nested && (c.Function == "embed" || i != 1 || !a.Call.streamable()):
			return false
		case a.Kind == Const && i == 0 && (a.Null || a.Type != "unknown" && a.Type != "text" && (a.Type != "integer" || c.Function == "embed")):
			return false
		case a.Kind == Const && i == 1 && !fits(c.Function, i, a):
			return false
		}
	}
	return true
}

// readsRow reports whether an argument depends on the row. Where none does, the planner computes the call, even in a place that is
// never evaluated.
func (c *FunctionCall) readsRow() bool {
	for i := range c.Args {
		if a := &c.Args[i]; a.Kind == Column || a.Kind == Nested && a.Call.readsRow() {
			return true
		}
	}
	return false
}

// hide adds the arguments that are not literals to the columns behind the statement's own.
func (r *reader) hide(c *FunctionCall, b *strings.Builder) {
	for i := range c.Args {
		a := &c.Args[i]
		switch a.Kind {
		case Nested:
			r.hide(a.Call, b)
		default:
			expr := r.text[a.start:a.end]
			if i == 0 && c.projectCall() {
				// The model that the project has deployed, or the model with that number, as this statement's snapshot sees it; a
				// sub-select, so that the server looks once where the argument is a literal.
				expr = "SELECT pgowl.deployed(" + expr + ")"
			} else if a.Kind != Column && a.Kind != Param {
				continue
			}
			a.Kind = Column
			a.Index = r.plan.Hidden
			r.plan.Hidden++
			b.WriteString(", (" + expr + `) AS "pgowl.` + strconv.Itoa(a.Index) + `"`)
		}
	}
}

// sortsBy reports whether an ORDER BY names an output column or holds a call of ours that cannot be folded: then the server needs the value.
func (r *reader) sortsBy(sort []*pg_query.Node, name string) bool {
	for _, node := range sort {
		by := node.GetSortBy().GetNode()
		if c := by.GetColumnRef(); c != nil {
			if len(c.Fields) == 1 && c.Fields[0].GetString_().GetSval() == name {
				return true
			}
			continue
		}
		if c := by.GetAConst(); c != nil {
			return true // a position: rare enough not to work out which
		}
		if r.callsPerRow(by) {
			return true
		}
	}
	return false
}

// callsPerRow reports whether an expression holds a call of ours that cannot be computed once for the statement.
func (r *reader) callsPerRow(node *pg_query.Node) bool {
	return anyCall(node, func(f *pg_query.FuncCall) bool {
		call := r.readCall(f)
		return call == nil || !call.foldable() || !call.firstIsText()
	})
}
