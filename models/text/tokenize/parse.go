package tokenize

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
)

// file is a tokenizer.json, as far as its kind does not matter.
type file struct {
	Truncation *struct {
		MaxLength int    `json:"max_length"`
		Direction string `json:"direction"`
	} `json:"truncation"`
	Padding *struct {
		PadID int32 `json:"pad_id"`
	} `json:"padding"`
	AddedTokens   []addedEntry    `json:"added_tokens"`
	Normalizer    json.RawMessage `json:"normalizer"`
	PreTokenizer  json.RawMessage `json:"pre_tokenizer"`
	PostProcessor json.RawMessage `json:"post_processor"`
	Model         json.RawMessage `json:"model"`
}

type addedEntry struct {
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	Lstrip     bool   `json:"lstrip"`
	Rstrip     bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"`
}

// Parse reads a tokenizer.json. What it does not know is an *UnsupportedError; what makes no sense is an error that says what.
func Parse(data []byte) (*Tokenizer, error) {
	var f file
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("tokenizer.json: %w", err)
	}
	t := new(Tokenizer)
	vocab, err := t.parseModel(f.Model)
	if err != nil {
		return nil, err
	}
	if t.normalizer, err = parseNormalizer(f.Normalizer); err != nil {
		return nil, err
	}
	if kind := kindOf(f.PreTokenizer); kind != "BertPreTokenizer" {
		return nil, &UnsupportedError{Part: "pre_tokenizer", Kind: kind}
	}
	added, err := t.parseAdded(f.AddedTokens, vocab)
	if err != nil {
		return nil, err
	}
	if err := t.parsePostProcessor(f.PostProcessor); err != nil {
		return nil, err
	}
	if f.Truncation != nil {
		if d := f.Truncation.Direction; d != "" && d != "Right" {
			return nil, &UnsupportedError{Part: "truncation", Kind: d}
		}
		t.maxLength = max(0, f.Truncation.MaxLength)
	}
	t.pad = padID(&f, vocab, added)
	for _, id := range t.allIDs(vocab, added) {
		if id < 0 || id == math.MaxInt32 {
			return nil, fmt.Errorf("tokenizer.json: token id %d is out of range", id)
		}
		t.size = max(t.size, int(id)+1)
	}
	return t, nil
}

// kindOf is the type that a component names: "null" for none, and words that describe it when it names none.
func kindOf(raw json.RawMessage) string {
	if len(raw) == 0 || string(raw) == "null" {
		return "null"
	}
	var k struct{ Type string }
	if err := json.Unmarshal(raw, &k); err != nil || k.Type == "" {
		return "without a type"
	}
	return k.Type
}

func (t *Tokenizer) parseModel(raw json.RawMessage) (map[string]int32, error) {
	// Old files do not name the type; what WordPiece alone has tells it.
	if kind := kindOf(raw); kind != "WordPiece" && !(kind == "without a type" && bytes.Contains(raw, []byte(`"max_input_chars_per_word"`))) {
		return nil, &UnsupportedError{Part: "model", Kind: kind}
	}
	m := struct {
		Vocab    map[string]int32 `json:"vocab"`
		UnkToken string           `json:"unk_token"`
		Prefix   string           `json:"continuing_subword_prefix"`
		MaxChars int              `json:"max_input_chars_per_word"`
	}{UnkToken: "[UNK]", Prefix: "##", MaxChars: 100}
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, fmt.Errorf("tokenizer.json: model: %w", err)
	}
	unknown, ok := m.Vocab[m.UnkToken]
	if !ok {
		return nil, fmt.Errorf("tokenizer.json: model: the unknown token %q is not in the vocabulary", m.UnkToken)
	}
	w := &wordPiece{first: m.Vocab, rest: map[string]int32{}, unknown: unknown, maxChars: m.MaxChars}
	for piece, id := range m.Vocab {
		w.maxFirst = max(w.maxFirst, len(piece))
		if tail, ok := strings.CutPrefix(piece, m.Prefix); ok {
			w.rest[tail] = id
			w.maxRest = max(w.maxRest, len(tail))
		}
	}
	delete(w.rest, "") // a bare prefix would match for ever
	t.model = w
	return m.Vocab, nil
}

