package gbdt

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/pgowl/pgowl/models/learn"
	"github.com/pgowl/pgowl/models/param"
)

// catWeights says how much the rows of each class weigh.
type catWeights struct {
	listed   []float64          // class_weights in the order of the classes, nil is not given
	named    map[string]float64 // class_weights by label, nil is not given
	auto     string             // auto_class_weights: "" and None, Balanced, SqrtBalanced
	positive float64            // scale_pos_weight, 0 is not given
}

// setClassWeights takes a list of weights, or an object of weights by label.
func setClassWeights(p *params, v any) string {
	const wrong = "must be a list of weights, or an object with a weight for each label"
	good := func(v any) (float64, bool) {
		x, ok := param.Number(v)
		return x, ok && x >= 0 && x <= math.MaxFloat32
	}
	w := &p.catting.weights
	switch v := v.(type) {
	case nil:
	case []any:
		for _, entry := range v {
			x, ok := good(entry)
			if !ok {
				return wrong + "; weights are 0 or more"
			}
			w.listed = append(w.listed, x)
		}
	case map[string]any:
		w.named = map[string]float64{}
		for label, entry := range v {
			x, ok := good(entry)
			if !ok {
				return wrong + "; weights are 0 or more"
			}
			w.named[label] = x
		}
	default:
		return wrong
	}
	return ""
}

// classes are the weights of the classes of a data set, nil is one each. Errors are *learn.ParamError.
func (w *catWeights) classes(d *learn.Dataset, loss string) ([]float64, error) {
	given := 0
	for _, is := range []bool{w.listed != nil || w.named != nil, w.auto != "" && w.auto != "None", w.positive != 0} {
		given += int(b2f(is))
	}
	bad := func(name string, v any, format string, args ...any) ([]float64, error) {
		return nil, &learn.ParamError{Name: name, Value: v, Reason: fmt.Sprintf(format, args...)}
	}
	out := make([]float64, d.Classes)
	for k := range out {
		out[k] = 1
	}
	switch {
	case given == 0:
		return nil, nil
	case given > 1:
		return bad("class_weights", nil, "only one of class_weights, auto_class_weights and scale_pos_weight can be given")
	case w.positive != 0 && loss != "Logloss":
		return bad("scale_pos_weight", w.positive, "is for loss_function Logloss")
	case loss != "Logloss" && loss != "MultiClass":
		return bad("class_weights", nil, "weights of classes are for loss_function Logloss and MultiClass")
	case w.positive != 0:
		out[1] = w.positive
	case w.listed != nil:
		if len(w.listed) != d.Classes {
			return bad("class_weights", w.listed, "has %d weights, the labels have %d classes", len(w.listed), d.Classes)
		}
		copy(out, w.listed)
	case w.named != nil:
		left := maps.Clone(w.named)
		for k := range out {
			if x, ok := left[d.ClassName(k)]; ok {
				out[k] = x
				delete(left, d.ClassName(k))
			}
		}
		if len(left) > 0 {
			return bad("class_weights", w.named, "there is no class %q", slices.Min(slices.Collect(maps.Keys(left))))
		}
	default:
		sums := make([]float64, d.Classes)
		for r, y := range d.Y {
			sums[int(y)] += weightOf(d.Weights, r)
		}
		for k, sum := range sums {
			if sum == 0 {
				continue
			}
			out[k] = slices.Max(sums) / sum
			if w.auto == "SqrtBalanced" {
				out[k] = math.Sqrt(out[k])
			}
		}
	}
	return out, nil
}

// weigh gives each row its own weight times its class's, as CatBoost does, and leaves by the mean of them all. An error is that no row weighs anything.
func (f *catFit) weigh(d *learn.Dataset) error {
	f.l2, f.weights = f.p.catting.l2, d.Weights
	classes, err := f.p.catting.weights.classes(d, f.p.catting.loss.name)
	if err != nil {
		return err
	}
	if classes != nil {
		f.weights = make([]float32, d.Rows)
		for r, y := range d.Y {
			f.weights[r] = float32(weightOf(d.Weights, r) * classes[int(y)])
		}
	}
	if f.weights == nil {
		return nil
	}
	total := 0.0
	for _, w := range f.weights {
		total += float64(w)
	}
	if total == 0 {
		return &learn.ParamError{Name: "class_weights", Value: classes, Reason: "no row has a weight"}
	}
	f.l2 *= total / float64(d.Rows)
	return nil
}
