package gbdt

import "math"

// deviation is the root of the mean square of the gradients.
func (f *catFit) deviation() float64 {
	rows := f.t.data.Rows
	parts := make([]float64, (rows+sampleBlock-1)/sampleBlock)
	f.t.crew.Each(len(parts), rows*f.groups, func(b int) {
		for _, grads := range f.t.grads {
			for _, g := range grads[b*sampleBlock : min((b+1)*sampleBlock, rows)] {
				parts[b] += float64(g.g) * float64(g.g)
			}
		}
	})
	total := 0.0
	for _, p := range parts {
		total += p
	}
	return math.Sqrt(total / float64(rows))
}

// noiseLeft makes the noise of scores vanish as the model grows (CalcDerivativesStDevFromZeroMultiplier).
func noiseLeft(rows int, length float64) float64 {
	left := math.Exp(math.Log(float64(rows)) - length)
	return left / (1 + left)
}

// sampleBlock is the number of rows that are drawn together. Minimal variance sampling looks at the sizes of a block's gradients (CatBoost's TMvsSampler).
const sampleBlock = 8192

// bootstrap draws the rows' weights, makes the gradients that a tree is grown from, with the weights in place of second derivatives, and lists the rows that have
// a weight.
func (f *catFit) bootstrap(round uint64) {
	c := &f.p.catting
	rows := f.t.data.Rows
	blocks := (rows + sampleBlock - 1) / sampleBlock
	reg := 0.0
	if c.bootstrap == "MVS" {
		reg = f.mvsReg()
	}
	ends := make([]int, blocks)
	f.t.crew.Each(blocks, rows*(20+5*f.groups), func(b int) {
		from, to := b*sampleBlock, min((b+1)*sampleBlock, rows)
		ends[b] = f.draw(round, from, to, reg)
	})
	total := 0
	for b, n := range ends {
		total += n
		ends[b] = total
	}
	f.t.rows = f.t.rows[:total]
	f.t.crew.Each(blocks, rows, func(b int) {
		from, to := b*sampleBlock, min((b+1)*sampleBlock, rows)
		out := f.t.rows[:ends[b]]
		if b > 0 {
			out = out[ends[b-1]:]
		}
		if len(out) == to-from {
			for i := range out {
				out[i] = int32(from + i)
			}
			return
		}
		n := 0
		for r, g := range f.scaled[0][from:to] {
			if g.h > 0 {
				out[n] = int32(from + r)
				n++
			}
		}
	})
}

// draw does the rows of a block and returns how many of them have a weight.
func (f *catFit) draw(round uint64, from, to int, reg float64) (drawn int) {
	c := &f.p.catting
	key := draw(f.p.seed, drawWeight, round)
	at := func(r int) float64 { return unit(mix(key ^ uint64(r))) } // a draw with the row as the last key
	var weights [sampleBlock]float32
	switch c.bootstrap {
	case "Bayesian":
		for r := from; r < to; r++ {
			weights[r-from] = float32(math.Pow(-math.Log(1-at(r)), c.temperature))
		}
	case "Bernoulli":
		for r := from; r < to; r++ {
			weights[r-from] = b2f(at(r) < c.share)
		}
	case "MVS":
		f.drawBySize(weights[:to-from], key, from, reg)
	default:
		for i := range weights {
			weights[i] = 1
		}
	}
	for k, scaled := range f.scaled {
		for i, g := range f.t.grads[k][from:to] {
			scaled[from+i] = gradient{g.g * weights[i], weights[i]}
		}
		if f.weights != nil {
			for i, w := range f.weights[from:to] {
				scaled[from+i].h *= w
			}
		}
	}
	for _, g := range f.scaled[0][from:to] {
		drawn += int(b2f(g.h > 0))
	}
	return drawn
}

// drawBySize draws the rows from a given one on by the sizes of their gradients: those below a bar with a probability in proportion, and a weight that makes up for it.
func (f *catFit) drawBySize(weights []float32, key uint64, from int, reg float64) {
	bar, room := 0.0, [sampleBlock]float64{}
	sizes := room[:len(weights)]
	if share := f.p.catting.share; share < 1 {
		for i := range sizes {
			sizes[i] = f.size(from+i, reg)
		}
		bar = mvsBar(sizes, share*float64(len(sizes)))
	}
	for i, size := range sizes {
		switch {
		case bar == 0:
			weights[i] = 1
		case unit(mix(key^uint64(from+i)))*bar < size:
			weights[i] = float32(max(1, bar/size))
		default:
			weights[i] = 0
		}
	}
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

// mvsReg is the regularisation of sizes: if nobody has given it, the square of the mean size of the last tree's leaves, or of the gradients.
func (f *catFit) mvsReg() float64 {
	if reg := f.p.catting.mvsReg; !math.IsNaN(reg) {
		return reg
	}
	reach := f.reach
	if reach < 0 {
		reach = 0
		for r := range f.t.data.Rows {
			reach += f.size(r, 0) / float64(f.t.data.Rows)
		}
	}
	return reach * reach
}

// mvsBar is the size from which on a row is taken for sure, so that the expected number of rows is the one that is wanted, more than 0 and less than all
// (minimal variance sampling, Ibragimov and Gusev 2019): each row below it is taken with a probability in proportion to its size. 0: take all.
func mvsBar(sizes []float64, want float64) float64 {
	// The expected number is concave and piecewise straight in the inverse of the bar, so that Newton's steps come to it from one side and end.
	bar := math.Inf(1)
	for {
		// Sizes are not negative, and their bits are in their order: no branch to mispredict.
		below, sure, limit := [2]float64{}, int64(len(sizes)), int64(math.Float64bits(bar))
		for i, s := range sizes {
			smaller := (int64(math.Float64bits(s)) - limit) >> 63 // -1 or 0
			below[i&1] += math.Float64frombits(math.Float64bits(s) & uint64(smaller))
			sure += smaller
		}
		rest := want - float64(sure)
		if below[0]+below[1] == 0 || rest <= 0 {
			break
		}
		next := (below[0] + below[1]) / rest
		if !(next < bar) {
			break
		}
		bar = next
	}
	if math.IsInf(bar, 1) {
		return 0
	}
	return bar
}
