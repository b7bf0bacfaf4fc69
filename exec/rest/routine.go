package rest

import (
	"net/http"
	"sort"
	"strings"
)

// routine is a function that can be called.
type routine struct {
	schema, name string
	params       []param
	returns      kind
	set          bool // it returns a set
	volatile     bool
	settings     []Setting // of its own that have to be made before it runs
	isolation    string    // of its transaction; empty: not said
}

// param is an input parameter; its name is empty where it has none.
type param struct {
	name, typ string
	required  bool
	variadic  bool
}

// kind is what a function returns, or a set of.
type kind int

const (
	scalar    kind = iota
	composite      // a row type, or several OUT parameters, or a table
	record         // a row of which only the function knows the columns
	void
)

// unnamed tells functions that take their whole input as one parameter without a name.
func (r *routine) unnamed() bool { return len(r.params) == 1 && r.params[0].name == "" }

// accepts says whether a call with these names fits: every required parameter is there, and nothing that it doesn't have.
func (r *routine) accepts(a *arguments) bool {
	if len(r.params) == 0 {
		return len(a.keys) == 0 && !a.rawPost()
	}
	left := map[string]bool{}
	for _, k := range a.keys {
		left[k] = true
	}
	for _, p := range r.params {
		if p.required && !left[p.name] {
			return false
		}
		delete(left, p.name)
	}
	return len(left) == 0
}

// takesBody says whether the body fits the function's single parameter that has no name.
func (r *routine) takesBody(a *arguments) bool {
	if !a.post || len(r.params) != 1 {
		return false
	}
	switch typ := r.params[0].typ; a.media {
	case mediaJSON:
		return typ == "json" || typ == "jsonb"
	case mediaText:
		return typ == "text"
	case mediaXML:
		return typ == "xml"
	case mediaBytes:
		return typ == "bytea"
	}
	return false
}

// rawPost is a POST whose body can't have names.
func (a *arguments) rawPost() bool {
	return a.post && (a.media == mediaText || a.media == mediaXML || a.media == mediaBytes)
}

// find picks the function for a call. whole tells that it takes the body as its only parameter.
func (c *cache) find(schema, name string, a *arguments) (r *routine, whole bool, err error) {
	overloads := c.routines[qualified{schema, name}]
	var named, bodies []*routine
	for _, r := range overloads {
		switch {
		case !r.unnamed() && r.accepts(a):
			named = append(named, r)
		case r.takesBody(a):
			bodies = append(bodies, r)
		}
	}
	switch {
	case len(named) == 1:
		return named[0], false, nil
	case len(named) > 1:
		return nil, false, ambiguous(named)
	case len(bodies) == 1:
		return bodies[0], true, nil
	case len(bodies) > 1:
		return nil, false, ambiguous(bodies)
	}
	return nil, false, c.notFound(schema, name, overloads, a)
}

func ambiguous(list []*routine) *fault {
	list = append([]*routine(nil), list...)
	sort.SliceStable(list, func(i, j int) bool { return len(list[i].params) < len(list[j].params) })
	var names []string
	for _, r := range list {
		var params []string
		for _, p := range r.params {
			params = append(params, p.name+" => "+p.typ)
		}
		names = append(names, r.schema+"."+r.name+"("+strings.Join(params, ", ")+")")
	}
	return &fault{status: http.StatusMultipleChoices, code: "PGRST203",
		message: "Could not choose the best candidate function between: " + strings.Join(names, ", "),
		hint:    "Try renaming the parameters or the function itself in the database so function overloading can be resolved"}
}

func (c *cache) notFound(schema, name string, overloads []*routine, a *arguments) *fault {
	function, given := schema+"."+name, strings.Join(a.keys, ", ")
	shown, searched := "("+given+")", " with parameter "+given
	switch len(a.keys) {
	case 0:
		shown, searched = " without parameters", " without parameters"
	case 1:
	default:
		searched = " with parameters " + given
	}
	f := &fault{status: http.StatusNotFound, code: "PGRST202"}
	if a.rawPost() {
		typ := map[string]string{mediaText: "text", mediaXML: "xml", mediaBytes: "bytea"}[a.media]
		shown, searched = "", " with a single unnamed "+typ+" parameter"
	} else {
		if a.post && a.media == mediaJSON {
			searched += " or with a single unnamed json/jsonb parameter"
		}
		f.hint = c.callHint(schema, name, overloads, a.keys)
	}
	f.message = "Could not find the function " + function + shown + " in the schema cache"
	f.details = "Searched for the function " + function + searched + ", but no matches were found in the schema cache."
	return f
}

// callHint guesses what was meant: another set of parameters, or else another function.
func (c *cache) callHint(schema, name string, overloads []*routine, keys []string) string {
	const start = "Perhaps you meant to call the function "
	list := func(names []string) string {
		names = append([]string(nil), names...)
		sort.Strings(names)
		return "(" + strings.Join(names, ", ") + ")"
	}
	if len(overloads) > 0 {
		var choices []string
		for _, r := range overloads {
			var names []string
			for _, p := range r.params {
				names = append(names, p.name)
			}
			choices = append(choices, list(names))
		}
		if best, ok := closest(choices, list(keys), 0.33); ok {
			return start + schema + "." + name + best
		}
		return ""
	}
	if best, ok := closest(c.names[schema], name, 0.75); ok {
		return start + schema + "." + best
	}
	return ""
}
