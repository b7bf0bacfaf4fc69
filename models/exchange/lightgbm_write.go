package exchange

import (
	"math"
	"strconv"
	"strings"

	"github.com/pgowl/pgowl/models/gbdt"
)

// maxSetWords bounds what sets of categories take: one large code is half a million words.
const maxSetWords = 1 << 22

// writeLightGBM writes a model as LightGBM's text, version 4. The base margin is part of the first trees, as LightGBM's own is.
func writeLightGBM(f *gbdt.Forest, names []string) ([]byte, error) {
	objective := ""
	switch o := f.Objective; {
	case o == "multi:softprob" || o == "multi:softmax":
		objective = "multiclass num_class:" + strconv.Itoa(f.Margins)
	case o == "binary:logistic":
		objective = "binary sigmoid:1"
	case o == lgbEach:
		objective = "multiclassova num_class:" + strconv.Itoa(f.Margins) + " sigmoid:1"
	case o == lgbLambda:
		objective = "cross_entropy_lambda"
	case o == "reg:logistic":
		objective = "cross_entropy"
	case o == "count:poisson" || links[o] == "count:poisson":
		objective = "poisson"
	case o == "reg:gamma":
		objective = "gamma"
	case o == "reg:tweedie":
		objective = "tweedie"
	case o == "reg:squarederror" || links[o] == "reg:squarederror":
		objective = "regression"
	default:
		return nil, &Unsupported{"a model with the objective " + o + " as one of LightGBM's"}
	}
	trees := inRounds(f)
	if len(trees) == 0 {
		trees = constants(make([]float32, f.Margins), 1)
	}
	words := 0 // of the sets of categories
	blocks := make([][]byte, len(trees))
	sizes := make([]string, len(trees))
	for i, points := range trees {
		base := 0.0
		if i < f.Margins {
			base = float64(f.Base)
		}
		for _, p := range points {
			if p.Set == nil {
				continue
			}
			if !p.DefaultLeft {
				return nil, &Unsupported{"a split by categories whose missing values go the way of the set"}
			}
			if words += int(p.Set[len(p.Set)-1])/32 + 1; words > maxSetWords {
				return nil, &Unsupported{"splits by categories with so large codes, each of which is a bit in LightGBM's text,"}
			}
		}
		blocks[i] = appendTree([]byte("Tree="+strconv.Itoa(i)+"\n"), points, base)
		sizes[i] = strconv.Itoa(len(blocks[i]))
	}
	infos := make([]string, f.Features)
	for i := range infos {
		infos[i] = "none"
	}
	classes := "1"
	if strings.HasPrefix(objective, "multiclass") {
		classes = strconv.Itoa(f.Margins)
	}
	out := []byte("tree\nversion=v4\n")
	for _, l := range [][2]string{
		{"num_class", classes}, {"num_tree_per_iteration", strconv.Itoa(f.Margins)}, {"label_index", "0"},
		{"max_feature_idx", strconv.Itoa(f.Features - 1)}, {"objective", objective}, {"feature_names", strings.Join(lgbNames(names, f.Features), " ")},
		{"feature_infos", strings.Join(infos, " ")}, {"tree_sizes", strings.Join(sizes, " ")},
	} {
		out = append(out, l[0]+"="+l[1]+"\n"...)
	}
	out = append(out, '\n')
	for _, b := range blocks {
		out = append(out, b...)
	}
	return append(out, "end of trees\n\nfeature_importances:\n\nparameters:\nend of parameters\n\npandas_categorical:null\n"...), nil
}

// inRounds gives the trees with one a margin and round: LightGBM has no trees side by side.
func inRounds(f *gbdt.Forest) [][]gbdt.Point {
	if f.Parallel == 1 || f.Margins == 1 {
		return f.Trees
	}
	trees := make([][]gbdt.Point, 0, len(f.Trees))
	for round := 0; round < len(f.Trees); round += f.Margins * f.Parallel {
		for i := range f.Parallel {
			for g := range f.Margins {
				trees = append(trees, f.Trees[round+g*f.Parallel+i])
			}
		}
	}
	return trees
}

// lgbNames are names that LightGBM takes: without spaces and what JSON has a use for. Where that makes two the same they are its own, Column_0 and on.
func lgbNames(names []string, n int) []string {
	all, seen := make([]string, n), map[string]bool{}
	for i := range all {
		all[i] = "Column_" + strconv.Itoa(i)
	}
	if len(names) != n {
		return all
	}
	own := make([]string, n)
	for i, name := range names {
		name = strings.TrimSuffix(strings.Replace(name, "[", "_", 1), "]")
		own[i] = strings.Map(func(r rune) rune {
			if r <= ' ' || r == 0x7f || strings.ContainsRune(`",:[]{}`, r) {
				return '_'
			}
			return r
		}, name)
		if own[i] == "" || seen[own[i]] {
			return all
		}
		seen[own[i]] = true
	}
	return own
}

