package parser

import (
	"unicode/utf8"

	pg_query "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxText is the longest text that is parsed; longer ones (bulk inserts, mostly) take the call lane.
const maxText = 1 << 20

type reader struct {
	text   string
	tokens []token
	plan   *Plan
	byText map[string]int // text of a folded call to its number
}

// Parse plans a text. It never fails: what it cannot read or improve is left to the server.
func Parse(text string) *Plan {
	asIs := &Plan{text: text}
	if len(text) > maxText || !utf8.ValidString(text) {
		return asIs
	}
	tokens, err := scan(text)
	if err != nil || depth(tokens) > maxDepth {
		return asIs
	}
	tree, err := pg_query.Parse(text)
	if err != nil {
		return asIs
	}
	r := &reader{text: text, tokens: tokens, plan: &Plan{text: text}, byText: map[string]int{}}
	if r.extensions(tree.Stmts) {
		return r.plan
	}
	// A statement may change what a later one in the same text has to see, so only a lone one is worked out beforehand.
	if len(tree.Stmts) != 1 {
		return asIs
	}
	stmt := tree.Stmts[0].Stmt
	source := stored(stmt)
	if stmt.GetSelectStmt() == nil && stmt.GetInsertStmt() == nil && stmt.GetUpdateStmt() == nil && stmt.GetDeleteStmt() == nil && source == nil {
		return asIs
	}
	if s := stmt.GetSelectStmt(); s != nil && s.IntoClause != nil {
		return asIs
	}
	if t := r.training(stmt.GetSelectStmt()); t != nil {
		r.plan.Training = t
		return r.plan
	}
	taken := r.columns(stmt.GetSelectStmt())
	if len(taken) == 0 && source == nil {
		source = stmt.GetSelectStmt()
	}
	if source != nil {
		taken = r.batch(source)
	}
	if taken == nil {
		taken = map[*pg_query.FuncCall]bool{}
	}
	memo := len(r.plan.Filters) == 0 && r.memo(stmt, taken)
	if stmt.GetCopyStmt() == nil { // which takes no parameters, and folded values are some; the planner computes a constant call once
		r.walk(stmt.ProtoReflect(), taken)
	}
	switch {
	case len(r.plan.Columns)+len(r.plan.Filters) > 0:
		r.plan.Lane = Stream
	case memo || source != nil && len(taken) > 0:
		r.plan.Lane = Batch
	case len(r.plan.Folds) > 0:
		r.plan.Lane = Fold
	}
	return r.plan
}

// walk finds the calls that can be folded, outermost first, and the highest parameter number. Calls in taken are the stream's.
func (r *reader) walk(m protoreflect.Message, taken map[*pg_query.FuncCall]bool) {
	if !m.IsValid() {
		return
	}
	switch n := m.Interface().(type) {
	case *pg_query.ParamRef:
		r.plan.MaxParam = max(r.plan.MaxParam, int(n.Number))
	case *pg_query.FuncCall:
		if taken[n] {
			r.params(m) // its arguments are the stream's business
			return
		}
		if call := r.readCall(n); call != nil && call.foldable() && call.firstIsText() {
			r.fold(call)
			r.params(m)
			return
		}
	case *pg_query.RangeFunction:
		// A function in FROM has to stay a function; its arguments need not.
		for _, f := range n.Functions {
			for _, item := range f.GetList().GetItems() {
				if call := item.GetFuncCall(); call != nil {
					for _, arg := range call.Args {
						r.walk(arg.ProtoReflect(), taken)
					}
				} else if item != nil {
					r.walk(item.ProtoReflect(), taken)
				}
			}
		}
		return
	}
	eachChild(m, func(child protoreflect.Message) { r.walk(child, taken) })
}

// eachChild visits the nodes right below a node.
func eachChild(m protoreflect.Message, visit func(protoreflect.Message)) {
	m.Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case field.Kind() != protoreflect.MessageKind:
		case field.IsList():
			for i := range v.List().Len() {
				visit(v.List().Get(i).Message())
			}
		default:
			visit(v.Message())
		}
		return true
	})
}

// params notes the parameters below a node.
func (r *reader) params(m protoreflect.Message) {
	eachChild(m, r.params)
	if p, ok := m.Interface().(*pg_query.ParamRef); ok {
		r.plan.MaxParam = max(r.plan.MaxParam, int(p.Number))
	}
}

func (r *reader) fold(call *FunctionCall) {
	text := r.text[call.start:call.end]
	i, known := r.byText[text]
	if !known {
		i = len(r.plan.Folds)
		r.byText[text] = i
		r.plan.Folds = append(r.plan.Folds, call)
	}
	r.plan.folds = append(r.plan.folds, foldPlace{i, call.start, call.end})
}

// firstIsText reports whether the call's first argument is text for sure, which delaying the call needs.
func (c *FunctionCall) firstIsText() bool {
	a := &c.Args[0]
	if a.Kind == Param {
		return c.Function == "embed" || a.Type == "text"
	}
	return a.Kind == Const && (a.Type == "unknown" || a.Type == "text")
}
