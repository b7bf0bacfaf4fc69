package gbdt

import (
	"math"
	"slices"

	"github.com/pgowl/pgowl/models/learn"
)

// bounds are the outputs that the leaves below a node may have, before the learning rate, under LightGBM's monotone constraints.
type bounds struct{ low, high float64 }

var noBounds = bounds{-math.MaxFloat64, math.MaxFloat64}

func (b bounds) clip(w float64) float64 { return min(max(w, b.low), b.high) }

// sign is the constraint of a feature: 1 for increasing, -1 for decreasing. Categories have no order.
func (l *leafRules) sign(f int32, feat *feature) int8 {
	if l.signs == nil || feat.codes != nil {
		return 0
	}
	return l.signs[f]
}

// depthFactor is what the gain of a constrained split is multiplied with (LeafConstraintsBase::ComputeMonotoneSplitGainPenalty): with a penalty, splits near
// the root count for less.
func (l *leafRules) depthFactor(depth int) float64 {
	d := float64(depth)
	switch {
	case l.penalty >= d+1:
		return epsilon
	case l.penalty <= 1:
		return 1 - l.penalty/math.Exp2(d) + epsilon
	}
	return 1 - math.Exp2(l.penalty-1-d) + epsilon
}

// constrainByRules hands the constraints of a node on to its new children: both keep to their own side of the middle between their outputs, which is LightGBM's
// monotone_constraints_method basic.
func (t *trainer) constrainByRules(o, left, right *open) {
	s := &o.split
	left.bounds, right.bounds = o.bounds, o.bounds
	middle := (s.outputs[0] + s.outputs[1]) / 2
	switch t.rules.sign(s.feature, &t.bins.features[s.feature]) {
	case 1:
		left.bounds.high, right.bounds.low = min(left.bounds.high, middle), max(right.bounds.low, middle)
	case -1:
		left.bounds.low, right.bounds.high = max(left.bounds.low, middle), min(right.bounds.high, middle)
	}
	if t.columns == nil || t.columns.sets == nil {
		return
	}
	left.path, right.path = o.path, o.path
	if !slices.Contains(o.path, s.feature) {
		left.path = append(slices.Clip(o.path), s.feature)
		right.path = left.path
	}
}

// lightConstraints resolves monotone_constraints and interaction_constraints.
func (p *params) lightConstraints(r *recipe, d *learn.Dataset) error {
	c, err := p.constrain(d)
	if err != nil {
		return err
	}
	if _, refits := r.loss.(refitter); refits && c.signs != nil {
		return &learn.ParamError{Name: "monotone_constraints", Value: p.monotone, Reason: "cannot be used with an objective whose leaves are medians or quantiles"}
	}
	r.rules.signs, r.rules.penalty, r.light.sets = c.signs, p.light.penalty, c.sets
	return nil
}
