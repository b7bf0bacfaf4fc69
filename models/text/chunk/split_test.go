package chunk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func split(t testing.TB, splitter, kwargs, text string) ([]Chunk, error) {
	t.Helper()
	s, err := New(splitter, []byte(kwargs))
	if err != nil {
		t.Fatal(err)
	}
	return s.Split(t.Context(), text)
}

func TestLimits(t *testing.T) {
	var limit *LimitError
	for _, text := range []string{strings.Repeat("a", 1<<17), strings.Repeat(" ", 1<<17)} { // white space is taken off, but not for nothing
		if chunks, err := split(t, "character", `{"separator": "", "chunk_size": 20000, "chunk_overlap": 19999}`, text); !errors.As(err, &limit) {
			t.Errorf("got %d chunks, %v", len(chunks), err)
		}
	}
	// The pattern is put back between the pieces.
	pattern := `{"separator": "xy|` + strings.Repeat("z", 3000) + `", "is_separator_regex": true, "chunk_size": 1000000000}`
	if _, err := split(t, "character", pattern, strings.Repeat("axy", 100000)); !errors.As(err, &limit) {
		t.Errorf("got %v", err)
	}
	if chunks, err := split(t, "recursive_character", `{"separators": ["a", "b", ""], "chunk_size": 1, "chunk_overlap": 1}`, strings.Repeat("ab", 10000)); err != nil || len(chunks) != 20000 {
		t.Errorf("got %d chunks, %v", len(chunks), err)
	}
}

func TestGroupsThatCannotBePlaced(t *testing.T) {
	_, err := split(t, "recursive_character", `{"separators": ["(a)|(b)"], "is_separator_regex": true}`, "xay")
	var option *OptionError
	if !errors.As(err, &option) || option.Name != "keep_separator" {
		t.Errorf("got %v", err)
	}
}

// Chunks that stand in the text say where, also those of long words and with white space taken off.
func TestPlaces(t *testing.T) {
	text := "  é one\n\ntwo threeee \n four,,five,six  "
	for kwargs, want := range map[string][]Chunk{
		`{"chunk_size": 4, "chunk_overlap": 0}`: {{"é", 2}, {"one", 5}, {"two", 10}, {"thr", 14}, {"eeee", 17}, {"fou", 24}, {"r,,f", 27}, {"ive,", 31}, {"six", 35}},
		`{"chunk_size": 30, "chunk_overlap": 0, "separators": [","], "keep_separator": false}`: {
			{"é one\n\ntwo threeee \n four", 2}, {"five,six", 30}},
		// Two commas are one between pieces that are put together again.
		`{"chunk_size": 90, "chunk_overlap": 0, "separators": [","], "keep_separator": false}`: {{"é one\n\ntwo threeee \n four,five,six", -1}},
	} {
		if got, err := split(t, "recursive_character", kwargs, text); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %v, %v", kwargs, got, err)
		}
	}
}

