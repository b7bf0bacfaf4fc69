package parser

import (
	"maps"
	"slices"
	"strings"

	pg_query "github.com/pganalyze/pg_query_go/v6"
)

// A memo is for calls in WHERE and SET, where no window function may stand: a sub-select reads the relation beforehand, gathers the arguments
// as in a batch, and keeps what they give by a hash of them, sorted, in two arrays; each row then looks its own up. A row that isn't found
// there (another transaction has changed it meanwhile; an argument that the function refuses) is given to the function, so that a memo never
// changes an answer.

// memoSource is the relation that a statement reads, and the conditions that can be checked before any call.
type memoSource struct {
	relation   span
	conditions []span
}

type span struct{ start, end int }

// memo makes the edits for the calls in a statement's WHERE and SET, and adds them to taken.
func (r *reader) memo(stmt *pg_query.Node, taken map[*pg_query.FuncCall]bool) bool {
	before := len(r.plan.edits)
	found := map[*pg_query.FuncCall]bool{}
	tables, doubtful := r.plan.Tables, r.plan.Doubtful
	if !r.tryMemo(stmt, found) || len(found) == 0 {
		r.plan.edits, r.plan.Tables, r.plan.Doubtful = r.plan.edits[:before], tables, doubtful
		return false
	}
	maps.Copy(taken, found)
	return len(found) > 0
}

func (r *reader) tryMemo(stmt *pg_query.Node, taken map[*pg_query.FuncCall]bool) bool {
	if s := stored(stmt); s != nil && stmt.GetCopyStmt() == nil {
		stmt = &pg_query.Node{Node: &pg_query.Node_SelectStmt{SelectStmt: s}}
	}
	var where *pg_query.Node
	var relation *pg_query.RangeVar
	var exprs []*pg_query.Node
	begins, ends := pg_query.Token_FROM, []pg_query.Token{pg_query.Token_WHERE, pg_query.Token_RETURNING}
	switch n := stmt.Node.(type) {
	case *pg_query.Node_SelectStmt:
		s := n.SelectStmt
		if s.Op != pg_query.SetOperation_SETOP_NONE || len(s.FromClause) != 1 || s.LimitCount != nil || s.LimitOffset != nil || s.WithClause != nil {
			return false
		}
		where, relation = s.WhereClause, s.FromClause[0].GetRangeVar()
	case *pg_query.Node_UpdateStmt:
		u := n.UpdateStmt
		if len(u.FromClause) > 0 || u.WithClause != nil {
			return false
		}
		where, relation, begins, ends = u.WhereClause, u.Relation, pg_query.Token_UPDATE, []pg_query.Token{pg_query.Token_SET}
		for _, t := range u.TargetList {
			exprs = append(exprs, t.GetResTarget().GetVal())
		}
	case *pg_query.Node_DeleteStmt:
		d := n.DeleteStmt
		if len(d.UsingClause) > 0 || d.WithClause != nil {
			return false
		}
		where, relation = d.WhereClause, d.Relation
	}
	if relation == nil {
		return false
	}
	source := memoSource{}
	var ok bool
	if source.relation, ok = r.between(stmtStart(r.tokens), begins, ends...); !ok {
		return false
	}
	conditions, ok := r.conditions(where)
	if !ok {
		return false
	}
	asked := len(exprs)
	for _, c := range conditions {
		if mentionsCall(c.node) {
			exprs = append(exprs, c.node)
		} else if !checkable(c.node) {
			return false // it may keep all but a few rows out, and isn't ours to evaluate twice
		} else {
			source.conditions = append(source.conditions, c.span)
		}
	}
	for _, c := range source.conditions {
		if r.sharesParams(c) {
			return false // the copy comes first, and would decide their types
		}
	}
	r.plan.Tables, r.plan.Doubtful = []string{tableName(relation)}, true
	for i, e := range exprs {
		if !r.look(e, source, taken) && i >= asked {
			return false // a condition that the memo's rows would not be held to
		}
	}
	return true
}

// sharesParams reports whether a parameter in a part of the text stands elsewhere, too.
func (r *reader) sharesParams(s span) bool {
	for _, t := range r.tokens {
		if t.kind != pg_query.Token_PARAM || t.start < s.start || t.start >= s.end {
			continue
		}
		for _, other := range r.tokens {
			if other.kind == t.kind && other.start != t.start && r.text[other.start:other.end] == r.text[t.start:t.end] {
				return true
			}
		}
	}
	return false
}

// tableName is a relation's name as ::regclass reads it.
func tableName(v *pg_query.RangeVar) string {
	quote := func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
	if v.Schemaname != "" {
		return quote(v.Schemaname) + "." + quote(v.Relname)
	}
	return quote(v.Relname)
}

func stmtStart(tokens []token) int { return tokens[0].start }

