package gbdt

import (
	"math"
	"slices"
)

// deviation is the root of the mean square of the gradients.
func (f *catFit) deviation() float64 {
	total := 0.0
	for _, grads := range f.t.grads {
		for _, g := range grads {
			total += float64(g.g) * float64(g.g)
		}
	}
	return math.Sqrt(total / float64(f.t.data.Rows))
}

// noiseLeft makes the noise of scores vanish as the model grows (CalcDerivativesStDevFromZeroMultiplier).
func noiseLeft(rows int, length float64) float64 {
	left := math.Exp(math.Log(float64(rows)) - length)
	return left / (1 + left)
}

// bootstrap draws the rows' weights and makes the gradients that a tree is grown from, with the weights in place of second derivatives.
func (f *catFit) bootstrap(round uint64) {
	c := &f.p.catting
	at := func(r int) float64 { return unit(draw(f.p.seed, drawWeight, round, uint64(r))) }
	bar, reg := 0.0, 0.0
	if c.bootstrap == "MVS" {
		bar, reg = f.mvsBar()
	}
	f.each(10*f.groups, func(from, to int) {
		for r := from; r < to; r++ {
			w := 1.0
			switch c.bootstrap {
			case "Bayesian":
				w = math.Pow(-math.Log(1-at(r)), c.temperature)
			case "Bernoulli":
				w = float64(b2f(at(r) < c.share))
			case "MVS":
				if bar <= 0 {
					break
				}
				likely := min(1, f.size(r, reg)/bar)
				w = 0
				if likely > 0 && at(r) < likely {
					w = 1 / likely
				}
			}
			for k := range f.scaled {
				f.scaled[k][r] = gradient{f.t.grads[k][r].g * float32(w), float32(w)}
			}
		}
	})
}

// size is that of a row's gradient, regularised.
func (f *catFit) size(r int, reg float64) float64 {
	total := reg
	for k := range f.t.grads {
		g := float64(f.t.grads[k][r].g)
		total += g * g
	}
	return math.Sqrt(total)
}

// mvsBar is the size of a gradient from which on a row is taken for sure, so that the expected number of rows is the share that is wanted (minimal variance
// sampling, Ibragimov and Gusev 2019), and the regularisation of sizes.
func (f *catFit) mvsBar() (bar, reg float64) {
	c := &f.p.catting
	rows := f.t.data.Rows
	if c.share >= 1 {
		return 0, 0
	}
	reg = c.mvsReg
	if math.IsNaN(reg) {
		reach := f.reach
		if reach < 0 {
			reach = 0
			for r := range rows {
				reach += f.size(r, 0) / float64(rows)
			}
		}
		reg = reach * reach
	}
	sizes := make([]float64, rows)
	f.each(5*f.groups, func(from, to int) {
		for r := from; r < to; r++ {
			sizes[r] = f.size(r, reg)
		}
	})
	slices.Sort(sizes)
	below := 0.0 // sum of the sizes of the rows that are drawn by chance
	want := c.share * float64(rows)
	for i, s := range sizes {
		below += s
		sure := float64(rows - i - 1)
		// With the bar at the next larger size at most, so many rows come out.
		if want <= sure {
			continue
		}
		bar = below / (want - sure)
		if i+1 == rows || bar <= sizes[i+1] {
			return bar, reg
		}
	}
	return bar, reg
}
