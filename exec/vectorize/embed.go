package vectorize

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pgowl/pgowl/exec/textmodels"
	"github.com/pgowl/pgowl/models/text"
	"github.com/pgowl/pgowl/models/text/names"
)

// result is what a row's text has come to.
type result struct {
	hash    string // of the text; empty: there was nothing to embed
	chunks  []string
	vectors [][]float32
	err     error // of this text
}

const (
	// maxChunks is how many chunks a text may have: a splitter with unlucky options makes one of each character.
	maxChunks = 100_000
	// manyTexts is how many texts make a batch full. A row that has more of them by itself is embedded alone, so that others need not wait for it.
	manyTexts = 1000
)

// errAlone says that the first row of a batch has to be a batch of its own.
var errAlone = errors.New("a row with many chunks is next")

// embed splits and embeds the texts whose vectors are not stored yet; rows that it does not come to have no result. The error is errAlone, a wholeError, or ctx's.
func (k *Keeper) embed(ctx context.Context, c *column, have []body, stored []hashed) ([]result, error) {
	all := make([]result, len(have))
	var texts []string
	var rows []int
	for i, b := range have {
		if b.hash == "" || b.hash == stored[i].hash || stored[i].same != i {
			continue
		}
		if len(texts) >= manyTexts {
			break
		}
		if c.splitter == nil {
			all[i] = result{hash: b.hash}
			texts, rows = append(texts, b.text), append(rows, i)
			continue
		}
		chunks, err := c.splitter.Split(ctx, b.text)
		if err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			all[i] = result{hash: b.hash, err: err}
			continue
		}
		if len(chunks) > maxChunks {
			all[i] = result{hash: b.hash, err: fmt.Errorf("the text has %d chunks, more than %d", len(chunks), maxChunks)}
			continue
		}
		if len(chunks) > manyTexts && len(have) > 1 {
			if i == 0 {
				return nil, errAlone
			}
			break
		}
		all[i] = result{hash: b.hash}
		for _, part := range chunks {
			all[i].chunks = append(all[i].chunks, part.Text)
			texts, rows = append(texts, part.Text), append(rows, i)
		}
	}
	if len(texts) == 0 {
		return all, nil
	}
	// The model may become another one in between.
	err := k.known(ctx, c)
	var vectors [][]float32
	if err == nil {
		if vectors, err = k.options.Texts.Embed(ctx, c.model, texts, c.options); err == nil {
			err = c.fits(vectors)
		}
	}
	if err == nil {
		err = k.known(ctx, c)
	}
	if err != nil {
		if ctx.Err() != nil || whole(err) {
			return nil, wholeError{err}
		}
		if err := k.embedApart(ctx, c, texts, rows, all); err != nil {
			return all, err
		}
		if err := k.known(ctx, c); err != nil {
			return nil, err
		}
		return all, nil
	}
	for n, v := range vectors {
		all[rows[n]].vectors = append(all[rows[n]].vectors, v)
	}
	return all, nil
}

// embedApart embeds each row's texts for themselves, to find the ones that fail. If all do, it is not them.
func (k *Keeper) embedApart(ctx context.Context, c *column, texts []string, rows []int, all []result) error {
	good := false
	var last error
	for n := 0; n < len(texts); {
		row, end := rows[n], n
		for end < len(texts) && rows[end] == row {
			end++
		}
		vectors, err := k.options.Texts.Embed(ctx, c.model, texts[n:end], c.options)
		if err == nil {
			err = c.fits(vectors)
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && whole(err):
			return wholeError{err}
		case err != nil:
			all[row].err, last = err, err
		default:
			all[row].vectors, good = vectors, true
		}
		n = end
	}
	if !good && rows[0] != rows[len(rows)-1] {
		return wholeError{last}
	}
	return nil
}

// fits checks that the model is the one that the column was made for.
func (c *column) fits(vectors [][]float32) error {
	if len(vectors[0]) != c.dims {
		return wholeError{fmt.Errorf("model %q gives vectors of %d numbers now, and gave %d when the column was vectorized", c.model, len(vectors[0]), c.dims)}
	}
	return nil
}

// known checks that the model is of the revision that the column was made with, as far as revisions are known: vectors of two are not comparable.
func (k *Keeper) known(ctx context.Context, c *column) error {
	if c.revision == "" {
		return nil
	}
	now, err := k.options.Texts.Revision(ctx, c.model, c.options.Variant)
	if err != nil || !revised(c.revision, now) {
		return err
	}
	return wholeError{fmt.Errorf("model %q is of another revision here, %s, than the vectors are, %s: call pgml.vectorize again, and they are made anew", c.model, now, c.revision)}
}

// revised reports whether two revisions of a model are known to be different ones; pgowl.vectorize_revised is the same.
func revised(a, b string) bool {
	kind := func(s string) string { kind, _, _ := strings.Cut(s, " "); return kind }
	return a != b && a != "" && b != "" && kind(a) == kind(b)
}

// whole reports whether an error of embedding is of the model and not of a text.
func whole(err error) bool {
	var missing *text.MissingError
	var library *text.LibraryError
	var option *text.OptionError
	var name *names.Error
	var revision *text.RevisionError
	var precision *text.PrecisionError
	var device *text.DeviceError
	var source *textmodels.Error
	var known wholeError
	return errors.As(err, &source) || errors.As(err, &revision) || errors.As(err, &precision) || errors.As(err, &device) || errors.As(err, &missing) || errors.As(err, &library) || errors.As(err, &option) || errors.As(err, &name) || errors.As(err, &known) || errors.Is(err, text.ErrClosed)
}
