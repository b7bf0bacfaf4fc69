package gbdt

import (
	"cmp"
	"math"
	"slices"
)

// areaUnder is auc or aucpr: of one prediction a row that of the labels, of one a class the mean over the classes, each against the rest and
// weighted by the rows of the class (XGBoost's MultiClassOVR). It is NaN where a class has no rows, or all.
func areaUnder(name string) func(e *evaluated) float64 {
	curve := rocArea
	if name == "aucpr" {
		curve = prArea
	}
	return func(e *evaluated) float64 {
		if e.k == 1 {
			area, _ := curve(e, func(i int) float32 { return e.preds[i] }, func(i int) float64 { return float64(e.y[i]) })
			return area
		}
		total, weight := 0.0, 0.0
		for c := range e.k {
			area, w := curve(e,
				func(i int) float32 { return e.preds[i*e.k+c] },
				func(i int) float64 { return float64(b2f(int(e.y[i]) == c)) })
			total += area * w
			weight += w
		}
		return total / weight
	}
}

// descend goes through the rows by falling prediction and calls step where it changes, with the weights of the positive and negative rows before
// and up to there.
func descend(e *evaluated, pred func(i int) float32, label func(i int) float64, step func(fp0, fp, tp0, tp float64)) (fp, tp float64) {
	order := make([]int, len(e.y))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(pred(b), pred(a)) })
	var fp0, tp0 float64
	for i, r := range order {
		if i > 0 && pred(r) != pred(order[i-1]) {
			step(fp0, fp, tp0, tp)
			fp0, tp0 = fp, tp
		}
		w := e.weight(r)
		tp += label(r) * w
		fp += (1 - label(r)) * w
	}
	step(fp0, fp, tp0, tp)
	return fp, tp
}

// rocArea is the area under the ROC curve, and what it counts as among classes.
func rocArea(e *evaluated, pred func(i int) float32, label func(i int) float64) (area, weight float64) {
	fp, tp := descend(e, pred, label, func(fp0, fp, tp0, tp float64) { area += math.Abs(fp-fp0) * (tp + tp0) / 2 })
	if fp <= 0 || tp <= 0 {
		return math.NaN(), 0
	}
	return area / (fp * tp), tp
}

// prArea is the area under the curve of precision and recall, interpolated between its points (Davis and Goadrich 2006; Boyd et al. 2013).
func prArea(e *evaluated, pred func(i int) float32, label func(i int) float64) (area, weight float64) {
	all, rest := 0.0, 0.0
	for i := range e.y {
		all += e.weight(i) * label(i)
		rest += e.weight(i) * (1 - label(i))
	}
	if all <= 0 || rest <= 0 {
		return math.NaN(), 0
	}
	descend(e, pred, label, func(fp0, fp, tp0, tp float64) {
		a, b := 0.0, 1.0
		if tp != tp0 {
			h := (fp - fp0) / (tp - tp0)
			a, b = h+1, (fp0-h*tp0)/all
		}
		if tp == tp0 {
			return
		}
		from, to := tp0/all, tp/all
		if b != 0 {
			area += (to - from - b/a*(math.Log(a*to+b)-math.Log(a*from+b))) / a
		} else {
			area += (to - from) / a
		}
	})
	return area, 1
}

// coxLoss is the negative log of Cox's partial likelihood, a mean over the events. Predictions are hazards, exp(margin).
func coxLoss(e *evaluated) float64 {
	order := byTime(e.y, nil)
	ahead := 0.0
	for _, r := range order {
		ahead += float64(e.preds[r])
	}
	var out, passed float64
	events := 0
	for i, r := range order {
		at := math.Abs(float64(e.y[r]))
		if e.y[r] > 0 {
			p := float64(e.preds[r])
			out -= math.Log(p) - math.Log(max(ahead, p))
			events++
		}
		// The risk set shrinks only when time goes on.
		passed += float64(e.preds[r])
		if i == len(order)-1 || at < math.Abs(float64(e.y[order[i+1]])) {
			ahead -= passed
			passed = 0
		}
	}
	return out / float64(events)
}
