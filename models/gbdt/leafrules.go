package gbdt

import "math"

// leafRules are the rules by which LightGBM grows a tree (FeatureHistogram and SerialTreeLearner there); scikit-learn's histogram trees go by the same
// formulas. All sums are float64, and a gain is what a split wins above minGain.
type leafRules struct {
	minData    int     // rows of a leaf
	minSplit   int     // rows of a node that is split
	minHessian float64 // of a leaf
	l1, l2     float64
	maxStep    float64 // largest output, 0 is any
	minGain    float64
	smooth     float64 // pulls outputs towards the parent's, the more the fewer rows there are
	maxDepth   int
	cat        catRules
	// signs are LightGBM's monotone_constraints, by feature; nil: none.
	signs   []int8
	penalty float64 // monotone_penalty
	// inherited leaves a feature out below a node where none of its splits would win anything (LightGBM).
	inherited bool
	counted   bool // by rows, where the second derivatives cannot tell their number
	// random tries one cut of each feature only (extremely randomized trees).
	random bool
	// fromLow takes the lowest of several cuts that are as good, as scikit-learn does; LightGBM takes the highest.
	fromLow bool
	// larger sends values that are missing, at splits by features of which training saw no missing ones, to the child with more rows (scikit-learn); otherwise
	// they count as 0 (LightGBM).
	larger bool
}

// catRules are those for splits by categories.
type catRules struct {
	smooth       float64 // cat_smooth: pulls a category's place in the order to the middle
	l2           float64 // cat_l2: on top of l2, but for one against the rest
	maxThreshold int     // categories on the smaller side, at most
	maxOneHot    int     // up to that many bins, one category against the rest
	minGroup     int     // rows between two cuts of the order
}

// epsilon is LightGBM's kEpsilon, a float there.
const epsilon = 1e-15

// divisible says whether a node could be split at all.
func (l *leafRules) divisible(o *open) bool {
	return o.to-o.from >= max(2, 2*l.minData, l.minSplit) && (l.maxDepth <= 0 || o.depth < l.maxDepth)
}

// threshold is the gradient less the L1 penalty.
func (l *leafRules) threshold(g float64) float64 {
	if l.l1 == 0 {
		return g
	}
	return math.Copysign(max(0, math.Abs(g)-l.l1), g)
}

// output is the value of a leaf with rows rows, before the learning rate and without smoothing.
func (l *leafRules) output(s sum, rows int) float64 {
	if rows == 0 || s.h+l.l2 <= 0 {
		return 0
	}
	return l.plain(s, l.l2)
}

func (l *leafRules) plain(s sum, l2 float64) float64 {
	w := -l.threshold(s.g) / (s.h + l2)
	if l.maxStep > 0 && math.Abs(w) > l.maxStep {
		return math.Copysign(l.maxStep, w)
	}
	return w
}

// smoothed is plain, drawn to the parent's output.
func (l *leafRules) smoothed(s sum, l2 float64, rows int, parent float64) float64 {
	w := l.plain(s, l2)
	if l.smooth <= epsilon {
		return w
	}
	share := float64(rows) / l.smooth
	return w*share/(share+1) + parent/(share+1)
}

// gain is what a leaf contributes to the gain of a split.
func (l *leafRules) gain(s sum, l2 float64, rows int, parent float64) float64 {
	if l.maxStep <= 0 && l.smooth <= epsilon {
		t := l.threshold(s.g)
		return t * t / (s.h + l2)
	}
	return l.gainOf(s, l2, l.smoothed(s, l2, rows, parent))
}

// gainOf is the gain of a leaf with a given output.
func (l *leafRules) gainOf(s sum, l2, output float64) float64 {
	return -(2*l.threshold(s.g)*output + (s.h+l2)*output*output)
}