// between is what stands between a keyword, the first of its kind from a place on, and the next of some others, outside of parentheses.
func (r *reader) between(from int, begins pg_query.Token, ends ...pg_query.Token) (span, bool) {
	depth := 0
	start, last := -1, 0
	var before pg_query.Token
	first := at(r.tokens, from)
	for i, t := range r.tokens[first:] {
		i += first
		switch {
		case t.kind == open:
			depth++
		case t.kind == closing:
			depth--
		case depth > 0:
		case start < 0 && t.kind == begins && before != pg_query.Token_DISTINCT: // IS DISTINCT FROM
			start = t.end
			continue
		case start >= 0 && (slices.Contains(ends, t.kind) || t.kind == semi) && !(t.kind == pg_query.Token_WITH && r.followedBy(i, pg_query.Token_TIME)):
			return span{start, last}, true
		}
		before, last = t.kind, t.end
	}
	return span{start, last}, start >= 0
}

// followedBy reports what kind of token comes behind one: WITH TIME ZONE begins no clause.
func (r *reader) followedBy(i int, kind pg_query.Token) bool {
	return i+1 < len(r.tokens) && r.tokens[i+1].kind == kind
}

type condition struct {
	node *pg_query.Node
	span span
}

// conditions takes a WHERE clause apart: what its outermost ANDs join, with its text. It reports false where it can't be sure of that text.
func (r *reader) conditions(where *pg_query.Node) ([]condition, bool) {
	if where == nil {
		return nil, true
	}
	nodes := []*pg_query.Node{where}
	if b := where.GetBoolExpr(); b != nil && b.Boolop == pg_query.BoolExprType_AND_EXPR {
		nodes = b.Args
	}
	all, ok := r.between(stmtStart(r.tokens), pg_query.Token_WHERE, pg_query.Token_RETURNING, pg_query.Token_GROUP_P, pg_query.Token_HAVING, pg_query.Token_WINDOW,
		pg_query.Token_ORDER, pg_query.Token_FOR, pg_query.Token_ON, pg_query.Token_WITH)
	if !ok {
		return nil, false
	}
	if len(nodes) == 1 {
		return []condition{{where, all}}, true
	}
	var spans []span
	depth, begin, last := 0, all.start, all.start
	for _, t := range r.tokens[at(r.tokens, all.start):] {
		if t.start >= all.end {
			break
		}
		switch {
		case t.kind == open:
			depth++
		case t.kind == closing:
			depth--
		case depth > 0:
		case t.kind == pg_query.Token_BETWEEN || t.kind == pg_query.Token_CASE || t.kind == pg_query.Token_OR:
			return nil, false // an AND of theirs is none of ours
		case t.kind == pg_query.Token_AND:
			spans = append(spans, span{begin, last})
			begin = t.end
		}
		last = t.end
	}
	spans = append(spans, span{begin, last})
	if len(spans) != len(nodes) {
		return nil, false
	}
	result := make([]condition, len(nodes))
	for i := range nodes {
		result[i] = condition{nodes[i], spans[i]}
	}
	return result, true
}

// look makes the edits for the calls in an expression, outside of its sub-selects.
func (r *reader) look(node *pg_query.Node, source memoSource, taken map[*pg_query.FuncCall]bool) bool {
	found := false
	each := func(nodes ...*pg_query.Node) {
		for _, n := range nodes {
			found = r.look(n, source, taken) || found
		}
	}
	switch n := node.GetNode().(type) {
	case *pg_query.Node_AExpr:
		each(n.AExpr.Lexpr, n.AExpr.Rexpr)
	case *pg_query.Node_BoolExpr: // not AND and OR: what stands behind them may not be evaluated, and its arguments may fail
		if n.BoolExpr.Boolop == pg_query.BoolExprType_NOT_EXPR {
			each(n.BoolExpr.Args...)
		}
	case *pg_query.Node_TypeCast:
		each(n.TypeCast.Arg)
	case *pg_query.Node_NullTest:
		each(n.NullTest.Arg)
	case *pg_query.Node_List:
		each(n.List.Items...)
	case *pg_query.Node_FuncCall:
		if call := r.gatherable(n.FuncCall); call != nil && call.Function == "predict" && bare(n.FuncCall.Args[1]) {
			r.plan.edits = append(r.plan.edits, r.lookup(call, source))
			taken[n.FuncCall] = true
			return true
		}
		if _, ours := ourName(n.FuncCall); !ours {
			each(n.FuncCall.Args...)
		}
	}
	return found
}

