package exec

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/exec/function"
)

func TestChunk(t *testing.T) {
	e := &Engine{}
	text := "one \"two\" \\three\tfour\nfünf 😀 \x01\x7f zehn"
	got, _, err := e.callChunk(t.Context(), nil, [][]byte{[]byte("recursive_character"), []byte(text), []byte(`{"chunk_size": 14, "chunk_overlap": 0}`)})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []byte(got) {
		if c < ' ' || c >= 0x80 {
			t.Fatalf("%q is not printable ASCII", got)
		}
	}
	var chunks []string
	if err := json.Unmarshal([]byte(got), &chunks); err != nil {
		t.Fatal(err)
	}
	if want := []string{"one \"two\"", "\\three\tfour", "fünf 😀 \x01\x7f", "zehn"}; !slices.Equal(chunks, want) {
		t.Errorf("got %q, want %q", chunks, want)
	}
	if got, _, err := e.callChunk(t.Context(), nil, [][]byte{[]byte("character"), nil, []byte("{}")}); got != "[]" || err != nil {
		t.Errorf("of no text: got %s, %v", got, err)
	}
}

func TestChunkErrors(t *testing.T) {
	e := &Engine{}
	for _, c := range []struct{ splitter, text, kwargs, want, hint string }{
		{"sentences", "a", "{}", "XX000 Unknown splitter: sentences", ""},
		{"nltk", "a", "{}", "0A000 pgml.chunk with splitter nltk is not available in PgOwl yet: it needs NLTK's trained sentence tokenizer (punkt)", ""},
		{"spacy", "a", "{}", "0A000 pgml.chunk with splitter spacy is not available in PgOwl yet: it needs a trained spaCy pipeline", ""},
		{"character", "a", `{"chunksize": 3}`, `22023 chunk: option "chunksize" is unknown for splitter character`, `Perhaps you meant the option "chunk_size".`},
		{"character", "a", `{"separator": "(a)\\1", "is_separator_regex": true}`,
			`0A000 chunk: option "separator" has the regular expression "(a)\\1": a reference to a group at position 3 is not supported: it takes more than linear time`, ""},
		{"character", strings.Repeat(" ", 1<<16), `{"separator": "", "chunk_size": 20000, "chunk_overlap": 19999}`,
			"54000 the chunks of this text, with their overlaps, would take more than 256 MB", "Choose a larger chunk_size, or a smaller chunk_overlap, or split the text before."},
	} {
		_, _, err := e.callChunk(t.Context(), nil, [][]byte{[]byte(c.splitter), []byte(c.text), []byte(c.kwargs)})
		var got *function.Error
		if !errors.As(err, &got) || got.Code+" "+got.Message != c.want || got.Hint != c.hint {
			t.Errorf("%s %s: got %v, want %s", c.splitter, c.kwargs, err, c.want)
		}
	}
}
