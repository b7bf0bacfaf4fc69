package gbdt

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/pgowl/pgowl/models/learn"
	"github.com/pgowl/pgowl/models/param"
)

// share is a part that is neither nothing nor all.
func share(x float64) string {
	if x <= 0 || x >= 1 {
		return fmt.Sprintf("must be more than 0 and less than 1, not %v", x)
	}
	return ""
}

func share01(x float64) string {
	if x < 0 || x > 1 {
		return fmt.Sprintf("must be between 0 and 1, not %v", x)
	}
	return ""
}

// choice takes one of some texts.
func choice(set func(*params, string), known ...string) setter {
	check := texts(known, nil)
	return func(p *params, v any) string {
		s, ok := v.(string)
		if !ok {
			return "must be a text"
		}
		if reason := check(p, v); reason != "" {
			return reason
		}
		set(p, s)
		return ""
	}
}

// truth takes what boolean takes.
func truth(set func(*params, bool)) setter {
	return func(p *params, v any) string {
		if reason := boolean(p, v); reason != "" {
			return reason
		}
		x, isNumber := param.Number(v)
		set(p, v == true || isNumber && x == 1)
		return ""
	}
}

// textList splits what XGBoost takes as "a,b" and PostgresML as an array.
func textList(v any) ([]string, string) {
	values, ok := v.([]any)
	if !ok {
		values = []any{v}
	}
	var out []string
	for _, v := range values {
		s, ok := v.(string)
		if !ok {
			return nil, "must be a text or an array of texts"
		}
		for part := range strings.SplitSeq(s, ",") {
			out = append(out, strings.TrimSpace(part))
		}
	}
	return out, ""
}

// noModelYet is why a parameter that changes trees of an earlier model is refused.
const noModelYet = "changes the trees of an earlier model, and pgml.train starts without one"

func setProcessType(_ *params, v any) string {
	switch v {
	case "default":
		return ""
	case "update":
		return fmt.Sprintf("%q %s", v, noModelYet)
	}
	return "must be default or update"
}

// growers are the updaters of XGBoost's versions that make new trees; the trees here are always those of grow_quantile_histmaker.
var growers = []string{
	"grow_colmaker", "distcol", "grow_histmaker", "grow_local_histmaker", "grow_skmaker", "grow_quantile_histmaker", "grow_fast_histmaker",
	"grow_gpu", "grow_gpu_hist", "grow_gpu_approx",
}

var linearUpdaters = []string{"shotgun", "coord_descent", "gpu_coord_descent"}

func setUpdater(p *params, v any) string {
	names, reason := textList(v)
	if reason != "" {
		return reason
	}
	for _, s := range names {
		if !slices.Contains(growers, s) && !slices.Contains(linearUpdaters, s) && !slices.Contains([]string{"refresh", "prune", "sync"}, s) {
			return fmt.Sprintf("%q is no updater", s)
		}
	}
	p.updaters = names
	return ""
}

func setQuantileAlpha(p *params, v any) string {
	if list, ok := v.([]any); ok {
		if len(list) != 1 {
			return "must be one quantile, as a model predicts one value for a row"
		}
		v = list[0]
	}
	return number(func(p *params, x float64) { p.quantileAlpha = x }, share)(p, v)
}

// refreshes says whether the leaves are set anew from all rows after a tree has been grown from a sample of them. After
// grow_quantile_histmaker XGBoost's refresh sees the sample only, and so changes nothing.
func (p *params) refreshes() bool {
	sampled := func(s string) bool {
		return slices.Contains([]string{"grow_quantile_histmaker", "grow_fast_histmaker", "grow_gpu_hist"}, s)
	}
	return p.refreshLeaf && p.subsample < 1 && slices.Contains(p.updaters, "refresh") && !slices.ContainsFunc(p.updaters, sampled)
}

// agree fills in what depends on other parameters, and checks them against each other. given maps names in setters to names as written.
func (p *params) agree(given map[string]string) error {
	bad := func(name string, value any, reason string) error {
		if written, ok := given[name]; ok {
			name = written
		}
		return &learn.ParamError{Name: name, Value: value, Reason: reason}
	}
	grows := len(p.updaters) == 0
	for _, u := range p.updaters {
		grows = grows || slices.Contains(growers, u)
		if slices.Contains(linearUpdaters, u) != p.isLinear() {
			return bad("updater", u, fmt.Sprintf("%q is not for booster %s", u, p.booster))
		}
	}
	if p.isLinear() {
		// XGBoost's linear booster has defaults of its own.
		if given["eta"] == "" {
			p.eta = 0.5
		}
		if given["lambda"] == "" {
			p.lambda = 0
		}
		return p.linear.agree(p.updaters, bad)
	}
	if !grows {
		return bad("updater", strings.Join(p.updaters, ","), noModelYet)
	}
	return nil
}

func (p *params) isLinear() bool { return p.booster == "gblinear" || p.booster == "linear" }

// needsAlpha is asked by the objectives and metrics of a quantile.
func (p *params) needsAlpha() error {
	if math.IsNaN(p.quantileAlpha) {
		return &learn.ParamError{Name: "quantile_alpha", Reason: "is needed for a quantile: a number between 0 and 1"}
	}
	return nil
}

// notYet refuses a parameter of XGBoost's whatever its value is.
func notYet(_ *params, _ any) string { return "is not available yet" }

// setCategorical refuses splits by sets of categories: columns of texts are numbers or one column a category for XGBoost's rules here, as preprocess says.
func setCategorical(p *params, v any) string {
	if reason := boolean(p, v); reason != "" {
		return reason
	}
	if x, isNumber := param.Number(v); v == true || isNumber && x == 1 {
		return "makes splits by sets of categories, which lightgbm and catboost have; of xgboost that is not available yet"
	}
	return ""
}

// setMissing takes what XGBoost takes for missing anyway: NULL, which is NaN in a row.
func setMissing(_ *params, v any) string {
	switch v {
	case nil, "nan", "NaN", "NULL":
		return ""
	}
	return "is always NULL; another value may be made so in a view, by nullif, and is not available yet"
}
