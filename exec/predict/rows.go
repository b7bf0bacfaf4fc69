package predict

// together is the number of rows from which on they are scored. It keeps the cores busy for some milliseconds at most, even with thousands of trees, so
// that whoever cancels need not wait.
const together = 1024

// Rows gathers rows of one model and scores them together, which takes a fraction of the time that one after the other takes, and spreads over
// the cores. The zero value has no rows and no model.
type Rows struct {
	Model    *Model
	features []float32
	places   []int
	scores   []float32
}

// Add takes a row, whose prediction Score writes to a place. A wrong number of features is XX000.
func (r *Rows) Add(place int, features []float32) error {
	if len(features) != r.Model.Features() {
		return r.Model.shape(len(features))
	}
	r.features = append(r.features, features...)
	r.places = append(r.places, place)
	return nil
}

// Full reports whether it is time to score.
func (r *Rows) Full() bool { return len(r.places) >= together }

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
	r.features, r.places = r.features[:0], r.places[:0]
}
