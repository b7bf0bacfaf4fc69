package parser

import (
	pg_query "github.com/pganalyze/pg_query_go/v6"
)

// stored gives the SELECT whose rows a statement stores or copies: INSERT ... SELECT, CREATE TABLE AS, COPY (SELECT ...) TO; nil for others.
func stored(stmt *pg_query.Node) *pg_query.SelectStmt {
	if i := stmt.GetInsertStmt(); i != nil {
		return i.GetSelectStmt().GetSelectStmt()
	}
	if c := stmt.GetCreateTableAsStmt(); c != nil && c.Objtype == pg_query.ObjectType_OBJECT_TABLE {
		return c.GetQuery().GetSelectStmt()
	}
	if c := stmt.GetCopyStmt(); c != nil && !c.IsFrom {
		return c.GetQuery().GetSelectStmt()
	}
	return nil
}

// The rows that the server reads within a millisecond make a batch: thousands of a table, a few of a slow join, each of a source that is
// slower than a call. The number of a row in its batch is its place in the answer.
const batchWindow = "(PARTITION BY pg_catalog.date_trunc('milliseconds', pg_catalog.clock_timestamp()))"

// batch makes the edits that have the server gather the arguments of predictions in the target list and in ORDER BY (see 25_batch.sql in
// exec/catalog), and gives the calls. Each edit keeps the call where it is never evaluated, so that the server checks and types it as ever. A
// statement whose rows would not all be computed, or in which a window function has no place, is left as it is.
func (r *reader) batch(s *pg_query.SelectStmt) map[*pg_query.FuncCall]bool {
	if s.Op != pg_query.SetOperation_SETOP_NONE || len(s.DistinctClause) > 0 || len(s.GroupClause) > 0 || s.HavingClause != nil ||
		len(s.ValuesLists) > 0 || len(s.FromClause) == 0 || len(s.LockingClause) > 0 || len(s.WindowClause) > 0 {
		return nil
	}
	limited := s.LimitCount != nil || s.LimitOffset != nil
	if limited && !r.sortsByCall(s) {
		return nil // it may need the first rows alone
	}
	taken := map[*pg_query.FuncCall]bool{}
	for i, node := range s.TargetList {
		target := node.GetResTarget()
		value := target.GetVal()
		if limited && !sortsByTarget(s, i) {
			continue // it is wanted for the first rows alone
		}
		if target.GetName() != "" || value.GetAExpr() != nil || value.GetFuncCall() != nil {
			r.gather(value, target.GetName() == "" && value.GetFuncCall() != nil, taken)
		}
	}
	for _, node := range s.SortClause {
		r.gather(node.GetSortBy().GetNode(), false, taken)
	}
	return taken
}

// gather makes the edits for the calls in an expression, where it evaluates them for every row. A call that names its column says so.
func (r *reader) gather(node *pg_query.Node, names bool, taken map[*pg_query.FuncCall]bool) {
	switch n := node.GetNode().(type) {
	case *pg_query.Node_AExpr:
		if n.AExpr.Kind == pg_query.A_Expr_Kind_AEXPR_OP {
			r.gather(n.AExpr.Lexpr, false, taken)
			r.gather(n.AExpr.Rexpr, false, taken)
		}
	case *pg_query.Node_TypeCast:
		r.gather(n.TypeCast.Arg, false, taken)
	case *pg_query.Node_FuncCall:
		call := r.gatherable(n.FuncCall)
		if call == nil {
			return
		}
		args := r.features(call)
		if call.Function == "embed" {
			args = r.inputs(call)
			r.plan.Doubtful = true // the text may be an array, and the function another one
		}
		behind := " ELSE (" + gatherers[call.Function] + "(" + args + ") OVER " + batchWindow +
			")[(pg_catalog.row_number() OVER " + batchWindow + ")::pg_catalog.int4]"
		if call.Function != "predict" {
			behind += "::pg_catalog.float4[]"
		}
		behind += " END"
		if names {
			behind += ` AS "` + call.Function + `"`
		}
		r.plan.edits = append(r.plan.edits, r.plan.around(call, neverCalled, behind))
		taken[n.FuncCall] = true
	}
}

