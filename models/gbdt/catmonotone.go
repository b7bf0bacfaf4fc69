package gbdt

import (
	"math"
	"slices"

	"github.com/pgowl/pgowl/models/learn"
)

// Monotone constraints of symmetric trees (CatBoost's monotonic_constraint_utils.cpp): among the leaves that differ in splits by constrained features alone there is
// an order, and their values are the monotone ones that come next to what they would be without, by isotonic regression. The score of a split is that of such values.

// catSigns resolves monotone_constraints; nil: there are none. Errors are *learn.ParamError.
func (p *params) catSigns(d *learn.Dataset) ([]int8, error) {
	if p.monotone == nil {
		return nil, nil
	}
	c := &p.catting
	list, reason := signs(p.monotone, d)
	switch {
	case reason != "":
	case c.policy != "SymmetricTree":
		reason = "needs grow_policy SymmetricTree"
	case catLossRules[c.loss.name].point == nil:
		reason = "cannot be had with loss_function " + c.loss.name
	case c.leafMethod == "Exact":
		reason = "leaf_estimation_method Exact pays no heed to it, give Gradient"
	default:
		return list, nil
	}
	return nil, &learn.ParamError{Name: "monotone_constraints", Value: p.monotone, Reason: reason}
}

// signOf is the constraint of a feature; what training has made of categories has none.
func (o *oblivious) signOf(f int32) int8 {
	if int(f) < len(o.signs) && o.t.bins.features[f].targets == nil {
		return o.signs[f]
	}
	return 0
}

// signsOf are the constraints of the splits of a tree.
func (o *oblivious) signsOf(splits []obliviousSplit) []int8 {
	var list []int8
	for i := range splits {
		list = append(list, o.signOf(splits[i].feature))
	}
	return list
}

func constrained(signs []int8) bool {
	return slices.ContainsFunc(signs, func(s int8) bool { return s != 0 })
}

// chains are the leaves of a symmetric tree that must not fall, in their order, one chain for each way to pass the splits without a constraint. signs has the
// constraints of the splits, the first of which decides the highest bit of a leaf's number.
func chains(signs []int8) [][]int {
	var free, bound []int // bits of a leaf's number
	flip := 0
	for level, sign := range signs {
		bit := len(signs) - 1 - level
		if sign == 0 {
			free = append(free, bit)
			continue
		}
		bound = append(bound, bit)
		if sign < 0 {
			flip |= 1 << bit
		}
	}
	spread := func(number int, bits []int) (leaf int) { // the highest bit of the number is the first of bits
		for i, bit := range bits {
			leaf |= number >> (len(bits) - 1 - i) & 1 << bit
		}
		return leaf
	}
	out := make([][]int, 1<<len(free))
	for way := range out {
		for rank := range 1 << len(bound) {
			out[way] = append(out[way], spread(way, free)|spread(rank, bound)^flip)
		}
	}
	return out
}

// rise makes values along a chain monotone, next to what they were in the weighted squares (pool adjacent violators).
func rise(values, weights []float64, chain []int) {
	type pool struct {
		weight, total float64
		length        int
	}
	pools := make([]pool, 0, len(chain))
	for _, leaf := range chain {
		now := pool{weights[leaf], weights[leaf] * values[leaf], 1}
		for len(pools) > 0 {
			last := pools[len(pools)-1]
			if last.total/last.weight < now.total/now.weight {
				break
			}
			now = pool{last.weight + now.weight, last.total + now.total, last.length + now.length}
			pools = pools[:len(pools)-1]
		}
		pools = append(pools, now)
	}
	at := 0
	for _, p := range pools {
		for range p.length {
			values[chain[at]] = p.total / p.weight
			at++
		}
	}
}

// scanMonotone is scan where leaves are constrained: path has the constraints of the splits so far.
func (o *oblivious) scanMonotone(cells []cell, f int32, key int, path []int8) obliviousSplit {
	feat := &o.t.bins.features[f]
	best := obliviousSplit{score: math.Inf(-1), split: split{feature: -1, defaultLeft: !o.high}}
	first, last := o.cuts(feat)
	order := chains(append(path[:len(path):len(path)], o.signOf(f)))
	lefts := make([]sum, len(cells))
	values, weights, sums := make([]float64, 2*len(cells)), make([]float64, 2*len(cells)), make([]sum, 2*len(cells))
	if feat.missing && !o.high {
		for i, c := range cells {
			if c.hists[0] != nil {
				lefts[i] = c.hists[0][f][missingBin]
			}
		}
	}
	for cut := first; cut <= last; cut++ {
		for i, c := range cells {
			if cut >= 0 && c.hists[0] != nil {
				h := c.hists[0][f][cut]
				lefts[i].g, lefts[i].h = lefts[i].g+h.g, lefts[i].h+h.h
			}
			sums[2*i], sums[2*i+1] = lefts[i], c.sums[0].minus(lefts[i])
		}
		for i, s := range sums {
			weights[i] = max(s.h, 0) + o.l2
			values[i] = -s.g / weights[i]
		}
		for _, chain := range order {
			rise(values, weights, chain)
		}
		above, below := 0.0, 0.0
		for i, s := range sums {
			above -= s.g * values[i]
			below += s.h * values[i] * values[i]
		}
		best.offer(o, above, below, f, cut, key)
	}
	return best
}
