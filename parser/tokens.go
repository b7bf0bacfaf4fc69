package parser

import (
	pg_query "github.com/pganalyze/pg_query_go/v6"
)

// token is a lexical token of the text, comments left out.
type token struct {
	kind       pg_query.Token
	start, end int
}

const (
	open    = pg_query.Token_ASCII_40 // (
	closing = pg_query.Token_ASCII_41 // )
	comma   = pg_query.Token_ASCII_44
	bracket = pg_query.Token_ASCII_91 // [
	unbrack = pg_query.Token_ASCII_93 // ]
	semi    = pg_query.Token_ASCII_59
)

func scan(text string) ([]token, error) {
	result, err := pg_query.Scan(text)
	if err != nil {
		return nil, err
	}
	tokens := make([]token, 0, len(result.Tokens))
	for _, t := range result.Tokens {
		if t.Token == pg_query.Token_SQL_COMMENT || t.Token == pg_query.Token_C_COMMENT {
			continue
		}
		tokens = append(tokens, token{t.Token, int(t.Start), int(t.End)})
	}
	return tokens, nil
}

// at is the index of the token that starts at or behind a place in the text.
func at(tokens []token, place int) int {
	low, high := 0, len(tokens)
	for low < high {
		mid := (low + high) / 2
		if tokens[mid].start < place {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

// callSpan gives the end of the call whose name starts at a place, and the spans of its arguments without their names.
func callSpan(tokens []token, place int) (end int, args [][2]int, ok bool) {
	i := at(tokens, place)
	for i < len(tokens) && tokens[i].kind != open {
		i++
	}
	depth := 0
	from := -1 // first token of the argument
	for ; i < len(tokens); i++ {
		switch tokens[i].kind {
		case open, bracket:
			depth++
			if depth == 1 {
				from = i + 1
			}
			continue
		case closing, unbrack:
			depth--
			if depth == 0 {
				if from < i {
					args = append(args, argSpan(tokens[from:i]))
				}
				return tokens[i].end, args, true
			}
		case comma:
			if depth == 1 {
				if from >= i {
					return 0, nil, false
				}
				args = append(args, argSpan(tokens[from:i]))
				from = i + 1
			}
		}
	}
	return 0, nil, false
}

func argSpan(tokens []token) [2]int {
	if len(tokens) > 2 && (tokens[1].kind == pg_query.Token_EQUALS_GREATER || tokens[1].kind == pg_query.Token_COLON_EQUALS) {
		tokens = tokens[2:]
	}
	return [2]int{tokens[0].start, tokens[len(tokens)-1].end}
}

// targetEnd is the end of a target list whose last entry starts at a place: before the word that starts the next clause, a
// closing parenthesis, a semicolon or the end.
func targetEnd(tokens []token, place int) int {
	depth := 0
	i := at(tokens, place)
	end := place
	for ; i < len(tokens); i++ {
		t := tokens[i]
		switch t.kind {
		case open, bracket:
			depth++
		case closing, unbrack:
			depth--
			if depth < 0 {
				return end
			}
		case semi:
			if depth == 0 {
				return end
			}
		default:
			if depth == 0 && startsClause(tokens, i) {
				return end
			}
		}
		end = t.end
	}
	return end
}

// startsClause reports whether a token ends a target list. These words are reserved, so inside an expression outside
// parentheses they stand only behind AS, in IS DISTINCT FROM and in WITHIN GROUP.
func startsClause(tokens []token, i int) bool {
	before := pg_query.Token_NUL
	if i > 0 {
		before = tokens[i-1].kind
	}
	if before == pg_query.Token_AS {
		return false
	}
	switch tokens[i].kind {
	case pg_query.Token_FROM:
		return before != pg_query.Token_DISTINCT
	case pg_query.Token_GROUP_P:
		return before != pg_query.Token_WITHIN
	case pg_query.Token_INTO, pg_query.Token_WHERE, pg_query.Token_HAVING, pg_query.Token_WINDOW, pg_query.Token_ORDER,
		pg_query.Token_LIMIT, pg_query.Token_OFFSET, pg_query.Token_FETCH, pg_query.Token_FOR,
		pg_query.Token_UNION, pg_query.Token_INTERSECT, pg_query.Token_EXCEPT:
		return true
	}
	return false
}
