// Package tokenize turns text into the token ids that a model was trained with. It reads a Hugging Face tokenizer.json and
// gives exactly the ids, types and places of the reference implementation (Hugging Face tokenizers 0.23): WordPiece, byte-level and other BPE,
// Unigram and WordLevel models with their normalizers, pre-tokenizers and post-processors. A kind that it does not know
// is refused when the file is read, with an *UnsupportedError that names it.
package tokenize

import (
	"fmt"
	"hash/maphash"
	"sync"
	"unsafe"
)

// UnsupportedError is a part of a tokenizer.json that is well formed and not built here.
type UnsupportedError struct {
	Part string // "model", "normalizer", "pre_tokenizer", "post_processor", "truncation"
	Kind string // its type as the file spells it, or the pattern that is not understood
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("tokenizer.json: %s %q is not supported", e.Part, e.Kind)
}

// Tokenizer turns text into ids. It never changes after Parse and is safe for use by several goroutines.
type Tokenizer struct {
	normalizer normalizer // nil: the text is taken as it is
	words      []preTokenizer
	model      model
	bert       *wordPiece   // the model, where the words are BertPreTokenizer's alone: both in one pass
	raw        *addedTokens // searched in the text as it came
	normalized *addedTokens // searched in the normalised text
	chunks     bool         // a long text may be cut before a blank
	origins    bool         // splitting needs to know where the text begins
	post       []processor
	names      []string // the tokens by id, for processors that trim; nil: they are the text that they stand for
	trims      bool
	prefix     []int32 // what the post-processor puts before the ids of a single text
	suffix     []int32 // and after them
	size       int
	pad        int32
	maxLength  int
	desks      sync.Pool // of *desk
}

// desk is what one goroutine works with.
type desk struct {
	work
	scratch scratch
	pieces  pieces
	added   []addedMatch
	whole   buffer // a normalised text that has added tokens in it
	tokens  []token
	word    int32 // the number of words so far
	names   []string
	trims   bool
}

type addedMatch struct {
	Span
	id int32
}

// VocabSize is one more than the highest id that the tokenizer gives.
func (t *Tokenizer) VocabSize() int { return t.size }

// Specials is the number of ids that are put around every text.
func (t *Tokenizer) Specials() int { return len(t.prefix) + len(t.suffix) }

// PadID is the id that fills up the short rows of a batch: the file's padding, else the id of [PAD] or <pad>, else 0.
func (t *Tokenizer) PadID() int32 { return t.pad }

// MaxLength is the truncation that the file asks for, in ids, specials included; 0 when it asks for none. Models ship files with a
// length that is not theirs, so it counts only where the model's own settings say nothing.
func (t *Tokenizer) MaxLength() int { return t.maxLength }

// Append appends the ids of text to dst, with the post-processor's special tokens, and returns the longer slice. With max > 0 at
// most max ids are appended: the text's end is cut off, the special tokens stay (Specials must be <= max), and the part of the
// text that no longer counts is not read where the kind of tokenizer allows it. Bytes that are not UTF-8 count as U+FFFD.
func (t *Tokenizer) Append(dst []int32, text string, max int) []int32 {
	dst = append(dst, t.prefix...)
	limit := noLimit
	if max > 0 {
		limit = len(dst) + max - t.Specials()
	}
	if limit > len(dst) {
		d := t.desk()
		d.pieces = pieces{ids: dst}
		t.run(d, text, limit)
		dst = d.pieces.ids
		d.pieces.ids = nil // the caller's
		t.done(d)
	}
	return append(dst, t.suffix...)
}

// noLimit is a length that no slice reaches.
const noLimit = int(^uint(0) >> 1)

func (t *Tokenizer) desk() *desk {
	if d, ok := t.desks.Get().(*desk); ok {
		return d
	}
	d := &desk{names: t.names, trims: t.trims}
	if t.bert == nil {
		d.scratch.cache = &wordCache{seed: maphash.MakeSeed()}
	}
	return d
}

// done puts a desk back, unless a giant text has made it large.
func (t *Tokenizer) done(d *desk) {
	const large = 64 * chunk
	if cap(d.text) > large || cap(d.next) > large || cap(d.work.words) > large || cap(d.scratch.symbols) > large || cap(d.scratch.best) > large || cap(d.tokens) > large {
		return
	}
	t.desks.Put(d)
}

