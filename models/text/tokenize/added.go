package tokenize

import (
	"strings"
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
	tokens []addedToken
	trie   *trie // of their contents; its ids are places in tokens
	only   int   // the one first byte that all share, else -1
}

// newAddedTokens returns nil for an empty list, so that a search for nothing costs nothing. Of two of the same content the first counts.
func newAddedTokens(tokens []addedToken) *addedTokens {
	if len(tokens) == 0 {
		return nil
	}
	a := &addedTokens{tokens: tokens, only: int(tokens[0].content[0])}
	seen := map[string]bool{}
	var pieces []triePiece
	for i, t := range tokens {
		if int(t.content[0]) != a.only {
			a.only = -1
		}
		if !seen[t.content] {
			seen[t.content] = true
			pieces = append(pieces, triePiece{t.content, int32(i)})
		}
	}
	a.trie = newTrie(pieces)
	return a
}

// at is the longest token that begins a text.
func (a *addedTokens) at(text string) (t addedToken, found bool) {
	node, ok := trieRoot, true
	for i := 0; i < len(text); i++ {
		if node, ok = a.trie.child(node, text[i]); !ok {
			break
		}
		if id := a.trie.ids[node]; id >= 0 {
			t, found = a.tokens[id], true
		}
	}
	return t, found
}

// search goes through the added tokens of a text from left to right.
type search struct {
	tokens *addedTokens
	text   string
	at     int // where the search goes on
	cut    int // where the last token ended
}

// next finds the next added token: it stands in text[start:end]. As in the reference, white space that a token takes with it may hold the
// next one, which then begins before the last one's end.
func (s *search) next() (start, end int, id int32, found bool) {
	a, text := s.tokens, s.text
	if a == nil {
		return 0, 0, 0, false
	}
	for i := s.at; i < len(text); i++ {
		if a.only >= 0 {
			skip := strings.IndexByte(text[i:], byte(a.only))
			if skip < 0 {
				break
			}
			i += skip
		}
		if a.trie.root[text[i]] < 0 {
			continue
		}
		t, ok := a.at(text[i:])
		if !ok {
			continue
		}
		start, end = i, i+len(t.content)
		if t.singleWord && (endsWithWord(text[:start]) || startsWithWord(text[end:])) {
			i = end - 1 // the reference goes on behind a match that it then refuses
			continue
		}
		s.at = end
		if t.lstrip {
			start = max(s.cut, len(strings.TrimRightFunc(text[:start], isWhite)))
		}
		if t.rstrip {
			end = len(text) - len(strings.TrimLeftFunc(text[end:], isWhite))
		}
		s.cut = end
		return start, end, t.id, true
	}
	s.at = len(text)
	return 0, 0, 0, false
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
func isWord(r rune) bool { return propertiesOf(r)&isWordRune != 0 }
