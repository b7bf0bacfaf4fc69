package gbdt

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/models/learn"
)

// surveyed is a fit of a golden file: what another library made of the same data with the same parameters is compared by another test.
type surveyed struct {
	name   string
	params map[string]any
	data   func() *learn.Dataset
	train  learn.Trainer
	ahead  int // test rows at the end of the data
}

// surveys are the tables of parameters with what shows that each of them changes what it should. Parameters that change nothing are excused, with the reason.
var surveys = map[string]struct {
	table   *table
	cases   func(t *testing.T) []surveyed
	excused map[string]string
}{
	"xgboost": {&xgboostTable, xgboostSurvey, map[string]string{
		"nthread":                     "models are the same for any number: TestThreadsChangeNothingEither",
		"tree_method":                 "all trees are grown from histograms",
		"predictor":                   "there is one",
		"device":                      "there is one",
		"gpu_id":                      "there is none",
		"sketch_eps":                  "of an approximation that XGBoost no longer has",
		"silent":                      "nothing is written",
		"verbosity":                   "nothing is written",
		"validate_parameters":         "unknown parameters are always errors",
		"use_label_encoder":           "labels are codes of classes already",
		"importance_type":             "pgml.importance tells all types",
		"process_type":                "default is the only one that has no model to begin with",
		"disable_default_eval_metric": "metrics are told as they are asked for",
		"max_cached_hist_node":        "of memory alone, which has a limit of its own",
		"enable_categorical":          alwaysRefused,
		"max_cat_to_onehot":           alwaysRefused,
		"max_cat_threshold":           alwaysRefused,
		"feature_types":               alwaysRefused,
		"num_target":                  alwaysRefused,
		"expectile_alpha":             alwaysRefused,
		"seed_per_iteration":          alwaysRefused,
		"missing":                     alwaysRefused,
		"num_class":                   "the labels tell it, and it must agree: TestWhatOnlyAgrees",
		"multi_strategy":              "a model with one output has one way, and with several multi_output_tree is refused: TestWhatOnlyAgrees",
	}},
	"hist_gradient_boosting": {&histTable, boostSurvey("hist_gradient_boosting"), map[string]string{
		"random_state":    "what is drawn is compared over seeds, and the draws are others",
		"class_weight":    refusedElse,
		"interaction_cst": refusedElse,
		"monotonic_cst":   refusedElse,
		"scoring":         "the loss is the only one",
		"verbose":         "nothing is written",
		"warm_start":      refusedElse,
	}},
	"gradient_boosting_trees": {&gradientTable, boostSurvey("gradient_boosting_trees"), map[string]string{
		"random_state":             "what is drawn is compared over seeds, and the draws are others",
		"criterion":                "both lead to the same splits",
		"init":                     refusedElse,
		"ccp_alpha":                refusedElse,
		"min_weight_fraction_leaf": refusedElse,
		"verbose":                  "nothing is written",
		"warm_start":               refusedElse,
	}},
}

const (
	alwaysRefused = "is refused, but for what is so anyway: TestParamErrors"
	refusedElse   = "the default alone is taken, and others are refused: TestBoostParamErrors"
)

// TestWhatOnlyAgrees gives parameters that may only say what is so anyway.
func TestWhatOnlyAgrees(t *testing.T) {
	for _, c := range []struct {
		classes int
		param   string
		value   any
		ok      bool
	}{
		{3, "num_class", 3.0, true},
		{3, "num_class", 4.0, false},
		{3, "multi_strategy", "multi_output_tree", false},
		{3, "multi_strategy", "one_output_per_tree", true},
		{0, "multi_strategy", "multi_output_tree", true},
	} {
		if _, err := Train(t.Context(), noisy(60, 4, c.classes, 0), taskOf(c.classes), map[string]any{c.param: c.value, "n_estimators": 1.0}, nil); (err == nil) != c.ok {
			t.Errorf("%d classes, %s %v: %v", c.classes, c.param, c.value, err)
		}
	}
}

