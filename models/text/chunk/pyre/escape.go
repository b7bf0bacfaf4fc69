package pyre

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// escape reads what follows a backslash at place at, outside of a set.
func (p *parser) escape(at int, f flags) (*node, error) {
	if !p.more() {
		return nil, p.fail(at, "bad escape (end of pattern)")
	}
	c := p.pattern[p.at]
	word := atWord
	if f.ascii {
		word = atWordASCII
	}
	switch c {
	case 'A':
		p.at++
		return &node{kind: kindAt, at: atStart}, nil
	case 'Z':
		p.at++
		return &node{kind: kindAt, at: atEnd}, nil
	case 'b':
		p.at++
		return &node{kind: kindAt, at: word}, nil
	case 'B':
		p.at++
		return &node{kind: kindAt, at: word + 1}, nil
	case 'd', 'D', 's', 'S', 'w', 'W':
		p.at++
		return &node{kind: kindSet, set: class(c, f.ascii)}, nil
	}
	if c >= '1' && c <= '9' {
		// Three octal digits are a character, everything else a group.
		if o := p.octal(); c <= '7' && len(o) == 3 {
			r, err := p.octalValue(at, o)
			if err != nil {
				return nil, err
			}
			return literal(r, f), nil
		}
		return nil, &UnsupportedError{"a reference to a group", at, linear}
	}
	r, err := p.character(at)
	if err != nil {
		return nil, err
	}
	return literal(r, f), nil
}

// octal gives the up to three octal digits that come next.
func (p *parser) octal() string {
	end := p.at
	for end < len(p.pattern) && end < p.at+3 && p.pattern[end] >= '0' && p.pattern[end] <= '7' {
		end++
	}
	return string(p.pattern[p.at:end])
}

func (p *parser) octalValue(at int, digits string) (rune, error) {
	p.at += len(digits)
	n := rune(0)
	for _, d := range digits {
		n = n*8 + d - '0'
	}
	if n > 0o377 {
		return 0, p.fail(at, `octal escape value \%s outside of range 0-0o377`, digits)
	}
	return n, nil
}

// character reads an escape that stands for one character, inside a set and outside.
func (p *parser) character(at int) (rune, error) {
	c := p.pattern[p.at]
	if c == '0' {
		return p.octalValue(at, p.octal())
	}
	p.at++
	switch c {
	case 'a':
		return '\a', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'v':
		return '\v', nil
	case 'x':
		return p.hex(at, c, 2)
	case 'u':
		return p.hex(at, c, 4)
	case 'U':
		return p.hex(at, c, 8)
	case 'N':
		return 0, &UnsupportedError{"a character by its name", at, `write \uXXXX`}
	}
	if c < utf8.RuneSelf && unicode.IsLetter(c) || c >= '0' && c <= '9' {
		return 0, p.fail(at, `bad escape \%c`, c)
	}
	return c, nil
}

func (p *parser) hex(at int, letter rune, n int) (rune, error) {
	v := rune(0)
	for i := range n {
		d := -1
		if p.more() {
			d = strings.IndexRune("0123456789abcdef", unicode.ToLower(p.peek()))
		}
		if d < 0 || p.peek() > 'f' {
			return 0, p.fail(at, `incomplete escape \%c%s`, letter, string(p.pattern[p.at-i:p.at]))
		}
		p.at++
		if v = v<<4 | rune(d); v > unicode.MaxRune {
			return 0, p.fail(at, `bad escape \%c: no such character`, letter)
		}
	}
	return v, nil
}

// set reads what follows [ at place at.
func (p *parser) set(at int, f flags) (*node, error) {
	negative := p.take('^')
	var set runes
	for first := true; ; first = false {
		if !p.more() {
			return nil, p.fail(at, "unterminated character set")
		}
		start := p.at
		if p.peek() == ']' && !first {
			p.at++
			break
		}
		lo, members, err := p.member(f)
		if err != nil {
			return nil, err
		}
		if p.peek() == '-' {
			if p.at+1 >= len(p.pattern) {
				return nil, p.fail(at, "unterminated character set")
			}
			if p.pattern[p.at+1] != ']' {
				p.at++
				hi, others, err := p.member(f)
				if err != nil {
					return nil, err
				}
				if members != nil || others != nil || hi < lo {
					return nil, p.fail(start, "bad character range %s", string(p.pattern[start:p.at]))
				}
				set = append(set, span{lo, hi})
				continue
			}
		}
		if members == nil {
			members = runes{{lo, lo}}
		}
		set = append(set, members...)
	}
	set = clean(set)
	if f.ignoreCase {
		set = set.fold(f.ascii)
	}
	if negative {
		set = set.not()
	}
	return &node{kind: kindSet, set: set}, nil
}

// member reads a character or a class of a set.
func (p *parser) member(f flags) (rune, runes, error) {
	at := p.at
	c := p.pattern[p.at]
	p.at++
	if c != '\\' {
		return c, nil, nil
	}
	if !p.more() {
		return 0, nil, p.fail(at, "bad escape (end of pattern)")
	}
	switch c = p.peek(); {
	case c == 'b':
		p.at++
		return '\b', nil, nil
	case strings.ContainsRune("dDsSwW", c):
		p.at++
		return 0, class(c, f.ascii), nil
	case c >= '1' && c <= '7':
		r, err := p.octalValue(at, p.octal())
		return r, nil, err
	}
	r, err := p.character(at)
	return r, nil, err
}
