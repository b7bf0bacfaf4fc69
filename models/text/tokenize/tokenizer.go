// Package tokenize turns text into the token ids that a model was trained with. It reads a Hugging Face tokenizer.json and
// gives, for the kinds that it knows, exactly the ids of the reference implementation (Hugging Face tokenizers). It knows the
// BERT family: BertNormalizer, BertPreTokenizer, WordPiece, and the template, BERT and RoBERTa post-processors. Every other kind is
// refused when the file is read, with an *UnsupportedError that names it.
package tokenize

import (
	"fmt"
	"sync"
)

// UnsupportedError is a part of a tokenizer.json that is well formed and not built here.
type UnsupportedError struct {
	Part string // "model", "normalizer", "pre_tokenizer", "post_processor", "truncation"
	Kind string // its type as the file spells it
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("tokenizer.json: %s %q is not supported", e.Part, e.Kind)
}

// Tokenizer turns text into ids. It never changes after Parse and is safe for use by several goroutines.
type Tokenizer struct {
	normalizer *bertNormalizer // nil: the text is taken as it is
	model      *wordPiece
	raw        *addedTokens // searched in the text as it came
	normalized *addedTokens // searched in the normalised text
	prefix     []int32      // what the post-processor puts before the text's ids
	suffix     []int32      // and after them
	size       int
	pad        int32
	maxLength  int
	buffers    sync.Pool // *[]byte: normalised text
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
// text that no longer counts is not read. Bytes that are not UTF-8 count as U+FFFD.
func (t *Tokenizer) Append(dst []int32, text string, max int) []int32 {
	dst = append(dst, t.prefix...)
	limit := noLimit
	if max > 0 {
		limit = len(dst) + max - t.Specials()
	}
	if limit > len(dst) {
		dst = t.appendText(dst, text, limit)
	}
	return append(dst, t.suffix...)
}

// noLimit is a length that no slice reaches.
const noLimit = int(^uint(0) >> 1)

// appendText appends the ids of text until dst has limit entries.
func (t *Tokenizer) appendText(dst []int32, text string, limit int) []int32 {
	for at := 0; at < len(text) && len(dst) < limit; {
		start, end, id, found := t.raw.next(text, at)
		dst = t.appendPiece(dst, text[at:start], limit)
		if found && len(dst) < limit {
			dst = append(dst, id)
		}
		at = end
	}
	return dst
}

// chunk is the length in bytes at which a long text is cut for normalisation, so that a megabyte is not normalised for 256 tokens.
const chunk = 2048

// appendPiece appends the ids of a text without raw added tokens.
func (t *Tokenizer) appendPiece(dst []int32, text string, limit int) []int32 {
	buffer, _ := t.buffers.Get().(*[]byte)
	if buffer == nil {
		buffer = new([]byte)
	}
	defer func() {
		if cap(*buffer) <= 64*chunk { // one giant word must not stay in memory for good
			t.buffers.Put(buffer)
		}
	}()
	for len(text) > 0 && len(dst) < limit {
		part := text
		if t.normalized == nil { // else a token could stand across the cut
			part = text[:cut(text, chunk)]
		}
		text = text[len(part):]
		*buffer = t.normalizer.append((*buffer)[:0], part)
		if t.normalized == nil {
			dst = t.model.append(dst, *buffer, limit)
			continue
		}
		whole := string(*buffer)
		for at := 0; at < len(whole) && len(dst) < limit; {
			start, end, id, found := t.normalized.next(whole, at)
			dst = t.model.append(dst, (*buffer)[at:start], limit)
			if found && len(dst) < limit {
				dst = append(dst, id)
			}
			at = end
		}
	}
	return dst
}

// cut returns where to cut text at or after n bytes so that both sides tokenize as the whole would: before an ASCII blank, which ends
// a word and takes part in no composition.
func cut(text string, n int) int {
	for ; n < len(text); n++ {
		if c := text[n]; c == ' ' || c == '\n' || c == '\t' {
			return n
		}
	}
	return len(text)
}
