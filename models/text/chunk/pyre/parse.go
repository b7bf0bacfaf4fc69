package pyre

import (
	"fmt"
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
