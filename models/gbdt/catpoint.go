package gbdt

import (
	"math"
	"slices"
)

// The slopes and values of CatBoost's losses of one margin (error_functions.h) that no other engine has.

// catQuantile has no second derivatives, and no slope within delta of the label.
func catQuantile(v map[string]float64) *pointLoss {
	alpha, delta := v["alpha"], v["delta"]
	return &pointLoss{
		slope: func(m, y float64) (float64, float64) {
			switch d := y - m; {
			case math.Abs(d) < delta:
				return 0, 0
			case d > 0:
				return -alpha, 0
			}
			return 1 - alpha, 0
		},
		value: func(m, y float64) float64 {
			if d := y - m; d > 0 {
				return alpha * d
			}
			return (1 - alpha) * (m - y)
		},
	}
}

// catRelative divides the error by the label, where that is above 1.
func catRelative(map[string]float64) *pointLoss {
	return &pointLoss{
		slope: func(m, y float64) (float64, float64) {
			if y-m > 0 {
				return -1 / max(1, math.Abs(y)), 0
			}
			return 1 / max(1, math.Abs(y)), 0
		},
		value: func(m, y float64) float64 { return math.Abs(y-m) / max(1, math.Abs(y)) },
	}
}

// catHuber is huberLoss with no second derivative beyond delta.
func catHuber(v map[string]float64) *pointLoss {
	l := huberLoss(v["delta"])
	slope := l.slope
	l.slope = func(m, y float64) (float64, float64) {
		g, h := slope(m, y)
		if math.Abs(m-y) >= v["delta"] {
			h = 0
		}
		return g, h
	}
	return l
}

func catExpectile(v map[string]float64) *pointLoss {
	side := func(m, y float64) float64 {
		if y > m {
			return v["alpha"]
		}
		return 1 - v["alpha"]
	}
	return &pointLoss{
		slope: func(m, y float64) (float64, float64) { a := 2 * side(m, y); return a * (m - y), a },
		value: func(m, y float64) float64 { return side(m, y) * (m - y) * (m - y) },
	}
}

// catLogLinQuantile is the quantile's of the exponential of the margin.
func catLogLinQuantile(v map[string]float64) *pointLoss {
	alpha := v["alpha"]
	return &pointLoss{
		slope: func(m, y float64) (float64, float64) {
			e := math.Exp(m)
			if y > e {
				return -alpha * e, 0
			}
			return (1 - alpha) * e, 0
		},
		value: func(m, y float64) float64 {
			e := math.Exp(m)
			if y > e {
				return alpha * (y - e)
			}
			return (1 - alpha) * (e - y)
		},
	}
}

// catLogCoshOf halves the range of the values until it has found where the slopes are nothing together.
func catLogCoshOf(_ map[string]float64, y, w []float32) float64 {
	low, high := float64(slices.Min(y)), float64(slices.Max(y))
	for range 60 {
		middle, slope := (low+high)/2, 0.0
		for i, v := range y {
			slope += weightOf(w, i) * math.Tanh(middle-float64(v))
		}
		if slope > 0 {
			high = middle
		} else {
			low = middle
		}
	}
	return (low + high) / 2
}

func catLogCosh(map[string]float64) *pointLoss {
	return &pointLoss{
		slope: func(m, y float64) (float64, float64) { t := math.Tanh(m - y); return t, 1 - t*t },
		value: func(m, y float64) float64 { d := math.Abs(m - y); return d + math.Log1p(math.Exp(-2*d)) - math.Ln2 },
	}
}

// catPower is the q-th power of the error.
func catPower(v map[string]float64) *pointLoss {
	q := v["q"]
	return &pointLoss{
		slope: func(m, y float64) (float64, float64) {
			d := math.Abs(m - y)
			g := q * math.Pow(d, q-1)
			if y-m > 0 {
				g = -g
			}
			return g, q * (q - 1) * math.Pow(d, q-2)
		},
		value: func(m, y float64) float64 { return math.Pow(math.Abs(m-y), q) },
	}
}
