package text

import "slices"

// batch is a run of the model: the texts order[first:last], the longest of which has longest tokens.
type batch struct{ first, last, longest int }

// plan groups the texts, whose lengths in tokens are given, for the model. It returns the texts' indexes, the longest first, and the
// batches over them. A batch has at most budget tokens, padding included, and at most size texts where size > 0; a text that is longer
// than the budget goes alone. Padding is kept to a tenth, or to the cost of a run:
// a text much shorter than its batch's first starts another one.
// Where there is work for it there are at least so many batches as workers.
func plan(lengths []int, budget, size, workers int) (order []int, batches []batch) {
	order = make([]int, len(lengths))
	total := 0
	for i, n := range lengths {
		order[i] = i
		total += n
	}
	// Stable, so that the batches do not depend on the sort's whims.
	slices.SortStableFunc(order, func(a, b int) int { return lengths[b] - lengths[a] })
	// An even share for each worker, but not so small that the fixed cost of a run shows.
	budget = min(budget, max(minBatch, (total+workers-1)/workers))
	for first := 0; first < len(order); {
		longest := lengths[order[first]]
		last, real := first, 0
		for last < len(order) && (last-first < size || size <= 0) {
			n := lengths[order[last]]
			padded := (last - first + 1) * longest
			if last > first && (padded > budget || padded-real-n > max(runCost, (real+n)/10)) {
				break
			}
			real += n
			last++
		}
		batches = append(batches, batch{first, last, longest})
		first = last
	}
	return order, batches
}

// minBatch is the number of tokens below which a batch is not cut for the sake of more workers.
const minBatch = 64

// runCost is what the fixed cost of a run is worth in tokens, with MiniLM on a CPU: that much padding is always cheaper than another run.
const runCost = 12
