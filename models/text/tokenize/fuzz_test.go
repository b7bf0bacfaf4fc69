package tokenize

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// everyKind loads all tokenizers that the tests have.
func everyKind(t testing.TB) (names []string, kinds []*Tokenizer) {
	t.Helper()
	names, files, _ := goldenKinds(t)
	for i, file := range files {
		tok, err := Parse([]byte(file))
		if err != nil {
			t.Fatalf("%s: %v", names[i], err)
		}
		kinds = append(kinds, tok)
	}
	for _, name := range []string{"uncased", "cased", "odd"} {
		names, kinds = append(names, name), append(kinds, load(t, "testdata/"+name+".json"))
	}
	return names, kinds
}

// FuzzAppend: ids are of the vocabulary, a cut text's are the first ones, and those of Encode, whose places lie within the text.
func FuzzAppend(f *testing.F) {
	for _, s := range []string{"", "hello World", "[MASK] caf\u00e9", "\xff\xfe", "e\u0301\u302f\u302e", "İ \U0001d165", "<s> ab  \r\n\r\n 12345'll", "\u1100\u1161\u11a8 ﷺ ½", " \u0600 \u200d👨\u200d👩"} {
		f.Add(s, 8)
	}
	names, kinds := everyKind(f)
	f.Fuzz(func(t *testing.T, text string, limit int) {
		for i, tok := range kinds {
			whole := tok.Append(nil, text, 0)
			for _, id := range whole {
				if id < 0 || int(id) >= tok.VocabSize() {
					t.Fatalf("%s: %q: id %d", names[i], text, id)
				}
			}
			e, err := tok.Encode(text, EncodeOptions{})
			if err != nil || len(e) != 1 || !slices.Equal(e[0].IDs, whole) {
				t.Fatalf("%s: %q: %v, %v\n%v", names[i], text, err, e, whole)
			}
			for _, s := range e[0].Offsets {
				if s.Start < 0 || s.End < s.Start || s.End > len(text) || !atRune(text, s.Start) || !atRune(text, s.End) {
					t.Fatalf("%s: %q: %v", names[i], text, s)
				}
			}
			if limit < tok.Specials() || limit > 1<<20 || limit == 0 {
				continue
			}
			cut := tok.Append(nil, text, limit)
			if len(cut) != min(limit, len(whole)) {
				t.Fatalf("%s: %q: %d ids, limit %d of %d", names[i], text, len(cut), limit, len(whole))
			}
			if body := len(cut) - len(tok.suffix); !slices.Equal(cut[:body], whole[:body]) {
				t.Fatalf("%s: %q: cut differs", names[i], text)
			}
		}
	})
}

// atRune tells places between characters; bytes that are no UTF-8 are characters, too.
func atRune(text string, i int) bool {
	return i == len(text) || utf8.RuneStart(text[i]) || !utf8.ValidString(text)
}

