package gbdt

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/pgowl/pgowl/models/learn"
)

// metricName is an entry of eval_metric: XGBoost's name, and the number after its @, if there is one.
type metricName struct {
	full  string
	base  string
	at    float64
	hasAt bool
	minus bool // written behind it: a query without relevant rows counts 0, not 1
}

// evaluated is what a metric looks at: rows with their labels, weights (nil: one each) and predictions, k a row.
type evaluated struct {
	y, w  []float32
	preds []float32
	k     int
	upper []float32 // bounds of the labels; nil: they are known
	lists *lists    // nil: no metric looks at queries
}

func (e *evaluated) weight(i int) float64 { return weightOf(e.w, i) }

// measure is a metric of rows, and whether more is better.
type measure struct {
	name   string
	higher bool
	of     func(e *evaluated) float64
}

// rowMetric is a metric that is a mean over the rows. last turns the mean into the metric; nil leaves it.
type rowMetric struct {
	loss func(y, p, at float64) float64
	last func(mean float64) float64
}

// rowMetrics are those of one prediction a row (XGBoost's elementwise_metric.cu), whose eps there is 1e-16 unless it is written here.
var rowMetrics = map[string]rowMetric{
	"rmse":  {func(y, p, _ float64) float64 { return (y - p) * (y - p) }, math.Sqrt},
	"rmsle": {func(y, p, _ float64) float64 { d := math.Log1p(y) - math.Log1p(p); return d * d }, math.Sqrt},
	"mae":   {func(y, p, _ float64) float64 { return math.Abs(y - p) }, nil},
	"mape":  {func(y, p, _ float64) float64 { return math.Abs((y - p) / y) }, nil},
	"mphe": {func(y, p, slope float64) float64 {
		z := (y - p) / slope
		return slope * slope * (math.Sqrt(1+z*z) - 1)
	}, nil},
	"logloss": {func(y, p, _ float64) float64 { return -xlogy(y, p) - xlogy(1-y, 1-p) }, nil},
	"error": {func(y, p, at float64) float64 {
		if p > at {
			return 1 - y
		}
		return y
	}, nil},
	"poisson-nloglik": {func(y, p, _ float64) float64 {
		p = max(p, 1e-16)
		factorial, _ := math.Lgamma(y + 1)
		return factorial + p - math.Log(p)*y
	}, nil},
	"gamma-nloglik": {func(y, p, _ float64) float64 { p = max(p, 1e-6); return y/p + math.Log(p) }, nil},
	"gamma-deviance": {func(y, p, _ float64) float64 {
		p, y = p+1e-6, y+1e-6
		return math.Log(p/y) + y/p - 1
	}, func(mean float64) float64 { return 2 * mean }},
	"tweedie-nloglik": {func(y, p, rho float64) float64 {
		l := math.Log(p)
		return -y*math.Exp((1-rho)*l)/(1-rho) + math.Exp((2-rho)*l)/(2-rho)
	}, nil},
	"quantile": {func(y, p, alpha float64) float64 {
		if y >= p {
			return alpha * (y - p)
		}
		return (1 - alpha) * (p - y)
	}, nil},
}

func xlogy(x, p float64) float64 {
	if x == 0 {
		return 0
	}
	return x * math.Log(max(p, 1e-16))
}

// classMetrics are those of one probability a class.
var classMetrics = map[string]func(e *evaluated) float64{
	"merror": func(e *evaluated) float64 {
		return e.mean(func(i int) float64 {
			row, best := e.preds[i*e.k:][:e.k], 0
			for c, p := range row {
				if p > row[best] {
					best = c
				}
			}
			return float64(b2f(best != int(e.y[i])))
		})
	},
	"mlogloss": func(e *evaluated) float64 {
		return e.mean(func(i int) float64 { return -math.Log(max(float64(e.preds[i*e.k+int(e.y[i])]), 1e-16)) })
	},
}

func b2f(b bool) float32 {
	if b {
		return 1
	}
	return 0
}

