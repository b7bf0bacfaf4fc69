package gbdt

import "math"

// sampleLambda is how much a second derivative counts beside the first one (XGBoost's kDefaultMvsLambda, which is not the tree's lambda).
const sampleLambda = 0.1

// sampleByGradient draws the rows of a tree, each with a probability in proportion to the regularised absolute value of its gradient,
// sqrt(g^2 + sampleLambda h^2), and divides the gradients of those drawn by it, so that the sums are right in the mean (XGBoost's
// sampling_method gradient_based; the scheme is minimal variance sampling, Ibragimov and Gusev 2019).
func (t *trainer) sampleByGradient(number uint64, grads []gradient) []gradient {
	p := &t.params
	norms := make([]float64, 0, t.data.Rows)
	norm := func(r int) float64 {
		g, h := float64(grads[r].g), float64(grads[r].h)
		return math.Sqrt(g*g + sampleLambda*h*h)
	}
	for r := range t.data.Rows {
		if !t.held.has(r) {
			norms = append(norms, norm(r))
		}
	}
	top := certainFrom(norms, p.subsample)
	if t.scaled == nil {
		t.scaled = make([]gradient, t.data.Rows)
	}
	for r := range t.data.Rows {
		t.scaled[r] = gradient{} // whoever looks at all gradients sees none of an earlier tree
		if t.held.has(r) {
			continue
		}
		chance := 1.0
		if n := norm(r); n < top {
			chance = n / top
		}
		if chance > 0 && unit(draw(p.seed, drawRows, number, uint64(r))) < chance {
			t.rows = append(t.rows, int32(r))
			t.scaled[r] = gradient{float32(float64(grads[r].g) / chance), float32(float64(grads[r].h) / chance)}
		}
	}
	return t.scaled
}

// certainFrom returns the value u for which the sum of min(1, norm/u) is the given share of the rows: norms from u on are drawn for certain.
func certainFrom(norms []float64, share float64) float64 {
	want := share * float64(len(norms))
	u := math.Inf(1)
	for last := -1; ; {
		certain, below := 0, 0.0
		for _, v := range norms {
			if v >= u {
				certain++
			} else {
				below += v
			}
		}
		// Whoever is certain has at least u, so that u only falls and more become certain, until none does.
		if certain == last || float64(certain) >= want || below == 0 {
			break
		}
		last, u = certain, below/(want-float64(certain))
	}
	if math.IsInf(u, 1) {
		return 0 // all norms are 0
	}
	return u
}
