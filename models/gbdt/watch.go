package gbdt

import (
	"math"

	"github.com/pgowl/pgowl/models/crew"
	"github.com/pgowl/pgowl/models/learn"
)

// heldRows marks the rows that a fit measures itself by and does not learn from; nil marks none.
type heldRows []bool

func (h heldRows) has(r int) bool { return h != nil && h[r] }

// drawHeldRows draws the rows for early stopping by the seed. Both parts have a row at least, unless there is only one.
func drawHeldRows(rows int, share float64, seed uint64) heldRows {
	if rows < 2 {
		return nil
	}
	h := make(heldRows, rows)
	n := 0
	for r := range h {
		h[r] = unit(draw(seed, drawHeld, uint64(r))) < share
		if h[r] {
			n++
		}
	}
	switch n {
	case 0:
		h[draw(seed, drawHeld)%uint64(rows)] = true
	case rows:
		h[draw(seed, drawHeld)%uint64(rows)] = false
	}
	return h
}

// watchedRows is the number of training rows that the metrics for learn.Progress are taken from, and watchedValues that of their predictions.
const (
	watchedRows   = 1 << 14
	watchedValues = 1 << 20
)

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
	measures, err := p.measures(pl, d.Y)
	if err != nil || held == nil && progress == nil {
		return nil, err
	}
	w := &watch{measures: measures, link: pl.id.link(), held: held != nil, best: math.NaN()}
	if held != nil {
		w.patience = p.stopAfter
	}
	for r := range d.Rows {
		if held.has(r) {
			w.rows = append(w.rows, int32(r))
		}
	}
	if held == nil {
		n := min(d.Rows, watchedRows, max(1, watchedValues/pl.groups))
		for i := range n {
			w.rows = append(w.rows, int32(i*d.Rows/n))
		}
	}
	w.set.k = pl.groups
	w.set.preds = make([]float32, len(w.rows)*pl.groups)
	for _, r := range w.rows {
		w.set.y = append(w.set.y, d.Y[r])
		if d.Weights != nil {
			w.set.w = append(w.set.w, d.Weights[r])
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
