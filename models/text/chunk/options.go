package chunk

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/pgowl/pgowl/models/param"
	"github.com/pgowl/pgowl/models/text/chunk/pyre"
)

// keep says where a separator goes.
type keep int

const (
	keepNone  keep = iota // nowhere: pieces that are merged again get one between them
	keepStart             // to the piece that it begins
	keepEnd               // to the piece that it ends
)

// A Splitter splits texts into chunks. It may be used by many at once.
type Splitter struct {
	size, overlap int // in code points
	keep          keep
	strip         bool
	recursive     bool
	separators    []separator
}

// separator is a literal, or a regular expression.
type separator struct {
	text string       // as it is given, and put back; the empty one splits into code points
	find string       // what is looked for, where re is nil
	re   *pyre.Regexp // nil for a literal
}

// languages are the recursive splitters with separators of their own, as langchain 1.1 has them. They are written as regular expressions, but are such
// only with is_separator_regex, there as here: without it markdown splits at no heading but the text \n#{1,6} itself.
var languages = map[string][]string{
	"markdown": {"\n#{1,6} ", "```\n", "\n\\*\\*\\*+\n", "\n---+\n", "\n___+\n", "\n\n", "\n", " ", ""},
	"latex": {"\n\\\\chapter{", "\n\\\\section{", "\n\\\\subsection{", "\n\\\\subsubsection{", "\n\\\\begin{enumerate}", "\n\\\\begin{itemize}",
		"\n\\\\begin{description}", "\n\\\\begin{list}", "\n\\\\begin{quote}", "\n\\\\begin{quotation}", "\n\\\\begin{verse}", "\n\\\\begin{verbatim}",
		"\n\\\\begin{align}", "$$", "$", " ", ""},
	"python": {"\nclass ", "\ndef ", "\n\tdef ", "\n\n", "\n", " ", ""},
}

// The separators of character and recursive_character where none are given.
const defaultSeparator = "\n\n"

var defaultSeparators = []string{"\n\n", "\n", " ", ""}

// maxSeparators bounds the passes over a text: each separator may take one. maxPatterns bounds the work of reading regular expressions, in bytes of them.
const (
	maxSeparators = 1000
	maxPatterns   = 64 << 10
)

// given are the keyword arguments as they come.
type given struct {
	size, overlap int
	keep          keep
	strip, regex  bool
	separator     string
	separators    []string
}

type option func(g *given, value json.RawMessage) error

// common are the options of every splitter, own those of one.
var (
	common = map[string]option{
		"chunk_size":         func(g *given, v json.RawMessage) error { return whole(v, &g.size) },
		"chunk_overlap":      func(g *given, v json.RawMessage) error { return whole(v, &g.overlap) },
		"strip_whitespace":   func(g *given, v json.RawMessage) error { return boolean(v, &g.strip) },
		"is_separator_regex": func(g *given, v json.RawMessage) error { return boolean(v, &g.regex) },
		"keep_separator":     readKeep,
	}
	own = map[string]map[string]option{
		"character":           {"separator": readSeparator},
		"recursive_character": {"separators": readSeparators},
	}
)

// New makes a splitter by its name in PostgresML and the keyword arguments of langchain's, a JSON object or nothing. The error is an *UnknownError, an
// *UnavailableError, or an *OptionError that names the first bad option in the order of the alphabet.
func New(splitter string, kwargs []byte) (*Splitter, error) {
	g := given{size: 4000, overlap: 200, keep: keepStart, strip: true, separator: defaultSeparator}
	s := &Splitter{recursive: true}
	var separators []string
	switch splitter {
	case "character":
		g.keep, s.recursive = keepNone, false
	case "recursive_character":
		separators = defaultSeparators
	case "markdown", "latex", "python":
		separators = languages[splitter]
	case "nltk":
		return nil, &UnavailableError{splitter, "it needs NLTK's trained sentence tokenizer (punkt)"}
	case "spacy":
		return nil, &UnavailableError{splitter, "it needs a trained spaCy pipeline"}
	default:
		return nil, &UnknownError{splitter}
	}
	if err := g.read(splitter, kwargs); err != nil {
		return nil, err
	}
	name := "separators"
	switch {
	case !s.recursive:
		name, separators = "separator", []string{g.separator}
	case len(g.separators) > 0:
		separators = g.separators
	}
	patterns := 0
	for _, text := range separators {
		if patterns += len(text); g.regex && patterns > maxPatterns {
			return nil, &OptionError{Name: name, Reason: fmt.Sprintf("has regular expressions of more than %d kB", maxPatterns>>10)}
		}
		sep := separator{text: text, find: text}
		if g.regex && text != "" {
			var err error
			if sep.re, err = pyre.Compile(text); err != nil {
				_, unsupported := err.(*pyre.UnsupportedError)
				return nil, &OptionError{Name: name, Reason: fmt.Sprintf("has the regular expression %q: %v", text, err), Unsupported: unsupported}
			}
			if literal := sep.re.Literal(); literal != "" {
				sep.re, sep.find = nil, literal
			}
		}
		s.separators = append(s.separators, sep)
	}
	s.size, s.overlap, s.keep, s.strip = g.size, g.overlap, g.keep, g.strip
	return s, nil
}

