package parser

import (
	"strconv"
	"strings"

	pg_query "github.com/pganalyze/pg_query_go/v6"
)

// signature is what the lanes know of an engine function: the names of its arguments by place, and its result.
type signature struct {
	places map[string]int
	needed int
	result string
}

var signatures = map[string]signature{
	"embed":         {map[string]int{"transformer": 0, "text": 1, "kwargs": 2}, 2, "real[]"},
	"predict":       {map[string]int{"project_name": 0, "model_id": 0, "features": 1}, 2, "real"},
	"predict_proba": {map[string]int{"project_name": 0, "model_id": 0, "features": 1}, 2, "real[]"},
}

// readCall makes a FunctionCall of a node that calls one of ours in a way that a lane may take, else nil.
func (r *reader) readCall(f *pg_query.FuncCall) *FunctionCall {
	name, ok := ourName(f)
	sig, known := signatures[name]
	if !ok || !known || len(f.AggOrder) > 0 || f.AggFilter != nil || f.Over != nil || f.AggStar || f.AggDistinct ||
		f.AggWithinGroup || f.FuncVariadic {
		return nil
	}
	end, spans, ok := callSpan(r.tokens, int(f.Location))
	if !ok || len(spans) != len(f.Args) {
		return nil
	}
	call := &FunctionCall{Function: name, Result: sig.result, start: int(f.Location), end: end, Args: make([]Arg, sig.needed)}
	for i, node := range f.Args {
		place := i
		if named := node.GetNamedArgExpr(); named != nil {
			place, ok = sig.places[named.Name]
			if !ok {
				return nil
			}
			node = named.Arg
		}
		for place >= len(call.Args) && place < len(sig.places) {
			call.Args = append(call.Args, Arg{})
		}
		if place >= len(call.Args) || call.Args[place].Kind != Missing {
			return nil
		}
		arg := r.readArg(node)
		arg.start, arg.end = spans[i][0], spans[i][1]
		call.Args[place] = arg
	}
	for i := range sig.needed {
		if call.Args[i].Kind == Missing {
			return nil
		}
	}
	return call
}

func ourName(f *pg_query.FuncCall) (string, bool) {
	if len(f.Funcname) != 2 || f.Funcname[0].GetString_().GetSval() != "pgml" {
		return "", false
	}
	return f.Funcname[1].GetString_().GetSval(), true
}

func (r *reader) readArg(node *pg_query.Node) Arg {
	switch n := node.Node.(type) {
	case *pg_query.Node_AConst:
		return readConst(n.AConst)
	case *pg_query.Node_ParamRef:
		return Arg{Kind: Param, Param: int(n.ParamRef.Number)}
	case *pg_query.Node_TypeCast:
		arg := r.readArg(n.TypeCast.Arg)
		if arg.Kind != Const && arg.Kind != Param || arg.Type != "" && arg.Type != "unknown" && !strings.HasSuffix(arg.Type, "[]") {
			return Arg{Kind: Column}
		}
		to, ok := typeName(n.TypeCast.TypeName)
		if !ok || arg.Type != "" && arg.Type != "unknown" && !castable(arg.Type, to) {
			return Arg{Kind: Column}
		}
		arg.Type = to
		return arg
	case *pg_query.Node_AArrayExpr:
		return readArray(n.AArrayExpr)
	case *pg_query.Node_FuncCall:
		if call := r.readCall(n.FuncCall); call != nil {
			return Arg{Kind: Nested, Call: call}
		}
	case *pg_query.Node_SubLink:
		if call := r.readScalarSelect(n.SubLink); call != nil {
			return Arg{Kind: Nested, Call: call}
		}
	}
	return Arg{Kind: Column}
}

// readScalarSelect reads (SELECT call), which is the call.
func (r *reader) readScalarSelect(s *pg_query.SubLink) *FunctionCall {
	q := s.Subselect.GetSelectStmt()
	if s.SubLinkType != pg_query.SubLinkType_EXPR_SUBLINK || q == nil || len(q.TargetList) != 1 || len(q.FromClause) > 0 ||
		q.WhereClause != nil || len(q.GroupClause) > 0 || q.HavingClause != nil || q.LimitCount != nil || q.LimitOffset != nil ||
		q.WithClause != nil || q.Op != pg_query.SetOperation_SETOP_NONE || len(q.DistinctClause) > 0 || q.IntoClause != nil ||
		len(q.SortClause) > 0 || len(q.LockingClause) > 0 || len(q.WindowClause) > 0 || len(q.ValuesLists) > 0 {
		return nil
	}
	f := q.TargetList[0].GetResTarget().GetVal().GetFuncCall()
	if f == nil {
		return nil
	}
	call := r.readCall(f)
	if call == nil || !call.foldable() {
		return nil // a column from outside would be another thing
	}
	return call
}

