package train

import (
	"math/rand/v2"

	"github.com/pgowl/pgowl/exec/function"
)

// splitQueries marks the rows of the test part, as split does, but whole queries: as few as have count rows. The last sampling takes the queries that are met last.
func splitQueries(sampling string, queries []int32, count int, seed uint64) ([]bool, error) {
	marked := make([]bool, len(queries))
	order, rows := shuffled(queries, sampling != "last", seed)
	if count > 0 && len(order) < 2 {
		return nil, function.Errorf("22023", "pgml.train: all rows are of one query, which leaves none to test on").
			WithHint("Set test_size => 0.")
	}
	test := make([]bool, len(order))
	left := len(order) - 1 // one is to learn from
	for i := len(order) - 1; i >= 0 && count > 0 && left > 0; i-- {
		test[order[i]] = true
		count -= rows[order[i]]
		left--
	}
	for i, q := range queries {
		marked[i] = test[q]
	}
	return marked, nil
}

// foldQueries gives each row the number of the fold that it is held back in, as folds does, but the rows of a query the same.
func foldQueries(queries []int32, k int, seed uint64) ([]int32, error) {
	order, rows := shuffled(queries, true, seed)
	some := 0
	for _, n := range rows {
		some += b2i(n > 0)
	}
	if k > some {
		return nil, function.Errorf("22023", "pgml.train: cv = %d is too large. The training rows are of %d queries.", k, some)
	}
	place := make([]int32, len(order))
	next := 0
	for _, q := range order {
		if rows[q] > 0 {
			place[q] = int32(next % k)
			next++
		}
	}
	fold := make([]int32, len(queries))
	for i, q := range queries {
		fold[i] = place[q]
	}
	return fold, nil
}

// shuffled are the queries, counted from 0, in the order of their numbers or in any, and how many rows each has. The same seed gives the same order.
func shuffled(queries []int32, mix bool, seed uint64) (order []int32, rows []int) {
	for _, q := range queries {
		for int(q) >= len(rows) {
			order, rows = append(order, int32(len(rows))), append(rows, 0)
		}
		rows[q]++
	}
	if mix {
		random := rand.New(rand.NewPCG(seed, 0x7067_6f77_6c00_0004))
		random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	}
	return order, rows
}
