package gbdt

import (
	"fmt"
	"math"
	"slices"

	"github.com/pgowl/pgowl/models/learn"
)

// maxCategory is the largest code of a category: up to it float32 has every whole number.
const maxCategory = 1 << 24

// categories is a set of categories that a node splits by. Its members go to one side and all other codes to the other one; where missing values go is the
// node's to say.
type categories struct {
	codes []float32 // whole numbers from 0 to maxCategory, in ascending order, one at least
	left  bool      // members go left
}

// has says whether the category that v names is in the set. A code with a fraction names the category below it, as in LightGBM; NaN and
// negative codes name none.
func (c *categories) has(v float32) bool {
	_, found := slices.BinarySearch(c.codes, category(v))
	return found
}

// category is the code of the category that v names, or -1.
func category(v float32) float32 {
	if !(v >= 0) { // NaN too
		return -1
	}
	return float32(math.Trunc(float64(v)))
}

// hasSets says whether a tree splits by categories anywhere.
func (t tree) hasSets() bool {
	return slices.ContainsFunc(t.nodes, func(n node) bool { return n.set != nil })
}

// joinCategories adds the features that a client names as categories, by the hyperparameter name, to those that the data have.
func joinCategories(d *learn.Dataset, name string, features []int) ([]bool, error) {
	if len(features) == 0 {
		return d.Categorical, nil
	}
	all := make([]bool, d.Features)
	copy(all, d.Categorical)
	for _, f := range features {
		if f >= d.Features {
			return nil, &learn.ParamError{Name: name, Value: f, Reason: fmt.Sprintf("there is no feature %d, the last is %d", f, d.Features-1)}
		}
		all[f] = true
	}
	return all, nil
}
