package gbdt

import "math"

// quantized says how gradients are rounded to a few whole numbers before a tree is grown from them (LightGBM's use_quantized_grad; Shi et al. 2022).
type quantized struct {
	bins       int  // num_grad_quant_bins
	renew      bool // quant_train_renew_leaf: the values of leaves come from the gradients as they were
	stochastic bool // stochastic_rounding
}

// discretizer rounds the gradients of a fit (GradientDiscretizer).
type discretizer struct {
	quantized
	constant bool // all second derivatives are the same
	start    *mersenne
	g, h     []float64 // what is added before the fraction is cut off, by row
	out      []gradient
}

// newDiscretizer draws from seed as LightGBM does with one thread.
func newDiscretizer(q quantized, rows int, constant bool, seed uint32) *discretizer {
	d := &discretizer{quantized: q, constant: constant, start: newMersenne(seed), out: make([]gradient, rows)}
	if !q.stochastic {
		return d
	}
	d.g, d.h = make([]float64, rows), make([]float64, rows)
	g, h := newMersenne(seed), newMersenne(seed+1)
	for i := range rows {
		d.g[i], d.h[i] = g.unit(), h.unit()
	}
	return d
}

// round returns the gradients of all rows as whole numbers, and what one is of each derivative. What it returns is valid until the next call.
func (d *discretizer) round(grads []gradient) (whole []gradient, unit sum) {
	var most gradient
	for _, v := range grads {
		most.g, most.h = max(most.g, float32(math.Abs(float64(v.g)))), max(most.h, float32(math.Abs(float64(v.h))))
	}
	unit = sum{float64(most.g) / float64(d.bins/2), float64(most.h)}
	if !d.constant {
		unit.h /= float64(d.bins)
	}
	inverse := sum{1 / unit.g, 1 / unit.h}
	rows := len(grads)
	at := int(d.start.upTo(uint32(rows)))
	for i, v := range grads {
		byG, byH := .5, .5
		if d.stochastic {
			byG, byH = d.g[(i+at)%rows], d.h[(i+at)%rows]
		}
		w := gradient{g: float32(math.Trunc(float64(v.g)*inverse.g + math.Copysign(byG, float64(v.g)))), h: 1}
		if most.g == 0 {
			w.g = 0
		}
		if !d.constant {
			w.h = float32(math.Trunc(float64(v.h)*inverse.h + byH))
			if most.h == 0 {
				w.h = 0
			}
		}
		d.out[i] = w
	}
	return d.out, unit
}
