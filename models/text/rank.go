package text

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/pgowl/pgowl/models/text/tokenize"
)

// Ranked is a document's place: its index in the list, and its score.
type Ranked struct {
	Document int
	Score    float64
}

// Rank orders documents by what they have to do with a query, the best first; of equal ones the earlier comes first. A cross-encoder reads query and document together, and its
// score is the logit, or its sigmoid, as the model's config.json says (sentence-transformers' CrossEncoder.rank). Another model's documents are ordered by the cosine of their vectors and
// the query's, for which the model's own prompts are used; cross tells which it was. Calls share the model's batches, as Embed's do. Errors: *ModelError for a
// model with several labels or an activation that is not known, *OptionError, ErrClosed, ctx's cause.
func (e *Embedder) Rank(ctx context.Context, query string, documents []string, o RankOptions) (ranked []Ranked, cross bool, err error) {
	var scores []float64
	if cross = e.session.scores; cross {
		scores, err = e.score(ctx, query, documents, o)
	} else {
		scores, err = e.cosines(ctx, query, documents, o)
	}
	if err != nil {
		return nil, cross, err
	}
	for i, s := range scores {
		ranked = append(ranked, Ranked{i, s})
	}
	slices.SortStableFunc(ranked, func(a, b Ranked) int {
		switch {
		case a.Score > b.Score:
			return -1
		case a.Score < b.Score:
			return 1
		}
		return 0
	})
	if o.TopK > 0 && o.TopK < len(ranked) {
		ranked = ranked[:o.TopK]
	}
	return ranked, cross, nil
}

// scoreWidth is the width of scores in keys of the cache, which no vector has.
const scoreWidth = -1

// score gives the scores of documents by a cross-encoder.
func (e *Embedder) score(ctx context.Context, query string, documents []string, o RankOptions) (_ []float64, err error) {
	defer e.caught(&err)
	e.closing.RLock()
	defer e.closing.RUnlock()
	switch {
	case e.closed:
		return nil, ErrClosed
	case e.session.width != 1:
		return nil, &ModelError{Model: e.name, Err: fmt.Errorf("it has %d labels; ranking is for models with one", e.session.width)}
	case e.settings.activation != "" && o.Activation == ModelActivation:
		return nil, &ModelError{Model: e.name, Err: fmt.Errorf("the activation %q is not supported", e.settings.activation)}
	}
	length, err := e.length("rank", "max_length", o.MaxLength)
	if err != nil {
		return nil, err
	}
	identity := o.Activation == Identity || o.Activation == ModelActivation && e.settings.identity
	scores := make([]float64, len(documents))
	key := cacheKey{model: e.cacheName, prompt: query, width: scoreWidth, length: length, left: o.CutLeft, normalize: identity}
	w := &work{starts: []int{0}, types: []int32{}}
	var todo []int
	for i, document := range documents {
		if i%64 == 0 && ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		key.text = document
		if v := e.cache.get(key); v != nil {
			scores[i] = float64(v[0])
			continue
		}
		// Stripped, as sentence-transformers does.
		parts, err := e.tokenizer.EncodePair(strings.TrimSpace(query), strings.TrimSpace(document), tokenize.EncodeOptions{MaxLength: length, Left: o.CutLeft})
		if err != nil {
			return nil, &OptionError{Function: "rank", Name: "max_length", Reason: fmt.Sprintf("is too small: %v", err)}
		}
		pair := &parts[0]
		if len(pair.IDs) == 0 {
			return nil, &ModelError{Model: e.name, Err: errors.New("its tokenizer makes nothing of two texts")}
		}
		w.ids, w.types = append(w.ids, pair.IDs...), append(w.types, pair.TypeIDs...)
		w.starts, w.lengths = append(w.starts, len(w.ids)), append(w.lengths, len(pair.IDs))
		todo = append(todo, i)
	}
	found := make([]float32, len(todo))
	if err := e.queue.do(ctx, w, o.BatchSize, func(i int, logits []float32) {
		found[i] = logits[0]
		if !identity {
			found[i] = sigmoid(found[i])
		}
	}); err != nil {
		return nil, err
	}
	for i, at := range todo {
		scores[at] = float64(found[i])
		key.text = documents[at]
		e.cache.put(key, found[i:i+1])
	}
	return scores, nil
}

func sigmoid(x float32) float32 { return float32(1 / (1 + math.Exp(-float64(x)))) }

// cosines gives the cosines between the vectors of documents and of the query.
func (e *Embedder) cosines(ctx context.Context, query string, documents []string, o RankOptions) ([]float64, error) {
	prompt := func(names ...string) EmbedOptions {
		options := EmbedOptions{BatchSize: o.BatchSize, MaxLength: o.MaxLength, CutLeft: o.CutLeft}
		for _, name := range names {
			if _, ok := e.settings.prompts[name]; ok {
				options.PromptName = name
				break
			}
		}
		return options
	}
	of, err := e.Embed(ctx, []string{query}, prompt("query"))
	if err != nil {
		return nil, err
	}
	// As sentence-transformers' encode_document looks for them.
	vectors, err := e.Embed(ctx, documents, prompt("document", "passage", "corpus"))
	if err != nil {
		return nil, err
	}
	scores := make([]float64, len(documents))
	for i, v := range vectors {
		scores[i] = cosine(of[0], v)
	}
	return scores, nil
}

// cosine is that of the angle between two vectors; 0 where one has no direction.
func cosine(a, b []float32) float64 {
	var ab, aa, bb float64
	for i, x := range a {
		x, y := float64(x), float64(b[i])
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return ab / math.Sqrt(aa*bb)
}