func TestInvalidUTF8(t *testing.T) {
	if got, err := split(t, "character", `{"separator": ""}`, "a\xff\xe2\x82b"); err != nil || !slices.Equal(got, []Chunk{{"a\uFFFDb", -1}}) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	cancel(cause)
	for _, kwargs := range []string{`{}`, `{"separators": [" "]}`, `{"separators": ["[ ]", ""], "is_separator_regex": true}`} {
		s, err := New("recursive_character", []byte(kwargs))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Split(ctx, strings.Repeat("a ", 10000)); err != cause {
			t.Errorf("%s: got %v", kwargs, err)
		}
	}
	// A long text without any of many separators has no piece for long.
	s, err := New("recursive_character", []byte(`{"separators": ["b", "c", "d"]}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Split(ctx, strings.Repeat("a", longText+1)); err != cause {
		t.Errorf("a text without separators: got %v", err)
	}
}

// A splitter is used by many sessions at once.
func TestManyAtOnce(t *testing.T) {
	s, err := New("markdown", []byte(`{"chunk_size": 50, "chunk_overlap": 10, "is_separator_regex": true}`))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("# One\nsome text\n\n---\n", 50)
	want, err := s.Split(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 8 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			if got, err := s.Split(t.Context(), text); err != nil || !slices.Equal(got, want) {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

// Whatever is asked for: no panic, chunks that are not too long where single characters are the last separator, and where nothing overlaps
// and nothing is dropped, chunks that are the text.
func FuzzSplit(f *testing.F) {
	file := readGolden(f)
	for i, c := range file.Cases {
		if i%9 == 0 {
			f.Add(c.splitter, []byte(c.kwargs), file.Texts[c.text])
		}
	}
	f.Fuzz(func(t *testing.T, splitter string, kwargs []byte, text string) {
		if len(text) > 5000 || len(kwargs) > 500 {
			return
		}
		s, err := New(splitter, kwargs)
		if err != nil {
			return
		}
		chunks, err := s.Split(t.Context(), text)
		if err != nil {
			return
		}
		groups := false
		for _, sep := range s.separators {
			groups = groups || sep.re != nil && sep.re.Groups() > 0
		}
		if s.recursive && s.keep != keepNone && !groups && s.separators[len(s.separators)-1].text == "" {
			for _, c := range chunks {
				if utf8.RuneCountInString(c.Text) > s.size {
					t.Errorf("%s %s on %q: chunk %q is too long", splitter, kwargs, text, c.Text)
				}
			}
		}
		if s.overlap == 0 && !s.strip && s.keep != keepNone && !groups && utf8.ValidString(text) {
			if got := strings.Join(texts(chunks), ""); got != text {
				t.Errorf("%s %s on %q: the chunks are %q together", splitter, kwargs, text, got)
			}
		}
		for _, c := range chunks {
			if c.Text == "" || c.At >= 0 && (c.At > len(text) || !strings.HasPrefix(text[c.At:], c.Text)) {
				t.Errorf("%s %s on %q: chunk %q at %d", splitter, kwargs, text, c.Text, c.At)
			}
		}
	})
}

// A short text, as in a statement over many rows: nearly all is reading the options.
func BenchmarkShort(b *testing.B) {
	for _, c := range []struct{ name, splitter, kwargs string }{
		{"recursive", "recursive_character", `{"chunk_size": 200, "chunk_overlap": 20}`},
		{"markdown", "markdown", `{"chunk_size": 200, "chunk_overlap": 20, "is_separator_regex": true}`},
		{"sentences", "recursive_character", `{"chunk_size": 200, "chunk_overlap": 20, "separators": ["\\n\\n", "(?<=[.!?])\\s+", "\\b\\w+", ""], "is_separator_regex": true}`},
	} {
		b.Run(c.name, func(b *testing.B) {
			text := strings.Repeat("Some text. ", 30)
			b.ReportAllocs()
			for b.Loop() {
				s, err := New(c.splitter, []byte(c.kwargs))
				if err != nil {
					b.Fatal(err)
				}
				if _, err := s.Split(b.Context(), text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// One MB of prose with paragraphs, and of source text with one language's separators.
func BenchmarkSplit(b *testing.B) {
	paragraph := strings.Repeat("The quick brown fox jumps over the lazy dog. Does it? Yes! größer, naïve. ", 9) + "\n\n"
	prose := strings.Repeat(paragraph, 1<<20/len(paragraph))
	source, err := os.ReadFile("split_test.go")
	if err != nil {
		b.Fatal(err)
	}
	code := strings.Repeat(string(source), 1<<20/len(source))
	for _, c := range []struct{ name, splitter, kwargs, text string }{
		{"defaults", "recursive_character", `{}`, prose},
		{"words", "recursive_character", `{"chunk_size": 200, "chunk_overlap": 20}`, prose},
		{"characters", "character", `{"separator": "", "chunk_size": 200, "chunk_overlap": 100}`, prose},
		{"sentences", "recursive_character", `{"chunk_size": 200, "chunk_overlap": 20, "separators": ["\\n\\n", "(?<=[.!?])\\s+", " ", ""], "is_separator_regex": true}`, prose},
		{"markdown", "markdown", `{"chunk_size": 500, "chunk_overlap": 50, "is_separator_regex": true}`, code},
		{"python", "python", `{"chunk_size": 500, "chunk_overlap": 50}`, code},
	} {
		b.Run(c.name, func(b *testing.B) {
			s, err := New(c.splitter, []byte(c.kwargs))
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(c.text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Split(b.Context(), c.text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
