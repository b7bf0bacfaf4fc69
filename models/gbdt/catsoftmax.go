package gbdt

// softmaxLeaves takes the steps of leaves of several margins.
func (f *catFit) softmaxLeaves(n int, stats []stat) [][]float64 {
	begins := f.byLeaf(stats)
	values := make([][]float64, n)
	f.t.crew.Each(n, f.t.data.Rows*20*f.groups*f.p.catting.leafIterations, func(i int) {
		values[i] = f.softmaxLeaf(f.t.rows[:cap(f.t.rows)][begins[i]:begins[i+1]])
	})
	return filled(values, f.groups)
}

// wholeHessian is the number of classes up to which a leaf's Newton step has the whole matrix of second derivatives, and not its diagonal alone.
const wholeHessian = 32

// softmaxLeaf takes the steps of a leaf of several margins.
func (f *catFit) softmaxLeaf(rows []int32) []float64 {
	c := &f.p.catting
	n := f.groups
	loss := f.loss.(*softmaxLoss)
	value, p := make([]float64, n), make([]float64, n)
	at := make([][]float64, n)
	for k := range at {
		at[k] = make([]float64, 1)
	}
	whole := n <= wholeHessian && c.leafMethod == "Newton"
	for range c.leafIterations {
		g, h, weight := make([]float64, n), make([]float64, n*n), 0.0
		for _, r := range rows {
			for k := range at {
				at[k][0] = f.margins[k][r] + value[k]
			}
			loss.probabilities(p, at, 0)
			w := float64(f.weight(int(r)))
			weight += w
			for k, q := range p {
				g[k] -= w * q
				h[k*n+k] += w * q
				if !whole {
					h[k*n+k] -= w * q * q
					continue
				}
				for j, s := range p {
					h[k*n+j] -= w * q * s
				}
			}
			g[int(f.t.data.Y[r])] += w
		}
		for k := range n {
			if c.leafMethod == "Gradient" {
				h[k*n+k] = weight
			}
			h[k*n+k] += max(f.l2, 1e-12)
		}
		if whole {
			solve(h, g)
		} else {
			for k := range g {
				g[k] /= h[k*n+k]
			}
		}
		for k := range value {
			value[k] += g[k]
		}
	}
	return value
}

// solve replaces b by the solution of a x = b. a is symmetric and positive definite, and is used up.
func solve(a, b []float64) {
	n := len(b)
	for i := range n {
		pivot := a[i*n+i]
		for j := i + 1; j < n; j++ {
			m := a[j*n+i] / pivot
			for k := i; k < n; k++ {
				a[j*n+k] -= m * a[i*n+k]
			}
			b[j] -= m * b[i]
		}
	}
	for i := n - 1; i >= 0; i-- {
		for j := i + 1; j < n; j++ {
			b[i] -= a[i*n+j] * b[j]
		}
		b[i] /= a[i*n+i]
	}
}
