package vectorize

import (
	"context"
	"errors"
	"fmt"

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

// embed splits and embeds the texts whose vectors are not stored yet. The error is a wholeError, or ctx's.
func (k *Keeper) embed(ctx context.Context, c *column, have []body, stored []hashed) ([]result, error) {
	all := make([]result, len(have))
	var texts []string
	var rows []int
	for i, b := range have {
		if b.hash == "" || b.hash == stored[i].hash || stored[i].same != i {
			continue
		}
		all[i] = result{hash: b.hash}
		if c.splitter == nil {
			texts, rows = append(texts, b.text), append(rows, i)
			continue
		}
		chunks, err := c.splitter.Split(ctx, b.text)
		if err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			all[i].err = err
			continue
		}
		for _, part := range chunks {
			all[i].chunks = append(all[i].chunks, part.Text)
			texts, rows = append(texts, part.Text), append(rows, i)
		}
	}
	if len(texts) == 0 {
		return all, nil
	}
	vectors, err := k.options.Texts.Embed(ctx, c.model, texts, c.options)
	if err == nil {
		err = c.fits(vectors)
	}
	if err != nil {
		if ctx.Err() != nil || whole(err) {
			return nil, wholeError{err}
		}
		return all, k.embedApart(ctx, c, texts, rows, all)
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

// whole reports whether an error of embedding is of the model and not of a text.
func whole(err error) bool {
	var missing *text.MissingError
	var library *text.LibraryError
	var option *text.OptionError
	var name *names.Error
	var known wholeError
	return errors.As(err, &missing) || errors.As(err, &library) || errors.As(err, &option) || errors.As(err, &name) || errors.As(err, &known) || errors.Is(err, text.ErrClosed)
}
