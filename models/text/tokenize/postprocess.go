package tokenize

import (
	"fmt"
	"unicode/utf8"
)

// processor puts special tokens around the tokens of one text or two.
type processor interface {
	// added is the number of tokens that it puts around one text, or two.
	added(pair bool) int
	process(parts []portion, sources []source, specials bool) []portion
}

// source is a text whose tokens are processed.
type source struct{ text string }

func special(id, typeID int32) token { return token{id: id, typeID: typeID, word: -1, text: -1} }

func specialsOf(typeID int32, ids ...int32) portion {
	var p portion
	for _, id := range ids {
		p.tokens = append(p.tokens, special(id, typeID))
	}
	return p
}

// setType sets the type of a part's tokens, but not of what was cut off of it, as in the reference.
func (p *portion) setType(typeID int32) {
	tokens := make([]token, len(p.tokens))
	for i, k := range p.tokens {
		k.typeID = typeID
		tokens[i] = k
	}
	p.tokens = tokens
}

// around puts tokens before and behind a part, and each piece that was cut off of it.
func (p *portion) around(before, after []token) {
	wrap := func(tokens []token) []token {
		out := make([]token, 0, len(before)+len(tokens)+len(after))
		return append(append(append(out, before...), tokens...), after...)
	}
	p.tokens = wrap(p.tokens)
	for i := range p.over {
		p.over[i] = wrap(p.over[i])
	}
}

// bertProcessing is `[CLS] A [SEP] B [SEP]`, the second text of type 1.
type bertProcessing struct{ cls, sep int32 }

func (b bertProcessing) added(pair bool) int {
	if pair {
		return 3
	}
	return 2
}

func (b bertProcessing) process(parts []portion, _ []source, specials bool) []portion {
	if !specials {
		return parts
	}
	for i := range parts {
		if i == 0 {
			parts[i].around([]token{special(b.cls, 0)}, []token{special(b.sep, 0)})
		} else {
			parts[i].around(nil, []token{special(b.sep, 1)})
		}
	}
	return parts
}

// robertaProcessing is `<s> A </s> </s> B </s>`, all of type 0.
type robertaProcessing struct {
	cls, sep int32
	trim     *trimming // nil: none
}

func (r robertaProcessing) added(pair bool) int {
	if pair {
		return 4
	}
	return 2
}

func (r robertaProcessing) process(parts []portion, sources []source, specials bool) []portion {
	parts = r.trim.process(parts, sources, specials)
	for i := range parts {
		parts[i].setType(0)
		if !specials {
			continue
		}
		for j, tokens := range parts[i].over {
			o := portion{tokens: tokens}
			o.setType(0)
			parts[i].over[j] = o.tokens
		}
		before := r.cls
		if i > 0 {
			before = r.sep
		}
		parts[i].around([]token{special(before, 0)}, []token{special(r.sep, 0)})
	}
	return parts
}

// trimming is ByteLevel as a post-processor: it takes the white space off what each token stands for. nil does nothing.
type trimming struct {
	prefixed bool // the blank that begins a text was put there by ByteLevel
}

func (t *trimming) added(bool) int { return 0 }

func (t *trimming) process(parts []portion, sources []source, _ bool) []portion {
	if t == nil {
		return parts
	}
	for i := range parts {
		parts[i].tokens = t.trim(parts[i].tokens, sources)
		for j, tokens := range parts[i].over {
			parts[i].over[j] = t.trim(tokens, sources)
		}
	}
	return parts
}

func (t *trimming) trim(tokens []token, sources []source) []token {
	out := make([]token, len(tokens))
	for i, k := range tokens {
		if k.text >= 0 && k.lead+k.trail > 0 {
			k.span = t.trimmed(k, i == 0, sources[k.text].text)
		}
		out[i] = k
	}
	return out
}

func (t *trimming) trimmed(k token, first bool, text string) Span {
	s := k.span
	lead := int(k.lead)
	if lead == 1 && t.prefixed && (first || s.Start == 0) {
		lead = 0
	}
	for range lead {
		if s.Start >= s.End {
			break
		}
		_, size := utf8.DecodeRuneInString(text[s.Start:])
		s.Start += size
	}
	s.Start = min(s.Start, s.End)
	end := s.End
	for range k.trail {
		if end == 0 {
			return s // fewer characters than there is to trim: the reference leaves it
		}
		_, size := utf8.DecodeLastRuneInString(text[:end])
		end -= size
	}
	s.End = max(end, s.Start)
	return s
}

// templatePiece is a special token, or one of the texts.
type templatePiece struct {
	text   int // 0, 1; -1: a special token
	typeID int32
	ids    []int32
}

// template is TemplateProcessing.
type template struct{ single, pair []templatePiece }

func (t *template) pieces(pair bool) []templatePiece {
	if pair {
		return t.pair
	}
	return t.single
}

func (t *template) added(pair bool) int {
	n := 0
	for _, p := range t.pieces(pair) {
		n += len(p.ids)
	}
	return n
}

func (t *template) process(parts []portion, _ []source, specials bool) []portion {
	var out []portion
	for _, p := range t.pieces(len(parts) == 2) {
		switch {
		case p.text >= 0:
			part := parts[p.text]
			part.setType(p.typeID)
			out = append(out, part)
		case specials:
			out = append(out, specialsOf(p.typeID, p.ids...))
		}
	}
	return out
}

// surround finds what the post-processor puts around a single text.
func (t *Tokenizer) surround() error {
	parts := []portion{{tokens: []token{{id: -1}}}}
	for _, p := range t.post {
		parts = p.process(parts, []source{{}}, true)
	}
	texts := 0
	for _, part := range parts {
		for _, k := range part.tokens {
			switch {
			case k.typeID != 0 && k.text <= 0:
				return &UnsupportedError{Part: "post_processor", Kind: "TemplateProcessing with type ids in a single text"}
			case k.text == 0:
				texts++
			case texts == 0:
				t.prefix = append(t.prefix, k.id)
			default:
				t.suffix = append(t.suffix, k.id)
			}
		}
	}
	if texts != 1 {
		return fmt.Errorf("tokenizer.json: post_processor: the template holds the text %d times", texts)
	}
	return nil
}
