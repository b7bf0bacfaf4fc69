package tokenize

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// vocabEntry is a token of the model and its id.
type vocabEntry struct {
	token string
	id    int32
}

func entriesOf(vocab map[string]int32) []vocabEntry {
	entries := make([]vocabEntry, 0, len(vocab))
	for token, id := range vocab {
		entries = append(entries, vocabEntry{token, id})
	}
	return entries
}

func modelError(format string, args ...any) error {
	return fmt.Errorf("tokenizer.json: model: "+format, args...)
}

func (t *Tokenizer) parseModel(raw json.RawMessage) ([]vocabEntry, error) {
	kind := kindOf(raw)
	if kind == "without a type" { // old files; what one kind alone has tells it
		switch {
		case bytes.Contains(raw, []byte(`"max_input_chars_per_word"`)):
			kind = "WordPiece"
		case bytes.Contains(raw, []byte(`"merges"`)):
			kind = "BPE"
		case bytes.Contains(raw, []byte(`"unk_id"`)):
			kind = "Unigram"
		}
	}
	switch kind {
	case "WordPiece":
		return t.parseWordPiece(raw)
	case "BPE":
		return t.parseBPE(raw)
	case "Unigram":
		return t.parseUnigram(raw)
	case "WordLevel":
		return t.parseWordLevel(raw)
	}
	return nil, &UnsupportedError{Part: "model", Kind: kind}
}

// maxWord bounds the characters of WordPiece's words, whose time grows with the square of their length and once more with that of the pieces; files say 100.
const maxWord = 1 << 12

func (t *Tokenizer) parseWordPiece(raw json.RawMessage) ([]vocabEntry, error) {
	m := struct {
		Vocab    map[string]int32 `json:"vocab"`
		UnkToken string           `json:"unk_token"`
		Prefix   string           `json:"continuing_subword_prefix"`
		MaxChars int              `json:"max_input_chars_per_word"`
	}{UnkToken: "[UNK]", Prefix: "##", MaxChars: 100}
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, modelError("%w", err)
	}
	unknown, ok := m.Vocab[m.UnkToken]
	if !ok {
		return nil, modelError("the unknown token %q is not in the vocabulary", m.UnkToken)
	}
	if m.MaxChars > maxWord {
		return nil, modelError("max_input_chars_per_word is %d", m.MaxChars)
	}
	w := &wordPiece{first: m.Vocab, rest: map[string]int32{}, unknown: unknown, maxChars: m.MaxChars}
	for piece, id := range m.Vocab {
		if len(piece) > maxPiece {
			return nil, modelError("a piece of %d bytes", len(piece))
		}
		w.maxFirst = max(w.maxFirst, len(piece))
		if tail, ok := strings.CutPrefix(piece, m.Prefix); ok {
			w.rest[tail] = id
			w.maxRest = max(w.maxRest, len(tail))
		}
	}
	delete(w.rest, "") // a bare prefix would match for ever
	t.model = w
	return entriesOf(m.Vocab), nil
}

func (t *Tokenizer) parseWordLevel(raw json.RawMessage) ([]vocabEntry, error) {
	m := struct {
		Vocab    map[string]int32 `json:"vocab"`
		UnkToken string           `json:"unk_token"`
	}{UnkToken: "<unk>"}
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, modelError("%w", err)
	}
	unknown, ok := m.Vocab[m.UnkToken]
	if !ok {
		return nil, modelError("the unknown token %q is not in the vocabulary", m.UnkToken)
	}
	t.model = &wordLevel{vocab: m.Vocab, unknown: unknown}
	return entriesOf(m.Vocab), nil
}

// mergePair is a merge, as a pair of tokens or as one text with a blank between them.
type mergePair [2]string

// UnmarshalJSON reads either form.
func (p *mergePair) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '[' {
		var pair []string
		if err := json.Unmarshal(data, &pair); err != nil {
			return err
		}
		if len(pair) != 2 {
			return fmt.Errorf("a merge of %d tokens", len(pair))
		}
		p[0], p[1] = pair[0], pair[1]
		return nil
	}
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	if strings.HasPrefix(s, "#version") {
		return nil
	}
	a, b, ok := strings.Cut(s, " ")
	if !ok || strings.Contains(b, " ") {
		return fmt.Errorf("the merge %q is not two tokens", s)
	}
	p[0], p[1] = a, b
	return nil
}

func (t *Tokenizer) parseBPE(raw json.RawMessage) ([]vocabEntry, error) {
	var m struct {
		Vocab    map[string]int32 `json:"vocab"`
		Merges   []mergePair      `json:"merges"`
		Dropout  *float64         `json:"dropout"`
		UnkToken *string          `json:"unk_token"`
		Prefix   *string          `json:"continuing_subword_prefix"`
		Suffix   *string          `json:"end_of_word_suffix"`
		Fuse     *bool            `json:"fuse_unk"`
		Bytes    *bool            `json:"byte_fallback"`
		Whole    *bool            `json:"ignore_merges"`
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, modelError("%w", err)
	}
	if m.Vocab == nil || m.Merges == nil {
		return nil, modelError("vocab or merges is missing")
	}
	if m.Dropout != nil && *m.Dropout != 0 {
		return nil, &UnsupportedError{Part: "model", Kind: "BPE with dropout"}
	}
	set := func(p *bool) bool { return p != nil && *p }
	b := &bpe{vocab: m.Vocab, merges: newMergeTable(len(m.Merges)), unknown: -1, fuse: set(m.Fuse), whole: set(m.Whole)}
	if m.UnkToken != nil {
		if id, ok := m.Vocab[*m.UnkToken]; ok {
			b.unknown = id
		}
	}
	if m.Prefix != nil {
		b.prefix = *m.Prefix
	}
	if m.Suffix != nil {
		b.suffix = *m.Suffix
	}
	if set(m.Bytes) {
		b.bytes = byteTokens(b.id)
	}
	rank := int32(0)
	for _, pair := range m.Merges {
		if pair == (mergePair{}) {
			continue // a line with the version
		}
		first, ok1 := m.Vocab[pair[0]]
		second, ok2 := m.Vocab[pair[1]]
		if !ok1 || !ok2 || len(pair[1]) < len(b.prefix) {
			return nil, modelError("the merge of %q and %q: one is not in the vocabulary", pair[0], pair[1])
		}
		joined, ok := m.Vocab[pair[0]+pair[1][len(b.prefix):]]
		if !ok {
			return nil, modelError("the merge of %q and %q is not in the vocabulary", pair[0], pair[1])
		}
		b.merges.put(first, second, rank, joined)
		rank++
	}
	t.model = b
	return entriesOf(m.Vocab), nil
}
