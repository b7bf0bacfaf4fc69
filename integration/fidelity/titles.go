package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/pgowl/pgowl/models/learn"
	"github.com/pgowl/pgowl/models/text"
)

// embedder makes vectors of the headlines.
const embedder = "all-MiniLM-L6-v2"

// headlines is a set of the vectors of the first headlines of a file, and whether they are clickbait. The model and ONNX Runtime are where the environment
// says (bin/setup -env).
func headlines(ctx context.Context, path string, limit int) (*set, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var in io.Reader = bufio.NewReader(f)
	if strings.HasSuffix(path, ".gz") {
		if in, err = gzip.NewReader(in); err != nil {
			return nil, err
		}
	}
	titles, labels, err := readTitles(in, limit)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	store := text.NewStore(text.StoreOptions{Dir: os.Getenv("PGOWL_MODELS"), Library: os.Getenv("PGOWL_ONNXRUNTIME")})
	defer store.Close()
	model, err := store.Embedder(ctx, embedder)
	if err != nil {
		return nil, err
	}
	vectors, err := model.Embed(ctx, titles, text.EmbedOptions{})
	if err != nil {
		return nil, err
	}
	d := &learn.Dataset{Y: labels, Rows: len(vectors), Features: model.Dimension(), Classes: 2}
	for _, v := range vectors {
		d.X = append(d.X, v...)
	}
	s := newSet("headlines", d)
	s.titles = true
	return s, nil
}

// readTitles reads a head line, then at most limit lines of a title and 0 or 1.
func readTitles(in io.Reader, limit int) (titles []string, labels []float32, err error) {
	lines := csv.NewReader(in)
	lines.FieldsPerRecord = 2
	if _, err := lines.Read(); err != nil {
		return nil, nil, err
	}
	counts := map[string]int{}
	for len(titles) < limit {
		r, err := lines.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, nil, err
		}
		label := float32(0)
		switch r[1] {
		case "1":
			label = 1
		case "0":
		default:
			return nil, nil, fmt.Errorf("label %q is neither 0 nor 1", r[1])
		}
		counts[r[1]]++
		titles, labels = append(titles, r[0]), append(labels, label)
	}
	if counts["0"] < 2 || counts["1"] < 2 {
		return nil, nil, errors.New("too few titles of a class")
	}
	return titles, labels, nil
}
