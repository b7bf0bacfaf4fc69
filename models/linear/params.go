package linear

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/pgowl/pgowl/models/learn"
	"github.com/pgowl/pgowl/models/param"
)

// squaresParams are the hyperparameters of least squares.
type squaresParams struct {
	intercept bool
	positive  bool
	threads   int
}

// logisticParams are the hyperparameters of logistic regression.
type logisticParams struct {
	intercept  bool
	c          float64 // 1 over the factor of the penalty; 0 for no penalty
	tolerance  float64
	iterations int
	balanced   bool
	given      map[string]any // the class_weight of an object
	multi      string         // multi_class
	threads    int

	penalty string
	l1Ratio float64 // NaN: not given
}

// maxIterations is the largest number of iterations that is taken.
const maxIterations = 1_000_000_000

// squaresSetters are the parameters of scikit-learn's LinearRegression, which include the one of PostgresML's rust runtime.
var squaresSetters = map[string]setter[squaresParams]{
	"fit_intercept": truth(func(p *squaresParams, v bool) { p.intercept = v }),
	"positive":      truth(func(p *squaresParams, v bool) { p.positive = v }),
	"n_jobs":        jobs(func(p *squaresParams, n int) { p.threads = n }),
	"copy_X":        truth[squaresParams](nil),
}

// logisticSetters are the parameters of scikit-learn's LogisticRegression and of PostgresML's rust runtime (alpha, max_iterations, gradient_tolerance).
// What only chooses a way to the optimum, which is the same here, is checked and has no effect: the solver, dual, random_state, warm_start, verbose;
// and intercept_scaling, as the intercept is never penalised.
var logisticSetters = map[string]setter[logisticParams]{
	"fit_intercept": truth(func(p *logisticParams, v bool) { p.intercept = v }),
	"penalty":       setPenalty,
	"C":             number(func(p *logisticParams, x float64) { p.c = x }, param.Above(0)),
	"alpha": number(func(p *logisticParams, x float64) {
		p.c = 0
		if x > 0 {
			p.c = 1 / x
		}
	}, param.AtLeast(0)),
	"tol":               number(func(p *logisticParams, x float64) { p.tolerance = x }, param.Above(0)),
	"max_iter":          integer(func(p *logisticParams, n int) { p.iterations = n }, 0, maxIterations),
	"class_weight":      setClassWeight,
	"multi_class":       choice(func(p *logisticParams, s string) { p.multi = s }, "auto", "multinomial", "ovr"),
	"l1_ratio":          orNull(number(func(p *logisticParams, x float64) { p.l1Ratio = x }, between01)),
	"n_jobs":            jobs(func(p *logisticParams, n int) { p.threads = n }),
	"solver":            choice[logisticParams](nil, "lbfgs", "liblinear", "newton-cg", "newton-cholesky", "sag", "saga"),
	"dual":              truth[logisticParams](nil),
	"warm_start":        truth[logisticParams](nil),
	"intercept_scaling": number[logisticParams](nil, nil),
	"random_state":      orNull(integer[logisticParams](nil, 0, math.MaxUint32)),
	"verbose":           integer[logisticParams](nil, 0, math.MaxInt32),
}

// logisticAliases are other names for the same.
var logisticAliases = map[string]string{"max_iterations": "max_iter", "gradient_tolerance": "tol"}

func parseSquares(in map[string]any) (*squaresParams, error) {
	p := &squaresParams{intercept: true}
	return p, parse(p, in, squaresSetters, nil)
}

func parseLogistic(in map[string]any) (*logisticParams, error) {
	p := &logisticParams{intercept: true, c: 1, tolerance: 1e-4, iterations: 100, penalty: "l2", l1Ratio: math.NaN()}
	if err := parse(p, in, logisticSetters, logisticAliases); err != nil {
		return nil, err
	}
	_, c := in["C"]
	_, alpha := in["alpha"]
	if c && alpha {
		return nil, &learn.ParamError{Name: "alpha", Value: in["alpha"], Reason: "is 1/C, and C is given, too"}
	}
	given := in["penalty"] != nil
	switch {
	case p.penalty == "none":
		p.c = 0
	case p.penalty == "elasticnet" && math.IsNaN(p.l1Ratio):
		return nil, &learn.ParamError{Name: "l1_ratio", Reason: "must be given for elasticnet, from 0 to 1"}
	case !given && p.l1Ratio > 0: // scikit-learn from 1.8 on chooses the penalty by it
		p.penalty = "elasticnet"
	}
	return p, nil
}

