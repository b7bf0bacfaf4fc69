package predict

import "sync"

// together is the number of rows from which on they are scored. It keeps the cores busy for some milliseconds at most, even with thousands of trees, so
// that whoever cancels need not wait.
const together = 1024

// Rows gathers rows of one model and scores them together, which takes a fraction of the time that one after the other takes, and spreads over
// the cores. It is for values (Add and Score) or for probabilities (AddProba and ScoreProba), not for both at a time.
type Rows struct {
	Model    *Model // set it before rows are added
	features []float32
	places   []int
	ends     []int // of probabilities: the number of rows up to those of each place, as there may be several in one
	scores   []float32
}

var gatherers = sync.Pool{New: func() any { return new(Rows) }}

// NewRows gives a Rows without rows and model, with the memory of an earlier one.
func NewRows() *Rows { return gatherers.Get().(*Rows) }

// Free gives the memory back. The Rows must not be used any more.
func (r *Rows) Free() {
	r.Model = nil
	r.forget()
	gatherers.Put(r)
}

func (r *Rows) forget() { r.features, r.places, r.ends = r.features[:0], r.places[:0], r.ends[:0] }

// Add takes a row, whose prediction Score writes to a place. A wrong number of features is XX000.
func (r *Rows) Add(place int, features []float32) error {
	if len(features) != r.Model.Features() {
		return r.Model.shape(len(features))
	}
	r.features = append(r.features, features...)
	r.places = append(r.places, place)
	return nil
}

// AddProba takes a row, or several one after the other, whose probabilities ScoreProba writes to a place. Errors are those of Proba.
func (r *Rows) AddProba(place int, features []float32) error {
	if _, err := r.Model.probaRows(features); err != nil {
		return err
	}
	r.features = append(r.features, features...)
	r.places = append(r.places, place)
	r.ends = append(r.ends, len(r.features)/r.Model.Features())
	return nil
}

// Full reports whether it is time to score.
func (r *Rows) Full() bool {
	return len(r.places) > 0 && len(r.features) >= together*r.Model.Features()
}

// Score writes the predictions of the rows to their places in dst, and forgets the rows.
func (r *Rows) Score(dst []float32) {
	n := len(r.places)
	if n == 0 {
		return
	}
	if cap(r.scores) < n {
		r.scores = make([]float32, n)
	}
	scores := r.scores[:n]
	r.Model.model.Predict(scores, r.features)
	for i, place := range r.places {
		dst[place] = r.Model.code(scores[i])
	}
	r.forget()
}

// ScoreProba writes the probabilities of the rows to their places in dst, and forgets the rows. What it writes is the caller's.
func (r *Rows) ScoreProba(dst [][]float32) {
	if len(r.places) == 0 {
		return
	}
	k := r.Model.Classes()
	all := make([]float32, r.ends[len(r.ends)-1]*k)
	r.Model.model.Probabilities(all, r.features)
	from := 0
	for i, place := range r.places {
		to := r.ends[i] * k
		dst[place] = all[from:to:to]
		from = to
	}
	r.forget()
}
