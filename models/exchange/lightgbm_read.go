package exchange

import (
	"bytes"
	"math"
	"strconv"
	"strings"

	"github.com/pgowl/pgowl/models/gbdt"
)

// The text that LightGBM's save_model writes (GBDT::SaveModelToString, Tree::ToString): lines "key=value", the head first, then a block a tree.

// The bits of LightGBM's decision_type.
const (
	lgbCategorical = 1
	lgbDefaultLeft = 2
	lgbMissingMask = 3 << 2
	lgbMissingZero = 1 << 2
	lgbMissingNaN  = 2 << 2
)

// lgbObjectives are LightGBM's objectives as XGBoost's names for the same link.
var lgbObjectives = map[string]string{
	"": "reg:squarederror", "custom": "reg:squarederror", "regression": "reg:squarederror", "regression_l1": "reg:squarederror", "huber": "reg:squarederror",
	"fair": "reg:squarederror", "quantile": "reg:squarederror", "mape": "reg:squarederror", "lambdarank": "reg:squarederror", "rank_xendcg": "reg:squarederror",
	"poisson": "count:poisson", "gamma": "reg:gamma", "tweedie": "reg:tweedie", "binary": "binary:logistic", "cross_entropy": "reg:logistic",
	"multiclass": "multi:softprob",
}

// lgbParameters are those of the file's last part that become hyperparameters of the model.
var lgbParameters = map[string]bool{
	"boosting": true, "objective": true, "data_sample_strategy": true, "num_iterations": true, "learning_rate": true, "num_leaves": true, "max_depth": true,
	"min_data_in_leaf": true, "min_sum_hessian_in_leaf": true, "bagging_fraction": true, "bagging_freq": true, "feature_fraction": true,
	"feature_fraction_bynode": true, "lambda_l1": true, "lambda_l2": true, "min_gain_to_split": true, "max_bin": true, "seed": true,
}

// lines takes lines "key=value" from the front of a text.
type lines struct{ rest []byte }

// next gives the next line that is not empty; a line without "=" is a key alone. At the end the key is empty.
func (l *lines) next() (key string, value []byte) {
	for len(l.rest) > 0 {
		line, rest, _ := bytes.Cut(l.rest, []byte{'\n'})
		l.rest = rest
		if line = bytes.TrimRight(line, "\r"); len(line) == 0 {
			continue
		}
		k, v, _ := bytes.Cut(line, []byte{'='})
		if len(k) == 0 {
			k = []byte{'='}
		}
		return string(k), v
	}
	return "", nil
}

func readLightGBM(data []byte) (*book, error) {
	l := lines{data}
	if first, _ := l.next(); first != "tree" {
		return nil, bad("it does not begin with the word tree")
	}
	b := &book{algorithm: "lightgbm", hyperparams: map[string]any{}}
	f := &b.forest
	f.ByRows = true
	classes, most, average, objective := 1, -1, false, []string(nil)
	version := ""
	key, value := l.next()
	for ; key != "" && key != "Tree" && key != "end of trees"; key, value = l.next() {
		var err error
		switch key {
		case "version":
			version = string(value)
		case "num_tree_per_iteration":
			classes, err = strconv.Atoi(string(value))
		case "max_feature_idx":
			most, err = strconv.Atoi(string(value))
		case "objective":
			objective = strings.Fields(string(value))
		case "average_output":
			average = true
		case "feature_names":
			b.names = strings.Fields(string(value))
		}
		if err != nil {
			return nil, bad("%s is %.40q", key, value)
		}
	}
	switch {
	case version != "v2" && version != "v3" && version != "v4":
		return nil, &Unsupported{"version " + strconv.Quote(clip(version)) + " of LightGBM's text"}
	case classes < 1 || classes > 1<<16 || most < 0 || most >= 1<<24:
		return nil, bad("%d trees a round of %d features", classes, most+1)
	case len(b.names) != most+1:
		return nil, bad("%d names of %d features", len(b.names), most+1)
	}
	if generic(b.names) {
		b.names = nil
	}
	f.Features, f.Margins, f.Parallel = most+1, classes, 1
	scale, err := b.readLightGBMObjective(objective)
	if err != nil {
		return nil, err
	}
	var trees [][]lgbPoint
	for key == "Tree" {
		block := lgbBlock{}
		for key, value = l.next(); key != "" && key != "Tree" && key != "end of trees"; key, value = l.next() {
			block[key] = value
		}
		points, err := block.points()
		if err != nil {
			return nil, err
		}
		trees = append(trees, points)
	}
	if key != "end of trees" {
		return nil, bad("it ends early")
	}
	if average && len(trees) > 0 {
		scale /= float64(max(1, len(trees)/classes))
	}
	for _, t := range trees {
		points := make([]gbdt.Point, len(t))
		for i := range t {
			points[i] = t[i].point(scale)
		}
		f.Trees = append(f.Trees, points)
	}
	b.readParameters(&l)
	return b, nil
}