// appendTree appends a tree's lines. base is added to its leaves.
func appendTree(out []byte, points []gbdt.Point, base float64) []byte {
	// Numbers of splits and leaves, each in the order of points.
	places := make([]int, len(points))
	splits, leaves := 0, 0
	for i, p := range points {
		if p.Feature < 0 {
			places[i] = ^leaves
			leaves++
		} else {
			places[i] = splits
			splits++
		}
	}
	line := func(key string, inner bool, value func(p *gbdt.Point) string) {
		out = append(out, key...)
		separator := byte('=')
		for i := range points {
			if (points[i].Feature >= 0) == inner {
				out = append(out, separator)
				out = append(out, value(&points[i])...)
				separator = ' '
			}
		}
		if separator == '=' {
			out = append(out, separator)
		}
		out = append(out, '\n')
	}
	float := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	means := weights(points)
	rows := func(p *gbdt.Point) string { return strconv.FormatUint(uint64(p.Rows), 10) }
	cover := func(p *gbdt.Point) string { return float(float64(p.Cover)) }
	// LightGBM has the set on the left, so such splits are turned round.
	sets, words, bounds := 0, []string{}, []string{"0"}
	for _, p := range points {
		if p.Set == nil {
			continue
		}
		bits := make([]uint32, int(p.Set[len(p.Set)-1])/32+1)
		for _, code := range p.Set {
			bits[int(code)/32] |= 1 << (int(code) % 32)
		}
		for _, w := range bits {
			words = append(words, strconv.FormatUint(uint64(w), 10))
		}
		bounds = append(bounds, strconv.Itoa(len(words)))
		sets++
	}
	out = append(out, "num_leaves="+strconv.Itoa(leaves)+"\nnum_cat="+strconv.Itoa(sets)+"\n"...)
	line("split_feature", true, func(p *gbdt.Point) string { return strconv.Itoa(p.Feature) })
	line("split_gain", true, func(p *gbdt.Point) string { return float(float64(p.Gain)) })
	set := 0
	line("threshold", true, func(p *gbdt.Point) string {
		if p.Set != nil {
			set++
			return strconv.Itoa(set - 1)
		}
		return float(lastBelow(p.Value))
	})
	line("decision_type", true, func(p *gbdt.Point) string {
		switch {
		case p.Set != nil:
			return strconv.Itoa(lgbCategorical | lgbMissingNaN)
		case p.DefaultLeft:
			return strconv.Itoa(lgbMissingNaN | lgbDefaultLeft)
		}
		return strconv.Itoa(lgbMissingNaN)
	})
	children := func(p *gbdt.Point) (left, right int) {
		if p.Set != nil {
			return p.Right, p.Left
		}
		return p.Left, p.Right
	}
	line("left_child", true, func(p *gbdt.Point) string { left, _ := children(p); return strconv.Itoa(places[left]) })
	line("right_child", true, func(p *gbdt.Point) string { _, right := children(p); return strconv.Itoa(places[right]) })
	line("leaf_value", false, func(p *gbdt.Point) string { return float(float64(p.Value) + base) })
	line("leaf_weight", false, cover)
	line("leaf_count", false, rows)
	at := 0
	line("internal_value", true, func(*gbdt.Point) string {
		for points[at].Feature < 0 {
			at++
		}
		at++
		return float(float64(means[at-1]) + base)
	})
	line("internal_weight", true, cover)
	line("internal_count", true, rows)
	if sets > 0 {
		out = append(out, "cat_boundaries="+strings.Join(bounds, " ")+"\ncat_threshold="+strings.Join(words, " ")+"\n"...)
	}
	return append(appendLines(out, points, base), "shrinkage=1\n\n\n"...)
}

// lastBelow is the largest float64 that goes left at a threshold, when it is rounded to a float32 first.
func lastBelow(threshold float32) float64 {
	t := float64(min(max(threshold, -math.MaxFloat32), math.MaxFloat32))
	below := float64(math.Nextafter32(float32(t), float32(math.Inf(-1))))
	if math.IsInf(below, -1) {
		return -1e308
	}
	middle := below + (t-below)/2
	if float32(middle) >= float32(t) {
		middle = math.Nextafter(middle, math.Inf(-1))
	}
	return middle
}
