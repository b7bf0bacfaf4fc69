package pyre

// maxPrefix is the longest prefix that is looked for.
const maxPrefix = 64

// literalPrefix adds to a prefix what every match of a node begins with, and reports whether that is all of it.
func literalPrefix(n *node, prefix []rune) ([]rune, bool) {
	switch n.kind {
	case kindSet:
		if len(n.set) == 1 && n.set[0].lo == n.set[0].hi && len(prefix) < maxPrefix {
			return append(prefix, n.set[0].lo), true
		}
		return prefix, false
	case kindCat, kindGroup:
		for _, s := range n.subs {
			var all bool
			if prefix, all = literalPrefix(s, prefix); !all {
				return prefix, false
			}
		}
		return prefix, true
	case kindRepeat:
		for i := 0; i < n.min; i++ {
			before, all := len(prefix), false
			if prefix, all = literalPrefix(n.subs[0], prefix); !all {
				return prefix, false
			}
			if len(prefix) == before {
				break // of nothing any number is the same
			}
		}
		return prefix, n.min == n.max
	}
	return prefix, n.kind == kindEmpty
}
