package text

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/models/text/tokenize"
)

// TestRepeatedTexts: a text that stands there several times goes through the model once, and each place has a vector of its own.
func TestRepeatedTexts(t *testing.T) {
	e := openTiny(t, tiny())
	texts := []string{"ab", "b", "ab", "", "b", "ab"}
	got, err := e.Embed(context.Background(), texts, EmbedOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, done := e.queue.stats(); done.Texts != 3 {
		t.Errorf("%d texts went through the model", done.Texts)
	}
	for i, text := range texts {
		if want := embedOne(t, e, text, EmbedOptions{}); !slices.Equal(got[i], want) {
			t.Errorf("%d %q: %v, alone %v", i, text, got[i], want)
		}
	}
	got[0][0]++
	if got[2][0] == got[0][0] {
		t.Error("two places share a vector")
	}
}

// TestTokenizedInParts: the ids of many texts, which several goroutines make, are those of each alone.
func TestTokenizedInParts(t *testing.T) {
	e := openTiny(t, tiny())
	var texts []string
	var todo []int
	for i := range 5*tokenizedApart + 3 {
		texts = append(texts, strings.Repeat("ab ", i%7)+fmt.Sprint(i))
		if i%5 > 0 {
			todo = append(todo, i)
		}
	}
	w, err := e.tokenize(context.Background(), texts, todo, "", tokenize.EncodeOptions{MaxLength: e.maxTokens})
	if err != nil {
		t.Fatal(err)
	}
	if len(w.lengths) != len(todo) || len(w.starts) != len(todo)+1 || w.starts[len(todo)] != len(w.ids) {
		t.Fatalf("%d lengths and %d starts of %d texts, the last start %d of %d ids", len(w.lengths), len(w.starts), len(todo), w.starts[len(w.starts)-1], len(w.ids))
	}
	for at, i := range todo {
		if want := e.tokenizer.Append(nil, texts[i], e.maxTokens); !slices.Equal(w.text(at), want) || w.lengths[at] != len(want) {
			t.Errorf("%q: %v, want %v", texts[i], w.text(at), want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := e.tokenize(ctx, texts, todo, "", tokenize.EncodeOptions{MaxLength: e.maxTokens}); err != context.Canceled {
		t.Errorf("cancelled: %v", err)
	}
}
