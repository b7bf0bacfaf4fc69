package pyre

import (
	"fmt"
	"slices"
	"strings"
)

// flags are Python's: i, m, s, x and a.
type flags struct{ ignoreCase, multiline, dotAll, verbose, ascii bool }

// parser follows Lib/re/_parser.py of Python 3.11.
type parser struct {
	pattern []rune
	at      int
	groups  int
	names   []string
	depth   int
	looking int // inside how many look-arounds
}

// maxDepth is how deep groups may be nested. Python's parser gives up at about 500.
const maxDepth = 200

func (p *parser) fail(at int, format string, args ...any) error {
	return &SyntaxError{fmt.Sprintf(format, args...), at}
}

func (p *parser) more() bool { return p.at < len(p.pattern) }

func (p *parser) peek() rune {
	if !p.more() {
		return -1
	}
	return p.pattern[p.at]
}

func (p *parser) take(r rune) bool {
	if p.peek() != r {
		return false
	}
	p.at++
	return true
}

func (p *parser) rest() string { return string(p.pattern[p.at:min(len(p.pattern), p.at+4)]) }

// alternatives reads up to a closing parenthesis or the end.
func (p *parser) alternatives(f flags) (*node, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, &LimitError{"the regular expression has too many groups inside each other"}
	}
	defer func() { p.depth-- }()
	alt := &node{kind: kindAlt}
	for {
		n, err := p.sequence(f)
		if err != nil {
			return nil, err
		}
		alt.subs = append(alt.subs, n)
		if !p.take('|') {
			break
		}
	}
	if len(alt.subs) == 1 {
		return alt.subs[0], nil
	}
	return alt, nil
}

// sequence reads up to |, a closing parenthesis or the end.
func (p *parser) sequence(f flags) (*node, error) {
	cat := &node{kind: kindCat}
	for p.more() && p.peek() != '|' && p.peek() != ')' {
		at := p.at
		c := p.pattern[p.at]
		if f.verbose {
			if strings.ContainsRune(" \t\n\r\v\f", c) {
				p.at++
				continue
			}
			if c == '#' {
				for p.more() && p.peek() != '\n' {
					p.at++
				}
				continue
			}
		}
		if strings.ContainsRune("*+?{", c) {
			repeated, err := p.repeat(cat, f)
			if err != nil {
				return nil, err
			}
			if repeated {
				continue
			}
		}
		p.at++
		var n *node
		var err error
		switch c {
		case '\\':
			n, err = p.escape(at, f)
		case '[':
			n, err = p.set(at, f)
		case '.':
			n = &node{kind: kindSet, set: anyButLine}
			if f.dotAll {
				n.set = anyRune
			}
		case '^':
			n = &node{kind: kindAt, at: atStart}
			if f.multiline {
				n.at = atLineStart
			}
		case '$':
			n = &node{kind: kindAt, at: atLastEnd}
			if f.multiline {
				n.at = atLineEnd
			}
		case '(':
			n, err = p.group(at, f)
		default:
			n = literal(c, f)
		}
		if err != nil {
			return nil, err
		}
		if n != nil {
			cat.subs = append(cat.subs, n)
		}
	}
	return cat, nil
}

func literal(c rune, f flags) *node {
	set := runes{{c, c}}
	if f.ignoreCase {
		set = set.fold(f.ascii)
	}
	return &node{kind: kindSet, set: set}
}

// repeat reads a quantifier and applies it to the last node. It is false where { is a character like others.
func (p *parser) repeat(cat *node, f flags) (bool, error) {
	at := p.at
	c := p.pattern[p.at]
	p.at++
	least, most := 0, unlimited
	switch c {
	case '?':
		most = 1
	case '+':
		least = 1
	case '{':
		if p.peek() == '}' {
			p.at = at
			return false, nil
		}
		lo, hi := p.digits(), ""
		if p.take(',') {
			hi = p.digits()
		} else {
			hi = lo
		}
		if !p.take('}') {
			p.at = at
			return false, nil
		}
		if lo != "" {
			least = number(lo)
		}
		if hi != "" {
			most = number(hi)
		}
		if most < least {
			return false, p.fail(at, "min repeat greater than max repeat")
		}
	}
	var last *node
	if len(cat.subs) > 0 {
		last = cat.subs[len(cat.subs)-1]
	}
	switch {
	case last == nil || last.kind == kindAt:
		return false, p.fail(at, "nothing to repeat")
	case last.kind == kindRepeat:
		return false, p.fail(at, "multiple repeat")
	}
	n := &node{kind: kindRepeat, min: least, max: most, subs: []*node{last}}
	if p.peek() == '?' {
		p.at++
		n.lazy = true
	} else if p.peek() == '+' {
		return false, &UnsupportedError{"a possessive quantifier", at, linear}
	}
	cat.subs[len(cat.subs)-1] = n
	return true, nil
}

func (p *parser) digits() string {
	start := p.at
	for p.more() && p.peek() >= '0' && p.peek() <= '9' {
		p.at++
	}
	return string(p.pattern[start:p.at])
}

func number(s string) int {
	n := 0
	for _, c := range s {
		if n = n*10 + int(c-'0'); n > unlimited {
			return unlimited
		}
	}
	return n
}

