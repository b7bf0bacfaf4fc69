package text

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/pgowl/pgowl/models/text/tokenize"
)

// repeated gives the texts that stand at an earlier place, too, and the first such place: a column often has the same text in many rows.
func repeated(texts []string) map[int]int {
	if len(texts) < 2 {
		return nil
	}
	var repeats map[int]int
	places := make(map[string]int, len(texts))
	for i, text := range texts {
		first, known := places[text]
		if !known {
			places[text] = i
			continue
		}
		if repeats == nil {
			repeats = map[int]int{}
		}
		repeats[i] = first
	}
	return repeats
}

// work is texts as tokens.
type work struct {
	ids     []int32 // of all texts, one after the other
	types   []int32 // their types; nil: all 0
	starts  []int   // where each begins, and the end
	lengths []int
	skip    int // leading tokens that do not count in the pooling
}

// dropEmpty takes the texts without tokens out, as no model runs on them, and divides the places of all texts in the same way.
func (w *work) dropEmpty(places []int) (some, none []int) {
	if !slices.Contains(w.lengths, 0) {
		return places, nil
	}
	kept := 0
	for i, n := range w.lengths {
		if n == 0 {
			none = append(none, places[i])
			continue
		}
		some = append(some, places[i])
		w.lengths[kept], w.starts[kept+1] = n, w.starts[i+1]
		kept++
	}
	w.lengths, w.starts = w.lengths[:kept], w.starts[:kept+1]
	return some, none
}

// text is the ids of a text.
func (w *work) text(i int) []int32 { return w.ids[w.starts[i]:w.starts[i+1]] }

// kinds is the types of a text's ids; nil: all 0.
func (w *work) kinds(i int) []int32 {
	if w.types == nil {
		return nil
	}
	return w.types[w.starts[i]:w.starts[i+1]]
}

// tokenize makes the ids of texts[i] for each i of todo. Of many it makes them on as many cores as there are: nothing else can be done for the call until it has them.
func (e *Embedder) tokenize(ctx context.Context, texts []string, todo []int, prompt string, o tokenize.EncodeOptions) (*work, error) {
	parts := make([]work, max(1, min(e.runtime.cores(), len(todo)/tokenizedApart)))
	errs := make([]error, len(parts))
	var group sync.WaitGroup
	for i := range parts {
		some := todo[i*len(todo)/len(parts) : (i+1)*len(todo)/len(parts)]
		if i == len(parts)-1 {
			errs[i] = e.tokenizePart(ctx, &parts[i], texts, some, prompt, o)
		} else {
			group.Go(func() {
				defer func() {
					if p := recover(); p != nil {
						errs[i] = &ModelError{Model: e.name, Err: fmt.Errorf("its tokenizer panicked: %v", p)} // not the process
					}
				}()
				errs[i] = e.tokenizePart(ctx, &parts[i], texts, some, prompt, o)
			})
		}
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	w := &parts[0]
	w.starts = append(w.starts, len(w.ids))
	for i := range parts[1:] {
		w.join(&parts[i+1])
	}
	if prompt != "" && e.settings.skipPrompt {
		// All of the prompt's tokens but the closing one.
		w.skip = max(0, len(e.tokenizer.Append(nil, strings.TrimSpace(prompt), o.MaxLength))-1)
	}
	return w, nil
}

// tokenizedApart is the number of texts from which on it is worth a goroutine to tokenize them.
const tokenizedApart = 64

// tokenizePart makes the ids of texts[i] for each i of todo, until ctx is done. It leaves the last start out.
func (e *Embedder) tokenizePart(ctx context.Context, w *work, texts []string, todo []int, prompt string, o tokenize.EncodeOptions) error {
	w.lengths, w.starts = make([]int, len(todo)), make([]int, len(todo), len(todo)+1)
	for at, i := range todo {
		if at%256 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		// sentence-transformers strips what it tokenizes, which shows where a tokenizer minds white space.
		text := strings.TrimSpace(prompt + texts[i])
		if e.settings.lowerCase {
			text = strings.ToLower(text)
		}
		w.starts[at] = len(w.ids)
		if o.Left {
			parts, err := e.tokenizer.Encode(text, o)
			if err != nil {
				return &ModelError{Model: e.name, Err: err}
			}
			w.ids = append(w.ids, parts[0].IDs...)
		} else {
			w.ids = e.tokenizer.Append(w.ids, text, o.MaxLength)
		}
		w.lengths[at] = len(w.ids) - w.starts[at]
	}
	return nil
}

// join puts another's texts, which have no types, behind w's.
func (w *work) join(other *work) {
	begin := len(w.ids)
	w.ids = append(w.ids, other.ids...)
	w.lengths = append(w.lengths, other.lengths...)
	for _, start := range other.starts[1:] {
		w.starts = append(w.starts, begin+start)
	}
	w.starts = append(w.starts, len(w.ids))
}
