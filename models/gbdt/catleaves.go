package gbdt

import "math"

// leaves computes the values of all leaves, [leaf][group], after the learning rate, and adds them to the margins.
func (f *catFit) leaves(cells []cell) [][]float64 {
	values := make([][]float64, len(cells))
	f.t.crew.Each(len(cells), f.t.data.Rows*20*f.p.catting.leafIterations, func(i int) {
		rows := f.t.rows[cells[i].from:cells[i].to]
		var v []float64
		if f.p.catting.loss == "MultiClass" {
			v = f.softmaxLeaf(rows)
		} else {
			v = f.leaf(rows)
		}
		for k := range v {
			v[k] = float64(float32(v[k] * f.p.eta))
			for _, r := range rows {
				f.margins[k][r] += v[k]
			}
		}
		values[i] = v
	})
	if f.t.crew.Stopped() {
		return values
	}
	f.reach = 0
	for _, v := range values {
		total := 0.0
		for _, x := range v {
			total += x * x
		}
		f.reach += math.Sqrt(total) / float64(len(values))
	}
	return values
}

// leaf takes the steps of a leaf of one margin.
func (f *catFit) leaf(rows []int32) []float64 {
	c := &f.p.catting
	loss := f.loss.(*pointLoss)
	value := 0.0
	for range c.leafIterations {
		var s sum
		for _, r := range rows {
			g, h := loss.slope(f.margins[0][r]+value, float64(f.t.data.Y[r]))
			s.g, s.h = s.g+g, s.h+h
		}
		if c.leafMethod == "Gradient" {
			s.h = float64(len(rows))
		}
		if s.h+c.l2 <= 0 {
			break
		}
		value -= s.g / (s.h + c.l2)
	}
	return []float64{value}
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
		g, h := make([]float64, n), make([]float64, n*n)
		for _, r := range rows {
			for k := range at {
				at[k][0] = f.margins[k][r] + value[k]
			}
			loss.probabilities(p, at, 0)
			for k, q := range p {
				g[k] -= q
				h[k*n+k] += q
				if !whole {
					h[k*n+k] -= q * q
					continue
				}
				for j, s := range p {
					h[k*n+j] -= q * s
				}
			}
			g[int(f.t.data.Y[r])]++
		}
		for k := range n {
			if c.leafMethod == "Gradient" {
				h[k*n+k] = float64(len(rows))
			}
			h[k*n+k] += max(c.l2, 1e-12)
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
