package gbdt

import "math"

// leastGain is what a split must win to be made at all (XGBoost's kRtEps).
const leastGain = 1e-6

// threshold is T(G) of engines.md section 1.1: the gradient less the L1 penalty.
func (p *params) threshold(g float64) float64 {
	switch {
	case g > p.alpha:
		return g - p.alpha
	case g < -p.alpha:
		return g + p.alpha
	}
	return 0
}

// weight is the value of a leaf before the learning rate.
func (p *params) weight(s sum) float64 {
	if s.h < p.minChildWeight || s.h <= 0 {
		return 0
	}
	return p.clip(-p.threshold(s.g) / (s.h + p.lambda))
}

func (p *params) clip(w float64) float64 {
	if p.maxDeltaStep > 0 && math.Abs(w) > p.maxDeltaStep {
		return math.Copysign(p.maxDeltaStep, w)
	}
	return w
}

// score is what a child adds to the gain of a split. It is a float32 as in XGBoost, where that decides between splits that
// are equal but for rounding: the feature that comes first then wins.
func (p *params) score(s sum) float32 {
	if s.h <= 0 {
		return 0
	}
	if p.maxDeltaStep == 0 {
		t := p.threshold(s.g)
		return float32(t * t / (s.h + p.lambda))
	}
	w := float32(p.clip(-p.threshold(s.g) / (s.h + p.lambda)))
	return -(2*float32(s.g)*w + (float32(s.h)+float32(p.lambda))*w*w)
}

// nodeScore is the score of a node as it is, which a split has to beat.
func (p *params) nodeScore(s sum) float32 {
	if s.h <= 0 || s.h < p.minChildWeight {
		return 0
	}
	return p.score(s)
}
