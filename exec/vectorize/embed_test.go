package vectorize

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pgowl/pgowl/exec/textmodels"
	"github.com/pgowl/pgowl/models/text"
	"github.com/pgowl/pgowl/models/text/chunk"
)

// stand is a model whose vectors are the texts' lengths, and that fails at some texts.
type stand struct {
	calls     int
	revisions []string // one after the other
}

var errText = errors.New("a bad text")

func (s *stand) Embed(_ context.Context, model string, texts []string, _ text.EmbedOptions) ([][]float32, error) {
	s.calls++
	if model == "missing" {
		return nil, &text.MissingError{Name: model}
	}
	if model == "cut off" {
		return nil, &textmodels.Error{Model: model, Err: errText}
	}
	var all [][]float32
	for _, t := range texts {
		if strings.Contains(t, "bad") {
			return nil, errText
		}
		all = append(all, []float32{float32(len(t)), 1})
	}
	return all, nil
}

func (s *stand) Revision(context.Context, string, text.Variant) (string, error) {
	if len(s.revisions) == 0 {
		return "", nil
	}
	first := s.revisions[0]
	if s.revisions = s.revisions[1:]; first == "missing" {
		return "", &text.MissingError{Name: "m"}
	}
	return first, nil
}

// A batch that is computed by a model of another revision, or while that becomes one, is not written.
func TestRevisions(t *testing.T) {
	for name, c := range map[string]struct {
		noted string
		now   string // before and after
		texts string
		want  string
	}{
		"the same":              {"commit a", "commit a,commit a", "a,b", ""},
		"not known then":        {"", "commit b,commit b", "a,b", ""},
		"not known now":         {"commit a", ",", "a,b", ""},
		"of another kind":       {"commit a", "version a,version b", "a,b", ""},
		"another":               {"commit a", "commit b,commit b", "a", "of another revision here, commit b, than the vectors are, commit a"},
		"another meanwhile":     {"version a", "version a,version b", "a", "version b"},
		"another, and bad ones": {"version a", "version a,version b", "bad,b", "version b"},
		"gone":                  {"version a", "missing,missing", "a", "the model folder"},
	} {
		texts := strings.Split(c.texts, ",")
		have, stored := make([]body, len(texts)), make([]hashed, len(texts))
		for i, text := range texts {
			have[i], stored[i] = body{text, "hash of " + text}, hashed{same: i}
		}
		k := &Keeper{options: Options{Texts: &stand{revisions: strings.Split(c.now, ",")}}}
		_, err := k.embed(t.Context(), &column{model: "m", dims: 2, revision: c.noted}, have, stored)
		var all wholeError
		if (err == nil) != (c.want == "") || err != nil && (!errors.As(err, &all) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
}

func TestEmbed(t *testing.T) {
	characters, err := chunk.New("character", []byte(`{"separator": "", "chunk_size": 1, "chunk_overlap": 0}`))
	if err != nil {
		t.Fatal(err)
	}
	many := strings.Repeat("x", manyTexts+1)
	for name, c := range map[string]struct {
		column column
		texts  []string // "=" before one: its vectors are stored already; empty: NULL
		want   string   // for each: vectors, - for nothing, ! for an error of its own; or the error of all
	}{
		"plain":                  {column{model: "m", dims: 2}, []string{"a", "", "=b", "cc"}, "1 - - 1"},
		"a bad one":              {column{model: "m", dims: 2}, []string{"a", "bad", "c"}, "1 ! 1"},
		"bad ones alone":         {column{model: "m", dims: 2}, []string{"bad", "bad, too"}, "a bad text"},
		"one bad one":            {column{model: "m", dims: 2}, []string{"bad"}, "!"},
		"no model":               {column{model: "missing", dims: 2}, []string{"a", "b"}, "the model folder"},
		"no way to the model":    {column{model: "cut off", dims: 2}, []string{"a"}, "in the database"},
		"another model by now":   {column{model: "m", dims: 3}, []string{"a"}, "2 numbers now"},
		"another, and a bad one": {column{model: "m", dims: 3}, []string{"bad", "b"}, "2 numbers now"},
		"chunks":                 {column{model: "m", dims: 2, splitter: characters}, []string{"abc", "d", ""}, "3 1 -"},
		"many chunks, later":     {column{model: "m", dims: 2, splitter: characters}, []string{"abc", many, "d"}, "3 - -"},
		"many chunks, first":     {column{model: "m", dims: 2, splitter: characters}, []string{many, "d"}, errAlone.Error()},
		"many chunks, alone":     {column{model: "m", dims: 2, splitter: characters}, []string{many}, fmt.Sprint(manyTexts + 1)},
		"too many chunks":        {column{model: "m", dims: 2, splitter: characters}, []string{strings.Repeat("x", maxChunks+1), "d"}, "! 1"},
		"a full batch":           {column{model: "m", dims: 2}, append(strings.Split(strings.Repeat("a ", manyTexts-1)+"a", " "), "later"), strings.Repeat("1 ", manyTexts) + "-"},
		"nothing to be embedded": {column{model: "missing", dims: 2}, []string{"=a", ""}, "- -"},
	} {
		t.Run(name, func(t *testing.T) {
			k := &Keeper{options: Options{Texts: new(stand)}}
			have, stored := make([]body, len(c.texts)), make([]hashed, len(c.texts))
			for i, text := range c.texts {
				stored[i].same = i
				if text == "" {
					continue
				}
				have[i] = body{strings.TrimPrefix(text, "="), "hash of " + text}
				if strings.HasPrefix(text, "=") {
					stored[i].hash = have[i].hash
				}
			}
			results, err := k.embed(t.Context(), &c.column, have, stored)
			if err != nil {
				if !strings.Contains(err.Error(), c.want) {
					t.Errorf("got %v, want %s", err, c.want)
				}
				return
			}
			var got []string
			for i, r := range results {
				switch {
				case r.err != nil:
					got = append(got, "!")
				case r.hash == "":
					got = append(got, "-")
				default:
					got = append(got, fmt.Sprint(len(r.vectors)))
				}
				if r.hash != "" && r.hash != have[i].hash {
					t.Errorf("row %d has another's hash", i)
				}
			}
			if all := strings.Join(got, " "); all != c.want {
				t.Errorf("got %.100s, want %.100s", all, c.want)
			}
		})
	}
}

func TestPause(t *testing.T) {
	for attempts, want := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second, 10: 512 * time.Second, 11: 10 * time.Minute, 1000: 10 * time.Minute} {
		if got := pause(attempts); got != want {
			t.Errorf("after %d attempts: %v, want %v", attempts, got, want)
		}
	}
}

func TestBatchesTakeASecond(t *testing.T) {
	k := &Keeper{sizes: map[int64]int{}}
	for _, c := range []struct {
		rows int
		took time.Duration
		want int
	}{{0, 0, firstBatch}, {32, 100 * time.Millisecond, 128}, {128, time.Second, 128}, {128, 4 * time.Second, 32}, {32, 20 * time.Second, leastBatch}, {32, time.Minute, 1}, {1, time.Millisecond, 4 * leastBatch}, {400, time.Microsecond, maxBatch}} {
		if c.rows > 0 {
			k.resize(7, c.rows, c.took)
		}
		if got := k.size(7); got != c.want {
			t.Errorf("after %d rows in %v: %d, want %d", c.rows, c.took, got, c.want)
		}
	}
	if k.shrink(7); k.size(7) != maxBatch/4 {
		t.Error("not smaller")
	}
	if k.alone(7); k.size(7) != 1 {
		t.Error("not alone")
	}
	if k.shrink(7); k.size(7) != 1 {
		t.Error("less than a row")
	}
}

func TestKeysInSQL(t *testing.T) {
	c := column{types: []string{"bigint", "text"}}
	if got, want := c.each("u.k#::TYPE AS k#"), "u.k1::bigint AS k1, u.k2::text AS k2"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := c.all("v.k# = q.k#"), "v.k1 = q.k1 AND v.k2 = q.k2"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := fmt.Sprint(c.keyed([][]string{{"1", "a"}, {"2", "b"}})), "[[1 2] [a b]]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := quote(`"it's".f`), `'"it''s".f'`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