// parse reads the hyperparameters of a client. Errors are *learn.ParamError, the one for the name that sorts first.
func parse[P any](p *P, in map[string]any, setters map[string]setter[P], aliases map[string]string) error {
	given := map[string]string{} // name in setters -> name as it was written
	for _, name := range slices.Sorted(maps.Keys(in)) {
		v, canon := in[name], name
		if a, ok := aliases[name]; ok {
			canon = a
		}
		set, ok := setters[canon]
		if !ok {
			known := slices.AppendSeq(slices.Collect(maps.Keys(setters)), maps.Keys(aliases))
			return &learn.ParamError{Name: name, Value: v, Nearest: param.Nearest(name, known)}
		}
		if other, twice := given[canon]; twice {
			return &learn.ParamError{Name: name, Value: v, Reason: "is the same as " + other + ", which is given, too"}
		}
		given[canon] = name
		if reason := set(p, v); reason != "" {
			return &learn.ParamError{Name: name, Value: v, Reason: reason}
		}
	}
	return nil
}

// lasso is the part of the penalty that goes by the coefficients' sizes; the rest goes by their squares.
func (p *logisticParams) lasso() float64 {
	switch p.penalty {
	case "l1":
		return 1
	case "elasticnet":
		return p.l1Ratio
	}
	return 0
}

// setPenalty takes null and "none" alike.
func setPenalty(p *logisticParams, v any) string {
	switch v {
	case nil, "none":
		p.penalty = "none"
	case "l1", "l2", "elasticnet":
		p.penalty = v.(string)
	default:
		return `must be "l2", "l1", "elasticnet" or "none"`
	}
	return ""
}

// setClassWeight takes null, "balanced", or an object with a weight for each class.
func setClassWeight(p *logisticParams, v any) string {
	switch v := v.(type) {
	case nil:
	case string:
		if v != "balanced" {
			return `must be "balanced", or an object with a weight for each class`
		}
		p.balanced = true
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if x, ok := param.Number(v[name]); !ok || !(x >= 0) || x > 1e30 {
				return fmt.Sprintf("the weight of class %q must be a number that is not negative", name)
			}
		}
		p.given = v
	default:
		return `must be "balanced", or an object with a weight for each class`
	}
	return ""
}

// kind is what is fitted for so many classes.
func (p *logisticParams) kind(classes int) kind {
	switch {
	case p.multi == "multinomial":
		return multinomial
	case classes == 2:
		return binary
	case p.multi == "ovr":
		return oneVsRest
	}
	return multinomial
}

// classWeights is the weight of the rows of each class.
func (p *logisticParams) classWeights(d *learn.Dataset) ([]float64, error) {
	weights := make([]float64, d.Classes)
	counts, all := make([]float64, d.Classes), 0.0
	for r, y := range d.Y {
		w := d.Weight(r)
		counts[int(y)] += w
		all += w
	}
	named := map[string]int{}
	for k := range weights { // false and true are 0 and 1, too, as everywhere
		switch d.ClassName(k) {
		case "false":
			named["0"] = k
		case "true":
			named["1"] = k
		}
	}
	for k := range weights {
		weights[k] = 1
		if p.balanced && counts[k] > 0 {
			weights[k] = all / (float64(d.Classes) * counts[k])
		}
		named[d.ClassName(k)] = k
	}
	for _, name := range slices.Sorted(maps.Keys(p.given)) {
		k, ok := named[name]
		if !ok {
			return nil, &learn.ParamError{Name: "class_weight", Value: p.given, Reason: fmt.Sprintf("there is no class %q", name)}
		}
		weights[k], _ = param.Number(p.given[name])
	}
	left := 0
	for k, n := range counts {
		if n > 0 && weights[k] > 0 {
			left++
		}
	}
	if left < 2 {
		return nil, &learn.ParamError{Name: "class_weight", Value: p.given, Reason: "leaves fewer than two classes"}
	}
	return weights, nil
}
