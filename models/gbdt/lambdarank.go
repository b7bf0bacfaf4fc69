package gbdt

import (
	"math"
	"slices"
)

// ranking makes the gradients of rank:pairwise, rank:ndcg and rank:map: LambdaMART (Burges 2010) as XGBoost since 2.0 does it (LambdaRankObj there). Each pair of
// rows of a query with different labels pushes them apart, by as much as the metric would change if they changed places.
type ranking struct {
	id    objectiveID
	param rankParams
	seed  uint64
	lists *lists
	norm  float32   // evens out the weights of the queries
	ideal []float64 // of rank:ndcg, 1 over the best sum of gains of each list, 0 where all labels are 0

	// How likely a row is to be looked at by its place, and not for what it is (Hu et al. 2019, Unbiased LambdaMART): of rows that were chosen, and of those that were
	// not. The place is that in the data.
	seen, unseen []float64
	cost         [2][]float64 // of each row, for the next estimate
}

// leastProbability keeps a place that nobody looks at from being divided by.
const leastProbability = 1e-16

func newRanking(id objectiveID, p *params, l *lists, y []float32) *ranking {
	k := &ranking{id: id, param: p.rank, seed: p.seed, lists: l, norm: 1}
	if l.weights != nil {
		total := 0.0
		for _, w := range l.weights {
			total += float64(w)
		}
		k.norm = float32(float64(len(l.weights)) / total)
	}
	if id == rankNDCG {
		top := l.longest
		if !p.rank.sampled {
			top = p.rank.perRow()
		}
		k.ideal = make([]float64, len(l.rows))
		for q, rows := range l.rows {
			if best := idealGain(rows, y, top, p.rank.linear); best > 0 {
				k.ideal[q] = 1 / best
			}
		}
	}
	if p.rank.unbiased {
		places := min(l.longest, firstRows)
		if !p.rank.sampled {
			places = p.rank.perRow()
		}
		k.seen, k.unseen = slices.Repeat([]float64{1}, places), slices.Repeat([]float64{1}, places)
		k.cost = [2][]float64{make([]float64, len(y)), make([]float64, len(y))}
	}
	return k
}

// gainOf is what a row adds to the sum behind NDCG at the first place.
func gainOf(label float32, linear bool) float64 {
	if linear {
		return float64(label)
	}
	return float64(uint32(1)<<uint32(label) - 1)
}

// discount is what a place counts, from 0.
func discount(place int) float64 { return 1 / math.Log2(float64(place)+2) }

// idealGain is the largest sum of gains that an order of the rows has at its first top places.
func idealGain(rows []int32, y []float32, top int, linear bool) float64 {
	labels := make([]float32, len(rows))
	for i, r := range rows {
		labels[i] = y[r]
	}
	slices.SortFunc(labels, descending)
	sum := 0.0
	for i, label := range labels[:min(top, len(labels))] {
		sum += discount(i) * gainOf(label, linear)
	}
	return sum
}

func descending(a, b float32) int {
	switch {
	case a > b:
		return -1
	case a < b:
		return 1
	}
	return 0
}

// gradients fills in those of all rows of queries at their margins. each runs tasks, which are of different rows.
func (k *ranking) gradients(out []gradient, margins, y []float32, round int, each func(n int, task func(q int))) {
	each(len(k.lists.rows), func(q int) { k.list(q, out, margins, y, round) })
	if k.param.unbiased {
		k.estimate()
	}
}

// page is a query at its rows' margins.
type page struct {
	rows   []int32
	order  []int32 // places in rows by falling margin
	margin []float32
	label  []float32
	// of rank:map, by place in order: the relevant rows up to there, and the sum of relevant rows over their places
	hits, shares []float64
}

func (k *ranking) open(q int, margins, y []float32) *page {
	rows := k.lists.rows[q]
	p := &page{rows: rows, order: make([]int32, len(rows)), margin: make([]float32, len(rows)), label: make([]float32, len(rows))}
	for i, r := range rows {
		p.order[i], p.margin[i], p.label[i] = int32(i), margins[r], y[r]
	}
	slices.SortStableFunc(p.order, func(a, b int32) int { return descending(p.margin[a], p.margin[b]) })
	if k.id == rankMAP {
		p.hits, p.shares = make([]float64, len(rows)), make([]float64, len(rows))
		hits, shares := 0.0, 0.0
		for i, at := range p.order {
			hits += float64(p.label[at])
			shares += float64(p.label[at]) / float64(i+1)
			p.hits[i], p.shares[i] = hits, shares
		}
	}
	return p
}

// change is how much the metric would change if the rows at two places of the order changed theirs.
func (k *ranking) change(p *page, q, high, low int) float64 {
	a, b := p.label[p.order[high]], p.label[p.order[low]]
	switch k.id {
	case rankNDCG:
		g, h := gainOf(a, k.param.linear), gainOf(b, k.param.linear)
		d, e := discount(high), discount(low)
		return math.Abs(((g*d + h*e) - (h*d + g*e)) * k.ideal[q])
	case rankMAP:
		if high > low {
			high, low, a, b = low, high, b, a
		}
		m, n := p.hits[low], p.hits[high]
		between := p.shares[low-1] - p.shares[high]
		all := p.hits[len(p.hits)-1]
		if a < b {
			return math.Abs((m/float64(low+1) - (n+1)/float64(high+1) - between) / all)
		}
		return math.Abs((n/float64(high+1) - m/float64(low+1) + between) / all)
	}
	return 1
}

