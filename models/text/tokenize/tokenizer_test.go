package tokenize

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// golden is one line of a .golden.jsonl, written by the reference implementation (PyPI tokenizers 0.23.3): the ids of a text, and
// those when it is truncated to 16.
type golden struct {
	Text     string
	IDs, Cut []int32
}

func checkGolden(t *testing.T, tok *Tokenizer, name string) {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	n := 0
	for ; lines.Scan(); n++ {
		var g golden
		if err := json.Unmarshal(lines.Bytes(), &g); err != nil {
			t.Fatal(err)
		}
		if got := tok.Append(nil, g.Text, 0); !slices.Equal(got, g.IDs) {
			t.Errorf("%+q:\n got %v\nwant %v", g.Text, got, g.IDs)
		}
		if got := tok.Append(nil, g.Text, 16); !slices.Equal(got, g.Cut) {
			t.Errorf("%+q cut to 16:\n got %v\nwant %v", g.Text, got, g.Cut)
		}
	}
	if err := lines.Err(); err != nil || n < 100 {
		t.Fatalf("%s: %d lines, %v", name, n, err)
	}
}

func load(t testing.TB, path string) *Tokenizer {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestGolden(t *testing.T) {
	for _, name := range []string{"uncased", "cased", "odd"} {
		t.Run(name, func(t *testing.T) {
			checkGolden(t, load(t, filepath.Join("testdata", name+".json")), name+".golden.jsonl")
		})
	}
}

// realModel is the tokenizer of all-MiniLM-L6-v2 in the model folder; the test is skipped where set-up has not put it there.
func realModel(t testing.TB) *Tokenizer {
	t.Helper()
	for _, folder := range modelFolders() {
		path := filepath.Join(folder, "all-MiniLM-L6-v2", "tokenizer.json")
		if _, err := os.Stat(path); err == nil {
			return load(t, path)
		}
	}
	t.Skip("all-MiniLM-L6-v2 is not in the model folder: run make setup")
	return nil
}

// modelFolders are the places where the settings may put the models, the first one that is set counting.
func modelFolders() []string {
	home, _ := os.UserHomeDir()
	switch {
	case os.Getenv("PGOWL_MODELS") != "":
		return []string{os.Getenv("PGOWL_MODELS")}
	case os.Getenv("PGOWL_DATA") != "":
		return []string{filepath.Join(os.Getenv("PGOWL_DATA"), "models")}
	case os.Getenv("XDG_DATA_HOME") != "":
		return []string{filepath.Join(os.Getenv("XDG_DATA_HOME"), "pgowl", "models")}
	}
	return []string{filepath.Join(home, ".local", "share", "pgowl", "models")}
}

func TestGoldenRealModel(t *testing.T) {
	tok := realModel(t)
	checkGolden(t, tok, "minilm.golden.jsonl")
	if tok.VocabSize() != 30522 || tok.Specials() != 2 || tok.PadID() != 0 || tok.MaxLength() != 128 {
		t.Errorf("size %d, specials %d, pad %d, length %d", tok.VocabSize(), tok.Specials(), tok.PadID(), tok.MaxLength())
	}
}

// TestEveryCodePoint compares what becomes of each of the 1,112,064 code points, between two letters, with hashes of the reference's answers.
func TestEveryCodePoint(t *testing.T) {
	each := func(f func(rune)) {
		for r := rune(0); r <= utf8.MaxRune; r++ {
			if utf8.ValidRune(r) {
				f(r)
			}
		}
	}
	for _, c := range []struct {
		name string
		n    *bertNormalizer
		want string
	}{
		{"as BERT uncased", newBertNormalizer(true, true, true, true), "0544723a7e870214efe4eb19941b690ced3e870ed268971a706084302e156532"},
		{"only strip", newBertNormalizer(false, false, true, false), "f9526d74bdaf58c587028f2d0458445f0d72db606e56a7f0b4130c8c415f69af"},
		{"clean and lower", newBertNormalizer(true, false, false, true), "7addd386da28996935b7beffa37a81a859065eaa590a50138673b2cfb171949f"},
	} {
		h := sha256.New()
		var buffer []byte
		each(func(r rune) {
			buffer = append(c.n.append(buffer[:0], []byte("a"+string(r)+"b")), '\n')
			h.Write(buffer)
		})
		if got := hex.EncodeToString(h.Sum(nil)); got != c.want {
			t.Errorf("%s: hash %s, want %s", c.name, got, c.want)
		}
	}
	h := sha256.New()
	each(func(r rune) { // how many words the pre-tokenizer makes of it
		switch class := classOf(r); {
		case class&classPunctuation != 0:
			h.Write([]byte("3"))
		case class&classSpace != 0:
			h.Write([]byte("2"))
		default:
			h.Write([]byte("1"))
		}
	})
	if got, want := hex.EncodeToString(h.Sum(nil)), "3c62a1ab0d7cb8b00e9ab49c20c5a1683f1a66f8bd7990eb858e248f38f08f9b"; got != want {
		t.Errorf("words: hash %s, want %s", got, want)
	}
}

func TestLongTextIsCutSafely(t *testing.T) {
	tok := load(t, "testdata/uncased.json")
	text := strings.Repeat("unable Caf\u00e9 e\u0301\u0323 hello ", 2000)
	whole := tok.Append(nil, text, 0)
	if want := 2000*(len(tok.Append(nil, "unable Café e\u0301\u0323 hello", 0))-2) + 2; len(whole) != want {
		t.Errorf("%d ids, want %d", len(whole), want)
	}
	for _, n := range []int{2, 3, 7, 100, 5000} {
		got := tok.Append([]int32{-7}, text, n)
		want := append(slices.Clone(whole[:n-1]), whole[len(whole)-1])
		if got[0] != -7 || !slices.Equal(got[1:], want) {
			t.Errorf("cut to %d: %d ids, first %v", n, len(got)-1, got[:3])
		}
	}
}

func TestUnsupported(t *testing.T) {
	data, err := os.ReadFile("testdata/uncased.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, old, new, part, kind string }{
		{"model", `"model":{"type":"WordPiece"`, `"model":{"type":"CharBPE"`, "model", "CharBPE"},
		{"normalizer", `"type":"BertNormalizer"`, `"type":"Transliterate"`, "normalizer", "Transliterate"},
		{"pre_tokenizer", `"type":"BertPreTokenizer"`, `"type":"UnicodeScripts"`, "pre_tokenizer", "UnicodeScripts"},
		{"pattern", `"type":"BertPreTokenizer"`, `"type":"Split","pattern":{"Regex":"(?<=a)b"}`, "pre_tokenizer", "(?<=a)b"},
		{"replaced", `"type":"BertNormalizer"`, `"type":"Replace","pattern":{"Regex":"a++"},"content":""`, "normalizer", "a++"},
		{"post_processor", `"type":"TemplateProcessing"`, `"type":"Mirror"`, "post_processor", "Mirror"},
		{"truncation", `"direction":"Right"`, `"direction":"Left"`, "truncation", "Left"},
	} {
		changed := bytes.Replace(data, []byte(c.old), []byte(c.new), 1)
		if bytes.Equal(changed, data) {
			t.Fatalf("%s: nothing to replace", c.name)
		}
		_, err := Parse(changed)
		var unsupported *UnsupportedError
		if !errors.As(err, &unsupported) || *unsupported != (UnsupportedError{c.part, c.kind}) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestParseBad(t *testing.T) {
	data, _ := os.ReadFile("testdata/uncased.json")
	for _, c := range []struct{ name, old, new, want string }{
		{"no JSON", string(data), "{", "unexpected end"},
		{"no model", `"model":`, `"x":`, `model "null"`},
		{"unknown token missing", `"unk_token":"[UNK]"`, `"unk_token":"nope"`, "not in the vocabulary"},
		{"negative id", `"[PAD]":0`, `"[PAD]":-1`, "out of range"},
		{"huge id", `"[PAD]":0`, `"[PAD]":2147483647`, "out of range"},
		{"id no number", `"[PAD]":0`, `"[PAD]":"x"`, "model"},
		{"merges missing", `"model":{"type":"WordPiece"`, `"model":{"type":"BPE"`, "merges is missing"},
		{"pieces without scores", `"model":{"type":"WordPiece"`, `"model":{"type":"Unigram","unk_id":0`, "vocab"},
		{"a text of the pair", `{"Sequence":{"id":"A","type_id":0}}`, `{"Sequence":{"id":"B","type_id":0}}`, `the text "B"`},
		{"no behavior", `"type":"BertPreTokenizer"`, `"type":"Punctuation","behavior":"Alone"`, `no behavior "Alone"`},
		{"charsmap", `"type":"BertNormalizer"`, `"type":"Precompiled","precompiled_charsmap":"////fw=="`, "a trie of"},
		{"template token missing", `"special_tokens":{"[CLS]"`, `"special_tokens":{"[X]"`, "not among"},
		{"template without a text", `{"Sequence":{"id":"A","type_id":0}}`, `{"SpecialToken":{"id":"[SEP]","type_id":0}}`, "0 times"},
	} {
		changed := strings.Replace(string(data), c.old, c.new, 1)
		if _, err := Parse([]byte(changed)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	text := "How A Small Town's Library Became The Busiest Place In The County, And What Its Readers Say About It"
	for _, c := range []struct{ name, text string }{{"headline", text}, {"accents", strings.Repeat("Café naïve résumé Übergröße ", 4)}, {"chinese", strings.Repeat("中文字符测试", 10)}} {
		b.Run(c.name, func(b *testing.B) {
			tok := realModel(b)
			ids, n := make([]int32, 0, 512), 0
			b.ReportAllocs()
			for b.Loop() {
				ids = tok.Append(ids[:0], c.text, 256)
				n += len(ids)
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds()/1e6, "Mtokens/s")
		})
	}
}
