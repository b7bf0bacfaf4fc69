package tokenize

import (
	"unicode/utf8"
)

// bpe joins the pairs of symbols that were joined in training, those joined first then first now (Sennrich, Haddow and Birch, "Neural Machine
// Translation of Rare Words with Subword Units"), from single characters or bytes on.
type bpe struct {
	vocab   map[string]int32
	merges  mergeTable
	unknown int32 // -1: what has no symbol is left out
	fuse    bool  // unknown characters side by side are one token
	prefix  string
	suffix  string
	bytes   *[256]int32 // what a byte becomes where a character has no symbol; nil: nothing
	whole   bool        // a word of the vocabulary is one token, whatever the merges say

	// letters is for words whose bytes have not been made letters: the symbol of each byte. nil: words are characters.
	letters *[256]int32
	words   map[string]int32 // for whole with letters: the vocabulary as bytes
}

func (m *bpe) id(token string) (int32, bool) {
	id, ok := m.vocab[token]
	return id, ok
}

func (m *bpe) size() int { return len(m.vocab) }

// useBytes makes the model take words as bytes if every byte has a symbol. It tells whether it does.
func (m *bpe) useBytes() bool {
	if m.prefix != "" || m.suffix != "" {
		return false
	}
	var letters [256]int32
	for c, letter := range byteLetter {
		id, ok := m.vocab[string(letter)]
		if !ok {
			return false
		}
		letters[c] = id
	}
	m.letters = &letters
	if !m.whole {
		return true
	}
	m.words = make(map[string]int32, len(m.vocab))
	var word []byte
tokens:
	for token, id := range m.vocab {
		word = word[:0]
		for _, r := range token {
			c, ok := letterByte[r]
			if !ok {
				continue tokens
			}
			word = append(word, c)
		}
		m.words[string(word)] = id
	}
	return true
}

func (m *bpe) append(p *pieces, word []byte, s *scratch) {
	place, found := s.cache.get(p, word)
	if found {
		return
	}
	begin := len(p.ids)
	m.merge(p, word, s)
	place.put(word, p.ids[begin:])
}

func (m *bpe) merge(p *pieces, word []byte, s *scratch) {
	if m.whole {
		words := m.vocab
		if m.letters != nil {
			words = m.words
		}
		if id, ok := words[string(word)]; ok {
			p.add(id, 0, len(word))
			return
		}
	}
	s.symbols = s.symbols[:0]
	if m.letters != nil {
		for _, c := range word {
			s.symbols = append(s.symbols, symbol{id: m.letters[c], length: 1})
		}
	} else {
		m.characters(word, s)
	}
	if len(s.symbols) <= shortWord {
		m.merges.short(s)
	} else {
		m.merges.long(s)
	}
	at := 0
	for _, symbol := range s.symbols {
		if symbol.length == 0 {
			continue
		}
		p.add(symbol.id, min(at, len(word)), min(at+int(symbol.length), len(word)))
		at += int(symbol.length)
	}
}

// characters makes the symbols of a word's characters.
func (m *bpe) characters(word []byte, s *scratch) {
	pending := int32(0) // the length of an unknown part not yet added
	flush := func() {
		if pending > 0 {
			s.symbols = append(s.symbols, symbol{id: m.unknown, length: pending})
			pending = 0
		}
	}
	for i := 0; i < len(word); {
		_, size := utf8.DecodeRune(word[i:])
		key := word[i : i+size]
		first, last := i == 0, i+size == len(word)
		i += size
		if m.prefix != "" && !first || m.suffix != "" && last {
			s.key = s.key[:0]
			if !first {
				s.key = append(s.key, m.prefix...)
			}
			s.key = append(s.key, key...)
			if last {
				s.key = append(s.key, m.suffix...)
			}
			key = s.key
		}
		if id, ok := m.vocab[string(key)]; ok {
			flush()
			s.symbols = append(s.symbols, symbol{id: id, length: int32(size)})
			continue
		}
		if m.fallback(key, s) || m.unknown < 0 {
			continue
		}
		if !m.fuse {
			flush()
		}
		pending += int32(size)
	}
	flush()
}

// fallback makes symbols of the bytes of a character if all of them have one.
func (m *bpe) fallback(key []byte, s *scratch) bool {
	if m.bytes == nil {
		return false
	}
	for _, c := range key {
		if m.bytes[c] < 0 {
			return false
		}
	}
	for _, c := range key {
		s.symbols = append(s.symbols, symbol{id: m.bytes[c], length: 1})
	}
	return true
}
