package exchange

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/pgowl/pgowl/models/gbdt"
)

// The document that XGBoost's save_model writes (its doc/model.schema), as far as a model needs it.
type xgbFile struct {
	Learner *struct {
		FeatureNames    []string   `json:"feature_names"`
		GradientBooster xgbBooster `json:"gradient_booster"`
		ModelParam      struct {
			BaseScore  json.RawMessage `json:"base_score"`
			NumClass   string          `json:"num_class"`
			NumFeature string          `json:"num_feature"`
			NumTarget  string          `json:"num_target"`
		} `json:"learner_model_param"`
		Objective map[string]json.RawMessage `json:"objective"`
	} `json:"learner"`
}

type xgbBooster struct {
	Name       string      `json:"name"`
	Model      xgbModel    `json:"model"`
	GBTree     *xgbBooster `json:"gbtree"` // of dart
	WeightDrop []float32   `json:"weight_drop"`
}

type xgbModel struct {
	Param struct {
		NumParallelTree string `json:"num_parallel_tree"`
	} `json:"gbtree_model_param"`
	TreeInfo []int     `json:"tree_info"`
	Trees    []xgbTree `json:"trees"`
	Weights  []float32 `json:"weights"` // of gblinear
}

type xgbTree struct {
	Param struct {
		SizeLeafVector string `json:"size_leaf_vector"`
	} `json:"tree_param"`
	LeftChildren    []int32   `json:"left_children"`
	RightChildren   []int32   `json:"right_children"`
	SplitIndices    []int32   `json:"split_indices"`
	SplitConditions []float32 `json:"split_conditions"`
	SplitType       []int8    `json:"split_type"`
	DefaultLeft     []truth   `json:"default_left"`
	LossChanges     []float32 `json:"loss_changes"`
	SumHessian      []float32 `json:"sum_hessian"`

	// The splits by categories: their nodes, and where in categories the codes of each begin, and how many there are.
	Categories         []int32 `json:"categories"`
	CategoriesNodes    []int32 `json:"categories_nodes"`
	CategoriesSegments []int64 `json:"categories_segments"`
	CategoriesSizes    []int64 `json:"categories_sizes"`
}

// maxFeatures is what a file may say: features have names and an importance here, so a few bytes must not be worth gigabytes.
const maxFeatures = 1 << 20

// truth is a boolean, which XGBoost writes as 0 or 1 since 1.5.
type truth bool

// UnmarshalJSON implements json.Unmarshaler.
func (t *truth) UnmarshalJSON(text []byte) error {
	switch string(text) {
	case "true", "1":
		*t = true
	case "false", "0":
		*t = false
	default:
		return strconv.ErrSyntax
	}
	return nil
}

func readXGBoost(data []byte) (*book, error) {
	var file xgbFile
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, bad("%v", err)
	}
	if file.Learner == nil {
		return nil, bad("there is no learner in it")
	}
	l := file.Learner
	b := &book{algorithm: "xgboost", hyperparams: map[string]any{}}
	f := &b.forest
	booster, drop := &l.GradientBooster, []float32(nil)
	switch booster.Name {
	case "gbtree":
		booster.Model.Weights = nil
	case "gblinear":
		booster.Model.Trees, booster.Model.TreeInfo = nil, nil
		b.hyperparams["booster"] = "gblinear"
	case "dart":
		drop, booster = booster.WeightDrop, booster.GBTree
		if booster == nil || len(drop) != len(booster.Model.Trees) {
			return nil, bad("dart without a weight for each tree")
		}
		b.hyperparams["booster"] = "dart"
	default:
		return nil, bad("booster %.40q", booster.Name)
	}
	param := &l.ModelParam
	classes, targets, parallel := 0, 1, 1
	for _, n := range []struct {
		what, text string
		to         *int
		low, high  int
	}{
		{"num_feature", param.NumFeature, &f.Features, 1, 1 << 30},
		{"num_class", param.NumClass, &classes, 0, 1 << 16},
		{"num_target", param.NumTarget, &targets, 0, 1 << 16},
		{"num_parallel_tree", booster.Model.Param.NumParallelTree, &parallel, 0, 100_000},
	} {
		if n.text == "" && n.what != "num_feature" {
			continue // of an older version
		}
		v, err := strconv.Atoi(n.text)
		if err != nil || v < n.low || v > n.high {
			return nil, bad("%s is %.40q", n.what, n.text)
		}
		*n.to = v
	}
	if f.Features > maxFeatures {
		return nil, &Unsupported{fmt.Sprintf("a model of more than %d features", maxFeatures)}
	}
	if targets > 1 {
		return nil, &Unsupported{"a model with several targets"}
	}
	if b.names = l.FeatureNames; len(b.names) > 0 && len(b.names) != f.Features {
		return nil, bad("%d names of %d features", len(b.names), f.Features)
	}
	f.Margins, f.Parallel = max(1, classes), max(1, parallel)
	if booster.Name == "gblinear" {
		if b.linear = booster.Model.Weights; len(b.linear) != (f.Features+1)*f.Margins {
			return nil, bad("%d weights for %d features and %d margins", len(b.linear), f.Features, f.Margins)
		}
	}
	if f.Parallel > 1 {
		b.hyperparams["num_parallel_tree"] = float64(f.Parallel)
	}
	b.groups = booster.Model.TreeInfo
	if b.groups == nil {
		b.groups = []int{} // none, which is right where there are no trees
	}
	if err := b.readObjective(l.Objective); err != nil {
		return nil, err
	}
	var err error
	if b.bases, err = readBaseScore(param.BaseScore); err != nil {
		return nil, err
	}
	for i := range booster.Model.Trees {
		weight := float32(1)
		if drop != nil {
			weight = drop[i]
		}
		points, err := booster.Model.Trees[i].points(weight)
		if err != nil {
			return nil, err
		}
		f.Trees = append(f.Trees, points)
	}
	return b, nil
}

