package tokenize

import (
	"bufio"
	"compress/gzip"
	"os"
	"strings"
	"testing"
)

// goldenKinds opens testdata/kinds.gz: small tokenizers of many kinds, by name, and then what the reference makes of random texts.
func goldenKinds(t testing.TB) (names, files []string, r *records) {
	t.Helper()
	f, err := os.Open("testdata/kinds.gz")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	r = &records{r: bufio.NewReader(z)}
	for n := r.number(); len(names) < n && r.err == nil; {
		names, files = append(names, r.text()), append(files, r.text())
	}
	return names, files, r
}

// TestGoldenKinds compares with what the reference gave; testdata/reference.py wrote it.
func TestGoldenKinds(t *testing.T) {
	names, files, r := goldenKinds(t)
	var kinds []*Tokenizer
	for i, file := range files {
		tok, err := Parse([]byte(file))
		if err != nil {
			t.Fatalf("%s: %v", names[i], err)
		}
		kinds = append(kinds, tok)
	}
	n := r.number() * len(kinds)
	for range n {
		k := r.number()
		if problem, text, _ := r.compare(kinds[k]); problem != "" {
			t.Errorf("%s: %s\n%s", names[k], text, problem)
		}
		if r.err != nil {
			t.Fatal(r.err)
		}
	}
	if n < 500 {
		t.Errorf("%d texts", n)
	}
}

// TestNoAllocation: a text costs none, once the memory is there.
func TestNoAllocation(t *testing.T) {
	names, files, _ := goldenKinds(t)
	text := strings.Repeat("The unable Reader's library opens at 9, and what its readers say about it. ", 5)
	for i, file := range files {
		switch names[i] {
		case "clip", "o200k", "nextwords", "splits", "xlmr", "deberta", "characters": // package regexp
			continue
		}
		tok, err := Parse([]byte(file))
		if err != nil {
			t.Fatal(err)
		}
		ids := make([]int32, 0, 4096)
		if n := testing.AllocsPerRun(50, func() { ids = tok.Append(ids[:0], text, 0) }); n >= 2 && !raceEnabled { // the pool may lose a desk
			t.Errorf("%s: %v allocations for a text of %d ids", names[i], n, len(ids))
		}
	}
}
