package gbdt

import (
	"errors"
	"fmt"

	"github.com/pgowl/pgowl/models/learn"
)

// errNoQueries is why a ranking is refused without queries.
const errNoQueries = "ranks the rows within each query, and no column tells which query a row belongs to (qid)"

// lists are the rows of each query, in the order of the data, as rows of a ranking. A query has one row at least.
type lists struct {
	rows    [][]int32
	weights []float32 // of the queries; nil: one each
	longest int
}

// newLists takes the rows for which keep is true apart by their queries, which come in the order of their first rows. The weight of a query is that of its rows,
// which must have the same.
func newLists(d *learn.Dataset, keep func(r int) bool) (*lists, error) {
	l := &lists{}
	place := map[int32]int{}
	for r, q := range d.Queries {
		if !keep(r) {
			continue
		}
		at, known := place[q]
		if !known {
			at = len(l.rows)
			place[q] = at
			l.rows = append(l.rows, nil)
			if d.Weights != nil {
				l.weights = append(l.weights, d.Weights[r])
			}
		}
		if d.Weights != nil && d.Weights[r] != l.weights[at] {
			return nil, fmt.Errorf("the rows of a query have the weights %v and %v; a ranking weighs queries, not rows", l.weights[at], d.Weights[r])
		}
		l.rows[at] = append(l.rows[at], int32(r))
		l.longest = max(l.longest, len(l.rows[at]))
	}
	if l.weights != nil && allZero(l.weights) {
		return nil, errors.New("no query has a weight")
	}
	return l, nil
}

func allZero(values []float32) bool {
	for _, v := range values {
		if v != 0 {
			return false
		}
	}
	return true
}

// weight is that of query q.
func (l *lists) weight(q int) float32 {
	if l.weights == nil {
		return 1
	}
	return l.weights[q]
}
