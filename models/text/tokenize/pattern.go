package tokenize

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// matcher finds what a Split splits at and what a Replace replaces.
type matcher interface {
	// matches appends the matches to found, from left to right; they do not overlap.
	matches(text []byte, found []Span) []Span
}

// literal matches itself. It is not empty.
type literal []byte

func (l literal) matches(text []byte, found []Span) []Span {
	for at := 0; ; {
		i := bytes.Index(text[at:], l)
		if i < 0 {
			break
		}
		found = append(found, Span{at + i, at + i + len(l)})
		at += i + len(l)
	}
	return found
}

// runes matches every character of a kind by itself.
type runes func(r rune) bool

func (is runes) matches(text []byte, found []Span) []Span {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if is(r) {
			found = append(found, Span{i, i + size})
		}
		i += size
	}
	return found
}

// wordsAndSymbols is `\w+|[^\w\s]+`.
type wordsAndSymbols struct{}

func (wordsAndSymbols) matches(text []byte, found []Span) []Span {
	kind := func(i int) (uint16, int) {
		r, size := utf8.DecodeRune(text[i:])
		switch {
		case isWhite(r):
			return isSpace, size
		case propertiesOf(r)&isWordRune != 0:
			return isWordRune, size
		}
		return 0, size
	}
	for i := 0; i < len(text); {
		class, size := kind(i)
		start := i
		i += size
		if class == isSpace {
			continue
		}
		for i < len(text) {
			next, size := kind(i)
			if next != class {
				break
			}
			i += size
		}
		found = append(found, Span{start, i})
	}
	return found
}

func (s scanner) matches(text []byte, found []Span) []Span {
	for at := 0; at < len(text); {
		end := at + s(text[at:])
		found = append(found, Span{at, end})
		at = end
	}
	return found
}

// expression is a regular expression. spaces tells that `\s+(?!\S)` stood before a last `\s+`, whose match is then the expression's first group.
type expression struct {
	re     *regexp.Regexp
	spaces bool
}

// maxPattern bounds the patterns of a file, whose classes become long lists of ranges.
const maxPattern = 1000

// newMatcher compiles a regular expression. It has the syntax of Oniguruma; what Go's package regexp does not have, looking around and
// possessive repetition among it, is an *UnsupportedError, but for `\s+(?!\S)` before a last `\s+`.
func newMatcher(part, pattern string) (matcher, error) {
	if s := scanners[pattern]; s != nil {
		return s, nil
	}
	unsupported := &UnsupportedError{Part: part, Kind: pattern}
	if len(pattern) > maxPattern {
		unsupported.Kind = fmt.Sprintf("a pattern of %d bytes", len(pattern))
		return nil, unsupported
	}
	var e expression
	if head, ok := strings.CutSuffix(pattern, `|\s+(?!\S)|\s+`); ok {
		pattern, e.spaces = head+`|(\s+)`, true
		if strings.Contains(strings.NewReplacer(`\(`, "", `(?`, "").Replace(head), "(") {
			return nil, unsupported // the group of the spaces would not be the first
		}
	}
	goPattern, err := translate(pattern)
	if err != nil {
		return nil, unsupported
	}
	if e.re, err = regexp.Compile(goPattern); err != nil {
		return nil, unsupported
	}
	return &e, nil
}

func (e *expression) matches(text []byte, found []Span) []Span {
	if !e.spaces {
		for _, m := range e.re.FindAllIndex(text, -1) {
			found = append(found, Span{m[0], m[1]})
		}
		return found
	}
	for at := 0; at < len(text); {
		m := e.re.FindSubmatchIndex(text[at:])
		if m == nil {
			break
		}
		start, end := at+m[0], at+m[1]
		if m[2] >= 0 && end < len(text) {
			if _, size := utf8.DecodeLastRune(text[start:end]); size < end-start {
				end -= size
			}
		}
		if end == start { // an empty match
			_, size := utf8.DecodeRune(text[start:])
			at = start + size
			continue
		}
		found = append(found, Span{start, end})
		at = end
	}
	return found
}