// run appends the ids of text until d.pieces has limit of them.
func (t *Tokenizer) run(d *desk, text string, limit int) {
	at := 0
	for s := (search{tokens: t.raw, text: text}); len(d.pieces.ids) < limit; {
		start, end, id, found := s.next()
		if !found {
			start = len(text)
		}
		if start > at {
			t.part(d, text[at:start], at, limit)
		}
		if !found || len(d.pieces.ids) >= limit {
			break
		}
		if d.pieces.track {
			d.addToken(id, Span{start, end}, text[start:end])
		} else {
			d.pieces.ids = append(d.pieces.ids, id)
		}
		at = end
	}
	if len(d.pieces.ids) > limit {
		d.pieces.ids = d.pieces.ids[:limit]
	}
}

// chunk is the length in bytes at which a long text is cut for normalisation, so that a megabyte is not normalised for 256 tokens.
const chunk = 2048

// part appends the ids of a text without raw added tokens, which begins at base.
func (t *Tokenizer) part(d *desk, text string, base, limit int) {
	for len(text) > 0 && len(d.pieces.ids) < limit {
		part := text
		if t.chunks && !d.pieces.track {
			part = text[:cut(text, chunk)]
		}
		d.load(part, base, d.pieces.track || t.origins)
		text = text[len(part):]
		base += len(part)
		if t.normalizer != nil {
			t.normalizer.apply(&d.buffer)
		}
		if t.normalized == nil {
			t.segment(d, limit)
			continue
		}
		t.normalizedPart(d, limit)
	}
}

// normalizedPart looks for added tokens in the normalised text.
func (t *Tokenizer) normalizedPart(d *desk, limit int) {
	d.added = d.added[:0]
	for s := (search{tokens: t.normalized, text: view(d.text)}); ; {
		start, end, id, found := s.next()
		if !found {
			break
		}
		d.added = append(d.added, addedMatch{Span{start, end}, id})
	}
	if len(d.added) == 0 {
		t.segment(d, limit)
		return
	}
	d.whole.text = append(d.whole.text[:0], d.text...)
	d.whole.origin = append(d.whole.origin[:0], d.origin...)
	between := func(from, to int) {
		if from < to && len(d.pieces.ids) < limit {
			d.text = append(d.text[:0], d.whole.text[from:to]...)
			if d.track {
				d.origin = append(d.origin[:0], d.whole.origin[from:to]...)
			}
			t.segment(d, limit)
		}
	}
	at := 0
	for _, a := range d.added {
		between(at, a.Start)
		at = a.End
		if a.End == a.Start || len(d.pieces.ids) >= limit {
			continue
		}
		if !d.pieces.track {
			d.pieces.ids = append(d.pieces.ids, a.id)
			continue
		}
		origin := d.whole.origin
		d.addToken(a.id, Span{origin[a.Start].Start, origin[a.End-1].End}, view(d.whole.text[a.Start:a.End]))
	}
	between(at, len(d.whole.text))
}

// segment appends the ids of the desk's text.
func (t *Tokenizer) segment(d *desk, limit int) {
	if t.bert != nil && !d.pieces.track {
		d.pieces.ids = t.bert.appendText(d.pieces.ids, d.text, limit)
		return
	}
	if len(d.text) == 0 {
		return
	}
	d.work.words = append(d.work.words[:0], Span{0, len(d.text)})
	for _, p := range t.words {
		p.split(&d.work)
	}
	for _, word := range d.work.words {
		if len(d.pieces.ids) >= limit {
			return
		}
		t.model.append(&d.pieces, d.text[word.Start:word.End], &d.scratch)
		if d.pieces.track {
			d.addWord(word)
		}
	}
}

// view is a byte slice as a string, valid until the slice changes.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// cut returns where to cut text at or after n bytes so that both sides tokenize as the whole would: before a blank behind an ASCII character
// that is none, where every word ends and no composition takes place.
func cut(text string, n int) int {
	for ; n < len(text); n++ {
		if before := text[n-1]; text[n] == ' ' && before > ' ' && before < 0x7f {
			return n
		}
	}
	return len(text)
}
