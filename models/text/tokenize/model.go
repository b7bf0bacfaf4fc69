package tokenize

import (
	"fmt"
	"hash/maphash"
)

// model turns a word into ids. It never changes and is safe for use by several goroutines.
type model interface {
	// append appends the ids of a word that is not empty, and with p.track what part of the word each stands for.
	append(p *pieces, word []byte, s *scratch)
	// id is the id of a token as the vocabulary spells it.
	id(token string) (int32, bool)
	// size is the number of entries of the vocabulary.
	size() int
}

// pieces are the ids of words.
type pieces struct {
	ids   []int32
	spans []Span // with track: of each id, in bytes of its word
	track bool
}

func (p *pieces) add(id int32, start, end int) {
	p.ids = append(p.ids, id)
	if p.track {
		p.spans = append(p.spans, Span{start, end})
	}
}

// scratch is the memory that a model works in, of one goroutine at a time.
type scratch struct {
	symbols []symbol
	queue   mergeQueue
	best    []bestPath
	key     []byte
	cache   *wordCache
}

// wordCache remembers the ids of short words, each in the one place that its hash says.
type wordCache struct {
	seed    maphash.Seed
	entries [cachedWords]cachedWord
}

const (
	cachedWords  = 1 << 13 // a power of two
	cachedLength = 26      // the longest word, in bytes
	cachedIDs    = 7
)

// cachedWord has 56 bytes and no pointers.
type cachedWord struct {
	ids    [cachedIDs]int32
	n      uint8 // how many ids
	length uint8 // of the word; 0: an empty entry
	word   [cachedLength]byte
}

// get appends a word's ids if it is there; place is where to put it otherwise.
func (c *wordCache) get(p *pieces, word []byte) (place *cachedWord, found bool) {
	if p.track || len(word) > cachedLength {
		return nil, false
	}
	e := &c.entries[maphash.Bytes(c.seed, word)&(cachedWords-1)]
	if int(e.length) == len(word) && string(e.word[:len(word)]) == string(word) {
		p.ids = append(p.ids, e.ids[:e.n]...)
		return e, true
	}
	return e, false
}

func (e *cachedWord) put(word []byte, ids []int32) {
	if e == nil || len(ids) > cachedIDs {
		return
	}
	e.n, e.length = uint8(len(ids)), uint8(len(word))
	copy(e.ids[:], ids)
	copy(e.word[:], word)
}

// byteToken is how a vocabulary spells the token of a byte.
func byteToken(c int) string { return fmt.Sprintf("<0x%02X>", c) }

// byteTokens are the ids of the tokens of bytes, -1 for those that are not there.
func byteTokens(id func(string) (int32, bool)) *[256]int32 {
	t := new([256]int32)
	for c := range t {
		var ok bool
		if t[c], ok = id(byteToken(c)); !ok {
			t[c] = -1
		}
	}
	return t
}