// group reads what follows an opening parenthesis at place at. It is nil for a comment.
func (p *parser) group(at int, f flags) (*node, error) {
	capture, name := true, ""
	var look *node
	if p.take('?') {
		capture = false
		if !p.more() {
			return nil, p.fail(p.at, "unexpected end of pattern")
		}
		c := p.pattern[p.at]
		p.at++
		switch c {
		case ':':
		case 'P':
			switch {
			case p.take('<'):
				var err error
				if name, err = p.name('>'); err != nil {
					return nil, err
				}
				capture = true
			case p.take('='):
				return nil, &UnsupportedError{"a reference to a group", at, linear}
			default:
				return nil, p.fail(at, "unknown extension ?P%c", p.peek())
			}
		case '#':
			for !p.take(')') {
				if !p.more() {
					return nil, p.fail(at, "missing ), unterminated comment")
				}
				p.at++
			}
			return nil, nil
		case '=', '!':
			look = &node{kind: kindLook, negative: c == '!'}
		case '<':
			if !p.take('=') {
				if !p.take('!') {
					return nil, p.fail(at, "unknown extension ?<%s", p.rest())
				}
				look = &node{kind: kindLook, behind: true, negative: true}
			} else {
				look = &node{kind: kindLook, behind: true}
			}
		case '(':
			return nil, &UnsupportedError{"a condition on a group", at, linear}
		case '>':
			return nil, &UnsupportedError{"an atomic group", at, linear}
		default:
			p.at--
			scoped, err := p.flags(at, &f)
			if err != nil {
				return nil, err
			}
			if !scoped {
				return nil, p.fail(at, "global flags not at the start of the expression")
			}
		}
	}
	number := 0
	if capture {
		if p.looking > 0 {
			return nil, &UnsupportedError{"a group that keeps what it matches, inside a look-around,", at, "write (?:...)"}
		}
		if name != "" && slices.Contains(p.names, name) {
			return nil, p.fail(at, "redefinition of group name %q", name)
		}
		p.groups++
		number = p.groups
		p.names = append(p.names, name)
	}
	if look != nil {
		p.looking++
		defer func() { p.looking-- }()
	}
	inner, err := p.alternatives(f)
	if err != nil {
		return nil, err
	}
	if !p.take(')') {
		return nil, p.fail(at, "missing ), unterminated subpattern")
	}
	switch {
	case look != nil:
		look.subs = []*node{inner}
		if look.behind {
			if least, most := inner.width(); least != most || most >= unlimited {
				return nil, p.fail(at, "look-behind requires fixed-width pattern")
			}
			if inner.any(func(n *node) bool { return n.kind == kindLook }) {
				return nil, &UnsupportedError{"a look-around inside a look-behind", at, "put it before or after"}
			}
		}
		return look, nil
	case capture:
		return &node{kind: kindGroup, group: number, subs: []*node{inner}}, nil
	}
	if inner.kind == kindRepeat || inner.kind == kindAt { // what is in parentheses may be repeated again
		return &node{kind: kindCat, subs: []*node{inner}}, nil
	}
	return inner, nil
}

func (p *parser) name(end rune) (string, error) {
	start := p.at
	for p.more() && p.peek() != end {
		p.at++
	}
	name := string(p.pattern[start:p.at])
	if !p.take(end) {
		return "", p.fail(start, "missing %c, unterminated name", end)
	}
	for i, c := range name {
		if c != '_' && !(runes{{'A', 'Z'}, {'a', 'z'}}.has(c) || c >= 0x80 && words().has(c) || i > 0 && c >= '0' && c <= '9') {
			return "", p.fail(start, "bad character in group name %q", name)
		}
	}
	if name == "" {
		return "", p.fail(start, "missing group name")
	}
	return name, nil
}

// flags reads the letters of (?imsx), which is not scoped, or (?i-s:, which is.
func (p *parser) flags(at int, f *flags) (scoped bool, err error) {
	on := true
	ascii, unicode := false, false
	for count := 0; ; count++ {
		if !p.more() {
			return false, p.fail(p.at, "missing -, : or )")
		}
		c := p.pattern[p.at]
		p.at++
		switch c {
		case 'i':
			f.ignoreCase = on
		case 'm':
			f.multiline = on
		case 's':
			f.dotAll = on
		case 'x':
			f.verbose = on
		case 'a':
			f.ascii, ascii = true, true
		case 'u':
			f.ascii, unicode = false, true
		case 'L':
			return false, p.fail(at, "bad inline flags: cannot use 'L' flag with a str pattern")
		case '-':
			if !on {
				return false, p.fail(p.at-1, "missing :")
			}
			on = false
			continue
		case ')', ':':
			if ascii && unicode {
				return false, p.fail(at, "bad inline flags: flags 'a', 'u' and 'L' are incompatible")
			}
			if count == 0 || c == ')' && !on || !on && p.pattern[p.at-2] == '-' {
				return false, p.fail(p.at-1, "missing flag")
			}
			return c == ':', nil
		default:
			return false, p.fail(p.at-1, "unknown flag")
		}
		if !on && (c == 'a' || c == 'u') {
			return false, p.fail(at, "bad inline flags: cannot turn off flags 'a', 'u' and 'L'")
		}
	}
}

// parse reads a whole pattern.
func parse(pattern string) (*node, int, error) {
	p := &parser{pattern: []rune(pattern)}
	var f flags
	// Flags for the whole pattern stand at its start.
	for p.peek() == '(' && p.at+2 < len(p.pattern) && p.pattern[p.at+1] == '?' && strings.ContainsRune("aiLmsux", p.pattern[p.at+2]) {
		start, before := p.at, f
		p.at += 2
		scoped, err := p.flags(start, &f)
		if err != nil {
			return nil, 0, err
		}
		if scoped {
			p.at, f = start, before
			break
		}
	}
	n, err := p.alternatives(f)
	if err != nil {
		return nil, 0, err
	}
	if p.more() {
		return nil, 0, p.fail(p.at, "unbalanced parenthesis")
	}
	return n, p.groups, nil
}
