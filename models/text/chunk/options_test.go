package chunk

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestOptions(t *testing.T) {
	for _, c := range []struct{ splitter, kwargs, want string }{
		{"", "{}", "Unknown splitter: "},
		{"Character", "{}", "Unknown splitter: Character"},
		{"nltk", "{}", "pgml.chunk with splitter nltk is not available in PgOwl yet: it needs NLTK's trained sentence tokenizer (punkt)"},
		{"spacy", `{"pipeline": "sentencizer"}`, "pgml.chunk with splitter spacy is not available in PgOwl yet: it needs a trained spaCy pipeline"},
		{"character", "", ""},
		{"character", "[]", `chunk: option "kwargs" must be a JSON object`},
		{"character", "null", `chunk: option "kwargs" must be a JSON object`},
		{"character", `{"chunk_size": "10"}`, `chunk: option "chunk_size" must be a whole number`},
		{"character", `{"chunk_size": 10.5}`, `chunk: option "chunk_size" must be a whole number`},
		{"character", `{"chunk_size": null}`, `chunk: option "chunk_size" must be a whole number`},
		{"character", `{"chunk_size": true}`, `chunk: option "chunk_size" must be a whole number`},
		{"character", `{"chunk_size": 300.0}`, ""},
		{"character", `{"chunk_size": 1e300}`, `chunk: option "chunk_size" must be a whole number`},
		{"character", `{"chunk_size": 9000000000000}`, ""},
		{"character", `{"chunk_size": 0}`, `chunk: option "chunk_size" must be > 0, got 0`},
		{"character", `{"chunk_size": -1}`, `chunk: option "chunk_size" must be > 0, got -1`},
		{"character", `{"chunk_overlap": -1}`, `chunk: option "chunk_overlap" must be >= 0, got -1`},
		{"character", `{"chunk_size": 100}`, `chunk: option "chunk_overlap" is wrong: Got a larger chunk overlap (200) than chunk size (100), should be smaller. It is 200 where it is not given.`},
		{"character", `{"chunk_size": 100, "chunk_overlap": 101}`, `chunk: option "chunk_overlap" is wrong: Got a larger chunk overlap (101) than chunk size (100), should be smaller.`},
		{"character", `{"chunk_size": 200}`, ""},
		{"character", `{"strip_whitespace": 1}`, `chunk: option "strip_whitespace" must be true or false`},
		{"character", `{"strip_whitespace": null}`, ""},
		{"character", `{"is_separator_regex": "yes"}`, `chunk: option "is_separator_regex" must be true or false`},
		{"character", `{"keep_separator": "both"}`, `chunk: option "keep_separator" must be true, false, "start" or "end"`},
		{"character", `{"keep_separator": [1]}`, `chunk: option "keep_separator" must be true, false, "start" or "end"`},
		{"character", `{"keep_separator": {}}`, `chunk: option "keep_separator" must be true, false, "start" or "end"`},
		{"character", `{"separator": 1}`, `chunk: option "separator" must be a text`},
		{"character", `{"separator": null}`, `chunk: option "separator" must be a text`},
		{"character", `{"separators": ["a"]}`, `chunk: option "separators" is unknown for splitter character (separator)`},
		{"character", `{"chunk_sise": 1, "a": 2}`, `chunk: option "a" is unknown for splitter character`},
		{"character", `{"add_start_index": false}`, `chunk: option "add_start_index" has no place: pgml.chunk gives texts and no metadata`},
		{"character", `{"length_function": "len"}`, `chunk: option "length_function" cannot be given: lengths are Unicode code points, as those of Python's len`},
		{"character", `{"separator": "(", "is_separator_regex": true}`, `chunk: option "separator" has the regular expression "(": missing ), unterminated subpattern at position 0`},
		{"character", `{"separator": "("}`, ""},
		{"recursive_character", `{"separators": null}`, ""},
		{"recursive_character", `{"separators": []}`, ""},
		{"recursive_character", `{"separators": "a"}`, `chunk: option "separators" must be a list of texts`},
		{"recursive_character", `{"separators": ["a", null]}`, `chunk: option "separators" must be a list of texts`},
		{"recursive_character", `{"separators": [` + strings.Repeat(`"a",`, 1000) + `"b"]}`, `chunk: option "separators" has 1001 texts, the most are 1000`},
		{"recursive_character", `{"separator": "a"}`, `chunk: option "separator" is unknown for splitter recursive_character (separators)`},
		{"markdown", `{"separators": ["a"]}`, `chunk: option "separators" belongs to recursive_character: markdown has its own`},
		{"markdown", `{"is_separator_regex": true}`, ""},
		{"latex", `{"is_separator_regex": true}`, ""},
		{"python", `{"is_separator_regex": true, "keep_separator": "end"}`, ""},
	} {
		_, err := New(c.splitter, []byte(c.kwargs))
		got := ""
		if err != nil {
			got = err.Error()
		}
		var option *OptionError
		if errors.As(err, &option) && option.Nearest != "" {
			got += " (" + option.Nearest + ")"
		}
		if got != c.want {
			t.Errorf("%s %.80s: got %s, want %s", c.splitter, c.kwargs, got, c.want)
		}
	}
}

// Without is_separator_regex what looks like a heading is none, as in langchain.
func TestMarkdownHeadings(t *testing.T) {
	text := "intro\n# One\ntext\n## Two\ntext"
	for kwargs, want := range map[string][]string{
		`{"chunk_size": 16, "chunk_overlap": 0}`:                             {"intro\n# One\ntext", "## Two\ntext"},
		`{"chunk_size": 12, "chunk_overlap": 0}`:                             {"intro\n# One", "text\n## Two", "text"},
		`{"chunk_size": 12, "chunk_overlap": 0, "is_separator_regex": true}`: {"intro", "# One\ntext", "## Two\ntext"},
	} {
		s, err := New("markdown", []byte(kwargs))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.Split(t.Context(), text); err != nil || !slices.Equal(texts(got), want) {
			t.Errorf("%s: got %v, %v; want %q", kwargs, got, err, want)
		}
	}
}
