package metrics

import (
	"cmp"
	"math"
	"slices"
)

// NDCG is the mean over the queries of the normalized discounted cumulative gain of their rows, ranked by falling prediction, with the labels as gains; rows that are
// predicted alike share the mean of their gains (scikit-learn's ndcg_score). Slices have one entry a row. Queries of one row, or without a label above 0, have no
// order to be judged, and are left out; NaN where that leaves none, or a label is negative.
func NDCG(labels, predicted []float32, queries []int32) float64 {
	rows := map[int32][]int{}
	var order []int32
	for i, q := range queries {
		if labels[i] < 0 {
			return math.NaN()
		}
		if rows[q] == nil {
			order = append(order, q)
		}
		rows[q] = append(rows[q], i)
	}
	total, count := 0.0, 0.0
	for _, q := range order {
		if own := rows[q]; len(own) > 1 {
			if best := gain(own, labels, labels); best > 0 {
				total += gain(own, labels, predicted) / best
				count++
			}
		}
	}
	return total / count
}

// gain is the discounted sum of the labels of rows in the order of falling values.
func gain(rows []int, labels, by []float32) float64 {
	sorted := slices.Clone(rows)
	slices.SortStableFunc(sorted, func(a, b int) int { return cmp.Compare(by[b], by[a]) })
	total := 0.0
	for from := 0; from < len(sorted); {
		sum, discounts, to := 0.0, 0.0, from
		for ; to < len(sorted) && by[sorted[to]] == by[sorted[from]]; to++ {
			sum += float64(labels[sorted[to]])
			discounts += 1 / math.Log2(float64(to)+2)
		}
		if to == from { // not a number, and so not even equal to itself
			return math.NaN()
		}
		total += sum / float64(to-from) * discounts
		from = to
	}
	return total
}
