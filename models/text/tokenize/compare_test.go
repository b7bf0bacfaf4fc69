package tokenize

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"unicode/utf8"
)

// TestAgainstTokenizers compares with the reference itself: PGOWL_TOKENIZERS names a Python that has tokenizers and sentencepiece, PGOWL_TRIALS says how
// many random texts, or pairs, each kind of tokenizer encodes (1000), and PGOWL_SEED which.
func TestAgainstTokenizers(t *testing.T) {
	python := os.Getenv("PGOWL_TOKENIZERS")
	if python == "" {
		t.Skip("PGOWL_TOKENIZERS names no Python that has tokenizers")
	}
	trials, seed := "1000", "1"
	if s := os.Getenv("PGOWL_TRIALS"); s != "" {
		trials = s
	}
	if s := os.Getenv("PGOWL_SEED"); s != "" {
		seed = s
	}
	folder := os.Getenv("PGOWL_KINDS") // kept, so that they are made once
	if folder == "" {
		folder = t.TempDir()
	}
	if made, _ := filepath.Glob(filepath.Join(folder, "*.json")); len(made) == 0 {
		if out, err := exec.Command(python, "testdata/reference.py", "make", folder).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	paths, _ := filepath.Glob(filepath.Join(folder, "*.json"))
	slices.Sort(paths)
	var kinds []*Tokenizer
	for _, path := range paths {
		kinds = append(kinds, load(t, path))
	}
	cmd := exec.Command(python, "testdata/reference.py", "run", folder, seed, trials)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := &records{r: bufio.NewReaderSize(out, 1<<20)}
	n, _ := strconv.Atoi(trials)
	wrong := make([]int, len(kinds))
	ids := 0
	for range n * len(kinds) {
		k := r.number()
		if r.err != nil {
			break
		}
		problem, text, got := r.compare(kinds[k])
		ids += got
		if problem != "" {
			if wrong[k]++; wrong[k] <= 3 {
				t.Errorf("%s: %s\n%s", filepath.Base(paths[k]), text, problem)
			}
		}
	}
	if err := cmd.Wait(); err != nil || r.err != nil {
		t.Fatal(err, r.err)
	}
	for k, n := range wrong {
		if n > 0 {
			t.Errorf("%s: %d of %s differ", filepath.Base(paths[k]), n, trials)
		}
	}
	t.Logf("%d kinds, %s texts each, %d ids", len(kinds), trials, ids)
}

// records reads what reference.py writes.
type records struct {
	r   io.Reader
	err error
}

func (r *records) number() int {
	var b [4]byte
	if _, err := io.ReadFull(r.r, b[:]); err != nil && r.err == nil {
		r.err = err
	}
	return int(int32(binary.LittleEndian.Uint32(b[:])))
}

func (r *records) numbers(n int) []int32 {
	b := make([]byte, 4*n)
	if _, err := io.ReadFull(r.r, b); err != nil && r.err == nil {
		r.err = err
	}
	out := make([]int32, n)
	for i := range out {
		out[i] = int32(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return out
}

func (r *records) text() string {
	b := make([]byte, r.number())
	if _, err := io.ReadFull(r.r, b); err != nil && r.err == nil {
		r.err = err
	}
	return string(b)
}

// compare reads one record, encodes the same, and tells what differs.
func (r *records) compare(tok *Tokenizer) (problem, text string, ids int) {
	pair, specials := r.number() == 1, r.number() == 1
	o := EncodeOptions{MaxLength: r.number(), Strategy: Strategy(r.number()), Stride: r.number(), Left: r.number() == 1, NoSpecials: !specials, Overflow: true}
	if o.MaxLength == 0 {
		o = EncodeOptions{NoSpecials: !specials, Overflow: true}
	}
	texts := []string{r.text(), r.text()}
	if !pair {
		texts = texts[:1]
	}
	text = fmt.Sprintf("%+q %+v", texts, o)
	got, err := tok.encode(texts, o)
	parts := r.number()
	if parts < 0 {
		if err == nil {
			problem = fmt.Sprintf("no error, %d parts", len(got))
		}
		return problem, text, 0
	}
	if err != nil {
		problem = err.Error()
	} else if len(got) != parts {
		problem = fmt.Sprintf("%d parts, want %d", len(got), parts)
	}
	for i := range parts {
		n := r.number()
		wantIDs, wantTypes, wantOffsets, wantWords := r.numbers(n), r.numbers(n), r.numbers(2*n), r.numbers(n)
		if problem != "" {
			continue
		}
		e := got[i]
		ids += len(e.IDs)
		var offsets []int32
		for j, s := range e.Offsets {
			start, end := 0, 0
			if k := e.Texts[j]; k >= 0 {
				start = utf8.RuneCountInString(texts[k][:s.Start])
				end = start + utf8.RuneCountInString(texts[k][s.Start:s.End])
			}
			offsets = append(offsets, int32(start), int32(end))
		}
		for _, c := range []struct {
			what      string
			got, want []int32
		}{{"ids", e.IDs, wantIDs}, {"types", e.TypeIDs, wantTypes}, {"offsets", offsets, wantOffsets}, {"words", e.Words, wantWords}} {
			if !slices.Equal(c.got, c.want) {
				problem = fmt.Sprintf("%s of part %d:\n got %v\nwant %v", c.what, i, c.got, c.want)
				break
			}
		}
		if problem == "" && len(texts) == 1 && o.MaxLength == 0 && specials {
			if fast := tok.Append(nil, texts[0], 0); !slices.Equal(fast, wantIDs) {
				problem = fmt.Sprintf("Append:\n got %v\nwant %v", fast, wantIDs)
			}
		}
	}
	return problem, text, ids
}
