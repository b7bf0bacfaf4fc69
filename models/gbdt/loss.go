package gbdt

import "math"

// criterion is what a fit by the rules of LightGBM, scikit-learn or CatBoost minimises. The margins are by group, then by row.
type criterion interface {
	// start is the margin of each group that all rows begin with.
	start(y []float32) []float64
	// gradients writes those of the rows from to to-1.
	gradients(out [][]gradient, margins [][]float64, y []float32, from, to int)
	// mean is the loss of a data set, for stopping early.
	mean(margins [][]float64, y []float32) float64
}

// refitter is a loss whose leaves are not the Newton step of the tree's sums.
type refitter interface {
	// leaf returns the value of a leaf with these rows of a group, before the learning rate.
	leaf(rows []int32, group int, margins [][]float64, y []float32) float64
}

// beginner is a loss that looks at all rows before each round.
type beginner interface {
	begin(margins [][]float64, y []float32)
}

// pointLoss is a loss of one margin whose derivatives need nothing but the row's margin and label.
type pointLoss struct {
	begin func(y []float32) float64
	slope func(margin, y float64) (g, h float64)
	value func(margin, y float64) float64
}

func (l *pointLoss) start(y []float32) []float64 { return []float64{l.begin(y)} }

func (l *pointLoss) gradients(out [][]gradient, margins [][]float64, y []float32, from, to int) {
	for r := from; r < to; r++ {
		g, h := l.slope(margins[0][r], float64(y[r]))
		out[0][r] = gradient{float32(g), float32(h)}
	}
}

func (l *pointLoss) mean(margins [][]float64, y []float32) float64 {
	total := 0.0
	for r, m := range margins[0] {
		total += l.value(m, float64(y[r]))
	}
	return total / float64(len(y))
}

// mean is the mean of the labels.
func mean(y []float32) float64 {
	total := 0.0
	for _, v := range y {
		total += float64(v)
	}
	return total / float64(len(y))
}

// logMean is the margin of the mean under an exponential link.
func logMean(y []float32) float64 { return math.Log(max(mean(y), 1e-300)) }

// logit is the margin of a probability, which is kept off 0 and 1.
func logit(p float64) float64 {
	p = min(max(p, epsilon), 1-epsilon)
	return math.Log(p / (1 - p))
}

// expit is the logistic function.
func expit(m float64) float64 { return 1 / (1 + math.Exp(-m)) }

// softplus is log(1 + exp(m)) without overflow.
func softplus(m float64) float64 { return max(m, 0) + math.Log1p(math.Exp(-math.Abs(m))) }

func squaredLoss() *pointLoss {
	return &pointLoss{mean,
		func(m, y float64) (float64, float64) { return m - y, 1 },
		func(m, y float64) float64 { return (m - y) * (m - y) }}
}

// poissonLoss adds step to the exponent of the second derivative, which keeps leaves small.
func poissonLoss(step float64) *pointLoss {
	return &pointLoss{logMean,
		func(m, y float64) (float64, float64) { return math.Exp(m) - y, math.Exp(m + step) },
		func(m, y float64) float64 { return math.Exp(m) - y*m }}
}

func gammaLoss() *pointLoss {
	return &pointLoss{logMean,
		func(m, y float64) (float64, float64) { e := y * math.Exp(-m); return 1 - e, e },
		func(m, y float64) float64 { return y*math.Exp(-m) + m }}
}

func tweedieLoss(rho float64) *pointLoss {
	return &pointLoss{logMean,
		func(m, y float64) (float64, float64) {
			a, b := math.Exp((1-rho)*m), math.Exp((2-rho)*m)
			return -y*a + b, -y*(1-rho)*a + (2-rho)*b
		},
		func(m, y float64) float64 { return -y*math.Exp((1-rho)*m)/(1-rho) + math.Exp((2-rho)*m)/(2-rho) }}
}

// huberLoss is squared within delta and straight beyond. The second derivative is 1 everywhere, as in LightGBM.
func huberLoss(delta float64) *pointLoss {
	return &pointLoss{mean,
		func(m, y float64) (float64, float64) { return min(max(m-y, -delta), delta), 1 },
		func(m, y float64) float64 {
			d := math.Abs(m - y)
			if d <= delta {
				return d * d / 2
			}
			return delta * (d - delta/2)
		}}
}

func fairLoss(c float64) *pointLoss {
	return &pointLoss{mean,
		func(m, y float64) (float64, float64) {
			x := m - y
			a := math.Abs(x) + c
			return c * x / a, c * c / (a * a)
		},
		func(m, y float64) float64 { x := math.Abs(m - y); return c*x - c*c*math.Log1p(x/c) }}
}

// entropyLoss is the cross entropy of labels between 0 and 1.
func entropyLoss() *pointLoss {
	return &pointLoss{func(y []float32) float64 { return logit(mean(y)) },
		func(m, y float64) (float64, float64) { p := expit(m); return p - y, p * (1 - p) },
		func(m, y float64) float64 { return softplus(m) - y*m }}
}

// lambdaLoss is LightGBM's cross_entropy_lambda without weights: the cross entropy, from another start.
func lambdaLoss() *pointLoss {
	l := entropyLoss()
	l.begin = func(y []float32) float64 { return math.Log(math.Expm1(mean(y))) }
	return l
}

// softmaxLoss is the cross entropy of several classes. factor multiplies the second derivatives.
type softmaxLoss struct {
	classes int
	factor  float64
}

func (l *softmaxLoss) start(y []float32) []float64 { return l.startOf(y, nil) }

// startOf is start for rows with weights.
func (l *softmaxLoss) startOf(y, weights []float32) []float64 {
	counts, total := make([]float64, l.classes), 0.0
	for r, v := range y {
		w := weightOf(weights, r)
		counts[int(v)] += w
		total += w
	}
	for k := range counts {
		counts[k] = math.Log(max(counts[k]/total, epsilon))
	}
	return counts
}

// probabilities writes those of row r to p.
func (l *softmaxLoss) probabilities(p []float64, margins [][]float64, r int) {
	top := margins[0][r]
	for _, m := range margins[1:] {
		top = max(top, m[r])
	}
	total := 0.0
	for k, m := range margins {
		p[k] = math.Exp(m[r] - top)
		total += p[k]
	}
	for k := range p {
		p[k] /= total
	}
}

func (l *softmaxLoss) gradients(out [][]gradient, margins [][]float64, y []float32, from, to int) {
	p := make([]float64, l.classes)
	for r := from; r < to; r++ {
		l.probabilities(p, margins, r)
		for k, q := range p {
			g := q
			if k == int(y[r]) {
				g--
			}
			out[k][r] = gradient{float32(g), float32(l.factor * q * (1 - q))}
		}
	}
}

func (l *softmaxLoss) mean(margins [][]float64, y []float32) float64 {
	p := make([]float64, l.classes)
	total := 0.0
	for r, v := range y {
		l.probabilities(p, margins, r)
		total -= math.Log(max(p[int(v)], epsilon))
	}
	return total / float64(len(y))
}
