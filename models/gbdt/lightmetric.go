package gbdt

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/pgowl/pgowl/models/learn"
)

// scored is rows with their labels, margins and what the objective makes of these: by group, then by row.
type scored struct {
	y                []float32
	margins, outputs [][]float64
}

// lightMetric is a metric of LightGBM's.
type lightMetric struct {
	name   string
	higher bool // is better
	of     func(s *scored) float64
}

// perRow is a metric that is the mean of a loss of the label and the output.
func perRow(loss func(y, p float64) float64) func(s *scored) float64 {
	return func(s *scored) float64 {
		total := 0.0
		for r, y := range s.y {
			total += loss(float64(y), s.outputs[0][r])
		}
		return total / float64(len(s.y))
	}
}

// lightMetrics are LightGBM's metrics of one margin, by their names there (regression_metric.hpp, binary_metric.hpp, xentropy_metric.hpp).
func (p *params) lightMetrics() map[string]lightMetric {
	alpha, c, rho := p.light.alpha, p.light.fairC, p.tweediePower
	square := func(y, p float64) float64 { return (p - y) * (p - y) }
	const tiny = float64(float32(1e-10))
	of := map[string]func(s *scored) float64{
		"l2":   perRow(square),
		"rmse": func(s *scored) float64 { return math.Sqrt(perRow(square)(s)) },
		"l1":   perRow(func(y, p float64) float64 { return math.Abs(p - y) }),
		"quantile": perRow(func(y, p float64) float64 {
			return max(alpha*(y-p), (alpha-1)*(y-p))
		}),
		"huber":   perRow(huberLoss(alpha).flip()),
		"fair":    perRow(fairLoss(c).flip()),
		"poisson": perRow(func(y, p float64) float64 { p = max(p, tiny); return p - y*math.Log(p) }),
		"mape":    perRow(func(y, p float64) float64 { return math.Abs(y-p) / max(1, math.Abs(y)) }),
		"gamma":   perRow(func(y, p float64) float64 { return y/p + math.Log(p) }),
		"gamma_deviance": func(s *scored) float64 {
			return 2 * float64(len(s.y)) * perRow(func(y, p float64) float64 { q := y / (p + 1e-9); return q - math.Log(q) - 1 })(s)
		},
		"tweedie": perRow(func(y, p float64) float64 {
			l := math.Log(max(p, tiny))
			return -y*math.Exp((1-rho)*l)/(1-rho) + math.Exp((2-rho)*l)/(2-rho)
		}),
		"binary_logloss": perRow(func(y, p float64) float64 {
			if y <= 0 {
				p = 1 - p
			}
			return -math.Log(max(p, epsilon))
		}),
		"binary_error":         perRow(func(y, p float64) float64 { return float64(b2f((p > .5) != (y > 0))) }),
		"cross_entropy":        perRow(crossEntropy),
		"cross_entropy_lambda": perRow(func(y, p float64) float64 { return crossEntropy(y, 1-math.Exp(-p)) }),
		"kullback_leibler":     perRow(func(y, p float64) float64 { return crossEntropy(y, p) - crossEntropy(y, y) }),
	}
	out := map[string]lightMetric{
		"auc": {"auc", true, byCurve("auc")}, "average_precision": {"average_precision", true, byCurve("aucpr")}, "r2": {"r2", true, determination},
	}
	for name, f := range of {
		out[name] = lightMetric{name, false, f}
	}
	return out
}

// flip is the loss of a label and an output, for losses whose margin is the output.
func (l *pointLoss) flip() func(y, p float64) float64 {
	return func(y, p float64) float64 { return l.value(p, y) }
}

func crossEntropy(y, p float64) float64 {
	const least = 1e-12
	return -y*math.Log(max(p, least)) - (1-y)*math.Log(max(1-p, least))
}

// byCurve is an area under a curve, 1 where it means nothing as all rows are of one class.
func byCurve(name string) func(s *scored) float64 {
	curve := areaUnder(name)
	if name == "aucpr" {
		curve = averagePrecision
	}
	return func(s *scored) float64 {
		e := &evaluated{k: 1}
		positive := 0
		for r, y := range s.y {
			e.y = append(e.y, b2f(y > 0))
			e.preds = append(e.preds, float32(s.margins[0][r]))
			positive += int(b2f(y > 0))
		}
		if positive == 0 || positive == len(s.y) {
			return 1
		}
		return curve(e)
	}
}

