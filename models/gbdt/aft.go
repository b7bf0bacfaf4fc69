package gbdt

import (
	"math"

	"github.com/pgowl/pgowl/models/learn"
)

// aftParams are the parameters of survival:aft.
type aftParams struct {
	distribution string // "" is normal
	scale        float64
}

// failureTime is the loss of an accelerated failure time (Barnwal, Cho and Hocking 2020; XGBoost's survival_util.h): the logarithm of the label is the margin and a
// noise, of which no more may be known than the bounds that the label lies between.
type failureTime struct {
	noise *noise
	scale float64
}

// noise is a distribution: its density with two derivatives, what lies below a value, and the derivatives of the loss far from the label: the slope where the label
// is above the margin, and where it is below.
type noise struct {
	density, slope, bend, below func(z float64) float64
	steep                       func(scale float64) (above, under float64)
	flat                        func(scale float64) (above, under float64)
}

// Bounds of the derivatives, and what is too small to divide by.
const (
	aftGradient = 15
	aftHessian  = 15
	aftLeast    = 1e-12
)

// noises are XGBoost's.
var noises = map[string]*noise{
	"normal": {
		density: normalDensity,
		slope:   func(z float64) float64 { return -z * normalDensity(z) },
		bend:    func(z float64) float64 { return (z*z - 1) * normalDensity(z) },
		below:   func(z float64) float64 { return .5 * (1 + math.Erf(z/math.Sqrt2)) },
		steep:   func(float64) (float64, float64) { return -aftGradient, aftGradient },
		flat:    func(scale float64) (float64, float64) { return 1 / (scale * scale), 1 / (scale * scale) },
	},
	"logistic": {
		density: logisticDensity,
		slope: func(z float64) float64 {
			w := math.Exp(z)
			if math.IsInf(w, 0) {
				return 0
			}
			return logisticDensity(z) * (1 - w) / (1 + w)
		},
		bend: func(z float64) float64 {
			w := math.Exp(z)
			if math.IsInf(w*w, 0) {
				return 0
			}
			return logisticDensity(z) * (w*w - 4*w + 1) / ((1 + w) * (1 + w))
		},
		below: func(z float64) float64 {
			w := math.Exp(z)
			if math.IsInf(w, 0) {
				return 1
			}
			return w / (1 + w)
		},
		steep: func(scale float64) (float64, float64) { return -1 / scale, 1 / scale },
		flat:  func(float64) (float64, float64) { return leastHessian, leastHessian },
	},
	"extreme": {
		density: extremeDensity,
		slope: func(z float64) float64 {
			w := math.Exp(z)
			if math.IsInf(w, 0) {
				return 0
			}
			return (1 - w) * extremeDensity(z)
		},
		bend: func(z float64) float64 {
			w := math.Exp(z)
			if math.IsInf(w*w, 0) {
				return 0
			}
			return (w*w - 3*w + 1) * extremeDensity(z)
		},
		below: func(z float64) float64 { return 1 - math.Exp(-math.Exp(z)) },
		steep: func(scale float64) (float64, float64) { return -aftGradient, 1 / scale },
		flat:  func(float64) (float64, float64) { return aftHessian, leastHessian },
	},
}

func normalDensity(z float64) float64 { return math.Exp(-z*z/2) / math.Sqrt(2*math.Pi) }

func logisticDensity(z float64) float64 {
	w := math.Exp(z)
	if math.IsInf(w*w, 0) {
		return 0
	}
	return w / ((1 + w) * (1 + w))
}

func extremeDensity(z float64) float64 {
	w := math.Exp(z)
	if math.IsInf(w, 0) {
		return 0
	}
	return w * math.Exp(-w)
}

func (p *params) failureTime() *failureTime {
	f := &failureTime{noises["normal"], float64(float32(p.aft.scale))}
	if p.aft.distribution != "" {
		f.noise = noises[p.aft.distribution]
	}
	return f
}

// upperOf is the upper bound of a row's label.
func upperOf(d *learn.Dataset, r int) float32 {
	if d.Upper == nil {
		return d.Y[r]
	}
	return d.Upper[r]
}

// interval is what the distribution says of the bounds of a label: the share of it between them, and the differences of its density and slope.
func (f *failureTime) interval(low, high, margin float64) (share, density, slope float64, beyond bool) {
	share = 1
	if !math.IsInf(high, 1) {
		z := (math.Log(high) - margin) / f.scale
		share, density, slope = f.noise.below(z), f.noise.density(z), f.noise.slope(z)
		beyond = z > 0
	}
	if low > 0 {
		z := (math.Log(low) - margin) / f.scale
		share -= f.noise.below(z)
		density -= f.noise.density(z)
		slope -= f.noise.slope(z)
		beyond = beyond || z > 0
	}
	return share, density, slope, beyond
}

// gradient is that of a row whose label lies between low and high, which are the same for a label that is known.
func (f *failureTime) gradient(margin, low, high float32) gradient {
	l, h, m := float64(low), float64(high), float64(margin)
	above, under := f.noise.steep(f.scale)
	flatAbove, flatUnder := f.noise.flat(f.scale)
	var top, bottom, top2, bottom2 float64
	var beyond bool
	if l == h {
		z := (math.Log(l) - m) / f.scale
		d, s := f.noise.density(z), f.noise.slope(z)
		beyond = z > 0
		top, bottom = s, f.scale*d
		top2, bottom2 = -(d*f.noise.bend(z) - s*s), f.scale*f.scale*d*d
	} else {
		share, d, s, far := f.interval(l, h, m)
		beyond = far
		top, bottom = d, f.scale*share
		top2, bottom2 = -(share*s - d*d), f.scale*share*f.scale*share
		if math.IsInf(h, 1) {
			under, flatUnder = 0, leastHessian
		} else if l <= 0 {
			above, flatAbove = 0, leastHessian
		}
	}
	return gradient{
		float32(bounded(top, bottom, beyond, above, under, -aftGradient, aftGradient)),
		float32(bounded(top2, bottom2, beyond, flatAbove, flatUnder, leastHessian, aftHessian)),
	}
}

// bounded is top/bottom between two values, or, where the distribution has run out of numbers, what it tends to.
func bounded(top, bottom float64, beyond bool, above, under, least, most float64) float64 {
	v := top / bottom
	if bottom < aftLeast && (math.IsNaN(v) || math.IsInf(v, 0)) {
		if v = under; beyond {
			v = above
		}
	}
	return min(max(v, least), most)
}

// loss is the negative log likelihood of a label that lies between low and high.
func (f *failureTime) loss(margin, low, high float64) float64 {
	if low == high {
		z := (math.Log(low) - margin) / f.scale
		return -math.Log(max(f.noise.density(z)/(f.scale*low), aftLeast))
	}
	share, _, _, _ := f.interval(low, high, margin)
	return -math.Log(max(share, aftLeast))
}

// unfitBounds returns what is wrong with the labels of survival:aft, or "".
func unfitBounds(d *learn.Dataset) string {
	for r, low := range d.Y {
		switch high := upperOf(d, r); {
		case low < 0:
			return "labels must not be negative"
		case high < low:
			return "the upper bound of a label is below it"
		case low == high && low == 0:
			return "a label of 0 needs an upper bound"
		}
	}
	return ""
}