func readConst(c *pg_query.A_Const) Arg {
	if c.Isnull {
		return Arg{Kind: Const, Null: true, Type: "unknown"}
	}
	switch v := c.Val.(type) {
	case *pg_query.A_Const_Sval:
		return Arg{Kind: Const, Value: v.Sval.Sval, Type: "unknown"}
	case *pg_query.A_Const_Ival:
		return Arg{Kind: Const, Value: strconv.Itoa(int(v.Ival.Ival)), Type: "integer"}
	case *pg_query.A_Const_Fval:
		return Arg{Kind: Const, Value: v.Fval.Fval, Type: "numeric"}
	case *pg_query.A_Const_Boolval:
		return Arg{Kind: Const, Value: strconv.FormatBool(v.Boolval.Boolval), Type: "boolean"}
	}
	return Arg{Kind: Column}
}

// readArray reads ARRAY[...] of numbers, all integer or numeric as Postgres would type it.
func readArray(a *pg_query.A_ArrayExpr) Arg {
	if len(a.Elements) == 0 {
		return Arg{Kind: Column}
	}
	var b strings.Builder
	b.WriteByte('{')
	kind := "integer[]"
	for i, node := range a.Elements {
		if i > 0 {
			b.WriteByte(',')
		}
		if e := node.GetAExpr(); e != nil && e.Kind == pg_query.A_Expr_Kind_AEXPR_OP && e.Lexpr == nil &&
			len(e.Name) == 1 && e.Name[0].GetString_().GetSval() == "-" {
			b.WriteByte('-')
			node = e.Rexpr
		}
		c := node.GetAConst()
		if c == nil || c.Isnull {
			return Arg{Kind: Column}
		}
		arg := readConst(c)
		switch arg.Type {
		case "integer":
		case "numeric":
			kind = "numeric[]"
		default:
			return Arg{Kind: Column}
		}
		b.WriteString(arg.Value)
	}
	b.WriteByte('}')
	return Arg{Kind: Const, Value: b.String(), Type: kind}
}

// typeNames maps the grammar's internal names to those that the manual uses.
var typeNames = map[string]string{
	"text": "text", "varchar": "text", "jsonb": "jsonb", "float4": "real", "real": "real", "float8": "double precision",
	"int2": "smallint", "int4": "integer", "int8": "bigint", "bool": "boolean", "numeric": "numeric", "bigint": "bigint",
}

// typeName gives the name of a plain type or a one-dimensional array of one.
func typeName(t *pg_query.TypeName) (string, bool) {
	if t == nil || t.Setof || t.PctType || len(t.Typmods) > 0 || len(t.ArrayBounds) > 1 || len(t.Names) == 0 || len(t.Names) > 2 ||
		len(t.Names) == 2 && t.Names[0].GetString_().GetSval() != "pg_catalog" {
		return "", false
	}
	name, ok := typeNames[t.Names[len(t.Names)-1].GetString_().GetSval()]
	if ok && len(t.ArrayBounds) == 1 {
		name += "[]"
	}
	return name, ok
}

// castable tells the casts between array literals that change no value beyond what the engine would do itself.
func castable(from, to string) bool {
	return (from == "integer[]" || from == "numeric[]") && (to == "real[]" || to == "double precision[]") || from == to
}

// foldable reports whether all that the call needs is known before the statement runs.
func (c *FunctionCall) foldable() bool {
	for i := range c.Args {
		a := &c.Args[i]
		switch a.Kind {
		case Column:
			return false
		case Nested:
			if c.Function == "embed" || !a.Call.foldable() {
				return false
			}
		case Const, Param:
			if !fits(c.Function, i, a) {
				return false
			}
		}
	}
	return true
}

// fits reports whether Postgres would take a literal or parameter of this type for this argument without doubt about the overload.
func fits(function string, place int, a *Arg) bool {
	text := a.Kind == Const && a.Type == "unknown" && !a.Null || a.Type == "text"
	switch {
	case function == "embed" && place < 2:
		return text || a.Kind == Param && a.Type == ""
	case function == "embed":
		return a.Kind == Const && a.Type == "unknown" || a.Type == "jsonb" || a.Kind == Param && a.Type == ""
	case place == 0:
		return text || a.Kind == Param && a.Type == "" // the session knows the declared type, or leaves it
	}
	switch a.Type {
	case "real[]", "double precision[]", "smallint[]", "integer[]", "bigint[]":
		return true
	case "":
		return a.Kind == Param
	}
	return false
}
