package linear

import (
	"fmt"
	"math"

	"github.com/pgowl/pgowl/models/learn"
)

var (
	_ learn.Model     = (*Model)(nil)
	_ learn.Explainer = (*Model)(nil)
	_ learn.Ranker    = (*Model)(nil)
)

// Limits of a model, in training and in decoding.
const (
	maxFeatures = 1 << 24
	maxClasses  = 1 << 16
	maxWeights  = 1 << 26
	// Beyond these a product with a float32, or a sum of such products, might leave the numbers that a float64 has.
	largestWeight  = 1e250
	smallestWeight = 1e-250
)

// kind is what the margins of a model mean. The names are part of the format.
type kind string

const (
	regression  kind = "regression"  // one margin, the value
	binary      kind = "logistic"    // one margin, the log-odds of class 1
	multinomial kind = "multinomial" // one a class, softmax
	oneVsRest   kind = "ovr"         // one a class, each the log-odds against the rest
)

// Model is a fitted linear model: margins are sums of coefficients times features, and an intercept. It is immutable.
type Model struct {
	kind     kind
	features int
	classes  int       // 0 for a regression
	weights  []float64 // a row of features for each margin
	bias     []float64 // the intercept of each margin
	mean     []float64 // of each feature in training
}

// Features is the width of a row.
func (m *Model) Features() int { return m.features }

// Classes is the number of classes, 0 for a regression.
func (m *Model) Classes() int { return m.classes }

// check makes sure that sums over any row of float32 stay within float64, and that the model may be kept.
func (m *Model) check() (*Model, error) {
	for _, list := range [][]float64{m.weights, m.bias} {
		for i, v := range list {
			switch a := math.Abs(v); {
			case !(a <= largestWeight):
				return nil, fmt.Errorf("a coefficient of the fit is %v: the features are of too different size", v)
			case a < smallestWeight:
				list[i] = 0 // without a sign
			}
		}
	}
	return m, nil
}
