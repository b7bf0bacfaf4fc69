package pool

import "bytes"

// verdict is what a statement's text says about its session.
type verdict struct {
	pin     string   // why the session has to keep its server connection afterwards; "" where it doesn't
	tainted bool     // not even DISCARD ALL undoes it
	sets    []string // the parameters that it SETs, in lower case: nothing has to be kept where the server reports them
	first   string   // the first word, where it is execute or deallocate and the text is one statement
	from    int      // where the name in it stands: text[from:to]
	to      int
}

// scanner cuts a text into words. It knows comments, strings and quoted names, and nothing of grammar.
type scanner struct {
	text      []byte
	at        int
	backslash bool // standard_conforming_strings is off
	word      []byte
	from      int // where the last token begins
	quoted    bool
}

// next gives the next word in lower case, anyWord where it is none of words, a punctuation mark as itself, ' for a string, whose content is
// in s.word then, and "" at the end.
func (s *scanner) next() string {
	for s.at < len(s.text) {
		s.from, s.quoted = s.at, false
		c := s.text[s.at]
		switch {
		case c == ' ' || c >= '\t' && c <= '\r':
			s.at++
		case c == '-' && s.has("--"):
			s.skipTo("\n")
		case c == '/' && s.has("/*"):
			s.comment()
		case c == '\'':
			s.str(s.backslash)
			return "'"
		case c == '"':
			s.quotedName()
			return s.known()
		case c == '$':
			if s.dollar() {
				return "'"
			}
			s.at++
			return "$"
		case letter(c):
			for s.at < len(s.text) && (letter(s.text[s.at]) || s.text[s.at] >= '0' && s.text[s.at] <= '9' || s.text[s.at] == '$') {
				s.at++
			}
			w := s.text[s.from:s.at]
			if len(w) == 1 && w[0]|0x20 == 'u' && s.at+1 < len(s.text) && s.text[s.at] == '&' && (s.text[s.at+1] == '"' || s.text[s.at+1] == '\'') {
				s.at++
				return escapedName
			}
			if s.at < len(s.text) && s.text[s.at] == '\'' && len(w) == 1 {
				s.str(s.backslash || w[0] == 'e' || w[0] == 'E')
				return "'"
			}
			s.word = append(s.word[:0], w...)
			for i, c := range s.word {
				if c >= 'A' && c <= 'Z' {
					s.word[i] = c + 'a' - 'A'
				}
			}
			return s.known()
		default:
			s.at++
			return string(c)
		}
	}
	return ""
}

// anyWord is what next gives for a word that says nothing; the word itself is in s.word.
const anyWord = "x"

// escapedName is what next gives before a name or string in which any letter may be written by its number (U&"...").
const escapedName = "u&"

// known gives a word of words as a string that need not be made.
func (s *scanner) known() string {
	if w, ok := words[string(s.word)]; ok {
		return w
	}
	return anyWord
}

// words are those that matter to judge.
var words = func() map[string]string {
	m := map[string]string{}
	for _, w := range []string{"set", "listen", "load", "prepare", "transaction", "execute", "deallocate", "all", "temp", "temporary", "create",
		"replace", "local", "global", "into", "hold", "declare", "with", "set_config", "do", "session", "characteristics", "authorization",
		"constraints", "time", "names", "true", "update", "pg_settings"} {
		m[w] = w
	}
	for w := range keeping {
		m[w] = w
	}
	return m
}()

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c >= 0x80 }

func (s *scanner) has(prefix string) bool { return bytes.HasPrefix(s.text[s.at:], []byte(prefix)) }

func (s *scanner) skipTo(end string) {
	if i := bytes.Index(s.text[s.at:], []byte(end)); i >= 0 {
		s.at += i + len(end)
	} else {
		s.at = len(s.text)
	}
}

// comment skips a comment; they nest.
func (s *scanner) comment() {
	depth := 0
	for s.at < len(s.text) {
		switch {
		case s.has("/*"):
			depth++
			s.at += 2
		case s.has("*/"):
			depth--
			s.at += 2
			if depth == 0 {
				return
			}
		default:
			s.at++
		}
	}
}

func (s *scanner) str(backslash bool) {
	s.at++
	s.word = s.word[:0]
	for s.at < len(s.text) {
		c := s.text[s.at]
		s.at++
		switch {
		case c == '\'' && s.at < len(s.text) && s.text[s.at] == '\'':
			s.at++
		case c == '\'':
			return
		case c == '\\' && backslash && s.at < len(s.text):
			c = s.text[s.at]
			s.at++
		}
		s.word = append(s.word, c)
	}
}

func (s *scanner) quotedName() {
	s.at++
	s.quoted = true
	s.word = s.word[:0]
	for s.at < len(s.text) {
		c := s.text[s.at]
		s.at++
		if c == '"' {
			if s.at == len(s.text) || s.text[s.at] != '"' {
				return
			}
			s.at++
		}
		s.word = append(s.word, c)
	}
}

// dollar reads a string in dollar quotes.
func (s *scanner) dollar() bool {
	end := s.at + 1
	for end < len(s.text) && (letter(s.text[end]) || end > s.at+1 && s.text[end] >= '0' && s.text[end] <= '9') {
		end++
	}
	if end == len(s.text) || s.text[end] != '$' {
		return false
	}
	tag := s.text[s.at : end+1]
	s.at = end + 1
	if i := bytes.Index(s.text[s.at:], tag); i >= 0 {
		s.word = append(s.word[:0], s.text[s.at:s.at+i]...)
		s.at += i + len(tag)
	} else {
		s.word = append(s.word[:0], s.text[s.at:]...)
		s.at = len(s.text)
	}
	return true
}