// list makes the gradients of a query.
func (k *ranking) list(q int, out []gradient, margins, y []float32, round int) {
	p := k.open(q, margins, y)
	grads := make([]gradient, len(p.rows))
	last := len(p.order) - 1
	spread := p.margin[p.order[0]] != p.margin[p.order[last]]
	total := 0.0
	pair := func(high, low int) {
		i, j := p.order[high], p.order[low]
		switch {
		case p.label[i] == p.label[j]:
			return
		case p.label[i] < p.label[j]:
			high, low, i, j = low, high, j, i
		}
		delta := k.change(p, q, high, low)
		apart := p.margin[i] - p.margin[j]
		if !k.param.noDamping && spread {
			delta /= math.Abs(float64(apart)) + .01
		}
		right := float64(sigmoidOf(apart))
		g, h := (right-1)*delta, max(right*(1-right), leastProbability)*delta*2
		if k.param.unbiased {
			g, h = k.unbias(p, int(i), int(j), g, h, -math.Log(1-right)*delta)
		}
		g32, h32 := float32(g), float32(h)
		grads[i].g, grads[i].h = grads[i].g+g32, grads[i].h+h32
		grads[j].g, grads[j].h = grads[j].g-g32, grads[j].h+h32
		total -= 2 * float64(g32)
	}
	if k.param.sampled {
		k.drawnPairs(p, q, round, pair)
	} else {
		for i := range min(len(p.rows), k.param.perRow()) {
			for j := i + 1; j < len(p.rows); j++ {
				pair(i, j)
			}
		}
	}
	norm := float32(1)
	switch {
	case k.param.raw:
	case k.param.sampled:
		norm = float32(1 / float64(k.param.perRow()))
	case total > 0:
		norm = float32(math.Log2(1+total) / total)
	}
	w := k.lists.weight(q)
	for i, r := range p.rows {
		out[r] = gradient{grads[i].g * norm * w * k.norm, grads[i].h * norm * w * k.norm}
	}
}

// drawnPairs calls pair for each row with rows of other labels that are drawn, by places in the order.
func (k *ranking) drawnPairs(p *page, q, round int, pair func(i, j int)) {
	sorted := make([]int32, len(p.order)) // places in the order by falling label
	for i := range sorted {
		sorted[i] = int32(i)
	}
	label := func(i int32) float32 { return p.label[p.order[i]] }
	slices.SortStableFunc(sorted, func(a, b int32) int { return descending(label(a), label(b)) })
	// XGBoost's generator and seed (rounds count from 1), so that the same pairs are drawn; it (3.2) knows no other seeds.
	r := newMinstd(uint32(round+1)*uint32(len(k.lists.rows)) + uint32(q))
	if k.seed != 0 {
		r = newMinstd(uint32(draw(k.seed, drawPair, uint64(round), uint64(q))))
	}
	for from := 0; from < len(sorted); {
		to := from + 1
		for to < len(sorted) && label(sorted[to]) == label(sorted[from]) {
			to++
		}
		others := len(sorted) - (to - from)
		for range k.param.perRow() {
			for i := from; i < to && others > 0; i++ {
				j := r.below(others)
				if j >= from {
					j += to - from
				}
				pair(int(sorted[i]), int(sorted[j]))
			}
		}
		from = to
	}
}

// unbias divides the derivatives of a pair by how likely its rows are to be looked at, and keeps the pair's cost for the next estimate of that.
func (k *ranking) unbias(p *page, i, j int, g, h, cost float64) (g2, h2 float64) {
	if i >= len(k.seen) || j >= len(k.seen) {
		return g, h
	}
	if k.unseen[j] >= leastProbability {
		k.cost[0][p.rows[i]] += cost / k.unseen[j]
	}
	if k.seen[i] >= leastProbability {
		k.cost[1][p.rows[j]] += cost / k.seen[i]
	}
	if k.unseen[j] < leastProbability || k.seen[i] < leastProbability {
		return g, h
	}
	by := k.seen[i] * k.unseen[j]
	return g / by, h / by
}

// estimate says anew how likely a place is to be looked at: by what its rows have cost, beside the first place's.
func (k *ranking) estimate() {
	var sums [2][]float64
	for s := range sums {
		sums[s] = make([]float64, len(k.seen))
		for _, rows := range k.lists.rows {
			for i, r := range rows[:min(len(rows), len(k.seen))] {
				sums[s][i] += k.cost[s][r]
			}
		}
		clear(k.cost[s])
	}
	power := 1 / (1 + k.param.biasNorm)
	for s, to := range [2][]float64{k.seen, k.unseen} {
		if sums[s][0] < leastProbability {
			continue
		}
		for i := range to {
			to[i] = math.Pow(sums[s][i]/sums[s][0], power)
		}
	}
}
