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

// append appends the ids of normalised text until dst has limit entries.
func (m *wordPiece) append(dst []int32, text []byte, limit int) []int32 {
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
		dst = m.word(dst, text[start:i], chars)
		if class&classPunctuation != 0 {
			dst = m.word(dst, text[i:i+size], 1)
		}
		i += size
		start, chars = i, 0
	}
	if len(dst) < limit {
		dst = m.word(dst, text[start:], chars)
	}
	return dst[:min(len(dst), limit)]
}

// word appends the pieces of one word of so many characters, or the unknown token where some part of it has no piece.
func (m *wordPiece) word(dst []int32, word []byte, chars int) []int32 {
	if len(word) == 0 {
		return dst
	}
	if chars > m.maxChars {
		return append(dst, m.unknown)
	}
	if id, ok := m.first[string(word)]; ok { // most words are one piece
		return append(dst, id)
	}
	begin := len(dst)
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
			return append(dst[:begin], m.unknown)
		}
		dst = append(dst, id)
		word = word[end:]
		pieces, longest = m.rest, m.maxRest
	}
	return dst
}
