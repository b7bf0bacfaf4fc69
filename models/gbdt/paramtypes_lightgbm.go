package gbdt

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// oneSeed takes the seed of one of LightGBM's generators.
func oneSeed(which func(*lightSeeds) *uint32) setter {
	return integer(func(p *params, n int) {
		p.light.given = append(p.light.given, func(s *lightSeeds) { *which(s) = uint32(n) })
	}, math.MinInt64, math.MaxInt64)
}

// seeds are those of all generators: what is given, else what seed says, else LightGBM's own.
func (l *lightParams) seeds(seed uint64) lightSeeds {
	s := defaultSeeds
	if l.seeded {
		s = seedsOf(seed)
	}
	for _, set := range l.given {
		set(&s)
	}
	return s
}

// setLightInteractions is setInteractions, which also takes the text that LightGBM takes: [0,1],[2,3].
func setLightInteractions(p *params, v any) string {
	if s, ok := v.(string); ok && !strings.HasPrefix(strings.ReplaceAll(s, " ", ""), "[[") {
		if strings.TrimSpace(s) == "" {
			return ""
		}
		v = "[" + s + "]"
	}
	return setInteractions(p, v)
}

// only takes the value that changes nothing.
func only(value any) setter {
	return func(_ *params, v any) string {
		if v == nil || v == value {
			return ""
		}
		return "not available yet"
	}
}

// lightObjectives are LightGBM's names of what is here.
var lightObjectives = map[string]string{
	"regression": "regression", "regression_l2": "regression", "l2": "regression", "mean_squared_error": "regression", "mse": "regression",
	"l2_root": "regression", "root_mean_squared_error": "regression", "rmse": "regression",
	"regression_l1": "regression_l1", "l1": "regression_l1", "mean_absolute_error": "regression_l1", "mae": "regression_l1",
	"huber": "huber", "fair": "fair", "poisson": "poisson", "quantile": "quantile", "mape": "mape", "mean_absolute_percentage_error": "mape",
	"gamma": "gamma", "tweedie": "tweedie", "binary": "binary", "multiclass": "multiclass", "softmax": "multiclass",
	"cross_entropy": "cross_entropy", "xentropy": "cross_entropy", "cross_entropy_lambda": "cross_entropy_lambda", "xentlambda": "cross_entropy_lambda",
	"multiclassova": "multiclassova", "multiclass_ova": "multiclassova", "ova": "multiclassova", "ovr": "multiclassova",
}

var laterLightObjectives = []string{"lambdarank", "rank_xendcg", "xendcg", "xe_ndcg", "xe_ndcg_mart", "xendcg_mart", "custom", "none"}

func setLightObjective(p *params, v any) string {
	s, ok := v.(string)
	switch {
	case !ok:
		return "must be a text"
	case lightObjectives[s] != "":
		p.light.objective = lightObjectives[s]
		return ""
	case slices.Contains(laterLightObjectives, s):
		return fmt.Sprintf("%q is not available yet", s)
	}
	return fmt.Sprintf("%q is no objective", s)
}

func setBoosting(p *params, v any) string {
	switch v {
	case "gbdt", "gbrt":
		p.light.boosting = "gbdt"
	case "rf", "random_forest":
		p.light.boosting = "rf"
	case "dart":
		p.light.boosting = "dart"
	case "goss":
		p.light.goss = true
	default:
		return "must be gbdt, rf, dart or goss"
	}
	return ""
}

func setSampleStrategy(p *params, v any) string {
	switch v {
	case "bagging":
	case "goss":
		p.light.goss = true
	default:
		return "must be bagging or goss"
	}
	return ""
}
