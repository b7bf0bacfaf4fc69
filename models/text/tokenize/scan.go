package tokenize

import "unicode/utf8"

// scanner returns where the first word of a text ends that is not empty. The patterns that byte-level models split by are written out by
// hand: each matches at every place, so the words follow one another without gaps.
type scanner func(text []byte) int

// class of the character at text[i:] as the patterns see it: isLetter, isNumber, isSpace or 0, and its size.
func scanClass(t *[tabled]uint16, text []byte, i int) (uint16, int) {
	if c := text[i]; c < utf8.RuneSelf {
		return t[c] & (isLetter | isNumber | isSpace), 1
	}
	r, size := utf8.DecodeRune(text[i:])
	if uint32(r) < tabled {
		return t[r] & (isLetter | isNumber | isSpace), size
	}
	return propertiesOf(r) & (isLetter | isNumber | isSpace), size
}

// scanRun returns where the run of characters of a class ends that goes on at i.
func scanRun(t *[tabled]uint16, text []byte, i int, class uint16) int {
	for i < len(text) {
		c, size := scanClass(t, text, i)
		if c != class {
			break
		}
		i += size
	}
	return i
}

// scanSpaces is `\s+(?!\S)|\s+`: white space, but for its last character where something follows.
func scanSpaces(t *[tabled]uint16, text []byte) int {
	end := scanRun(t, text, 0, isSpace)
	if end == len(text) {
		return end
	}
	if _, size := utf8.DecodeLastRune(text[:end]); size < end {
		return end - size
	}
	return end
}

// scanGPT2 is `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`.
func scanGPT2(text []byte) int {
	t := properties()
	if text[0] == '\'' && len(text) > 1 {
		switch text[1] {
		case 's', 't', 'm', 'd':
			return 2
		case 'r', 'v':
			if len(text) > 2 && text[2] == 'e' {
				return 3
			}
		case 'l':
			if len(text) > 2 && text[2] == 'l' {
				return 3
			}
		}
	}
	i := 0
	if text[0] == ' ' && len(text) > 1 {
		i = 1
	}
	class, size := scanClass(t, text, i)
	if class == isSpace {
		return scanSpaces(t, text)
	}
	return scanRun(t, text, i+size, class)
}

// scanTiktoken is `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,digits}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`, the
// pattern of cl100k and Llama 3 (three digits), and of Qwen 2 (one).
func scanTiktoken(digits int) scanner {
	return func(text []byte) int {
		t := properties()
		if text[0] == '\'' && len(text) > 1 {
			if n := contraction(text[1:]); n > 0 {
				return 1 + n
			}
		}
		class, size := scanClass(t, text, 0)
		switch class {
		case isLetter:
			return scanRun(t, text, size, isLetter)
		case isNumber:
			end := size
			for n := 1; n < digits && end < len(text); n++ {
				next, size := scanClass(t, text, end)
				if next != isNumber {
					break
				}
				end += size
			}
			return end
		}
		if size < len(text) && text[0] != '\r' && text[0] != '\n' {
			if next, more := scanClass(t, text, size); next == isLetter {
				return scanRun(t, text, size+more, isLetter)
			}
		}
		i, next := 0, class
		if text[0] == ' ' && len(text) > 1 {
			i = 1
			next, _ = scanClass(t, text, 1)
		}
		if next == 0 {
			for i = scanRun(t, text, i, 0); i < len(text) && (text[i] == '\r' || text[i] == '\n'); {
				i++
			}
			return i
		}
		for i = scanRun(t, text, 0, isSpace) - 1; i >= 0; i-- {
			if text[i] == '\r' || text[i] == '\n' {
				return i + 1
			}
		}
		return scanSpaces(t, text)
	}
}

// contraction is the length of `(?i:s|t|re|ve|m|ll|d)` at the start of a text. U+017F is a small s, too.
func contraction(text []byte) int {
	switch text[0] | 0x20 {
	case 's', 't', 'm', 'd':
		return 1
	case 'r', 'v':
		if len(text) > 1 && text[1]|0x20 == 'e' {
			return 2
		}
	case 'l':
		if len(text) > 1 && text[1]|0x20 == 'l' {
			return 2
		}
	case 0xc5 | 0x20:
		if len(text) > 1 && text[0] == 0xc5 && text[1] == 0xbf {
			return 2
		}
	}
	return 0
}

// scanners are the patterns that have a scanner.
var scanners = map[string]scanner{
	`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`:                                          scanGPT2,
	`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`: scanTiktoken(3),
	`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`:      scanTiktoken(1),
}
