package tokenize

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
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
	if t.words, err = parsePreTokenizer(f.PreTokenizer, 0); err != nil {
		return nil, err
	}
	t.arrange()
	added, err := t.parseAdded(f.AddedTokens)
	if err != nil {
		return nil, err
	}
	if t.post, err = parsePostProcessor(f.PostProcessor, 0); err != nil {
		return nil, err
	}
	if err := t.surround(); err != nil {
		return nil, err
	}
	if f.Truncation != nil {
		if d := f.Truncation.Direction; d != "" && d != "Right" {
			return nil, &UnsupportedError{Part: "truncation", Kind: d}
		}
		t.maxLength = max(0, f.Truncation.MaxLength)
	}
	t.pad = t.padID(&f, added)
	if err := t.measure(vocab, added); err != nil {
		return nil, err
	}
	return t, nil
}

// arrange finds the shorter ways that this pipeline allows.
func (t *Tokenizer) arrange() {
	if m, ok := t.model.(*wordPiece); ok && len(t.words) == 1 {
		if _, ok := t.words[0].(bertWords); ok {
			t.bert = m
		}
	}
	if m, ok := t.model.(*bpe); ok && len(t.words) > 0 {
		// What comes last may leave the bytes to the model.
		if last, ok := t.words[len(t.words)-1].(byteLevel); ok && m.useBytes() {
			last.letters = false
			t.words = append(slices.Clone(t.words[:len(t.words)-1]), last)
		}
	}
	for _, w := range t.words {
		if m, ok := w.(metaspace); ok && m.first {
			t.origins = true
		}
	}
	t.chunks = len(t.words) > 0 && endsWordsAtBlanks(t.words[0]) && isLocal(t.normalizer)
}

// endsWordsAtBlanks tells pre-tokenizers that split before a blank behind an ASCII character that is none, and treat what begins with the
// blank as they would within the whole text.
func endsWordsAtBlanks(p preTokenizer) bool {
	switch p := p.(type) {
	case bertWords:
		return true
	case byteLevel:
		return p.regex
	case metaspace:
		return p.splits
	case splitter:
		switch p.pattern.(type) {
		case scanner:
			return p.behavior == isolated
		case wordsAndSymbols:
			return true
		case runes:
			return p.white
		}
	}
	return false
}

// isLocal tells normalizers that make the same of a text whether or not it is cut where cut does.
func isLocal(n normalizer) bool {
	switch n := n.(type) {
	case nil, *bertNormalizer, lowercase, form, *precompiled, each, filter, byteLetters:
		return true
	case normalizers:
		for _, n := range n {
			if !isLocal(n) {
				return false
			}
		}
		return true
	}
	return false
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

// maxNesting is how deep sequences may stand within sequences.
const maxNesting = 4

// parseAdded gives each added token the id that the vocabulary has for it, else the next free one. The reference does so whatever id
// stands in the file.
func (t *Tokenizer) parseAdded(entries []addedEntry) (map[string]int32, error) {
	ids := map[string]int32{}
	byID := map[int32]addedEntry{}
	free := int32(t.model.size())
	for _, e := range entries {
		if e.Content == "" {
			continue // the reference ignores it too
		}
		if !utf8.ValidString(e.Content) {
			return nil, errors.New("tokenizer.json: an added token is not UTF-8")
		}
		id, known := ids[e.Content]
		if !known {
			id, known = t.model.id(e.Content)
		}
		if !known {
			id = free
			free++
		}
		ids[e.Content] = id
		byID[id] = e
	}
	var raw, normalized []addedToken
	order := make([]int32, 0, len(byID))
	for id := range byID {
		order = append(order, id)
	}
	slices.Sort(order)
	for _, id := range order {
		e := byID[id]
		token := addedToken{content: e.Content, id: id, singleWord: e.SingleWord, lstrip: e.Lstrip, rstrip: e.Rstrip}
		if !e.Normalized {
			raw = append(raw, token)
			continue
		}
		if t.normalizer != nil {
			var b buffer
			b.load(e.Content, 0, false)
			t.normalizer.apply(&b)
			token.content = string(b.text)
		}
		if token.content != "" {
			normalized = append(normalized, token)
		}
	}
	t.raw, t.normalized = newAddedTokens(raw), newAddedTokens(normalized)
	if t.normalized != nil {
		t.chunks = false // a token could stand across the cut
	}
	return ids, nil
}

// padID follows the file's padding, then the names that padding tokens have.
func (t *Tokenizer) padID(f *file, added map[string]int32) int32 {
	if f.Padding != nil {
		return f.Padding.PadID
	}
	for _, name := range []string{"[PAD]", "<pad>"} {
		if id, ok := added[name]; ok {
			return id
		}
		if id, ok := t.model.id(name); ok {
			return id
		}
	}
	return 0
}

// measure checks all ids and finds the highest one. vocab holds the model's tokens.
func (t *Tokenizer) measure(vocab []vocabEntry, added map[string]int32) error {
	check := func(id int32) error {
		if id < 0 || id == math.MaxInt32 {
			return fmt.Errorf("tokenizer.json: token id %d is out of range", id)
		}
		t.size = max(t.size, int(id)+1)
		return nil
	}
	ids := append(append(slices.Clone(t.prefix), t.suffix...), t.pad)
	for _, id := range added {
		ids = append(ids, id)
	}
	for _, p := range t.post {
		switch p := p.(type) {
		case *trimming:
			t.trims = true
		case robertaProcessing:
			t.trims = t.trims || p.trim != nil
		case *template:
			for _, piece := range p.pair {
				ids = append(ids, piece.ids...)
			}
		}
	}
	for _, e := range vocab {
		ids = append(ids, e.id)
	}
	for _, id := range ids {
		if err := check(id); err != nil {
			return err
		}
	}
	if _, isText := t.model.(*unigram); isText || !t.trims {
		return nil
	}
	if t.size > 4*len(ids)+1<<16 {
		return fmt.Errorf("tokenizer.json: %d tokens have ids up to %d", len(ids), t.size-1)
	}
	t.names = make([]string, t.size)
	for _, e := range vocab {
		t.names[e.id] = e.token
	}
	return nil
}
