package gbdt

import (
	"math"
	"slices"

	"github.com/pgowl/pgowl/models/learn"
)

// lightStopper ends a fit as LightGBM's early stopping does (its callback in Python): when one of the metrics of the rows that are held apart has not become better
// for some rounds. The model is that of the best round by this metric; by the first one, where all rounds are done.
type lightStopper struct {
	metrics   []lightMetric
	patience  int
	delta     float64
	firstOnly bool
	best      []float64 // by metric
	at        []int     // the round of it
}

// judge looks at the rows after a round. keep is the number of rounds of the model, once it is over.
func (s *lightStopper) judge(rows *scored, round int, last bool) (keep int, over bool, scores []learn.Score) {
	first := len(s.best) == 0
	for i, m := range s.metrics {
		v := m.of(rows)
		scores = append(scores, learn.Score{Name: m.name, Value: v, Held: true})
		switch {
		case first:
			s.best, s.at = append(s.best, v), append(s.at, round)
		case m.higher && v > s.best[i]+s.delta, !m.higher && v < s.best[i]-s.delta:
			s.best[i], s.at[i] = v, round
		}
		if !over && (i == 0 || !s.firstOnly) && (round-s.at[i] >= s.patience || last) {
			keep, over = s.at[i]+1, true
		}
	}
	return keep, over, scores
}

// scored is the rows that are held apart as metrics see them.
func (c *course) scored() *scored {
	s := &scored{y: c.apart.Y, margins: c.judged, outputs: make([][]float64, c.groups)}
	for k := range s.outputs {
		s.outputs[k] = make([]float64, len(s.y))
	}
	row := make([]float64, c.groups)
	for r := range s.y {
		for k := range row {
			row[k] = c.judged[k][r] * c.scale
		}
		c.objective.outputs(row)
		for k, v := range row {
			s.outputs[k][r] = v
		}
	}
	return s
}

// outputs turns margins of a row into values or probabilities, in place.
func (o objectiveID) outputs(row []float64) {
	if o == softmax {
		top, total := slices.Max(row), 0.0
		for k, m := range row {
			row[k] = math.Exp(m - top)
			total += row[k]
		}
		for k := range row {
			row[k] /= total
		}
		return
	}
	for k, m := range row {
		switch o.link() {
		case sigmoid:
			row[k] = expit(m)
		case exponent:
			row[k] = math.Exp(m)
		case softplusLink:
			row[k] = softplus(m)
		}
	}
}
