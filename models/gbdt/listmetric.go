package gbdt

import (
	"math"
	"slices"
)

// listMetrics are those of rankings: each is a mean over the queries, of their first top rows by falling prediction (XGBoost's rank_metric.cc). none is the value of
// a query without relevant rows.
var listMetrics = map[string]func(e *evaluated, rows []int32, top int, none float64, linear bool) float64{
	"ndcg": func(e *evaluated, rows []int32, top int, none float64, linear bool) float64 {
		best := idealGain(rows, e.y, top, linear)
		if best <= 0 {
			return none
		}
		sum := 0.0
		for i, r := range rows[:min(top, len(rows))] {
			sum += discount(i) * gainOf(e.y[r], linear) / best
		}
		return sum
	},
	"map": func(e *evaluated, rows []int32, top int, none float64, _ bool) float64 {
		hits, sum := 0.0, 0.0
		for i, r := range rows {
			y := float64(e.y[r])
			hits += y
			if i < top {
				sum += hits / float64(i+1) * y
			}
		}
		if hits == 0 {
			return none
		}
		return sum / math.Min(hits, float64(top))
	},
	"pre": func(e *evaluated, rows []int32, top int, _ float64, _ bool) float64 {
		n := min(top, len(rows))
		hits := 0.0
		for _, r := range rows[:n] {
			hits += float64(e.y[r])
		}
		return hits / float64(n)
	},
}

// binaryLists are those whose labels must be 0 or 1.
var binaryLists = []string{"map", "pre"}

// byList is a metric of rankings over the rows that are looked at.
func byList(n metricName, linear bool) func(e *evaluated) float64 {
	of, top, none := listMetrics[n.base], firstRows, 1.0
	if n.hasAt {
		top = int(n.at)
	}
	if n.minus {
		none = 0
	}
	return func(e *evaluated) float64 {
		total, weight := 0.0, 0.0
		for q, rows := range e.lists.rows {
			order := slices.Clone(rows)
			slices.SortStableFunc(order, func(a, b int32) int { return descending(e.preds[a], e.preds[b]) })
			w := float64(e.lists.weight(q))
			total += of(e, order, top, none, linear) * w
			weight += w
		}
		if weight > 0 {
			total /= weight
		}
		return min(total, 1)
	}
}

// unfitList returns what is wrong with labels for a ranking by a metric, or "".
func unfitList(base string, y []float32, linear bool) string {
	for _, v := range y {
		switch {
		case slices.Contains(binaryLists, base):
			if v != 0 && v != 1 {
				return "labels must be 0 or 1"
			}
		case base == "ndcg" && !linear:
			if v != float32(math.Floor(float64(v))) || v < 0 || v > 31 {
				return "labels must be whole numbers from 0 to 31, or ndcg_exp_gain must be false"
			}
		case base == "ndcg" && v < 0:
			return "labels must be 0 or more"
		}
	}
	return ""
}
