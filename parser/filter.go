package parser

import (
	"math"
	"strconv"

	pg_query "github.com/pganalyze/pg_query_go/v6"
)

// Filter is a condition of a Stream that holds where the call's value compares so with a number: = < > <= >= <>.
type Filter struct {
	Call  *FunctionCall
	Op    string
	Value float64
}

// Holds reports whether a value passes. Postgres compares a real with a number as double precision; NaN equals NaN and is greater than all others.
func (f *Filter) Holds(value float32) bool {
	c := compare(float64(value), f.Value)
	switch f.Op {
	case "=":
		return c == 0
	case "<>":
		return c != 0
	case "<":
		return c < 0
	case ">":
		return c > 0
	case "<=":
		return c <= 0
	}
	return c >= 0
}

func compare(a, b float64) int {
	switch {
	case a < b || math.IsNaN(b) && !math.IsNaN(a):
		return -1
	case a > b || math.IsNaN(a) && !math.IsNaN(b):
		return 1
	}
	return 0
}

// filters makes the edits for conditions on predictions that WHERE joins by AND: the server sends the rows that pass the others, with the
// arguments, and the stream leaves out those that don't pass. Only where nothing that the server computes for a row that is left out
// could fail or be noticed.
func (r *reader) filters(s *pg_query.SelectStmt, taken map[*pg_query.FuncCall]bool, hide func(*FunctionCall)) []edit {
	if s.WhereClause == nil || s.LimitCount != nil || s.LimitOffset != nil || len(s.LockingClause) > 0 || s.WithClause != nil {
		return nil
	}
	var tables []string
	for _, node := range s.FromClause {
		if !tablesOf(node, &tables) {
			return nil
		}
	}
	for _, node := range s.TargetList {
		if f := node.GetResTarget().GetVal().GetFuncCall(); f != nil && taken[f] {
			for _, a := range f.Args {
				if !harmless(a) {
					return nil
				}
			}
		} else if v := node.GetResTarget().GetVal(); !isStar(v) && !harmless(v) {
			return nil
		}
	}
	for _, node := range s.SortClause {
		if by := node.GetSortBy().GetNode(); !harmless(by) {
			return nil
		}
	}
	conditions, ok := r.conditions(s.WhereClause)
	if !ok {
		return nil
	}
	var edits []edit
	for _, c := range conditions {
		f, op, value := comparison(c.node)
		if f == nil {
			continue
		}
		call := r.gatherable(f)
		if call == nil || call.Function != "predict" || !call.streamable() || !bare(f.Args[1]) {
			continue
		}
		hide(call)
		start := r.tokens[at(r.tokens, c.span.start)].start
		edits = append(edits, edit{start: start, end: start, text: "coalesce("},
			r.plan.around(call, neverCalled, " END"),
			edit{start: c.span.end, end: c.span.end, text: ", true)"})
		taken[f] = true
		r.plan.Filters = append(r.plan.Filters, Filter{Call: call, Op: op, Value: value})
		r.plan.Operators = append(r.plan.Operators, op)
		r.plan.Tables = tables
	}
	return edits
}

// tablesOf adds the relations of a FROM item; it reports false for what isn't made of relations alone.
func tablesOf(node *pg_query.Node, tables *[]string) bool {
	if j := node.GetJoinExpr(); j != nil {
		return tablesOf(j.Larg, tables) && tablesOf(j.Rarg, tables)
	}
	v := node.GetRangeVar()
	if v != nil {
		*tables = append(*tables, tableName(v))
	}
	return v != nil
}

// comparison takes a condition apart that compares a call with a number; f is nil for others.
func comparison(node *pg_query.Node) (f *pg_query.FuncCall, op string, value float64) {
	e := node.GetAExpr()
	if e == nil || e.Kind != pg_query.A_Expr_Kind_AEXPR_OP || len(e.Name) != 1 {
		return nil, "", 0
	}
	op = e.Name[0].GetString_().GetSval()
	turned, known := map[string]string{"=": "=", "<>": "<>", "<": ">", ">": "<", "<=": ">=", ">=": "<="}[op]
	if !known {
		return nil, "", 0
	}
	call, number := e.Lexpr, e.Rexpr
	if call.GetFuncCall() == nil {
		call, number, op = e.Rexpr, e.Lexpr, turned
	}
	c := number.GetAConst()
	if call.GetFuncCall() == nil || c == nil {
		return nil, "", 0
	}
	switch v := c.Val.(type) {
	case *pg_query.A_Const_Ival:
		value = float64(v.Ival.Ival)
	case *pg_query.A_Const_Fval:
		var err error
		if value, err = strconv.ParseFloat(v.Fval.Fval, 64); err != nil {
			return nil, "", 0
		}
	default:
		return nil, "", 0
	}
	return call.GetFuncCall(), op, value
}
