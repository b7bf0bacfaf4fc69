package train

import (
	"fmt"
	"math"
)

// results are what a search found: metrics.search_results of the registry, with the names of scikit-learn's cv_results_. Arrays have an
// entry a candidate.
type results struct {
	search *search
	key    string // the metric that decides; more is better
	fits   [][]float64
	waits  [][]float64 // for the scoring
	scores [][]float64
}

func newResults(s *search, key string) *results {
	n := s.count()
	return &results{search: s, key: key, fits: make([][]float64, n), waits: make([][]float64, n), scores: make([][]float64, n)}
}

// add notes the next fit of a candidate.
func (r *results) add(candidate int, a *attempt) {
	score := math.NaN()
	for _, m := range a.metrics {
		if m.name == r.key {
			score = m.value
		}
	}
	r.fits[candidate] = append(r.fits[candidate], a.fitTime.Seconds())
	r.waits[candidate] = append(r.waits[candidate], a.scoreTime.Seconds())
	r.scores[candidate] = append(r.scores[candidate], score)
}

// best is the candidate with the best mean score among those that have been scored, the first of equals. One that could not be
// scored (NaN) is the worst.
func (r *results) best() int {
	best, most := 0, math.Inf(-1)
	for i, s := range r.scores {
		if mean, _ := moments(s); mean > most {
			best, most = i, mean
		}
	}
	return best
}

// moments are the mean and the deviation of a population; NaN of none.
func moments(values []float64) (mean, deviation float64) {
	n := float64(len(values))
	for _, v := range values {
		mean += v / n
	}
	if n == 0 {
		return math.NaN(), math.NaN()
	}
	for _, v := range values {
		deviation += (v - mean) * (v - mean) / n
	}
	return mean, math.Sqrt(deviation)
}

// object is the JSON of it.
func (r *results) object() map[string]any {
	params := make([]map[string]any, r.search.count())
	byName := map[string][]any{}
	for i := range params {
		params[i] = r.search.candidate(i)
		for name, v := range params[i] {
			byName["param_"+name] = append(byName["param_"+name], v)
		}
	}
	object := map[string]any{"params": params, "n_splits": r.search.folds, "best_index": r.best()}
	for name, values := range byName {
		object[name] = values
	}
	for name, values := range map[string][][]float64{"fit_time": r.fits, "score_time": r.waits, "test_score": r.scores} {
		means, deviations := make([]number, len(values)), make([]number, len(values))
		for i, v := range values {
			mean, deviation := moments(v)
			means[i], deviations[i] = number(mean), number(deviation)
		}
		object["mean_"+name], object["std_"+name] = means, deviations
	}
	for k := range r.search.folds {
		scores := make([]number, len(r.scores))
		for i, s := range r.scores {
			scores[i] = number(s[k])
		}
		object[fmt.Sprintf("split%d_test_score", k)] = scores
	}
	return object
}
