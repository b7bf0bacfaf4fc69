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
	x, y := dst.X[:0], dst.Y[:0]
	var rows []int32
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
		rows = append(rows, int32(i))
		for k := range others {
			others[k] = append(others[k], s.others[k][i])
		}
	}
	*dst = sample{Dataset: s.Dataset, others: others, group: s.group}
	dst.X, dst.Y, dst.Rows = x, y, len(y)
	dst.Weights, dst.Queries, dst.Upper = learn.Pick(s.Weights, rows), learn.Pick(s.Queries, rows), learn.Pick(s.Upper, rows)
}

// samples are the two parts.
func (d *dataset) samples() (train, test *sample) {
	return &sample{d.train, d.others.train, d.group}, &sample{d.test, d.others.test, d.group}
}
