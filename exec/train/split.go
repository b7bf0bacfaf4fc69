package train

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/pgowl/pgowl/exec/function"
)

// testRows is the number of test rows for a test_size, which above 1 is that number itself and otherwise a fraction (rounded,
// in float4 as PostgresML does). At least one row has to be left to train on.
func testRows(testSize float32, rows int) (int, error) {
	var n float64
	if testSize > 1 {
		n = math.Trunc(float64(testSize))
	} else {
		n = math.Round(float64(float32(rows) * testSize))
	}
	if !(n >= 0) || n >= float64(rows) {
		return 0, function.Errorf("XX000", "test_size = %.0f is too large. There are only %d samples.", n, rows)
	}
	return int(n), nil
}

// split marks the rows of the test part, count of them:
//   - last: the last ones as they are stored;
//   - random: any, by the seed;
//   - stratified: from each class its share, by the largest remainders, so that every class with two rows or more is in both
//     parts where the counts allow it. Without classes (a regression) it is random.
//
// y holds class indexes if classes > 0. The same arguments mark the same rows.
func split(sampling string, y []float32, classes, count int, seed uint64) ([]bool, error) {
	marked := make([]bool, len(y))
	random := rand.New(rand.NewPCG(seed, 0x7067_6f77_6c00_0001))
	switch {
	case sampling == "last":
		for i := len(y) - count; i < len(y); i++ {
			marked[i] = true
		}
	case sampling == "random" || sampling == "stratified" && classes == 0:
		all := make([]int32, len(y))
		for i := range all {
			all[i] = int32(i)
		}
		mark(marked, all, count, random)
	case sampling == "stratified":
		members := make([][]int32, classes)
		for i, c := range y {
			members[int(c)] = append(members[int(c)], int32(i))
		}
		for c, n := range shares(members, count, len(y)) {
			mark(marked, members[c], n, random)
		}
	default:
		return nil, function.Errorf("22P02", "invalid input value for enum pgml.sampling: %q", sampling)
	}
	return marked, nil
}

// mark marks n of the rows at random: a Fisher-Yates shuffle stopped after n.
func mark(marked []bool, rows []int32, n int, random *rand.Rand) {
	for i := range n {
		j := i + random.IntN(len(rows)-i)
		rows[i], rows[j] = rows[j], rows[i]
		marked[rows[i]] = true
	}
}

// shares divides count test rows among the classes.
func shares(members [][]int32, count, rows int) []int {
	n := make([]int, len(members))
	rest := make([]float64, len(members))
	order := make([]int, len(members))
	sum := 0
	for c, m := range members {
		exact := float64(len(m)) * float64(count) / float64(rows)
		n[c] = int(exact)
		rest[c] = exact - float64(n[c])
		order[c] = c
		sum += n[c]
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(rest[b], rest[a]) })
	for _, c := range order {
		if sum == count {
			break
		}
		if n[c] < len(members[c]) {
			n[c]++
			sum++
		}
	}
	// A class too small for a share of its own takes a row from the one that has most to give, first in the test part, then
	// in the training part: metrics need every class in both.
	for c, m := range members {
		if len(m) >= 2 && n[c] == 0 {
			move(members, n, c, func(d int) int { return n[d] - 1 })
		}
		if len(m) >= 2 && n[c] == len(m) {
			if d := most(members, func(d int) int { return len(members[d]) - n[d] - 1 }); d >= 0 {
				n[c]--
				n[d]++
			}
		}
	}
	return n
}

// move gives class c a test row of the class with the most to spare.
func move(members [][]int32, n []int, c int, spare func(int) int) {
	if d := most(members, spare); d >= 0 {
		n[d]--
		n[c]++
	}
}

// most is the class with the most to spare, -1 if none has any.
func most(members [][]int32, spare func(int) int) int {
	best := -1
	for d := range members {
		if spare(d) > 0 && (best < 0 || spare(d) > spare(best)) {
			best = d
		}
	}
	return best
}