// shortRepetition bounds what a repetition of classes of many ranges grows to.
var shortRepetition = regexp.MustCompile(`^\{[0-9]{1,2}(,[0-9]{0,2})?\}`)

// classNames are the classes that unicode.tab has for regular expressions.
var classNames = map[string]string{
	"L": "letter", "N": "number", "M": "mark", "Lu": "upper", "Ll": "lower", "Lt": "title", "Lm": "modifier", "P": "punct", "S": "symbol", "Han": "han",
}

var classEscapes = map[byte]string{'s': "space", 'w': "wordchar", 'd': "digit"}

// translate writes a pattern in Go's syntax, with the classes of the reference's version of Unicode written out.
func translate(pattern string) (string, error) {
	var out strings.Builder
	inside := false
	for i := 0; i < len(pattern); i++ {
		c := pattern[i]
		rest := pattern[i:]
		switch {
		case inside && (c == '[' || strings.HasPrefix(rest, "&&")), strings.HasPrefix(rest, "[]"), strings.HasPrefix(rest, "[^]"):
			return "", errors.New("sets within sets, or a bracket in one")
		case c == '[':
			inside = true
		case c == ']':
			inside = false
		case !inside && c == '(' && strings.HasPrefix(rest, "(?") && !strings.HasPrefix(rest, "(?:") && !strings.HasPrefix(rest, "(?i:"):
			return "", errors.New("a group that is not known")
		case !inside && (c == '^' || c == '$' || c == '.'):
			return "", fmt.Errorf("%c as Ruby has it", c)
		case !inside && c == '{' && !shortRepetition.MatchString(rest):
			return "", errors.New("a long repetition")
		case !inside && (c == '+' || c == '?' || c == '*' || c == '}') && i+1 < len(pattern) && pattern[i+1] == '+':
			return "", errors.New("possessive repetition")
		}
		if c != '\\' {
			out.WriteByte(c)
			continue
		}
		i++
		if i == len(pattern) {
			return "", errors.New("a lone backslash")
		}
		name, negated := "", false
		switch c := pattern[i]; {
		case c == 's' || c == 'w' || c == 'd':
			name = classEscapes[c]
		case c == 'S' || c == 'W' || c == 'D':
			name, negated = classEscapes[c|0x20], true
		case c == 'p' || c == 'P':
			end := strings.IndexByte(pattern[i:], '}')
			if end < 0 || !strings.HasPrefix(pattern[i+1:], "{") {
				return "", errors.New("a property without a name")
			}
			class, not := strings.CutPrefix(pattern[i+2:i+end], "^")
			name, negated = classNames[class], (c == 'P') != not
			if name == "" {
				return "", fmt.Errorf("property %s", class)
			}
			i += end
		case c == 'r' || c == 'n' || c == 't' || c == 'f' || c == 'v':
			out.WriteByte('\\')
			out.WriteByte(c)
			continue
		case c >= utf8.RuneSelf || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9':
			return "", fmt.Errorf("escape %c", c)
		default:
			out.WriteString(regexp.QuoteMeta(string(c)))
			if c == '-' { // QuoteMeta leaves it, and within a set it would make a range
				return "", errors.New("an escaped hyphen")
			}
			continue
		}
		if !inside {
			out.WriteByte('[')
		}
		writeClass(&out, tables()[name], negated)
		if !inside {
			out.WriteByte(']')
		}
	}
	return out.String(), nil
}

// writeClass writes ranges as they stand in a set.
func writeClass(out *strings.Builder, ranges []runeRange, negated bool) {
	if !negated {
		for _, r := range ranges {
			fmt.Fprintf(out, `\x{%x}-\x{%x}`, r.first, r.end-1)
		}
		return
	}
	at := rune(0)
	for _, r := range ranges {
		if r.first > at {
			fmt.Fprintf(out, `\x{%x}-\x{%x}`, at, r.first-1)
		}
		at = r.end
	}
	if at <= utf8.MaxRune {
		fmt.Fprintf(out, `\x{%x}-\x{%x}`, at, utf8.MaxRune)
	}
}
