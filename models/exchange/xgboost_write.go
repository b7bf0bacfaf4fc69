package exchange

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/pgowl/pgowl/models/gbdt"
	"github.com/pgowl/pgowl/models/learn"
)

// xgbVersion is the version of XGBoost whose form of the document is written: the oldest that has all that is needed, and all later ones read it.
var xgbVersion = list{1, 7, 6}

// xgbParams are the objectives that are written as they are, with the parameters that XGBoost wants to see. Those matter in training alone.
var xgbParams = map[string][]member{
	"reg:squarederror":     regLoss,
	"binary:logistic":      regLoss,
	"reg:logistic":         regLoss,
	"reg:squaredlogerror":  regLoss,
	"binary:logitraw":      regLoss,
	"binary:hinge":         {},
	"reg:gamma":            {},
	"reg:absoluteerror":    {},
	"survival:cox":         {},
	"survival:aft":         {{"aft_loss_param", object{{"aft_loss_distribution", "normal"}, {"aft_loss_distribution_scale", "1"}}}},
	"rank:pairwise":        pairs,
	"rank:ndcg":            pairs,
	"rank:map":             pairs,
	"count:poisson":        {{"poisson_regression_param", object{{"max_delta_step", "0.7"}}}},
	"reg:tweedie":          {{"tweedie_regression_param", object{{"tweedie_variance_power", "1.5"}}}},
	"reg:pseudohubererror": {{"pseudo_huber_param", object{{"huber_slope", "1"}}}},
}

var (
	regLoss = []member{{"reg_loss_param", object{{"scale_pos_weight", "1"}}}}
	// pairs are for XGBoost 1, and for those since.
	pairs = []member{
		{"lambda_rank_param", object{{"fix_list_weight", "0"}, {"num_pairsample", "1"}}},
		{"lambdarank_param", object{
			{"lambdarank_bias_norm", "1"}, {"lambdarank_normalization", "1"}, {"lambdarank_num_pair_per_sample", "4294967295"},
			{"lambdarank_pair_method", "topk"}, {"lambdarank_unbiased", "0"}, {"ndcg_exp_gain", "1"},
		}},
	}
)

// writeXGBoost makes the document of a model.
func writeXGBoost(m learn.Model, names []string) (object, error) {
	switch m := m.(type) {
	case *gbdt.Model:
		return xgbTrees(m.Forest(), names)
	case *gbdt.Linear:
		return xgbLinear(m.Coefficients(), names)
	}
	return nil, &Unsupported{"a model that is not one of gradient boosting"}
}

// xgbHead is what the document says of a model beside its booster.
type xgbHead struct {
	objective         object
	name              string // of the objective
	features, margins int
	names             []string
}

func newXGBHead(objective string, features, margins int, names []string) (*xgbHead, error) {
	params, known := xgbParams[objective]
	switch {
	case objective == "multi:softprob" || objective == "multi:softmax":
		params, known = []member{{"softmax_multiclass_param", object{{"num_class", strconv.Itoa(margins)}}}}, true
	case !known && links[objective] != "":
		objective = links[objective]
		params, known = xgbParams[objective], true
	}
	if !known {
		return nil, &Unsupported{"a model with the objective " + objective + " as one of XGBoost's"}
	}
	h := &xgbHead{append(object{{"name", objective}}, params...), objective, features, margins, xgbNames(names)}
	slices.SortFunc(h.objective, func(a, b member) int { return strings.Compare(a.key, b.key) })
	return h, nil
}

// document puts a booster into the document. score is the base score.
func (h *xgbHead) document(booster object, score float32) object {
	classes := 0
	if strings.HasPrefix(h.name, "multi:") {
		classes = h.margins
	}
	return object{
		{"learner", object{
			{"attributes", object{}},
			{"feature_names", h.names},
			{"feature_types", []string{}},
			{"gradient_booster", booster},
			{"learner_model_param", object{
				{"base_score", string(appendFloat(nil, score))},
				{"boost_from_average", "1"},
				{"num_class", strconv.Itoa(classes)},
				{"num_feature", strconv.Itoa(h.features)},
				{"num_target", "1"},
			}},
			{"objective", h.objective},
		}},
		{"version", xgbVersion},
	}
}

func xgbTrees(f *gbdt.Forest, names []string) (object, error) {
	h, err := newXGBHead(f.Objective, f.Features, f.Margins, names)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(f.Trees, func(t []gbdt.Point) bool {
		return slices.ContainsFunc(t, func(p gbdt.Point) bool { return p.Line != nil })
	}) {
		return nil, &Unsupported{"a model with linear trees as one of XGBoost's"}
	}
	score, exact := scoreOf(h.name, f.Base)
	trees := f.Trees
	if !exact {
		// No base score gives this margin: a round of trees does.
		score, _ = scoreOf(h.name, 0)
		bases := make([]float32, f.Margins)
		for i := range bases {
			bases[i] = f.Base
		}
		trees = append(constants(bases, f.Parallel), trees...)
	}
	info, all := make(list, len(trees)), make(list, len(trees))
	for i, points := range trees {
		info[i] = i / f.Parallel % f.Margins
		all[i] = xgbTreeOf(points, i, f.Features)
	}
	return h.document(object{
		{"model", object{
			{"gbtree_model_param", object{
				{"num_parallel_tree", strconv.Itoa(f.Parallel)},
				{"num_trees", strconv.Itoa(len(trees))},
				{"size_leaf_vector", "0"},
			}},
			{"tree_info", info},
			{"trees", all},
		}},
		{"name", "gbtree"},
	}, score), nil
}