// readObjective reads the objective's name and its parameters, which are numbers in text.
func (b *book) readObjective(objective map[string]json.RawMessage) error {
	if err := json.Unmarshal(objective["name"], &b.objective); err != nil || b.objective == "" {
		return bad("it names no objective")
	}
	b.hyperparams["objective"] = b.objective
	for name, text := range objective {
		var param map[string]string
		if name == "name" || json.Unmarshal(text, &param) != nil {
			continue
		}
		for _, known := range []string{"scale_pos_weight", "max_delta_step", "tweedie_variance_power", "huber_slope", "aft_loss_distribution_scale"} {
			if v, err := strconv.ParseFloat(param[known], 64); err == nil && v-v == 0 && v != 1 {
				b.hyperparams[known] = v
			}
		}
		if d := param["aft_loss_distribution"]; d == "logistic" || d == "extreme" {
			b.hyperparams["aft_loss_distribution"] = d
		}
	}
	return nil
}

// readBaseScore reads a number, a list of numbers, or either as a text.
func readBaseScore(text json.RawMessage) ([]float64, error) {
	if len(text) == 0 {
		return nil, bad("there is no base_score in it")
	}
	inner := string(text)
	if text[0] == '"' {
		if err := json.Unmarshal(text, &inner); err != nil {
			return nil, bad("base_score: %v", err)
		}
	}
	inner = strings.TrimSpace(inner)
	parts := []string{inner}
	if strings.HasPrefix(inner, "[") && strings.HasSuffix(inner, "]") {
		parts = strings.Split(inner[1:len(inner)-1], ",")
	}
	scores := make([]float64, len(parts))
	for i, part := range parts {
		v, err := strconv.ParseFloat(strings.TrimSpace(part), 32)
		if err != nil || v-v != 0 {
			return nil, bad("base_score is %.40q", inner)
		}
		scores[i] = v
	}
	return scores, nil
}

// points reads a tree. Leaves are multiplied by the weight.
func (t *xgbTree) points(weight float32) ([]gbdt.Point, error) {
	n := len(t.LeftChildren)
	if t.Param.SizeLeafVector != "" && t.Param.SizeLeafVector != "0" && t.Param.SizeLeafVector != "1" {
		return nil, &Unsupported{"a tree with a vector in each leaf"}
	}
	for _, l := range []int{len(t.RightChildren), len(t.SplitIndices), len(t.SplitConditions), len(t.DefaultLeft)} {
		if l != n {
			return nil, bad("a tree with %d left children and %d of something else", n, l)
		}
	}
	known := len(t.LossChanges) == n && len(t.SumHessian) == n
	points := make([]gbdt.Point, n)
	for i := range points {
		p := &points[i]
		p.Value = t.SplitConditions[i]
		if known {
			p.Known, p.Cover = true, t.SumHessian[i]
		}
		if t.LeftChildren[i] == -1 {
			p.Feature = -1
			p.Value *= weight
			continue
		}
		if t.SplitIndices[i] < 0 {
			return nil, bad("feature %d", t.SplitIndices[i])
		}
		p.Feature, p.DefaultLeft = int(t.SplitIndices[i]), bool(t.DefaultLeft[i])
		p.Left, p.Right = int(t.LeftChildren[i]), int(t.RightChildren[i])
		if known {
			p.Gain = t.LossChanges[i]
		}
	}
	return points, t.sets(points)
}

// sets reads the splits by categories: codes of the set go right.
func (t *xgbTree) sets(points []gbdt.Point) error {
	n := len(t.CategoriesNodes)
	if len(t.CategoriesSegments) != n || len(t.CategoriesSizes) != n {
		return bad("%d splits by categories with %d segments and %d sizes", n, len(t.CategoriesSegments), len(t.CategoriesSizes))
	}
	left := int64(len(t.Categories)) // segments do not overlap, so that no code counts twice
	for i, at := range t.CategoriesNodes {
		from, size := t.CategoriesSegments[i], t.CategoriesSizes[i]
		if at < 0 || int(at) >= len(points) || size < 0 || size > left || from < 0 || from > int64(len(t.Categories))-size {
			return bad("categories %d to %d of %d at node %d", from, from+size, len(t.Categories), at)
		}
		left -= size
		if err := setOf(&points[at], t.Categories[from:from+size]); err != nil {
			return err
		}
	}
	for i, kind := range t.SplitType {
		if kind != 0 && i < len(points) && points[i].Feature >= 0 && points[i].Set == nil && points[i].Value != math.MaxFloat32 {
			return bad("node %d has no categories", i)
		}
	}
	return nil
}

// maxCategory is the largest code: up to it float32 has every whole number.
const maxCategory = 1 << 24

// setOf makes a point a split by categories.
func setOf(p *gbdt.Point, codes []int32) error {
	if p.Feature < 0 {
		return nil // a leaf
	}
	set := make([]float32, len(codes))
	for i, c := range codes {
		if c < 0 || c > maxCategory {
			return bad("category %d", c)
		}
		set[i] = float32(c)
	}
	slices.Sort(set)
	if p.Set = slices.Compact(set); len(set) == 0 {
		p.Set, p.Value = nil, math.MaxFloat32 // all go left, but for missing ones
	}
	return nil
}