func boostSurvey(algorithm string) func(t *testing.T) []surveyed {
	return func(t *testing.T) (all []surveyed) {
		for _, c := range boostCases(t) {
			if c.Algorithm == algorithm {
				c.Rows = min(c.Rows, 1500)
				all = append(all, surveyed{fmt.Sprint(c.Kind, c.Params), c.Params, c.data, trainers[algorithm], boostTest})
			}
		}
		for _, c := range scikitCases(t) {
			if c.Algorithm == algorithm {
				all = append(all, surveyed{fmt.Sprint(c.Kind, c.Params), c.Params, c.weighedData, trainers[algorithm], boostTest})
			}
		}
		return all
	}
}

func xgboostSurvey(t *testing.T) (all []surveyed) {
	for _, c := range goldenCases(t) {
		all = append(all, surveyed{c.Name, c.Params, c.data, Train, goldenTest})
	}
	text, err := os.ReadFile("testdata/noise.json")
	if err != nil {
		t.Fatal(err)
	}
	var noisy []struct {
		Name   string
		Params map[string]any
	}
	if err := json.Unmarshal(text, &noisy); err != nil {
		t.Fatal(err)
	}
	for _, c := range noisy {
		c.Params["n_estimators"], c.Params["seed"] = 30.0, 1.0
		all = append(all, surveyed{c.Name, c.Params, (&goldenCase{}).data, Train, goldenTest})
	}
	return all
}

// fitted is what a fit predicts for the test rows and the metrics that it tells at the end; an error as its text.
func (s *surveyed) fitted(t *testing.T, params map[string]any) string {
	train, x, _ := holdOut(s.data(), s.ahead)
	var last []learn.Score
	m, err := s.train(t.Context(), train, taskOf(train.Classes), params, func(_, _ int, scores ...learn.Score) { last = scores })
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(outputs(m, x), last)
}

// TestEveryParameterIsCompared fails for a parameter that no golden case names, or that changes nothing in all those that do.
func TestEveryParameterIsCompared(t *testing.T) {
	for name, s := range surveys {
		t.Run(name, func(t *testing.T) {
			matters := map[string]bool{}
			for _, c := range s.cases(t) {
				with := ""
				for _, param := range slices.Sorted(maps.Keys(c.params)) {
					main := param
					if a, ok := s.table.aliases[param]; ok {
						main = a
					}
					if matters[main] && matters[param] {
						continue
					}
					if with == "" {
						with = c.fitted(t, c.params)
					}
					without := maps.Clone(c.params)
					delete(without, param)
					if c.fitted(t, without) != with {
						matters[main], matters[param] = true, true
					}
				}
			}
			for _, param := range slices.Sorted(maps.Keys(s.table.setters)) {
				why, excused := s.excused[param]
				switch {
				case excused && why == "":
					t.Errorf("%s is excused without a reason", param)
				case excused && matters[param]:
					t.Errorf("%s matters, and is excused: %s", param, why)
				case !excused && !matters[param]:
					t.Errorf("no golden case shows that %s matters", param)
				}
			}
		})
	}
}

// TestEveryObjectiveAndMetricIsCompared fails for an objective or a metric of XGBoost's that no golden case names.
func TestEveryObjectiveAndMetricIsCompared(t *testing.T) {
	objectivesSeen, metricsSeen := map[string]bool{}, map[string]bool{}
	for _, c := range goldenCases(t) {
		if o, ok := c.Params["objective"].(string); ok {
			objectivesSeen[o] = true
		}
		for metric := range c.Scores {
			metricsSeen[strings.TrimRight(strings.SplitN(metric, "@", 2)[0], "-")] = true
		}
	}
	for name := range objectives {
		if !objectivesSeen[name] {
			t.Errorf("no golden case has the objective %s", name)
		}
	}
	known := []string{"auc", "aucpr", "cox-nloglik"}
	known = slices.AppendSeq(known, maps.Keys(rowMetrics))
	known = slices.AppendSeq(known, maps.Keys(classMetrics))
	known = slices.AppendSeq(known, maps.Keys(listMetrics))
	known = slices.AppendSeq(known, maps.Keys(boundMetrics))
	for _, name := range known {
		if !metricsSeen[name] {
			t.Errorf("no golden case has the metric %s", name)
		}
	}
}
