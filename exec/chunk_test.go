package exec

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/exec/function"
)

func TestChunk(t *testing.T) {
	e := &Engine{}
	text := "one \"two\"  \\three\tfour\nfünf 😀  \x01\x7f zehn"
	got, _, err := e.callChunk(t.Context(), nil, [][]byte{[]byte("character"), []byte(text), []byte(`{"chunk_size": 14, "chunk_overlap": 0, "separator": " "}`)})
	if err != nil {
		t.Fatal(err)
	}
	// Two spaces are one in a chunk that spans them, and such a chunk is a text.
	if want := `[[0,9],[11,17],"\ud83d\ude00 \u0001\u007f zehn"]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	var texts []any
	if err := json.Unmarshal([]byte(got), &texts); err != nil || texts[2] != "😀 \x01\x7f zehn" {
		t.Errorf("got %q, %v", texts, err)
	}
	if got, _, err := e.callChunk(t.Context(), nil, [][]byte{[]byte("character"), nil, []byte("{}")}); got != "[]" || err != nil {
		t.Errorf("of no text: got %s, %v", got, err)
	}
}

func TestChunkErrors(t *testing.T) {
	e := &Engine{}
	for _, c := range []struct{ splitter, text, kwargs, want, hint string }{
		{"sentences", "a", "{}", "XX000 Unknown splitter: sentences", "The splitters are character, recursive_character, markdown, latex and python."},
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