// mean is the weighted mean of something over the rows.
func (e *evaluated) mean(of func(i int) float64) float64 {
	total, weight := 0.0, 0.0
	for i := range e.y {
		w := e.weight(i)
		total += of(i) * w
		weight += w
	}
	if weight == 0 {
		return total
	}
	return total / weight
}

// refusedMetrics are XGBoost's others, with the reason why they can't be had.
var refusedMetrics = map[string]string{
	"ams": "is not available yet", "expectile": "came after XGBoost 3.2, and is not available yet",
}

// boundMetrics are those of labels that are known to lie between bounds, by margins.
var boundMetrics = map[string]func(p *params) func(margin, low, high float64) float64{
	"aft-nloglik": func(p *params) func(margin, low, high float64) float64 { return p.failureTime().loss },
	"interval-regression-accuracy": func(*params) func(margin, low, high float64) float64 {
		return func(margin, low, high float64) float64 {
			v := math.Exp(margin)
			return float64(b2f(low <= v && v <= high))
		}
	},
}

func setEvalMetric(p *params, v any) string {
	names, reason := textList(v)
	if reason != "" {
		return reason
	}
	p.metrics = p.metrics[:0]
	for _, s := range names {
		m, reason := parseMetric(s)
		if reason != "" {
			return reason
		}
		p.metrics = append(p.metrics, m)
	}
	return ""
}

func parseMetric(s string) (metricName, string) {
	m := metricName{full: s, base: s}
	_, list := listMetrics[strings.TrimRight(strings.SplitN(s, "@", 2)[0], "-")]
	if list {
		s, m.minus = strings.CutSuffix(s, "-")
		m.base = s
	}
	if base, at, ok := strings.Cut(s, "@"); ok {
		x, err := strconv.ParseFloat(at, 64)
		if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
			return m, fmt.Sprintf("%q has no number after @", s)
		}
		m.base, m.at, m.hasAt = base, x, true
	}
	_, row := rowMetrics[m.base]
	_, class := classMetrics[m.base]
	_, bound := boundMetrics[m.base]
	switch why, refused := refusedMetrics[m.base]; {
	case refused:
		return m, fmt.Sprintf("%q %s", s, why)
	case !row && !class && !bound && !list && m.base != "auc" && m.base != "aucpr" && m.base != "cox-nloglik":
		return m, fmt.Sprintf("%q is no metric", s)
	case m.base == "tweedie-nloglik" && (!m.hasAt || m.at < 1 || m.at >= 2):
		return m, "tweedie-nloglik is written with its variance power, 1 or more and less than 2, like tweedie-nloglik@1.5"
	case list && m.hasAt && (m.at < 1 || m.at != math.Trunc(m.at) || m.at > math.MaxInt32):
		return m, fmt.Sprintf("%s looks at a number of rows, a whole number of 1 or more", m.full)
	case m.hasAt && !list && m.base != "tweedie-nloglik" && m.base != "error":
		return m, fmt.Sprintf("%s takes no number after @", m.base)
	}
	return m, ""
}

// defaultMetric is XGBoost's for an objective.
func (p *params) defaultMetric(id objectiveID) metricName {
	name := map[objectiveID]string{
		squaredError: "rmse", logistic: "logloss", softmax: "mlogloss", poisson: "poisson-nloglik", gammaDeviance: "gamma-deviance",
		pseudoHuber: "mphe", squaredLogError: "rmsle", absoluteError: "mae", quantileError: "quantile", logitRaw: "logloss", hinge: "error",
		cox: "cox-nloglik", aft: "aft-nloglik",
	}[id]
	switch {
	case p.objective == "reg:logistic":
		name = "rmse"
	case id == tweedie:
		return metricName{full: fmt.Sprintf("tweedie-nloglik@%v", p.tweediePower), base: "tweedie-nloglik", at: p.tweediePower, hasAt: true}
	case id.ranks():
		name = "ndcg"
		if id == rankMAP {
			name = "map"
		}
		switch {
		case !p.rank.sampled:
			return metricName{full: fmt.Sprintf("%s@%d", name, p.rank.perRow()), base: name, at: float64(p.rank.perRow()), hasAt: true}
		case name == "ndcg": // by this name, but of all rows
			return metricName{full: name, base: name, at: math.MaxInt32, hasAt: true}
		}
	}
	return metricName{full: name, base: name}
}