// averagePrecision is the mean of the precisions at the positive rows.
func averagePrecision(e *evaluated) float64 {
	total := 0.0
	_, positive := descend(e, func(i int) float32 { return e.preds[i] }, func(i int) float64 { return float64(e.y[i]) }, func(_, fp, tp0, tp float64) {
		total += (tp - tp0) * tp / (tp + fp)
	})
	return total / positive
}

// determination is the coefficient of determination.
func determination(s *scored) float64 {
	middle, rest, all := mean(s.y), 0.0, 0.0
	for r, y := range s.y {
		d, e := float64(y)-s.outputs[0][r], float64(y)-middle
		rest, all = rest+d*d, all+e*e
	}
	if all < zeroWithin {
		return float64(b2f(rest < zeroWithin))
	}
	return 1 - rest/all
}

// lightClassMetrics are those of a margin a class (multiclass_metric.hpp).
var lightClassMetrics = map[string]lightMetric{
	"multi_logloss": {"multi_logloss", false, func(s *scored) float64 {
		total := 0.0
		for r, y := range s.y {
			total -= math.Log(max(s.outputs[int(y)][r], epsilon))
		}
		return total / float64(len(s.y))
	}},
	"multi_error": {"multi_error", false, func(s *scored) float64 {
		wrong := 0
		for r, y := range s.y {
			for k := range s.outputs {
				if k != int(y) && s.outputs[k][r] >= s.outputs[int(y)][r] {
					wrong++
					break
				}
			}
		}
		return float64(wrong) / float64(len(s.y))
	}},
}

// lightMetricNames are LightGBM's other names of metrics.
var lightMetricNames = map[string]string{
	"regression": "l2", "regression_l2": "l2", "mean_squared_error": "l2", "mse": "l2", "l2_root": "rmse", "root_mean_squared_error": "rmse",
	"regression_l1": "l1", "mean_absolute_error": "l1", "mae": "l1", "binary": "binary_logloss", "multiclass": "multi_logloss", "softmax": "multi_logloss",
	"multiclassova": "multi_logloss", "multiclass_ova": "multi_logloss", "ova": "multi_logloss", "ovr": "multi_logloss", "xentropy": "cross_entropy",
	"xentlambda": "cross_entropy_lambda", "kldiv": "kullback_leibler", "mean_absolute_percentage_error": "mape",
}

var laterLightMetrics = []string{"auc_mu", "ndcg", "map", "mean_average_precision", "lambdarank", "rank_xendcg", "xendcg", "xe_ndcg", "xe_ndcg_mart", "xendcg_mart"}

// setLightMetric takes names, in a list or in a text with commas.
func setLightMetric(p *params, v any) string {
	var names []any
	switch x := v.(type) {
	case []any:
		names = x
	case string:
		for part := range strings.SplitSeq(x, ",") {
			names = append(names, part)
		}
	default:
		return "must be a text"
	}
	none := lightDefaults()
	known := none.lightMetrics()
	p.light.metrics, p.light.unmeasured = nil, false
	for _, name := range names {
		s, ok := name.(string)
		if !ok {
			return "must be a text"
		}
		s = strings.ToLower(strings.TrimSpace(s))
		if other, ok := lightMetricNames[s]; ok {
			s = other
		}
		switch {
		case s == "":
		case s == "none" || s == "null" || s == "na" || s == "custom":
			p.light.unmeasured = true
		case slices.Contains(laterLightMetrics, s):
			return fmt.Sprintf("%q is not available yet", s)
		case known[s].of == nil && lightClassMetrics[s].of == nil:
			return fmt.Sprintf("%q is no metric", s)
		case !slices.Contains(p.light.metrics, s):
			p.light.metrics = append(p.light.metrics, s)
		}
	}
	return ""
}

// lightMeasures are the metrics that a client asks for, or that of the objective.
func (p *params) lightMeasures(objective string) ([]lightMetric, error) {
	names := p.light.metrics
	if len(names) == 0 && !p.light.unmeasured {
		name := objective
		if other, ok := lightMetricNames[name]; ok {
			name = other
		}
		names = []string{name}
	}
	single := p.lightMetrics()
	var out []lightMetric
	for _, name := range names {
		m, several := lightClassMetrics[name]
		if !several {
			m = single[name]
		}
		if several != (objective == "multiclass" || objective == "multiclassova") {
			return nil, &learn.ParamError{Name: "metric", Value: name, Reason: fmt.Sprintf("does not fit objective %s", objective)}
		}
		out = append(out, m)
	}
	return out, nil
}