// clip shortens a text for a message.
func clip(s string) string { return s[:min(len(s), 40)] }

// generic says whether names are those that LightGBM gives to columns without names.
func generic(names []string) bool {
	for i, name := range names {
		if name != "Column_"+strconv.Itoa(i) {
			return false
		}
	}
	return true
}

// readLightGBMObjective takes the words behind objective=, and gives what margins are to be multiplied with.
func (b *book) readLightGBMObjective(words []string) (scale float64, err error) {
	name := ""
	if len(words) > 0 {
		name = words[0]
	}
	var known bool
	if b.objective, known = lgbObjectives[name]; !known {
		return 0, &Unsupported{"LightGBM's objective " + strconv.Quote(clip(name))}
	}
	scale = 1
	for _, w := range words[min(1, len(words)):] {
		if w == "sqrt" {
			return 0, &Unsupported{"LightGBM's objective \"regression sqrt\""}
		}
		if text, ok := strings.CutPrefix(w, "sigmoid:"); ok && name == "binary" {
			if scale, err = strconv.ParseFloat(text, 64); err != nil || !(scale > 0) || scale-scale != 0 {
				return 0, bad("objective %.80q", strings.Join(words, " "))
			}
		}
	}
	return scale, nil
}

// readParameters reads the lines [name: value] behind "parameters:".
func (b *book) readParameters(l *lines) {
	for key, _ := l.next(); key != "" && key != "end of parameters"; key, _ = l.next() {
		name, value, ok := strings.Cut(strings.Trim(key, "[]"), ": ")
		if !ok || !lgbParameters[name] {
			continue
		}
		if v, err := strconv.ParseFloat(value, 64); err == nil && v-v == 0 {
			b.hyperparams[name] = v
		} else {
			b.hyperparams[name] = strings.ToValidUTF8(clip(value), "")
		}
	}
}

// lgbBlock is the lines of a tree.
type lgbBlock map[string][]byte

// numbers reads a line of exactly n numbers; one that is not there is nil.
func numbers[T any](b lgbBlock, key string, n int, parse func(text string) (T, error)) ([]T, error) {
	text, ok := b[key]
	if !ok {
		return nil, nil
	}
	// A number and what separates it are two bytes at least.
	if n > len(text)/2+1 {
		return nil, bad("%s has fewer than %d numbers", key, n)
	}
	all := make([]T, 0, n)
	for word := range bytes.FieldsSeq(text) {
		v, err := parse(string(word))
		if err != nil || len(all) == n {
			return nil, bad("%s has %.40q among its %d numbers", key, word, n)
		}
		all = append(all, v)
	}
	if len(all) != n {
		return nil, bad("%s has %d numbers of %d", key, len(all), n)
	}
	return all, nil
}

func parseFloat(text string) (float64, error) { return strconv.ParseFloat(text, 64) }

// lgbPoint is a node, with its value as LightGBM has it.
type lgbPoint struct {
	gbdt.Point
	leaf float64
}

// point is the node for a model whose margins are multiplied.
func (p *lgbPoint) point(scale float64) gbdt.Point {
	if p.Feature < 0 {
		p.Value = float32(p.leaf * scale)
	}
	return p.Point
}

// points reads a tree: its splits, then its leaves.
func (b lgbBlock) points() ([]lgbPoint, error) {
	for key, what := range map[string]string{"num_cat": "a categorical split", "is_linear": "a linear tree"} {
		if v := string(bytes.TrimSpace(b[key])); v != "" && v != "0" {
			return nil, &Unsupported{what}
		}
	}
	leaves, err := strconv.Atoi(string(b["num_leaves"]))
	if err != nil || leaves < 1 {
		return nil, bad("num_leaves is %.40q", b["num_leaves"])
	}
	splits := leaves - 1
	values, err := numbers(b, "leaf_value", leaves, parseFloat)
	if err != nil {
		return nil, err
	}
	if values == nil {
		return nil, bad("a tree without leaf_value")
	}
	points := make([]lgbPoint, splits+leaves)
	for i, v := range values {
		p := &points[splits+i]
		p.Feature, p.leaf = -1, v
	}
	if splits > 0 {
		if err := b.splits(points[:splits]); err != nil {
			return nil, err
		}
	}
	return points, b.statistics(points, splits)
}