// parseNormalizer reads null, a BertNormalizer, or a sequence of just one.
func parseNormalizer(raw json.RawMessage) (*bertNormalizer, error) {
	switch kind := kindOf(raw); kind {
	case "null":
		return nil, nil
	case "Sequence":
		var s struct{ Normalizers []json.RawMessage }
		if err := json.Unmarshal(raw, &s); err != nil {
			return nil, fmt.Errorf("tokenizer.json: normalizer: %w", err)
		}
		if len(s.Normalizers) != 1 || kindOf(s.Normalizers[0]) != "BertNormalizer" {
			return nil, &UnsupportedError{Part: "normalizer", Kind: kind}
		}
		return parseNormalizer(s.Normalizers[0])
	case "BertNormalizer":
		n := struct {
			Clean   bool  `json:"clean_text"`
			Chinese bool  `json:"handle_chinese_chars"`
			Strip   *bool `json:"strip_accents"`
			Lower   bool  `json:"lowercase"`
		}{Clean: true, Chinese: true, Lower: true}
		if err := json.Unmarshal(raw, &n); err != nil {
			return nil, fmt.Errorf("tokenizer.json: normalizer: %w", err)
		}
		strip := n.Lower // not said: as lowercase
		if n.Strip != nil {
			strip = *n.Strip
		}
		return newBertNormalizer(n.Clean, n.Chinese, strip, n.Lower), nil
	default:
		return nil, &UnsupportedError{Part: "normalizer", Kind: kind}
	}
}

// parseAdded gives each added token the id that the vocabulary has for it, else the next free one. The reference does so whatever id
// stands in the file.
func (t *Tokenizer) parseAdded(entries []addedEntry, vocab map[string]int32) (map[string]int32, error) {
	ids := map[string]int32{}
	var raw, normalized []addedToken
	free := int32(len(vocab))
	for _, e := range entries {
		if e.Content == "" {
			continue // the reference ignores it too
		}
		if !utf8.ValidString(e.Content) {
			return nil, errors.New("tokenizer.json: an added token is not UTF-8")
		}
		id, known := vocab[e.Content]
		if !known {
			if id, known = ids[e.Content]; !known {
				id = free
				free++
			}
		}
		free = max(free, id+1)
		ids[e.Content] = id
		token := addedToken{content: e.Content, id: id, singleWord: e.SingleWord, lstrip: e.Lstrip, rstrip: e.Rstrip}
		if !e.Normalized {
			raw = append(raw, token)
			continue
		}
		if token.content = string(t.normalizer.append(nil, e.Content)); token.content != "" {
			normalized = append(normalized, token)
		}
	}
	t.raw, t.normalized = newAddedTokens(raw), newAddedTokens(normalized)
	return ids, nil
}

// padID follows the file's padding, then the names that padding tokens have.
func padID(f *file, vocab, added map[string]int32) int32 {
	if f.Padding != nil {
		return f.Padding.PadID
	}
	for _, name := range []string{"[PAD]", "<pad>"} {
		if id, ok := added[name]; ok {
			return id
		}
		if id, ok := vocab[name]; ok {
			return id
		}
	}
	return 0
}

func (t *Tokenizer) allIDs(vocab, added map[string]int32) []int32 {
	ids := make([]int32, 0, len(vocab)+len(added)+t.Specials()+1)
	for _, id := range vocab {
		ids = append(ids, id)
	}
	for _, id := range added {
		ids = append(ids, id)
	}
	ids = append(ids, t.prefix...)
	ids = append(ids, t.suffix...)
	return append(ids, t.pad)
}
