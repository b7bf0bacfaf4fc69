package chunk

import (
	"encoding/json"
	"os"
	"slices"
	"testing"
)

type goldenFile struct {
	Texts []string
	Cases []goldenCase
}

type goldenCase struct {
	splitter string
	kwargs   json.RawMessage
	text     int
	chunks   []string
	refused  bool // langchain fails
}

func (g *goldenCase) UnmarshalJSON(b []byte) error {
	var chunks json.RawMessage
	if err := json.Unmarshal(b, &[]any{&g.splitter, &g.kwargs, &g.text, &chunks}); err != nil {
		return err
	}
	if g.refused = chunks[0] == '{'; g.refused {
		return nil
	}
	return json.Unmarshal(chunks, &g.chunks)
}

// readGolden reads testdata/golden.json, or the file that CHUNK_GOLDEN names.
func readGolden(t testing.TB) goldenFile {
	name := os.Getenv("CHUNK_GOLDEN")
	if name == "" {
		name = "testdata/golden.json"
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var file goldenFile
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	return file
}

func texts(chunks []Chunk) []string {
	var list []string
	for _, c := range chunks {
		list = append(list, c.Text)
	}
	return list
}

func TestChunksAreLangchains(t *testing.T) {
	file := readGolden(t)
	for _, c := range file.Cases {
		s, err := New(c.splitter, c.kwargs)
		var chunks []Chunk
		if err == nil {
			chunks, err = s.Split(t.Context(), file.Texts[c.text])
		}
		got := texts(chunks)
		switch {
		case (err != nil) != c.refused:
			t.Errorf("%s %s on %q: got error %v, langchain fails: %v", c.splitter, c.kwargs, file.Texts[c.text], err, c.refused)
		case !slices.Equal(got, c.chunks):
			t.Errorf("%s %s on %q: got %q, want %q", c.splitter, c.kwargs, file.Texts[c.text], got, c.chunks)
		}
	}
}
