package parser

import (
	pg_query "github.com/pganalyze/pg_query_go/v6"
)

// stored gives the SELECT whose rows a statement stores: INSERT ... SELECT, CREATE TABLE AS; nil for others.
func stored(stmt *pg_query.Node) *pg_query.SelectStmt {
	if i := stmt.GetInsertStmt(); i != nil {
		return i.GetSelectStmt().GetSelectStmt()
	}
	if c := stmt.GetCreateTableAsStmt(); c != nil && c.Objtype == pg_query.ObjectType_OBJECT_TABLE {
		return c.GetQuery().GetSelectStmt()
	}
	return nil
}

// The rows that the server reads within a millisecond make a batch: thousands of a table, a few of a slow join, each of a source that is
// slower than a call. The number of a row in its batch is its place in the answer.
const batchWindow = "(PARTITION BY pg_catalog.date_trunc('milliseconds', pg_catalog.clock_timestamp()))"

// batch makes the edits that have the server gather the arguments of predictions in the target list (see 25_batch.sql in exec/catalog), and gives
// the calls. Each edit keeps the call where it is never evaluated, so that the server checks and types it as ever. A statement whose rows
// would not all be computed, or in which a window function has no place, is left as it is.
func (r *reader) batch(s *pg_query.SelectStmt) map[*pg_query.FuncCall]bool {
	if s.Op != pg_query.SetOperation_SETOP_NONE || len(s.DistinctClause) > 0 || len(s.GroupClause) > 0 || s.HavingClause != nil ||
		len(s.ValuesLists) > 0 || len(s.FromClause) == 0 || s.LimitCount != nil || s.LimitOffset != nil || len(s.LockingClause) > 0 ||
		len(s.WindowClause) > 0 {
		return nil
	}
	taken := map[*pg_query.FuncCall]bool{}
	for _, node := range s.TargetList {
		f := node.GetResTarget().GetVal().GetFuncCall()
		if f == nil || len(f.Args) != 2 || f.Args[0].GetNamedArgExpr() != nil || f.Args[1].GetNamedArgExpr() != nil {
			continue
		}
		call := r.readCall(f)
		if call == nil || call.Function != "predict" || !call.firstIsText() || call.Args[0].Null || !call.readsRow() || !plain(f.Args[1]) {
			continue
		}
		project, features := &call.Args[0], &call.Args[1]
		kept, inner := r.plan.delayed(call)
		text := neverCalled + kept + " ELSE (pgowl.predict_all(pgowl.features(" + r.text[project.start:project.end] + "::pg_catalog.text, " +
			r.text[features.start:features.end] + ")) OVER " + batchWindow + ")[(pg_catalog.row_number() OVER " + batchWindow + ")::pg_catalog.int4] END"
		if node.GetResTarget().Name == "" {
			text += ` AS "predict"`
		}
		r.plan.edits = append(r.plan.edits, edit{start: call.start, end: call.end, text: text, kept: len(neverCalled), keptEnd: len(neverCalled) + len(kept), inner: inner, from: call.start})
		taken[f] = true
	}
	return taken
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
	case *pg_query.Node_AExpr:
		return n.AExpr.Kind == pg_query.A_Expr_Kind_AEXPR_OP && (n.AExpr.Lexpr == nil || plain(n.AExpr.Lexpr)) && plain(n.AExpr.Rexpr)
	}
	return false
}
