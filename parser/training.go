package parser

import (
	"strings"

	pg_query "github.com/pganalyze/pg_query_go/v6"
)

// Training is a call of pgml.train or pgml.train_joint that is all a statement does, with arguments that are known before it runs. What it is going to
// read can be read before, then.
type Training struct {
	Function  string // train or train_joint
	Arguments string // the list as it stands in the text, in its parentheses
}

// trainings are the functions that read a relation.
var trainings = map[string]bool{"train": true, "train_joint": true}

// training finds the call, if the statement is of that kind: SELECT columns FROM call, or SELECT call. Nothing else of it may run code of a user's, who
// could train in between, nor keep the call from being made.
func (r *reader) training(s *pg_query.SelectStmt) *Training {
	if s == nil || s.Op != pg_query.SetOperation_SETOP_NONE || len(s.DistinctClause) > 0 || len(s.GroupClause) > 0 || s.HavingClause != nil ||
		len(s.ValuesLists) > 0 || s.WhereClause != nil || s.WithClause != nil || s.LimitCount != nil || s.LimitOffset != nil || s.IntoClause != nil ||
		len(s.SortClause) > 0 || len(s.LockingClause) > 0 || len(s.WindowClause) > 0 || len(s.TargetList) == 0 || len(s.FromClause) > 1 {
		return nil
	}
	if len(s.FromClause) == 0 {
		if len(s.TargetList) > 1 {
			return nil
		}
		return r.trainingCall(s.TargetList[0].GetResTarget().GetVal().GetFuncCall())
	}
	f := s.FromClause[0].GetRangeFunction()
	if f == nil || f.Lateral || f.Ordinality || f.IsRowsfrom || len(f.Functions) != 1 || len(f.Coldeflist) > 0 {
		return nil
	}
	for _, target := range s.TargetList {
		if !plainTarget(target.GetResTarget().GetVal()) {
			return nil
		}
	}
	items := f.Functions[0].GetList().GetItems()
	if len(items) == 0 {
		return nil
	}
	return r.trainingCall(items[0].GetFuncCall())
}

// plainTarget tells the entries of a target list that are the function's columns, constants, or count(*).
func plainTarget(node *pg_query.Node) bool {
	if f := node.GetFuncCall(); f != nil {
		return f.AggStar && f.Over == nil && f.AggFilter == nil && len(f.Funcname) == 1 && f.Funcname[0].GetString_().GetSval() == "count"
	}
	return node.GetColumnRef() != nil || node.GetAConst() != nil
}

func (r *reader) trainingCall(f *pg_query.FuncCall) *Training {
	if f == nil || len(f.AggOrder) > 0 || f.AggFilter != nil || f.Over != nil || f.AggStar || f.AggDistinct || f.AggWithinGroup || f.FuncVariadic {
		return nil
	}
	name, ok := ourName(f)
	if !ok || !trainings[name] {
		return nil
	}
	for _, arg := range f.Args {
		if named := arg.GetNamedArgExpr(); named != nil {
			arg = named.Arg
		}
		if !given(arg) {
			return nil
		}
	}
	end, _, ok := callSpan(r.tokens, int(f.Location))
	if !ok {
		return nil
	}
	from := at(r.tokens, int(f.Location))
	for r.tokens[from].kind != open {
		from++
	}
	r.params(f.ProtoReflect())
	return &Training{Function: name, Arguments: r.text[r.tokens[from].start:end]}
}

// given tells the arguments whose value is in the text or comes with it: reading it runs nothing but the types' own input functions.
func given(node *pg_query.Node) bool {
	switch n := node.GetNode().(type) {
	case *pg_query.Node_AConst, *pg_query.Node_ParamRef:
		return true
	case *pg_query.Node_TypeCast:
		return givenType(n.TypeCast.TypeName) && given(n.TypeCast.Arg)
	case *pg_query.Node_AArrayExpr:
		for _, e := range n.AArrayExpr.Elements {
			if !given(e) {
				return false
			}
		}
		return true
	}
	return false
}

// givenType tells the types that an argument may be cast to: the server's own, and the registry's.
func givenType(t *pg_query.TypeName) bool {
	if t == nil || t.Setof || t.PctType || len(t.Typmods) > 0 || len(t.Names) == 0 {
		return false
	}
	if len(t.Names) == 2 && t.Names[0].GetString_().GetSval() == "pgml" {
		return true
	}
	name, ok := typeName(&pg_query.TypeName{Names: t.Names})
	return ok && !strings.Contains(name, "[")
}
