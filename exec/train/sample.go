package train

import "github.com/pgowl/pgowl/models/learn"

// sample is rows with their labels: those of the first label column in Y, those of a joint training's further ones in others.
type sample struct {
	learn.Dataset
	others [][]float32
	group  *group // nil: there is one model for all rows
}

// pick puts into dst the rows for which keep is true, in their order. dst's memory is used again.
func (s *sample) pick(dst *sample, keep func(row int) bool) {
	x, y, weights := dst.X[:0], dst.Y[:0], dst.Weights[:0]
	others := dst.others
	if others == nil {
		others = make([][]float32, len(s.others))
	}
	for k := range others {
		others[k] = others[k][:0]
	}
	for i := range s.Rows {
		if !keep(i) {
			continue
		}
		x = append(x, s.Row(i)...)
		y = append(y, s.Y[i])
		if s.Weights != nil {
			weights = append(weights, s.Weights[i])
		}
		for k := range others {
			others[k] = append(others[k], s.others[k][i])
		}
	}
	*dst = sample{Dataset: s.Dataset, others: others, group: s.group}
	dst.X, dst.Y, dst.Rows = x, y, len(y)
	if s.Weights != nil {
		dst.Weights = weights
	}
}

// samples are the two parts.
func (d *dataset) samples() (train, test *sample) {
	return &sample{d.train, d.others.train, d.group}, &sample{d.test, d.others.test, d.group}
}
