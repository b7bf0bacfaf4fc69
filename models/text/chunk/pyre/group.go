package pyre

import "slices"

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
