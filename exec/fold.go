package exec

import (
	"context"
	"sync"
	"time"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/parser"
)

var errUnknownType = function.Errorf("42P18", "could not determine data type of parameter")

// Fold computes the calls of a plan that depend on nothing but literals and parameters. What cannot be computed here, for whatever
// reason, is left to the server, which calls the function and gives the error its place: values[i].OK is false. asParams says that the values will be parameters, of which the
// server takes vectors in binary form in a tenth of the time that it takes to read their text.
func (e *Engine) Fold(ctx context.Context, p *parser.Plan, params []Param, asParams bool) []parser.Value {
	values := make([]parser.Value, len(p.Folds))
	for i, c := range p.Folds {
		values[i] = e.foldCall(ctx, c, params, asParams)
	}
	return values
}

func (e *Engine) foldCall(ctx context.Context, c *parser.FunctionCall, params []Param, asParam bool) parser.Value {
	var id int64
	args := func(_ int, a *parser.Arg) (Field, []byte, error) {
		f, v, err := foldArgument(a, params)
		if err != nil || v == nil || c.Function == "embed" || a != &c.Args[0] {
			return f, v, err
		}
		project, err := textOf(f, v)
		if err != nil {
			return f, nil, err
		}
		if id, err = e.liveModel(ctx, project); err != nil {
			return f, nil, err
		}
		return Field{OID: oidInt8}, itoa(id), nil
	}
	out, err := e.compute(ctx, foldLane, c, 1, args)
	if err != nil || out.null[0] {
		return parser.Value{} // the server knows best what to say, or that the result is NULL
	}
	v := parser.Value{OK: true, Model: id}
	switch {
	case out.reals != nil:
		v.Text = string(appendReal(nil, out.reals[0]))
	case asParam:
		v.Binary = encodeReals(make([]byte, 0, 20+8*len(out.vectors[0])), 1, out.vectors[0])
	default:
		v.Text = string(appendReals(nil, out.vectors[0]))
	}
	return v
}

// foldArgument gives a literal's or a parameter's value.
func foldArgument(a *parser.Arg, params []Param) (Field, []byte, error) {
	f := Field{OID: typeOIDs[a.Type]}
	switch a.Kind {
	case parser.Const:
		if a.Null {
			return f, nil, nil
		}
		return f, []byte(a.Value), nil
	case parser.Param:
		if a.Param < 1 || a.Param > len(params) {
			return f, nil, errUnknownType
		}
		p := params[a.Param-1]
		switch {
		case p.OID != 0:
			f.OID = p.OID
		case a.Type == "":
			f.OID = oidText // of an argument that is text, or jsonb, in text form
			if p.Format == 1 && a.Type == "" {
				f.OID = 0
			}
		}
		f.Format = p.Format
		if p.Value != nil && f.OID == 0 {
			return f, nil, errUnknownType
		}
		return f, p.Value, nil
	}
	return f, nil, errUnknownType
}

// A project's model is looked up again after this long. An older answer does no harm beyond a wasted computation: the server
// compares it with what the statement sees.
const projectAge = time.Second

type projectCache struct {
	mu     sync.Mutex
	models map[string]projectModel
}

type projectModel struct {
	id int64
	at time.Time
}

// liveModel gives the model that a project has deployed, as committed.
func (e *Engine) liveModel(ctx context.Context, project string) (int64, error) {
	e.projects.mu.Lock()
	m, ok := e.projects.models[project]
	e.projects.mu.Unlock()
	if ok && time.Since(m.at) < projectAge {
		return m.id, nil
	}
	var id *int64
	if err := e.pool.QueryRow(ctx, "SELECT pgowl.live_model($1)", project).Scan(&id); err != nil {
		return 0, err
	}
	if id == nil {
		return 0, function.Errorf("XX000", "No deployed model exists for the project named: `%s`", project)
	}
	e.projects.mu.Lock()
	defer e.projects.mu.Unlock()
	if e.projects.models == nil || len(e.projects.models) > 10000 {
		e.projects.models = map[string]projectModel{}
	}
	e.projects.models[project] = projectModel{*id, time.Now()}
	return *id, nil
}