// xgbLinear has the margin that rows start from in the biases.
func xgbLinear(c *gbdt.Coefficients, names []string) (object, error) {
	h, err := newXGBHead(c.Objective, c.Features, c.Margins, names)
	if err != nil {
		return nil, err
	}
	weights := make([]float32, 0, (c.Features+1)*c.Margins)
	for f := range c.Features {
		for k := range c.Margins {
			weights = append(weights, c.Weights[k*c.Features+f])
		}
	}
	score, _ := scoreOf(h.name, 0)
	return h.document(object{
		{"model", object{
			{"boosted_rounds", 1},
			{"weights", append(weights, c.Biases...)},
		}},
		{"name", "gblinear"},
	}, score), nil
}

// xgbNames are names that XGBoost takes: it refuses brackets and "<". Where that makes two the same there are none; and for an array as the only column, since
// XGBoost would ask for them with every matrix.
func xgbNames(names []string) []string {
	if len(names) == 0 || strings.HasSuffix(names[0], "[1]") && strings.HasSuffix(names[len(names)-1], "["+strconv.Itoa(len(names))+"]") {
		return []string{}
	}
	all, seen := make([]string, len(names)), map[string]bool{}
	for i, name := range names {
		all[i] = strings.NewReplacer("[", "_", "]", "", "<", "_").Replace(name)
		if all[i] == "" || seen[all[i]] {
			return []string{}
		}
		seen[all[i]] = true
	}
	return all
}

func xgbTreeOf(points []gbdt.Point, id, features int) object {
	n := len(points)
	ints := func(fill int32) []int32 {
		all := make([]int32, n)
		for i := range all {
			all[i] = fill
		}
		return all
	}
	left, right, parents, indices := ints(-1), ints(-1), ints(math.MaxInt32), ints(0)
	conditions, gains, covers := make([]float32, n), make([]float32, n), make([]float32, n)
	defaults, kinds := make([]uint8, n), make([]uint8, n)
	categories, sets, segments, sizes := []int32{}, []int32{}, []int64{}, []int64{}
	for i, p := range points {
		conditions[i], covers[i] = p.Value, p.Cover
		if p.Feature < 0 {
			continue
		}
		// An infinite threshold has no place in JSON; XGBoost takes no infinite features.
		conditions[i] = min(max(p.Value, -math.MaxFloat32), math.MaxFloat32)
		left[i], right[i], indices[i], gains[i] = int32(p.Left), int32(p.Right), int32(p.Feature), p.Gain
		parents[p.Left], parents[p.Right] = int32(i), int32(i)
		if p.DefaultLeft {
			defaults[i] = 1
		}
		if p.Set != nil {
			kinds[i] = 1
			sets, segments, sizes = append(sets, int32(i)), append(segments, int64(len(categories))), append(sizes, int64(len(p.Set)))
			for _, code := range p.Set {
				categories = append(categories, int32(code))
			}
		}
	}
	return object{
		{"base_weights", weights(points)},
		{"categories", categories},
		{"categories_nodes", sets},
		{"categories_segments", segments},
		{"categories_sizes", sizes},
		{"default_left", defaults},
		{"id", id},
		{"left_children", left},
		{"loss_changes", gains},
		{"parents", parents},
		{"right_children", right},
		{"split_conditions", conditions},
		{"split_indices", indices},
		{"split_type", kinds},
		{"sum_hessian", covers},
		{"tree_param", object{
			{"num_deleted", "0"},
			{"num_feature", strconv.Itoa(features)},
			{"num_nodes", strconv.Itoa(n)},
			{"size_leaf_vector", "0"},
		}},
	}
}

// weights are the values that the nodes would have as leaves: of a leaf its own, of a split the mean of its children by cover. Children stand behind their parents.
func weights(points []gbdt.Point) []float32 {
	all := make([]float32, len(points))
	for i := len(points) - 1; i >= 0; i-- {
		p := &points[i]
		if p.Feature < 0 {
			all[i] = p.Value
			continue
		}
		l, r := float64(points[p.Left].Cover), float64(points[p.Right].Cover)
		if l+r == 0 {
			l, r = 1, 1
		}
		all[i] = float32((l*float64(all[p.Left]) + r*float64(all[p.Right])) / (l + r))
	}
	return all
}
