package train

import (
	"math/rand/v2"

	"github.com/pgowl/pgowl/exec/function"
)

// folds gives each row the number of the fold that it is held back in, 0 to k-1. Rows are shuffled; with classes, each fold has its share
// of every class, give or take one row. Folds differ by one row at most, in any case. The same arguments give the same folds.
//
// y holds class indexes if classes > 0.
func folds(y []float32, classes, k int, seed uint64) ([]int32, error) {
	if k > len(y) {
		return nil, function.Errorf("22023", "pgml.train: cv = %d is too large. There are only %d training rows.", k, len(y))
	}
	random := rand.New(rand.NewPCG(seed, 0x7067_6f77_6c00_0003))
	members := make([][]int32, max(classes, 1))
	for i, label := range y {
		c := 0
		if classes > 0 {
			c = int(label)
		}
		members[c] = append(members[c], int32(i))
	}
	fold := make([]int32, len(y))
	next := 0 // goes on from class to class, so that what is left over of each does not all fall into the first folds
	for _, rows := range members {
		random.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		for _, row := range rows {
			fold[row] = int32(next % k)
			next++
		}
	}
	return fold, nil
}
