package parser

import "bytes"

// Contains reports whether a word, in lower case, stands in a text in any case, with no letter, digit or underscore beside it.
func Contains(text []byte, word string) bool {
	for i := 0; i+len(word) <= len(text); i++ {
		if text[i]|0x20 == word[0] && isWord(text[i:], word) && (i == 0 || !isWordByte(text[i-1])) {
			return true
		}
	}
	return false
}

// Begins reports whether the first word of a text, behind space and comments, is this one, which is in lower case.
func Begins(text []byte, word string) bool { return isWord(skipSpace(text), word) }

func isWord(text []byte, word string) bool {
	return foldHasPrefix(text, word) && (len(text) == len(word) || !isWordByte(text[len(word)]))
}

func isWordByte(c byte) bool {
	return c == '_' || c == '$' || c >= 0x80 || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

// skipSpace gives a text without the space and comments that it begins with, and without the semicolons of empty statements.
func skipSpace(text []byte) []byte {
	for {
		text = bytes.TrimLeft(text, " \t\n\r\f\v;")
		switch {
		case bytes.HasPrefix(text, []byte("--")):
			end := bytes.IndexAny(text, "\n\r")
			if end < 0 {
				return nil
			}
			text = text[end:]
		case bytes.HasPrefix(text, []byte("/*")):
			text = skipComment(text)
		default:
			return text
		}
	}
}

// skipComment gives what is behind a comment, in which others may stand.
func skipComment(text []byte) []byte {
	depth := 0
	for i := 0; i+1 < len(text); i++ {
		switch {
		case text[i] == '/' && text[i+1] == '*':
			depth++
			i++
		case text[i] == '*' && text[i+1] == '/':
			depth--
			i++
			if depth == 0 {
				return text[i+1:]
			}
		}
	}
	return nil
}