// lookup is the edit that has a call looked up.
func (r *reader) lookup(c *FunctionCall, source memoSource) edit {
	e := edit{start: c.start, end: c.end, from: c.start}
	var b strings.Builder
	copied := func(s span) {
		e.copies = append(e.copies, textCopy{at: b.Len(), end: b.Len() + s.end - s.start, from: s.start})
		b.WriteString(r.text[s.start:s.end])
	}
	b.WriteString(neverCalled)
	e.kept = b.Len()
	var kept string
	kept, e.inner = r.plan.delayed(c)
	b.WriteString(kept)
	e.keptEnd = b.Len()
	b.WriteString(" ELSE coalesce((SELECT CASE WHEN (d).keys[i] OPERATOR(pg_catalog.=) h THEN (d).predictions[i] END FROM (SELECT d, h, pg_catalog.width_bucket(h, (d).keys) AS i" +
		" FROM (SELECT (SELECT ROW(pg_catalog.array_agg(k), pg_catalog.array_agg(v))::pgowl.memo FROM (SELECT k, v FROM (SELECT pgowl.memo_key(f) AS k, (pgowl.predict_known(f) OVER " +
		batchWindow + ")[(pg_catalog.row_number() OVER " + batchWindow + ")::pg_catalog.int4] AS v FROM (SELECT ")
	features := r.features(c)
	b.WriteString(features + " AS f FROM")
	copied(source.relation)
	for i, s := range source.conditions {
		b.WriteString([]string{" WHERE", " AND"}[min(i, 1)])
		copied(s)
	}
	b.WriteString(" OFFSET 0) r) s WHERE v IS NOT NULL ORDER BY k) o) AS d, pgowl.memo_key(" + features + ") AS h OFFSET 0) a OFFSET 0) b), ")
	b.WriteString(kept + ") END")
	e.text = b.String()
	return e
}

// bare reports whether a row's features are there as they are, so that to read them of more rows than the statement would cannot fail.
func bare(node *pg_query.Node) bool {
	switch n := node.GetNode().(type) {
	case *pg_query.Node_ColumnRef:
		return !isStar(node)
	case *pg_query.Node_AConst, *pg_query.Node_ParamRef:
		return true
	case *pg_query.Node_AArrayExpr:
		for _, e := range n.AArrayExpr.Elements {
			if !bare(e) {
				return false
			}
		}
		return true
	case *pg_query.Node_TypeCast:
		return n.TypeCast.Arg.GetAArrayExpr() != nil && bare(n.TypeCast.Arg)
	}
	return false
}

// harmless reports whether an expression cannot fail in a row that the statement doesn't want: a column of a table, a literal, an array of them.
func harmless(node *pg_query.Node) bool {
	if a := node.GetAArrayExpr(); a != nil {
		for _, e := range a.Elements {
			if !harmless(e) {
				return false
			}
		}
		return true
	}
	return node.GetTypeCast() == nil && bare(node)
}

// checkable reports whether a condition may be evaluated once more: comparisons of columns, literals and parameters.
func checkable(node *pg_query.Node) bool {
	all := func(nodes ...*pg_query.Node) bool {
		for _, n := range nodes {
			if n != nil && !checkable(n) {
				return false
			}
		}
		return true
	}
	switch n := node.GetNode().(type) {
	case *pg_query.Node_ColumnRef:
		return !isStar(node)
	case *pg_query.Node_AConst, *pg_query.Node_ParamRef, *pg_query.Node_SqlvalueFunction:
		return true
	case *pg_query.Node_TypeCast:
		return checkable(n.TypeCast.Arg)
	case *pg_query.Node_BoolExpr:
		return all(n.BoolExpr.Args...)
	case *pg_query.Node_NullTest:
		return checkable(n.NullTest.Arg)
	case *pg_query.Node_BooleanTest:
		return checkable(n.BooleanTest.Arg)
	case *pg_query.Node_List:
		return all(n.List.Items...)
	case *pg_query.Node_AArrayExpr:
		return all(n.AArrayExpr.Elements...)
	case *pg_query.Node_CoalesceExpr:
		return all(n.CoalesceExpr.Args...)
	case *pg_query.Node_AExpr:
		return all(n.AExpr.Lexpr, n.AExpr.Rexpr)
	case *pg_query.Node_FuncCall:
		return scalar(n.FuncCall) && all(n.FuncCall.Args...)
	}
	return false
}

// scalar reports whether a call is of one of scalars, by its name: who has made another function of that name for other types has made one
// that does the like.
func scalar(f *pg_query.FuncCall) bool {
	if len(f.Funcname) > 2 || len(f.Funcname) == 2 && f.Funcname[0].GetString_().GetSval() != "pg_catalog" || f.Over != nil || f.AggDistinct || f.AggFilter != nil || f.AggStar {
		return false
	}
	return slices.Contains(scalars, f.Funcname[len(f.Funcname)-1].GetString_().GetSval())
}

// scalars are functions of pg_catalog without side effects that conditions are often made of.
var scalars = []string{"now", "lower", "upper", "length", "abs", "date_trunc", "cardinality", "array_length", "octet_length", "char_length",
	"right", "substr", "btrim", "concat", "concat_ws", "replace", "trim", "ltrim", "rtrim", "left", "round", "floor", "ceil", "age", "date_part", "extract", "timezone", "starts_with", "md5", "mod"}
