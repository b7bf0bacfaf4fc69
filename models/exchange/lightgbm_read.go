package exchange

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/pgowl/pgowl/models/gbdt"
)

// The text that LightGBM's save_model writes (GBDT::SaveModelToString, Tree::ToString): lines "key=value", the head first, then a block a tree.

// The objectives of LightGBM's that XGBoost has not, as gbdt.Forest names them.
const (
	lgbEach   = "lightgbm:multiclassova"
	lgbLambda = "lightgbm:cross_entropy_lambda"
)

// lgbObjectives are LightGBM's objectives as XGBoost's names for the same link.
var lgbObjectives = map[string]string{
	"": "reg:squarederror", "custom": "reg:squarederror", "regression": "reg:squarederror", "regression_l1": "reg:squarederror", "huber": "reg:squarederror",
	"fair": "reg:squarederror", "quantile": "reg:squarederror", "mape": "reg:squarederror", "lambdarank": "reg:squarederror", "rank_xendcg": "reg:squarederror",
	"poisson": "count:poisson", "gamma": "reg:gamma", "tweedie": "reg:tweedie", "binary": "binary:logistic", "cross_entropy": "reg:logistic",
	"multiclass": "multi:softprob", "multiclassova": lgbEach, "cross_entropy_lambda": lgbLambda,
}

// lgbParameters are those of the file's last part that become hyperparameters of the model.
var lgbParameters = map[string]bool{
	"boosting": true, "objective": true, "data_sample_strategy": true, "num_iterations": true, "learning_rate": true, "num_leaves": true, "max_depth": true,
	"min_data_in_leaf": true, "min_sum_hessian_in_leaf": true, "bagging_fraction": true, "bagging_freq": true, "feature_fraction": true,
	"feature_fraction_bynode": true, "lambda_l1": true, "lambda_l2": true, "min_gain_to_split": true, "max_bin": true, "seed": true,
}

// lines takes lines "key=value" from the front of a text.
type lines struct{ rest []byte }

// next gives the next line that is not empty; a line without "=" is a key alone, and one that begins with it has the key "=". At the end the key is
// empty.
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
		if text, ok := strings.CutPrefix(w, "sigmoid:"); ok && (name == "binary" || name == "multiclassova") {
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
			b.hyperparams[name] = strings.ReplaceAll(strings.ToValidUTF8(clip(value), ""), "\x00", "") // which Postgres has no place for
		}
	}
}
