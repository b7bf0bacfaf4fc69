package tokenize

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// addedToken is a text that is one token wherever it stands, whatever the model would make of it.
type addedToken struct {
	content        string
	id             int32
	singleWord     bool // only where no word character touches it
	lstrip, rstrip bool // takes the white space on that side with it
}

// addedTokens finds added tokens in a text, the leftmost first and of those the longest.
type addedTokens struct {
	byFirst [256][]addedToken // by their first byte, the longest first
	only    int               // the one first byte that all share, else -1
}

// newAddedTokens returns nil for an empty list, so that a search for nothing costs nothing.
func newAddedTokens(tokens []addedToken) *addedTokens {
	if len(tokens) == 0 {
		return nil
	}
	a := &addedTokens{only: int(tokens[0].content[0])}
	for _, t := range tokens {
		first := t.content[0]
		a.byFirst[first] = append(a.byFirst[first], t)
		if int(first) != a.only {
			a.only = -1
		}
	}
	for i := range a.byFirst {
		slices.SortStableFunc(a.byFirst[i], func(x, y addedToken) int { return len(y.content) - len(x.content) })
	}
	return a
}

// next finds the first added token at or after from: it stands in text[start:end]. When there is none, start and end are len(text).
// What stands before from still counts as a neighbour.
func (a *addedTokens) next(text string, from int) (start, end int, id int32, found bool) {
	if a == nil {
		return len(text), len(text), 0, false
	}
	for i := from; i < len(text); i++ {
		if a.only >= 0 {
			skip := strings.IndexByte(text[i:], byte(a.only))
			if skip < 0 {
				break
			}
			i += skip
		}
		for _, t := range a.byFirst[text[i]] {
			if !strings.HasPrefix(text[i:], t.content) {
				continue
			}
			start, end = i, i+len(t.content)
			if t.singleWord && (endsWithWord(text[:start]) || startsWithWord(text[end:])) {
				i = end - 1 // the reference goes on behind a match that it then refuses
				break
			}
			if t.lstrip {
				start = from + len(strings.TrimRightFunc(text[from:start], unicode.IsSpace))
			}
			if t.rstrip {
				end = len(text) - len(strings.TrimLeftFunc(text[end:], unicode.IsSpace))
			}
			return start, end, t.id, true
		}
	}
	return len(text), len(text), 0, false
}

func endsWithWord(s string) bool {
	r, size := utf8.DecodeLastRuneInString(s)
	return size > 0 && isWord(r)
}

func startsWithWord(s string) bool {
	r, size := utf8.DecodeRuneInString(s)
	return size > 0 && isWord(r)
}

// isWord is \w of the reference's regular expressions.
func isWord(r rune) bool {
	return unicode.In(r, unicode.L, unicode.M, unicode.Nd, unicode.Nl, unicode.Pc, unicode.Other_Alphabetic, unicode.Join_Control)
}