// splits reads the inner nodes.
func (b lgbBlock) splits(points []lgbPoint) error {
	n := len(points)
	features, err := numbers(b, "split_feature", n, strconv.Atoi)
	if err != nil {
		return err
	}
	thresholds, err := numbers(b, "threshold", n, parseFloat)
	if err != nil {
		return err
	}
	kinds, err := numbers(b, "decision_type", n, strconv.Atoi)
	if err != nil {
		return err
	}
	left, err := numbers(b, "left_child", n, strconv.Atoi)
	if err != nil {
		return err
	}
	right, err := numbers(b, "right_child", n, strconv.Atoi)
	if err != nil {
		return err
	}
	if features == nil || thresholds == nil || kinds == nil || left == nil || right == nil {
		return bad("a tree without one of split_feature, threshold, decision_type, left_child and right_child")
	}
	for i := range points {
		p := &points[i]
		if features[i] < 0 {
			return bad("feature %d", features[i])
		}
		p.Feature = features[i]
		if p.Value, p.DefaultLeft, err = decision(thresholds[i], kinds[i]); err != nil {
			return err
		}
		if p.Left, err = child(left[i], n); err != nil {
			return err
		}
		if p.Right, err = child(right[i], n); err != nil {
			return err
		}
	}
	return nil
}

// child is the place of a child: negative numbers are leaves, which stand behind the n splits. The tree's size is checked later.
func child(c, n int) (int, error) {
	if c >= n || c < -n-1 {
		return 0, bad("child %d", c)
	}
	if c < 0 {
		return n + ^c, nil
	}
	return c, nil
}

// lgbZero is what LightGBM takes for zero (kZeroThreshold).
const lgbZero = 1e-35

// decision turns "x <= t goes left" into "x < threshold goes left", which is the same for every float32, and says where missing values go.
func decision(t float64, kind int) (threshold float32, defaultLeft bool, err error) {
	if kind&lgbCategorical != 0 {
		return 0, false, &Unsupported{"a categorical split"}
	}
	if t-t != 0 {
		return 0, false, bad("a threshold of %v", t)
	}
	defaultLeft = kind&lgbDefaultLeft != 0
	switch kind & lgbMissingMask {
	case lgbMissingNaN:
	case lgbMissingZero: // zeros go the way of missing values, too
		switch {
		case defaultLeft == (0 <= t):
		case math.Abs(t) < 2*lgbZero:
			t = -t // zero stands on the other side of the threshold then
		default:
			return 0, false, &Unsupported{"a split with zero_as_missing"}
		}
	default: // NaN is taken for 0
		defaultLeft = 0 <= t
	}
	below := float32(t)
	if float64(below) > t {
		below = math.Nextafter32(below, float32(math.Inf(-1)))
	}
	return min(math.Nextafter32(below, float32(math.Inf(1))), math.MaxFloat32), defaultLeft, nil
}

// statistics reads gains, covers and numbers of rows, where the file has them.
func (b lgbBlock) statistics(points []lgbPoint, splits int) error {
	known := true
	line := func(key string, to []lgbPoint, set func(p *lgbPoint, v float64)) error {
		all, err := numbers(b, key, len(to), parseFloat)
		known = known && (len(all) == len(to))
		for i, v := range all {
			set(&to[i], v)
		}
		return err
	}
	rows := func(p *lgbPoint, v float64) {
		if v >= 0 && v <= math.MaxUint32 {
			p.Rows = uint32(v)
		}
	}
	cover := func(p *lgbPoint, v float64) { p.Cover = float32(v) }
	inner, leaves := points[:splits], points[splits:]
	for _, l := range []struct {
		key string
		to  []lgbPoint
		set func(p *lgbPoint, v float64)
	}{
		{"leaf_count", leaves, rows}, {"internal_count", inner, rows}, {"leaf_weight", leaves, cover}, {"internal_weight", inner, cover},
		{"split_gain", inner, func(p *lgbPoint, v float64) { p.Gain = float32(v) }},
	} {
		// Of a tree that is one leaf, the lines are empty or not there.
		if splits == 0 {
			continue
		}
		if err := line(l.key, l.to, l.set); err != nil {
			return err
		}
	}
	for i := range points {
		points[i].Known = known
	}
	return nil
}
