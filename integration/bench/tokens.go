package main

import (
	"context"
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/pgowl/pgowl/models/text/tokenize"
)

// tokensReference makes tokenizers, and encodes with the reference implementation; it says how.
//
//go:embed tokens.py
var tokensReference string

// Aims for the tokenizers, on one core.
const (
	tokensAim      = 1e6 // ids a second
	tokensRatioAim = 1.5 // of the reference's
)

// encoded is what encoding all texts took and gave.
type encoded struct {
	N       int     `json:"n"`
	Sum     uint32  `json:"sum"`
	Seconds float64 `json:"seconds"` // of one processor
}

// tokensPart encodes titles, and long texts made of them, by tokenizers of several kinds beside the reference implementation, by turns. Processor time
// counts, so what else the machine does counts little.
func tokensPart(ctx context.Context, _ *stage, o options) error {
	fmt.Println("\ntokens: ids a second on one core, beside Hugging Face's tokenizers")
	if o.titles == "" || o.python == "" {
		fmt.Println("  left out: no file of titles (PGOWL_BENCH_TITLES), or no Python that has tokenizers (PGOWL_BENCH_PYTHON)")
		return nil
	}
	folder, err := os.MkdirTemp("", "bench-tokens")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	texts, err := tokenTexts(o.titles)
	if err != nil {
		return err
	}
	for name, lines := range texts {
		if err := os.WriteFile(filepath.Join(folder, name+".txt"), []byte(strings.Join(lines, "\n")), 0o600); err != nil {
			return err
		}
	}
	if _, err := tokensPython(ctx, o.python, folder, "make"); err != nil {
		return err
	}
	if data, err := os.ReadFile(filepath.Join(os.Getenv("PGOWL_MODELS"), embedder, "tokenizer.json")); err == nil {
		if err := os.WriteFile(filepath.Join(folder, "WordPiece.json"), data, 0o600); err != nil {
			return err
		}
	}
	kinds, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		return err
	}
	for _, path := range kinds {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		tok, err := tokenize.Parse(data)
		if err != nil {
			return err
		}
		kind := strings.TrimSuffix(filepath.Base(path), ".json")
		for _, name := range []string{"headlines", "long"} {
			if err := compareTokens(ctx, o, folder, kind, name, tok, texts[name]); err != nil {
				return err
			}
		}
	}
	return nil
}

func compareTokens(ctx context.Context, o options, folder, kind, name string, tok *tokenize.Tokenizer, texts []string) error {
	var ours, theirs, ratios []float64
	same := "the same ids"
	for range o.rounds {
		a, err := encodeAll(tok, texts)
		if err != nil {
			return err
		}
		out, err := tokensPython(ctx, o.python, folder, kind, name)
		if err != nil {
			return err
		}
		var b encoded
		if err := json.Unmarshal(out, &b); err != nil {
			return err
		}
		if a.N != b.N || a.Sum != b.Sum {
			same = "OTHER IDS"
		}
		ours, theirs = append(ours, float64(a.N)/a.Seconds), append(theirs, float64(b.N)/b.Seconds)
		ratios = append(ratios, ours[len(ours)-1]/theirs[len(theirs)-1])
	}
	line(kind+", "+name, "%.2fM (aim %.0fM)  reference %.2fM, ratio %.1f (aim %.1f)  %s", median(ours)/1e6, tokensAim/1e6, median(theirs)/1e6, median(ratios), tokensRatioAim, same)
	return nil
}

// tokenTexts gives the titles, and a thousand texts of twenty titles each.
func tokenTexts(path string) (map[string][]string, error) {
	rows, err := readTitles(path)
	if err != nil {
		return nil, err
	}
	texts := map[string][]string{}
	for _, r := range rows {
		texts["headlines"] = append(texts["headlines"], strings.ReplaceAll(r[1].(string), "\n", " "))
	}
	all := texts["headlines"]
	for i := range 1000 {
		var parts []string
		for j := range 20 {
			parts = append(parts, all[(i*20+j)%len(all)])
		}
		texts["long"] = append(texts["long"], strings.Join(parts, " "))
	}
	return texts, nil
}

// encodeAll takes the least of three runs, as the reference does.
func encodeAll(tok *tokenize.Tokenizer, texts []string) (encoded, error) {
	best := encoded{Seconds: 1e9}
	for range 3 {
		runtime.GC()
		before, err := processorTime()
		if err != nil {
			return best, err
		}
		var ids []int32
		for _, text := range texts {
			ids = tok.Append(ids, text, 0)
		}
		after, err := processorTime()
		if err != nil {
			return best, err
		}
		sum := crc32.NewIEEE()
		if err := binary.Write(sum, binary.LittleEndian, ids); err != nil {
			return best, err
		}
		best = encoded{N: len(ids), Sum: sum.Sum32(), Seconds: min(best.Seconds, (after - before).Seconds())}
	}
	return best, nil
}

// processorTime is what this process has used of the processors.
func processorTime() (time.Duration, error) {
	var u syscall.Rusage
	err := syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), err
}

func tokensPython(ctx context.Context, python, folder string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, python, append([]string{"-c", tokensReference, folder}, args...)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, stderr.String())
	}
	return out, nil
}