// looksAtLists says whether a metric of the fit is one of queries.
func (p *params) looksAtLists(pl plan) bool {
	of := func(n metricName) bool { return listMetrics[n.base] != nil }
	return slices.ContainsFunc(p.metrics, of) || len(p.metrics) == 0 && of(p.defaultMetric(pl.id))
}

// measures are the metrics of a fit to data: those of eval_metric, else the objective's own. The last one decides on early stopping. Errors are
// *learn.ParamError.
func (p *params) measures(pl plan, d *learn.Dataset) ([]measure, error) {
	names := p.metrics
	if len(names) == 0 {
		names = []metricName{p.defaultMetric(pl.id)}
	}
	var out []measure
	for _, n := range names {
		m, err := p.measure(n, pl, d)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

func (p *params) measure(n metricName, pl plan, d *learn.Dataset) (measure, error) {
	bad := func(reason string) (measure, error) {
		return measure{}, &learn.ParamError{Name: "eval_metric", Value: n.full, Reason: fmt.Sprintf("%q %s", n.full, reason)}
	}
	if of, ok := classMetrics[n.base]; ok {
		if pl.id != softmax {
			return bad("needs an objective with a probability for each class, multi:softprob or multi:softmax")
		}
		return measure{n.full, false, of}, nil
	}
	bound := boundMetrics[n.base]
	switch {
	case bound != nil && pl.id != aft:
		return bad("is for the objective survival:aft")
	case bound == nil && pl.id == aft:
		return bad("is not for the objective survival:aft, which has aft-nloglik and interval-regression-accuracy")
	case bound != nil:
		loss := bound(p)
		// XGBoost stops early on the least accuracy, too, as it does not know it for one.
		return measure{n.full, n.base == "interval-regression-accuracy", func(e *evaluated) float64 {
			return e.mean(func(i int) float64 {
				high := e.y[i]
				if e.upper != nil {
					high = e.upper[i]
				}
				return loss(float64(e.preds[i]), float64(e.y[i]), float64(high))
			})
		}}, nil
	case listMetrics[n.base] != nil:
		switch reason := unfitList(n.base, d.Y, p.rank.linear); {
		case d.Queries == nil:
			return bad(errNoQueries)
		case pl.groups > 1:
			return bad("is for one prediction a row")
		case reason != "":
			return bad(reason)
		}
		return measure{n.full, true, byList(n, p.rank.linear)}, nil
	}
	switch n.base {
	case "auc", "aucpr":
		if pl.id.ranks() {
			return bad("of a ranking is not available yet")
		}
		if pl.classes == 0 && slices.ContainsFunc(d.Y, func(v float32) bool { return v < 0 || v > 1 }) {
			return bad("needs classes, or labels between 0 and 1")
		}
		return measure{n.full, true, areaUnder(n.base)}, nil
	case "cox-nloglik":
		if pl.groups != 1 {
			return bad("is for regression")
		}
		return measure{n.full, false, coxLoss}, nil
	}
	if pl.groups > 2 {
		return bad("is for one prediction a row; with several classes there are merror, mlogloss, auc and aucpr")
	}
	m := rowMetrics[n.base]
	at := n.at
	switch {
	case n.base == "error" && !n.hasAt:
		at = 0.5
	case n.base == "mphe":
		at = p.huberSlope
	case n.base == "quantile":
		if err := p.needsAlpha(); err != nil {
			return measure{}, err
		}
		at = p.quantileAlpha
	}
	return measure{n.full, false, func(e *evaluated) float64 {
		// Of two classes under softmax the second one's probability is the prediction.
		v := e.mean(func(i int) float64 { return m.loss(float64(e.y[i]), float64(e.preds[i*e.k+e.k-1]), at) })
		if m.last != nil {
			v = m.last(v)
		}
		return v
	}}, nil
}
