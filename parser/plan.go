package parser

import (
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Lane is the way a statement takes (DESIGN section 3).
type Lane int

// The lanes. A statement whose calls are computed by the server's own shims, or that has none, is Call: its text stays as it is.
const (
	Call      Lane = iota // as it is; the functions in the database ask the proxy
	Fold                  // some calls are computed beforehand
	Stream                // calls of the target list are computed as rows flow by; some others may be folded
	Batch                 // calls in a statement that stores rows are gathered in the server; some others may be folded
	Extension             // statements about our extensions are replaced by calls of functions
)

func (l Lane) String() string { return [...]string{"call", "fold", "stream", "batch", "extension"}[l] }

// Plan is what Parse found in a text. It is immutable.
type Plan struct {
	Lane Lane
	// Folds are the calls that can be computed beforehand, each once however often its text occurs.
	Folds []*FunctionCall
	// Columns are the calls in the target list that are computed as rows flow by, by target list order.
	Columns []*FunctionCall
	// Positions are the places of Columns among the statement's own columns: from the front, or, where a * stands before, from
	// the end (-1 is the last).
	Positions []int
	// Filters are conditions on calls that decide which rows go on to the client.
	Filters []Filter
	// Hidden is the number of columns that the rewritten statement returns behind its own: the arguments of Columns and of Filters.
	Hidden int
	// Tables are the relations of which the plan supposes that they are tables, without policies; Operators are those that it takes for the
	// server's own. pgowl.only_tables says whether that is so.
	Tables, Operators []string
	// Doubtful is set where the server may refuse what a Batch has made of a statement, but not the statement itself: try it.
	Doubtful bool
	// Training is set where a Call is nothing but a training whose arguments are known: what it reads can be read beforehand.
	Training *Training
	// MaxParam is the highest parameter number in the text.
	MaxParam int
	// Tags are the command tags of the statements that were replaced, by the statement's place in the text, from 0.
	Tags map[int]string

	text  string
	folds []foldPlace // where Folds stand
	edits []edit      // what a Stream, a Batch or an Extension changes
}

// FunctionCall is a call of an engine function.
type FunctionCall struct {
	Function string // without schema
	Result   string // SQL type of the result
	Args     []Arg  // by place in the signature; trailing defaults may be missing

	start, end int
}

// ArgKind tells where the value of an argument comes from.
type ArgKind int

// The kinds of arguments.
const (
	Missing ArgKind = iota // not given: the default
	Const                  // a literal: Value, of type Type ("unknown" for a bare string)
	Param                  // parameter number Param, of type Type if the text says so
	Nested                 // another call, Call
	Column                 // anything else: Hidden column number Index of a Stream
)

// Arg is one argument of a call.
type Arg struct {
	Kind  ArgKind
	Value string
	Null  bool // Const: the literal is NULL
	Type  string
	Param int
	Call  *FunctionCall
	Index int

	start, end int // the expression, without its name
}

type edit struct {
	start, end int
	text       string
	kept       int // where in text the replaced text is still found, 0: nowhere; and where that ends
	keptEnd    int
	inner      []edit // that were made of it there
	from       int    // where inner's places count from: a call that stands twice is one
	copies     []textCopy
}

// textCopy is a part of an edit's text that stands elsewhere in the client's, from a place on.
type textCopy struct {
	at, end int
	from    int
}

type foldPlace struct {
	fold       int
	start, end int
}

// Value is what a folded call gave.
type Value struct {
	OK     bool   // false: it was not computed; the call stays as it is
	Null   bool   // the value is NULL
	Text   string // the value in text form, ASCII
	Binary []byte // in place of Text where the value is to be a parameter: in binary form; nil: it is Text
	Model  int64  // for a prediction: the model that the project's deployment named
}

// Text is the statement with folded values in it as literals, as the simple protocol needs it. len(values) is len(Folds).
func (p *Plan) Text(values []Value) string {
	return splice(p.text, 0, len(p.text), p.textEdits(values))
}

// TextOrigin gives the place in the client's text for a place in Text(values), both as an error's position field counts: in
// characters, from 1.
func (p *Plan) TextOrigin(values []Value, position int) int {
	return origin(p.text, p.Text(values), p.textEdits(values), position)
}

func (p *Plan) textEdits(values []Value) []edit {
	return p.allEdits(func(c *FunctionCall, i int) edit {
		v := values[i]
		if !v.OK {
			return edit{text: p.text[c.start:c.end]}
		}
		literal, check := "NULL::"+c.Result, " AND NULL"
		if !v.Null {
			literal, check = "'"+v.Text+"'::"+c.Result, ""
		}
		return p.guarded(c, literal, check, strconv.FormatInt(v.Model, 10))
	})
}

// ParamText is the statement with folded values in it as parameters: two for each fold, its value and its model, numbered from
// first on. A value that was not computed is sent as NULL, and the server calls the function.
func (p *Plan) ParamText(first int) string {
	return splice(p.text, 0, len(p.text), p.paramEdits(first))
}

// ParamTextOrigin is TextOrigin for ParamText(first).
func (p *Plan) ParamTextOrigin(first, position int) int {
	return origin(p.text, p.ParamText(first), p.paramEdits(first), position)
}

func (p *Plan) paramEdits(first int) []edit {
	return p.allEdits(func(c *FunctionCall, i int) edit {
		value := "$" + strconv.Itoa(first+2*i)
		model := "$" + strconv.Itoa(first+2*i+1)
		value += "::" + c.Result
		return p.guarded(c, value, " AND "+value+" IS NOT NULL", model+"::bigint")
	})
}

// guarded is the expression that stands for a folded call: the value where it holds and passes check, else the call itself. The call stays in the text, so
// the server resolves and checks it as ever: its type, its name, the right to execute it, its parameters' types. It may not
// be evaluated while planning, which later() sees to; nor may the planner drop it, which a condition that it cannot
// compute sees to.
func (p *Plan) guarded(c *FunctionCall, value, check, model string) edit {
	guard := "pg_catalog.now() IS NOT NULL"
	if c.projectCall() {
		first := &c.Args[0]
		guard = "pgowl.is_live(" + p.text[first.start:first.end] + ", " + model + ")"
	} else if model[0] == '$' {
		guard += " AND " + model + " IS NULL" // names the parameter, which is NULL for these
	}
	return p.around(c, "CASE WHEN "+guard+check+" THEN "+value+" ELSE ", " END")
}

// around is the edit that puts something before and behind a call, which stays there, delayed.
func (p *Plan) around(c *FunctionCall, before, behind string) edit {
	kept, inner := p.delayed(c)
	return edit{start: c.start, end: c.end, text: before + kept + behind, kept: len(before), keptEnd: len(before) + len(kept), inner: inner, from: c.start}
}

// delayed is the call's own text with its first argument, and that of every call inside it, put off until the statement runs.
func (p *Plan) delayed(c *FunctionCall) (text string, edits []edit) {
	c.delays(p.text, &edits)
	return splice(p.text, c.start, c.end, edits), edits
}

func (c *FunctionCall) delays(text string, edits *[]edit) {
	if a := &c.Args[0]; a.Kind == Const && a.Type == "unknown" {
		*edits = append(*edits, edit{start: a.start, end: a.end, text: "pgowl.later(" + text[a.start:a.end] + "::text)"})
	} else if a.Kind == Const && a.Type == "text" || a.Kind == Param && c.Function == "embed" || a.Kind == Param && a.Type == "text" {
		*edits = append(*edits, edit{start: a.start, end: a.end, text: "pgowl.later(" + text[a.start:a.end] + ")"})
	}
	for i := range c.Args {
		if c.Args[i].Kind == Nested {
			c.Args[i].Call.delays(text, edits)
		}
	}
}

// projectCall reports whether the call goes to the model that a project has deployed.
func (c *FunctionCall) projectCall() bool { return c.Function != "embed" }

// allEdits gives what changes: folds and edits.
func (p *Plan) allEdits(fold func(c *FunctionCall, i int) edit) []edit {
	edits := append([]edit(nil), p.edits...)
	for _, place := range p.folds {
		e := fold(p.Folds[place.fold], place.fold)
		if e.text != p.text[place.start:place.end] { // else places inside stay where they are
			e.start, e.end = place.start, place.end
			edits = append(edits, e)
		}
	}
	sort.SliceStable(edits, func(i, j int) bool { return edits[i].start < edits[j].start })
	return edits
}

// origin maps a position in the text that edits made of another back to it; a place inside an edit is where that starts, unless it is of
// the text that was kept.
func origin(text, changed string, edits []edit, position int) int {
	at := 0 // bytes into changed
	for range position - 1 {
		if at >= len(changed) {
			break
		}
		_, size := utf8.DecodeRuneInString(changed[at:])
		at += size
	}
	return utf8.RuneCountInString(text[:min(source(edits, 0, at), len(text))]) + 1
}

// source is origin in bytes: at counts in what edits made of the text from from on.
func source(edits []edit, from, at int) int {
	for _, e := range edits {
		if at < e.start-from {
			break
		}
		at -= e.start - from
		if at < len(e.text) {
			if e.kept > 0 && at >= e.kept && at < e.keptEnd {
				return min(e.start+source(e.inner, e.from, at-e.kept)-e.from, e.end)
			}
			for _, c := range e.copies {
				if at >= c.at && at < c.end {
					return c.from + at - c.at
				}
			}
			return e.start
		}
		at -= len(e.text)
		from = e.end
	}
	return from + at
}

// splice gives text[from:to] with the edits, which must lie inside and not overlap, made.
func splice(text string, from, to int, edits []edit) string {
	sort.SliceStable(edits, func(i, j int) bool { return edits[i].start < edits[j].start })
	var b strings.Builder
	for _, e := range edits {
		b.WriteString(text[from:e.start])
		b.WriteString(e.text)
		from = e.end
	}
	b.WriteString(text[from:to])
	return b.String()
}

// Undecided reports whether a folded call has an argument of which neither the text nor the client tells the type, in a place
// where the functions differ by it. The server then refuses the call as the client wrote it, and has to see it so. oids are the
// types that the client declared, 0 or missing where it did not.
func (p *Plan) Undecided(oids []uint32) bool {
	for _, c := range p.Folds {
		if !c.projectCall() || len(c.Args) < 2 {
			continue
		}
		if a := &c.Args[1]; a.Kind == Param && a.Type == "" && (a.Param > len(oids) || oids[a.Param-1] == 0) {
			return true
		}
	}
	return false
}
