package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/models/text/tokenize"
)

// TestTokenTexts: the long texts are of twenty titles each, and what is measured is the ids of all of them.
func TestTokenTexts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.csv")
	if err := os.WriteFile(path, []byte("title,is_clickbait\n\"a\nb\",1\nb,0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	texts, err := tokenTexts(path)
	if err != nil || len(texts["headlines"]) != 2 || len(texts["long"]) != 1000 || texts["long"][7] != strings.TrimSpace(strings.Repeat("a b b ", 10)) {
		t.Fatalf("%q, %d long ones beginning %.30q: %v", texts["headlines"], len(texts["long"]), texts["long"][0], err)
	}
	tok, err := tokenize.Parse([]byte(`{"model":{"type":"WordLevel","unk_token":"a","vocab":{"a":1,"b":2}},"pre_tokenizer":{"type":"Whitespace"}}`))
	if err != nil {
		t.Fatal(err)
	}
	// The checksum is that of 1, 2, 2 as little-endian 32-bit numbers.
	if e, err := encodeAll(tok, texts["headlines"]); err != nil || e.N != 3 || e.Sum != 0x85c45f6 {
		t.Errorf("%+v %v", e, err)
	}
}
