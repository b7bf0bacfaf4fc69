package parser

import pg_query "github.com/pganalyze/pg_query_go/v6"

// maxDepth is how deep a statement's tree may be for it to be parsed here. pg_query's C code writes the tree out by recursion and has no
// check of its stack: some ten thousand levels end the process, and with them every session. Postgres itself refuses a few
// thousand (54001). What is deeper goes to the server as it is, which knows what to say.
const maxDepth = 1000

// depth bounds the depth of the tree that the tokens make, from above: every level costs a token that is not a name, a constant or
// a comma. What stands between two commas, or in parentheses beside each other, does not add up; only set operations go on across commas.
func depth(tokens []token) int {
	levels := []level{{}}
	deepest := 0
	leave := func() {
		last := &levels[len(levels)-1]
		last.item()
		height := last.highest + last.sets + 1
		deepest = max(deepest, height)
		if levels = levels[:len(levels)-1]; len(levels) > 0 {
			outer := &levels[len(levels)-1]
			outer.inner = max(outer.inner, height)
		}
	}
	for _, t := range tokens {
		l := &levels[len(levels)-1]
		switch t.kind {
		case open, bracket:
			l.own++
			levels = append(levels, level{})
		case closing, unbrack:
			if len(levels) > 1 {
				leave()
			}
		case comma:
			l.item()
		case semi:
			for len(levels) > 0 {
				leave()
			}
			levels = append(levels, level{})
		case pg_query.Token_IDENT, pg_query.Token_SCONST, pg_query.Token_ICONST, pg_query.Token_FCONST, pg_query.Token_PARAM:
		case pg_query.Token_UNION, pg_query.Token_INTERSECT, pg_query.Token_EXCEPT:
			l.sets++
		default:
			l.own++
		}
	}
	for len(levels) > 0 {
		leave()
	}
	return deepest
}

// level is what stands in one pair of parentheses.
type level struct {
	own     int // tokens that may make a level, since the last comma
	inner   int // greatest height of what stood in parentheses since then
	highest int // of the items before that comma
	sets    int // set operations
}

// item ends an item of a list.
func (l *level) item() {
	l.highest = max(l.highest, l.own+l.inner)
	l.own, l.inner = 0, 0
}