// read takes the keyword arguments of a splitter over the defaults.
func (g *given) read(splitter string, kwargs []byte) error {
	var values map[string]json.RawMessage
	if len(bytes.TrimSpace(kwargs)) > 0 {
		if err := json.Unmarshal(kwargs, &values); err != nil || values == nil {
			return &OptionError{Name: "kwargs", Reason: "must be a JSON object"}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		read := common[name]
		if read == nil {
			read = own[splitter][name]
		}
		if read == nil {
			return unknownOption(splitter, name)
		}
		if err := read(g, values[name]); err != nil {
			return &OptionError{Name: name, Reason: err.Error()}
		}
	}
	switch {
	case g.size <= 0:
		return &OptionError{Name: "chunk_size", Reason: fmt.Sprintf("must be > 0, got %d", g.size)}
	case g.overlap < 0:
		return &OptionError{Name: "chunk_overlap", Reason: fmt.Sprintf("must be >= 0, got %d", g.overlap)}
	case g.overlap > g.size:
		e := &OptionError{Name: "chunk_overlap", Reason: fmt.Sprintf("is wrong: Got a larger chunk overlap (%d) than chunk size (%d), should be smaller.", g.overlap, g.size)}
		if _, ok := values["chunk_overlap"]; !ok { // whoever asks for small chunks has not written that number
			e.Reason += fmt.Sprintf(" It is %d where it is not given.", g.overlap)
		}
		return e
	}
	return nil
}

func unknownOption(splitter, name string) error {
	switch name {
	case "add_start_index":
		return &OptionError{Name: name, Reason: "has no place: pgml.chunk gives texts and no metadata"}
	case "length_function":
		return &OptionError{Name: name, Reason: "cannot be given: lengths are Unicode code points, as those of Python's len"}
	case "separators":
		if _, ok := languages[splitter]; ok {
			return &OptionError{Name: name, Reason: "belongs to recursive_character: " + splitter + " has its own"}
		}
	}
	known := slices.Concat(slices.Collect(maps.Keys(common)), slices.Collect(maps.Keys(own[splitter])))
	return &OptionError{Name: name, Reason: "is unknown for splitter " + splitter, Nearest: param.Nearest(name, known)}
}

// reason is the reason of an OptionError to be.
type reason string

func (r reason) Error() string { return string(r) }

// maxLength is the largest length: no text of Postgres has as many code points, and sums of two stay in an int.
const maxLength = 1 << 30

func whole(v json.RawMessage, to *int) error {
	var n float64
	if json.Unmarshal(v, &n) != nil || isNull(v) || n != float64(int64(n)) {
		return reason("must be a whole number")
	}
	*to = int(max(-maxLength, min(n, maxLength)))
	return nil
}

// boolean takes null for false, as Python does with None.
func boolean(v json.RawMessage, to *bool) error {
	*to = false
	if json.Unmarshal(v, to) != nil {
		return reason("must be true or false")
	}
	return nil
}

func readKeep(g *given, v json.RawMessage) error {
	var value any
	if json.Unmarshal(v, &value) != nil {
		return reason("is no JSON")
	}
	switch value {
	case nil, false:
		g.keep = keepNone
	case true, "start":
		g.keep = keepStart
	case "end":
		g.keep = keepEnd
	default:
		return reason(`must be true, false, "start" or "end"`)
	}
	return nil
}

func readSeparator(g *given, v json.RawMessage) error {
	if isNull(v) || json.Unmarshal(v, &g.separator) != nil {
		return reason("must be a text")
	}
	return nil
}

// readSeparators takes null and no separators for the default, as langchain does.
func readSeparators(g *given, v json.RawMessage) error {
	var list []*string
	if json.Unmarshal(v, &list) != nil || slices.Contains(list, nil) {
		return reason("must be a list of texts")
	}
	if len(list) > maxSeparators {
		return reason(fmt.Sprintf("has %d texts, the most are %d", len(list), maxSeparators))
	}
	g.separators = nil
	for _, s := range list {
		g.separators = append(g.separators, *s)
	}
	return nil
}

func isNull(v json.RawMessage) bool { return string(bytes.TrimSpace(v)) == "null" }
