package tokenize

import "unicode/utf8"

// wordPiece splits words into the longest pieces of a vocabulary (Schuster and Nakajima, "Japanese and Korean voice search"),
// with BertPreTokenizer's split into words before it.
type wordPiece struct {
	first    map[string]int32 // pieces that begin a word
	rest     map[string]int32 // pieces that go on, without their "##"
	unknown  int32
	maxChars int // a longer word is unknown, in characters
	maxFirst int // the longest piece of each map, in bytes
	maxRest  int
}

func (m *wordPiece) id(token string) (int32, bool) {
	id, ok := m.first[token]
	return id, ok
}

func (m *wordPiece) size() int { return len(m.first) }

func (m *wordPiece) append(p *pieces, word []byte, _ *scratch) {
	begin := len(p.ids)
	p.ids = m.word(p.ids, word, utf8.RuneCount(word), p)
	if p.track && len(p.spans) < len(p.ids) { // unknown
		p.spans = append(p.spans[:begin], Span{0, len(word)})
	}
}

// appendText appends the ids of normalised text until dst has limit entries, with BertPreTokenizer's words.
func (m *wordPiece) appendText(dst []int32, text []byte, limit int) []int32 {
	classes := classes()
	start, chars := 0, 0 // the word so far: text[start:i]
	for i := 0; i < len(text) && len(dst) < limit; {
		r, size := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(text[i:])
		}
		var class uint8
		if uint32(r) < uint32(len(classes)) {
			class = classes[r]
		} else {
			class = classOf(r)
		}
		if class&(classSpace|classPunctuation) == 0 {
			i += size
			chars++
			continue
		}
		dst = m.word(dst, text[start:i], chars, nil)
		if class&classPunctuation != 0 {
			dst = m.word(dst, text[i:i+size], 1, nil)
		}
		i += size
		start, chars = i, 0
	}
	if len(dst) < limit {
		dst = m.word(dst, text[start:], chars, nil)
	}
	return dst[:min(len(dst), limit)]
}

// word appends the pieces of one word of so many characters, or the unknown token where some part of it has no piece. p gets the places of the
// pieces if it keeps track; it has none for an unknown word.
func (m *wordPiece) word(dst []int32, word []byte, chars int, p *pieces) []int32 {
	if len(word) == 0 {
		return dst
	}
	if chars > m.maxChars {
		return append(dst, m.unknown)
	}
	track := p != nil && p.track
	begin, at := len(dst), 0
	if id, ok := m.first[string(word)]; ok { // most words are one piece
		if track {
			p.spans = append(p.spans, Span{0, len(word)})
		}
		return append(dst, id)
	}
	pieces, longest := m.first, m.maxFirst
	for len(word) > 0 {
		end := min(len(word), longest)
		for end > 0 && end < len(word) && !utf8.RuneStart(word[end]) {
			end--
		}
		id, ok := int32(0), false
		for end > 0 {
			if id, ok = pieces[string(word[:end])]; ok {
				break
			}
			_, size := utf8.DecodeLastRune(word[:end])
			end -= size
		}
		if !ok {
			if track {
				p.spans = p.spans[:begin]
			}
			return append(dst[:begin], m.unknown)
		}
		dst = append(dst, id)
		if track {
			p.spans = append(p.spans, Span{at, at + end})
			at += end
		}
		word = word[end:]
		pieces, longest = m.rest, m.maxRest
	}
	return dst
}
