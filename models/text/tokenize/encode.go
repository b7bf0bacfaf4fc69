package tokenize

import (
	"fmt"
	"unicode/utf8"
)

// Encoding is a text, or two texts, or a part of them, as a model takes it. All slices have an entry for each id.
type Encoding struct {
	IDs     []int32
	TypeIDs []int32
	// Offsets are bytes of the text that the id stands for; both 0 for a special token.
	Offsets []Span
	// Words number the words of each text, -1 for a special token. A word is what the pre-tokenizer makes, or an added token.
	Words []int32
	// Texts tell which text the id stands for, 0 or 1; -1 for a special token of the post-processor.
	Texts []int8
}

// Strategy is what of a pair is cut off.
type Strategy int

const (
	LongestFirst Strategy = iota // of the longer one, and then of both
	OnlyFirst                    // of the first
	OnlySecond                   // of the second
)

// EncodeOptions are how to encode. The zero value cuts nothing off.
type EncodeOptions struct {
	MaxLength  int // in ids, specials included; 0: no limit
	Strategy   Strategy
	Stride     int  // how many ids of a text each further part repeats
	Overflow   bool // also give the parts that are cut off
	Left       bool // cut off at the beginning
	NoSpecials bool // without the post-processor's tokens
}

// token is an id and what it stands for.
type token struct {
	id, typeID  int32
	span        Span
	word        int32
	lead, trail int32 // white space at its ends, in characters
	text        int8
}

// addToken appends an added token.
func (d *desk) addToken(id int32, span Span, content string) {
	k := token{id: id, span: span, word: d.word}
	d.word++
	if d.trims {
		k.lead, k.trail = spaces(content)
	}
	d.tokens = append(d.tokens, k)
}

// addWord appends the tokens of d.pieces, which make a word, and empties it.
func (d *desk) addWord(word Span) {
	for i, id := range d.pieces.ids {
		s := d.pieces.spans[i]
		first, last := min(word.Start+s.Start, len(d.origin)-1), min(word.Start+s.End-1, len(d.origin)-1)
		k := token{id: id, word: d.word, span: Span{d.origin[first].Start, d.origin[max(first, last)].End}}
		switch {
		case !d.trims:
		case d.names == nil:
			k.lead, k.trail = spaces(view(d.text[word.Start+s.Start : word.Start+s.End]))
		case int(id) < len(d.names):
			k.lead, k.trail = spaces(d.names[id])
		}
		d.tokens = append(d.tokens, k)
	}
	d.word++
	d.pieces.ids, d.pieces.spans = d.pieces.ids[:0], d.pieces.spans[:0]
}

// spaces counts the white space at a token's ends; ByteLevel's letter for the blank is some, too.
func spaces(s string) (lead, trail int32) {
	white := func(r rune) bool { return r == byteLetter[' '] || isWhite(r) }
	for _, r := range s {
		if !white(r) {
			break
		}
		lead++
	}
	for len(s) > 0 {
		r, size := utf8.DecodeLastRuneInString(s)
		if !white(r) {
			break
		}
		s = s[:len(s)-size]
		trail++
	}
	return lead, trail
}

// tokensOf gives all tokens of a text.
func (t *Tokenizer) tokensOf(text string, which int8) []token {
	d := t.desk()
	d.pieces = pieces{ids: d.pieces.ids[:0], spans: d.pieces.spans[:0], track: true}
	d.tokens, d.word = d.tokens[:0], 0
	t.run(d, text, noLimit)
	tokens := make([]token, len(d.tokens))
	copy(tokens, d.tokens)
	for i := range tokens {
		tokens[i].text, tokens[i].typeID = which, int32(which)
	}
	t.done(d)
	return tokens
}

// Encode encodes a text. With o.Overflow the parts that were cut off follow.
func (t *Tokenizer) Encode(text string, o EncodeOptions) ([]Encoding, error) {
	return t.encode([]string{text}, o)
}

// EncodePair encodes two texts as one input. With o.Overflow the parts that were cut off follow.
func (t *Tokenizer) EncodePair(text, pair string, o EncodeOptions) ([]Encoding, error) {
	return t.encode([]string{text, pair}, o)
}

func (t *Tokenizer) encode(texts []string, o EncodeOptions) ([]Encoding, error) {
	if o.Strategy < LongestFirst || o.Strategy > OnlySecond {
		return nil, fmt.Errorf("tokenize: no strategy %d", o.Strategy)
	}
	parts := make([]portion, len(texts))
	for i, text := range texts {
		parts[i].tokens = t.tokensOf(text, int8(i))
	}
	if o.MaxLength > 0 {
		length := o.MaxLength
		if !o.NoSpecials {
			for _, p := range t.post {
				length -= p.added(len(texts) == 2)
			}
		}
		if length < 0 {
			return nil, fmt.Errorf("tokenize: %d ids do not hold the special tokens", o.MaxLength)
		}
		if err := truncate(parts, length, o); err != nil {
			return nil, err
		}
	}
	sources := make([]source, len(texts))
	for i, text := range texts {
		sources[i].text = text
	}
	for _, p := range t.post {
		parts = p.process(parts, sources, !o.NoSpecials)
	}
	merged, err := merge(parts)
	if err != nil {
		return nil, err
	}
	encodings := []Encoding{encodingOf(merged.tokens)}
	if o.Overflow {
		for _, tokens := range merged.over {
			encodings = append(encodings, encodingOf(tokens))
		}
	}
	return encodings, nil
}

func encodingOf(tokens []token) Encoding {
	n := len(tokens)
	numbers := make([]int32, 3*n)
	e := Encoding{IDs: numbers[:n:n], TypeIDs: numbers[n : 2*n : 2*n], Words: numbers[2*n:], Offsets: make([]Span, n), Texts: make([]int8, n)}
	for i, k := range tokens {
		e.IDs[i], e.TypeIDs[i], e.Words[i], e.Offsets[i], e.Texts[i] = k.id, k.typeID, k.word, k.span, k.text
	}
	return e
}