// FuzzPair: no pair and no way to cut it make a panic, and no part is too long.
func FuzzPair(f *testing.F) {
	f.Add("What is the capital?", "The capital of the country is a large town.", 12, 3, 2)
	f.Add("", "a", 1, 0, 0)
	f.Add("a b c d e f g h", "i j k", 5, 1, 5)
	names, kinds := everyKind(f)
	f.Fuzz(func(t *testing.T, a, b string, length, stride, how int) {
		if length > 1<<20 || len(a)+len(b) > 1000 {
			return
		}
		o := EncodeOptions{MaxLength: length, Stride: stride, Strategy: Strategy(how & 3), Overflow: how&4 != 0, Left: how&8 != 0, NoSpecials: how&16 != 0}
		for i, tok := range kinds {
			parts, err := tok.EncodePair(a, b, o)
			if err != nil {
				continue
			}
			for j, e := range parts {
				if n := len(e.IDs); len(e.TypeIDs) != n || len(e.Offsets) != n || len(e.Words) != n || len(e.Texts) != n || j == 0 && length > 0 && n > length {
					t.Fatalf("%s: %q %q %+v: %d ids, %+v", names[i], a, b, o, n, e)
				}
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"uncased", "odd"} {
		data, err := os.ReadFile("testdata/" + name + ".json")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, s := range []string{
		`{"model":{"type":"WordPiece","vocab":{"[UNK]":0},"max_input_chars_per_word":-1},"pre_tokenizer":{"type":"BertPreTokenizer"}}`,
		`{"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2,"<0x0A>":3},"merges":["a b"],"byte_fallback":true,"ignore_merges":true,"unk_token":"a"},"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":true}}`,
		`{"model":{"type":"BPE","vocab":{"a</w>":0,"##b":1,"a##b":2},"merges":[["a</w>","##b"]],"continuing_subword_prefix":"##","end_of_word_suffix":"</w>"}}`,
		`{"model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0],["a",-1.5e-3],["ab",-2],["\u2581",-1]],"byte_fallback":true},"pre_tokenizer":{"type":"Metaspace","replacement":"\u2581","prepend_scheme":"first"},
		"normalizer":{"type":"Sequence","normalizers":[{"type":"NFKC"},{"type":"Precompiled","precompiled_charsmap":"DAAAAAABAAAhAQAAAAAAAGEA"},{"type":"Replace","pattern":{"Regex":" {2,}|\\p{L}"},"content":"b"},{"type":"Prepend","prepend":"x"}]}}`,
		`{"model":{"type":"WordLevel","vocab":{"<unk>":0,"a":1}},"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"String":"a"},"behavior":"MergedWithNext","invert":true},{"type":"FixedLength","length":2},{"type":"Digits"}]},
		"post_processor":{"type":"Sequence","processors":[{"type":"ByteLevel"},{"type":"RobertaProcessing","cls":["a",1],"sep":["b",5]}]},"added_tokens":[{"content":" b","normalized":true,"rstrip":true},{"content":"b","lstrip":true}]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		tok, err := Parse(data)
		if err != nil {
			return
		}
		for _, text := range []string{"Hello [MASK] caf\u00e9  b", "aab b\n1 ａ\u0301\xff"} {
			if tok.Specials() <= 8 {
				tok.Append(nil, text, 8)
			}
			tok.EncodePair(text, "b", EncodeOptions{MaxLength: 8, Overflow: true, Stride: 1})
		}
	})
}

// TestLongWord: neither time nor memory grows with the square of a word's length.
func TestLongWord(t *testing.T) {
	names, kinds := everyKind(t)
	texts := []string{strings.Repeat("abcab", 8_000), strings.Repeat(" ", 40_000), strings.Repeat("\u0301\u0323", 10_000), strings.Repeat("字", 13_000), strings.Repeat("<s>", 13_000), strings.Repeat("[MASK", 8_000)}
	for i, tok := range kinds {
		for _, text := range texts {
			if got := tok.Append(nil, text, 512); len(got) > 512 {
				t.Errorf("%s: %d ids", names[i], len(got))
			}
		}
	}
}

// TestSlowWords: a file cannot ask for words and pieces that take hours.
func TestSlowWords(t *testing.T) {
	const file = `{"model":{"type":"WordPiece","vocab":{"[UNK]":0,"##%s":1,"a":2},"max_input_chars_per_word":%d},"pre_tokenizer":{"type":"BertPreTokenizer"}}`
	for chars, ok := range map[int]bool{100: true, maxWord: true, maxWord + 1: false, 1 << 40: false} {
		tok, err := Parse(fmt.Appendf(nil, file, strings.Repeat("a", maxPiece-10)+"b", chars))
		if (err == nil) != ok {
			t.Errorf("%d characters: %v", chars, err)
		}
		if err == nil {
			tok.Append(nil, strings.Repeat(strings.Repeat("a", maxWord)+" ", 4), 0)
		}
	}
	if _, err := Parse(fmt.Appendf(nil, file, strings.Repeat("a", maxPiece), 100)); err == nil {
		t.Error("a long piece")
	}
}

// TestGrowingText: normalizers that make more and more of a text do not take more and more memory.
func TestGrowingText(t *testing.T) {
	for _, step := range []string{`{"type":"ByteLevel"}`, `{"type":"Replace","pattern":{"String":"a"},"content":"aa"}`, `{"type":"NFKD"},{"type":"Replace","pattern":{"Regex":"."},"content":"\ufdfa"}`} {
		steps := strings.Repeat(step+",", 13) + step
		tok, err := Parse([]byte(`{"model":{"type":"WordLevel","vocab":{"<unk>":0},"unk_token":"<unk>"},"normalizer":{"type":"Sequence","normalizers":[` + steps + `]}}`))
		if err != nil {
			continue // refused at once
		}
		b := new(buffer)
		text := strings.Repeat("aé", 20_000)
		b.load(text, 0, false)
		tok.normalizer.apply(b)
		if most := leastRoom + growth*len(text); len(b.text) > most || cap(b.text)+cap(b.next) > 16*most || !utf8.Valid(b.text) {
			t.Errorf("%s: %d bytes, room for %d and %d", step, len(b.text), cap(b.text), cap(b.next))
		}
	}
}

// TestMergesAgree: the two ways to join pairs give the same.
func TestMergesAgree(t *testing.T) {
	names, kinds := everyKind(t)
	for i, tok := range kinds {
		m, ok := tok.model.(*bpe)
		if !ok {
			continue
		}
		for id := range int32(600) {
			var a, b scratch
			for n := range int32(2 + id%(shortWord-2)) {
				a.symbols = append(a.symbols, symbol{id: (id*31 + n*n*7) % int32(tok.VocabSize()), length: 1})
			}
			b.symbols = slices.Clone(a.symbols)
			m.merges.short(&a)
			m.merges.long(&b)
			b.symbols = slices.DeleteFunc(b.symbols, func(s symbol) bool { return s.length == 0 })
			if !slices.EqualFunc(a.symbols, b.symbols, func(x, y symbol) bool { return x.id == y.id && x.length == y.length }) {
				t.Fatalf("%s: %v\n%v", names[i], a.symbols, b.symbols)
			}
		}
	}
}

// TestScoreOf: numbers as the reference reads them, which is not always the nearest one.
func TestScoreOf(t *testing.T) {
	for s, want := range map[string]float64{"0": 0, "-1": -1, "-12.5": -12.5, "1e3": 1000, "2.5E-1": 0.25, "-9.999999999999999999999": -10, "0.1": 0.1, "184467440737095516160": 184467440737095516160, "1e-400": 0} {
		if got, err := scoreOf(s); err != nil || got != want {
			t.Errorf("%s: %v %v", s, got, err)
		}
	}
	for _, s := range []string{"", "-", "x", "1e999", "1e99999999999", "-1e400"} {
		if got, err := scoreOf(s); err == nil {
			t.Errorf("%q: %v", s, got)
		}
	}
}
