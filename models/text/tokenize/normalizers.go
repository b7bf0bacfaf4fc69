package tokenize

import (
	"bytes"
	"unicode/utf8"
)

// normalizer rewrites a text before it is split into words. It keeps nothing of a buffer and is safe for use by several goroutines.
type normalizer interface{ apply(b *buffer) }

type normalizers []normalizer

func (s normalizers) apply(b *buffer) {
	for _, n := range s {
		n.apply(b)
	}
}

// lowercase is the lower case of each character by itself.
type lowercase struct{}

func (lowercase) apply(b *buffer) {
	if isASCII(b.text) {
		for i, c := range b.text {
			if c >= 'A' && c <= 'Z' {
				b.text[i] = c + 'a' - 'A'
			}
		}
		return
	}
	b.begin()
	for i := 0; i < len(b.text); {
		r, size := utf8.DecodeRune(b.text[i:])
		i += size
		if r == 'İ' { // the one character whose lower case is two
			b.put('i', 0)
			b.put('\u0307', 1)
			continue
		}
		b.put(lower(r), 0)
	}
	b.end()
}

func isASCII(text []byte) bool {
	for _, c := range text {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// strip takes white space off the ends.
type strip struct{ left, right bool }

func (n strip) apply(b *buffer) {
	start, end := 0, len(b.text)
	if n.left {
		start = end - len(bytes.TrimLeftFunc(b.text, isWhite))
	}
	if n.right {
		end = start + len(bytes.TrimRightFunc(b.text[start:], isWhite))
	}
	if start > 0 || end < len(b.text) {
		b.cut(start, end)
	}
}

// filter drops characters.
type filter func(r rune) bool

func (dropped filter) apply(b *buffer) {
	b.begin()
	for b.at < len(b.text) {
		r, size := utf8.DecodeRune(b.text[b.at:])
		if dropped(r) {
			b.drop(size)
		} else {
			b.keep(size)
		}
	}
	b.end()
}

func stripAccents(r rune) bool { return r >= 0x300 && propertiesOf(r)&isAccent != 0 }

// each makes another character of each.
type each func(r rune) rune

func (f each) apply(b *buffer) {
	b.begin()
	for i := 0; i < len(b.text); {
		r, size := utf8.DecodeRune(b.text[i:])
		i += size
		b.put(f(r), 0)
	}
	b.end()
}

// Nmt of the reference is nmtDropped and then nmtSpaces.
func nmtDropped(r rune) bool {
	switch {
	case r >= 1 && r <= 8, r == 0xb, r >= 0xe && r <= 0x1f, r == 0x7f, r == 0x8f, r == 0x9f:
		return true
	}
	return false
}

func nmtSpaces(r rune) rune {
	switch {
	case r == '\t', r == '\n', r == '\f', r == '\r', r == 0x1680, r >= 0x200b && r <= 0x200f, r == 0x2028, r == 0x2029, r == 0x2581, r == 0xfeff, r == 0xfffd:
		return ' '
	}
	return r
}

// prepend puts a text before every text that is not empty.
type prepend string

func (n prepend) apply(b *buffer) {
	if len(b.text) == 0 || n == "" {
		return
	}
	b.begin()
	b.insert(string(n), true)
	b.keep(len(b.text))
	b.end()
}

// replace puts content where the pattern is.
type replace struct {
	pattern matcher
	content string
}

func (n replace) apply(b *buffer) {
	if l, ok := n.pattern.(literal); ok && !bytes.Contains(b.text, l) {
		return
	}
	b.begin()
	b.found = n.pattern.matches(b.text, b.found[:0])
	for _, m := range b.found {
		b.keep(m.Start - b.at)
		b.drop(m.End - m.Start)
		b.insert(n.content, false)
	}
	b.keep(len(b.text) - b.at)
	b.end()
}

// byteLetters is ByteLevel as a normalizer: each byte becomes the letter that stands for it.
type byteLetters struct{}

func (byteLetters) apply(b *buffer) {
	b.begin()
	for _, c := range b.text {
		change := 0
		if !utf8.RuneStart(c) {
			change = 1
		}
		b.put(byteLetter[c], change)
	}
	b.end()
}

// byteLetter is GPT-2's alphabet: the printable bytes of Latin-1 stand for themselves, the others follow from U+0100 on.
var byteLetter, letterByte = func() (letters [256]rune, back map[rune]byte) {
	back = map[rune]byte{}
	next := rune(0x100)
	for c := range letters {
		if c >= '!' && c <= '~' || c >= 0xa1 && c <= 0xac || c >= 0xae {
			letters[c] = rune(c)
		} else {
			letters[c] = next
			next++
		}
		back[letters[c]] = byte(c)
	}
	return letters, back
}()

// bertSteps is a BertNormalizer one step after the other. It gives what bertNormalizer gives, slower, and keeps track of the origins.
func bertSteps(clean, chineseChars, accents, lower bool) normalizers {
	var s normalizers
	if clean {
		s = append(s, filter(func(r rune) bool { return classOf(r)&classRemoved != 0 }), each(func(r rune) rune {
			if classOf(r)&classSpace != 0 {
				return ' '
			}
			return r
		}))
	}
	if chineseChars {
		s = append(s, aroundChinese{})
	}
	if accents {
		s = append(s, form{}, filter(func(r rune) bool { return classOf(r)&classNonspacing != 0 }))
	}
	if lower {
		s = append(s, lowercase{})
	}
	return s
}

// aroundChinese puts blanks around Chinese characters.
type aroundChinese struct{}

func (aroundChinese) apply(b *buffer) {
	b.begin()
	for i := 0; i < len(b.text); {
		r, size := utf8.DecodeRune(b.text[i:])
		i += size
		if !chinese(r) {
			b.put(r, 0)
			continue
		}
		b.put(' ', 0)
		b.put(r, 1)
		b.put(' ', 1)
	}
	b.end()
}
