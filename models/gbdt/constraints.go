package gbdt

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/pgowl/pgowl/models/learn"
	"github.com/pgowl/pgowl/models/param"
)

// limits are the weights that the leaves below a node may have under monotone constraints.
type limits struct{ low, high float32 }

var noLimits = limits{-math.MaxFloat32, math.MaxFloat32}

func (l limits) clip(w float32) float32 { return min(max(w, l.low), l.high) }

// constraints are monotone_constraints and interaction_constraints for the features of a data set.
type constraints struct {
	signs []int8    // a feature: 1 for increasing, -1 for decreasing; nil when there is no such constraint
	sets  [][]int32 // features that may meet on a path, ascending; nil when all may
}

func setMonotone(p *params, v any) string {
	switch v.(type) {
	case string, []any, map[string]any:
		p.monotone = v
		return ""
	}
	return "must be an array, a text like (1,-1), or an object of features"
}

func setInteractions(p *params, v any) string {
	if s, ok := v.(string); ok {
		var list []any
		if json.Unmarshal([]byte(s), &list) != nil {
			return `must be an array of arrays of features, like "[[0, 1], [2, 3]]"`
		}
		v = list
	}
	list, ok := v.([]any)
	if !ok {
		return "must be an array of arrays of features"
	}
	for _, set := range list {
		if _, ok := set.([]any); !ok {
			return "must be an array of arrays of features"
		}
	}
	p.interactions = list
	return ""
}

// constrain resolves the constraints for the features of a data set. Its errors are *learn.ParamError.
func (p *params) constrain(d *learn.Dataset) (constraints, error) {
	var c constraints
	var reason string
	if c.signs, reason = signs(p.monotone, d); reason != "" {
		return c, &learn.ParamError{Name: "monotone_constraints", Value: p.monotone, Reason: reason}
	}
	if c.sets, reason = sets(p.interactions, d); reason != "" {
		return c, &learn.ParamError{Name: "interaction_constraints", Value: p.interactions, Reason: reason}
	}
	return c, nil
}

// featureOf finds a feature by its name, its number, or XGBoost's own name for that number (f0, f1 ...).
func featureOf(v any, d *learn.Dataset) (int, string) {
	if x, ok := param.Number(v); ok {
		if x != math.Trunc(x) || x < 0 || x >= float64(d.Features) {
			return 0, fmt.Sprintf("there is no feature %v of %d", x, d.Features)
		}
		return int(x), ""
	}
	s, ok := v.(string)
	if !ok {
		return 0, "a feature is a number or a name"
	}
	if i := slices.Index(d.Names, s); i >= 0 {
		return i, ""
	}
	if i, err := strconv.Atoi(strings.TrimPrefix(s, "f")); err == nil && i >= 0 && i < d.Features {
		return i, ""
	}
	return 0, fmt.Sprintf("there is no feature %q", s)
}

func signOf(v any) (int8, string) {
	if s, ok := v.(string); ok {
		if x, err := strconv.ParseFloat(strings.TrimSpace(s), 64); err == nil {
			v = x
		}
	}
	if x, ok := param.Number(v); ok && (x == -1 || x == 0 || x == 1) {
		return int8(x), ""
	}
	return 0, "a constraint is 1, 0 or -1"
}

// signs reads monotone_constraints; the features that it leaves out are free.
func signs(v any, d *learn.Dataset) ([]int8, string) {
	out := make([]int8, d.Features)
	var list []any
	switch v := v.(type) {
	case nil:
		return nil, ""
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			f, reason := featureOf(name, d)
			if reason != "" {
				return nil, reason
			}
			if out[f], reason = signOf(v[name]); reason != "" {
				return nil, reason
			}
		}
	case []any:
		list = v
	case string:
		inside := strings.Trim(strings.TrimSpace(v), "()[]")
		if strings.TrimSpace(inside) == "" {
			return nil, ""
		}
		for part := range strings.SplitSeq(strings.TrimSuffix(strings.TrimSpace(inside), ","), ",") {
			list = append(list, part)
		}
	}
	if len(list) > d.Features {
		return nil, fmt.Sprintf("has %d entries for %d features", len(list), d.Features)
	}
	for f, v := range list {
		var reason string
		if out[f], reason = signOf(v); reason != "" {
			return nil, reason
		}
	}
	if !slices.ContainsFunc(out, func(s int8) bool { return s != 0 }) {
		return nil, ""
	}
	return out, ""
}

// sets reads interaction_constraints.
func sets(v any, d *learn.Dataset) ([][]int32, string) {
	list, _ := v.([]any)
	var out [][]int32
	for _, v := range list {
		var set []int32
		members, _ := v.([]any)
		for _, m := range members {
			f, reason := featureOf(m, d)
			if reason != "" {
				return nil, reason
			}
			set = append(set, int32(f))
		}
		slices.Sort(set)
		out = append(out, slices.Compact(set))
	}
	return out, ""
}

// constrain hands the constraints of a node on to its new children (XGBoost's TreeEvaluator::AddSplit and
// FeatureInteractionConstraintHost::Split).
func (t *trainer) constrain(o, left, right *open) {
	if t.rules != nil {
		t.constrainByRules(o, left, right)
		return
	}
	left.limits, right.limits = o.limits, o.limits
	left.outer, right.outer = o.limits, o.limits
	if t.limited.signs != nil {
		s := &o.split
		mid := (o.limits.clip(float32(t.params.weight(s.left))) + o.limits.clip(float32(t.params.weight(s.right)))) / 2
		switch t.limited.signs[s.feature] {
		case 1:
			left.limits.high, right.limits.low = mid, mid
		case -1:
			left.limits.low, right.limits.high = mid, mid
		}
	}
	if t.limited.sets != nil {
		path := o.path
		if !slices.Contains(path, o.split.feature) {
			path = append(slices.Clone(path), o.split.feature)
		}
		left.path, right.path = path, path
	}
}

// interacting narrows the features that a node may be split by (nil: all) to those that may meet the ones above it: these themselves, and
// the sets that hold them all.
func (t *trainer) interacting(o *open, may []bool) []bool {
	if t.limited.sets == nil || len(o.path) == 0 {
		return may
	}
	out := make([]bool, len(t.every))
	take := func(set []int32) {
		for _, f := range set {
			out[f] = may == nil || may[f]
		}
	}
	take(o.path)
	for _, set := range t.limited.sets {
		missing := func(f int32) bool { _, ok := slices.BinarySearch(set, f); return !ok }
		if !slices.ContainsFunc(o.path, missing) {
			take(set)
		}
	}
	return out
}

// limitedScore is the score of one side of a split, or of a node, whose weight is held within limits (CalcGainGivenWeight, in float32).
func (p *params) limitedScore(s sum, w float32) float32 {
	if s.h <= 0 {
		return 0
	}
	return -(2*float32(s.g)*w + (float32(s.h)+float32(p.lambda))*w*w)
}

// limitedGain is what both sides of a split add up to, and whether the constraint of its feature lets it be.
func (s *scanner) limitedGain(left, right sum, f int32) (float32, bool) {
	wl, wr := s.limits.clip(float32(s.p.weight(left))), s.limits.clip(float32(s.p.weight(right)))
	if sign := s.signs[f]; sign > 0 && wl > wr || sign < 0 && wl < wr {
		return 0, false
	}
	return s.p.limitedScore(left, wl) + s.p.limitedScore(right, wr), true
}
