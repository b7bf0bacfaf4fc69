package gbdt

import (
	"math"

	"github.com/pgowl/pgowl/models/crew"
	"github.com/pgowl/pgowl/models/learn"
)

// heldRows marks the rows that a fit measures itself by and does not learn from; nil marks none.
type heldRows []bool

func (h heldRows) has(r int) bool { return h != nil && h[r] }

// watch follows the metrics of a fit and says when it is to stop.
type watch struct {
	measures []measure
	set      evaluated
	rows     []int32
	link     link
	held     bool
	patience int // rounds without a better value; 0 is for ever

	best      float64
	bestRound int
}

// newWatch is nil when nobody wants to know: there is no early stopping and no progress.
func (p *params) newWatch(d *learn.Dataset, pl plan, held heldRows, progress learn.Progress) (*watch, error) {
	measures, err := p.measures(pl, d)
	if err != nil || held == nil && progress == nil {
		return nil, err
	}
	w := &watch{measures: measures, link: pl.id.link(), held: held != nil, best: math.NaN()}
	if pl.id == aft { // whose metrics look at margins
		w.link = identity
	}
	if held != nil {
		w.patience = p.stopAfter
	}
	badLists := func(err error) error {
		return &learn.ParamError{Name: "eval_metric", Value: measures[0].name, Reason: err.Error()}
	}
	if w.rows, err = p.watchedRows(d, pl, held); err != nil {
		return nil, badLists(err)
	}
	w.set.k = pl.groups
	w.set.preds = make([]float32, len(w.rows)*pl.groups)
	for _, r := range w.rows {
		w.set.y = append(w.set.y, d.Y[r])
	}
	w.set.w, w.set.upper = learn.Pick(d.Weights, w.rows), learn.Pick(d.Upper, w.rows)
	if p.looksAtLists(pl) {
		seen := learn.Dataset{Weights: w.set.w, Queries: learn.Pick(d.Queries, w.rows)}
		if w.set.lists, err = newLists(&seen, func(int) bool { return true }); err != nil {
			return nil, badLists(err)
		}
	}
	return w, nil
}

// look measures the margins (row-major) after a round.
func (w *watch) look(round int, margins []float32, crew *crew.Crew) []learn.Score {
	k := w.set.k
	blocks := (len(w.rows) + gradientBlock - 1) / gradientBlock
	crew.Each(blocks, len(w.set.preds)*10, func(b int) {
		for i := b * gradientBlock; i < min((b+1)*gradientBlock, len(w.rows)); i++ {
			row := w.set.preds[i*k:][:k]
			copy(row, margins[int(w.rows[i])*k:])
			if w.link == softmaxLink {
				softmaxOf(row)
				continue
			}
			row[0] = w.link.apply(row[0])
		}
	})
	scores := make([]learn.Score, len(w.measures))
	for i, m := range w.measures {
		scores[i] = learn.Score{Name: m.name, Value: m.of(&w.set), Held: w.held}
	}
	last, now := w.measures[len(w.measures)-1], scores[len(scores)-1].Value
	if math.IsNaN(w.best) || last.higher && now > w.best || !last.higher && now < w.best {
		w.best, w.bestRound = now, round
	}
	return scores
}

// over says whether the last rounds have brought nothing better.
func (w *watch) over(round int) bool { return w.patience > 0 && round-w.bestRound >= w.patience }