// gatherers are the aggregates that compute all rows of a batch.
var gatherers = map[string]string{"predict": "pgowl.predict_all", "predict_proba": "pgowl.predict_proba_all", "embed": "pgowl.embed_all"}

// gatherable makes a FunctionCall of a call on a row whose arguments can be read beforehand, else nil.
func (r *reader) gatherable(f *pg_query.FuncCall) *FunctionCall {
	for i, a := range f.Args {
		if a.GetNamedArgExpr() != nil || i > 0 && !plain(a) {
			return nil
		}
	}
	call := r.readCall(f)
	if call == nil || gatherers[call.Function] == "" || !call.firstIsText() || call.Args[0].Null || !call.readsRow() {
		return nil
	}
	return call
}

// inputs is the arguments of an embedding as one value.
func (r *reader) inputs(c *FunctionCall) string {
	text := "pgowl.inputs("
	for i := range c.Args {
		if i > 0 {
			text += ", "
		}
		text += r.text[c.Args[i].start:c.Args[i].end]
		if i == 0 {
			text += "::pg_catalog.text"
		}
	}
	return text + ")"
}

// features is a call's arguments as one value.
func (r *reader) features(c *FunctionCall) string {
	project, features := &c.Args[0], &c.Args[1]
	return "pgowl.features(" + r.text[project.start:project.end] + "::pg_catalog.text, " + r.text[features.start:features.end] + ")"
}

// sortsByCall reports whether ORDER BY needs a prediction of every row.
func (r *reader) sortsByCall(s *pg_query.SelectStmt) bool {
	for _, node := range s.SortClause {
		by := node.GetSortBy().GetNode()
		if r.callsPerRow(by) {
			return true
		}
	}
	for i, t := range s.TargetList {
		if r.callsPerRow(t.GetResTarget().GetVal()) && sortsByTarget(s, i) {
			return true
		}
	}
	return false
}

// sortsByTarget reports whether ORDER BY names an entry of the target list, by its name or its number.
func sortsByTarget(s *pg_query.SelectStmt, i int) bool {
	target := s.TargetList[i].GetResTarget()
	name := target.GetName()
	if f := target.GetVal().GetFuncCall(); f != nil && name == "" {
		name, _ = ourName(f)
	}
	for _, node := range s.SortClause {
		by := node.GetSortBy().GetNode()
		if c := by.GetColumnRef(); c != nil && len(c.Fields) == 1 && c.Fields[0].GetString_().GetSval() == name {
			return true
		}
		if c := by.GetAConst(); c != nil && int(c.GetIval().GetIval()) == i+1 {
			return true
		}
	}
	return false
}

// plain reports whether an expression is certain to be allowed inside a window function's argument: no function that may return a set, or
// be a window function or an aggregate itself.
func plain(node *pg_query.Node) bool {
	all := func(nodes []*pg_query.Node) bool {
		for _, n := range nodes {
			if !plain(n) {
				return false
			}
		}
		return true
	}
	switch n := node.Node.(type) {
	case *pg_query.Node_ColumnRef:
		return !isStar(node)
	case *pg_query.Node_AConst, *pg_query.Node_ParamRef:
		return true
	case *pg_query.Node_TypeCast:
		return plain(n.TypeCast.Arg)
	case *pg_query.Node_AArrayExpr:
		return all(n.AArrayExpr.Elements)
	case *pg_query.Node_RowExpr:
		return all(n.RowExpr.Args)
	case *pg_query.Node_CoalesceExpr:
		return all(n.CoalesceExpr.Args)
	case *pg_query.Node_FuncCall:
		return scalar(n.FuncCall) && all(n.FuncCall.Args)
	case *pg_query.Node_AExpr:
		return n.AExpr.Kind == pg_query.A_Expr_Kind_AEXPR_OP && (n.AExpr.Lexpr == nil || plain(n.AExpr.Lexpr)) && plain(n.AExpr.Rexpr)
	}
	return false
}
