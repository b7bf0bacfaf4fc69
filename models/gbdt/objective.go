package gbdt

import (
	"fmt"
	"math"

	"github.com/pgowl/pgowl/models/learn"
)

// objectiveID is an objective in a model's bytes. The numbers are part of the format.
type objectiveID uint8

const (
	squaredError objectiveID = iota + 1
	logistic                 // binary:logistic and reg:logistic
	softmax                  // multi:softprob and multi:softmax
	poisson
	gammaDeviance
	tweedie
	pseudoHuber
	squaredLogError
	absoluteError
	quantileError
	logitRaw // of a regression: the margin is the value
	hinge
	cox
	rankPairwise
	rankNDCG
	rankMAP
	aft
	objectiveEnd
)

// The objectives that LightGBM alone has.
const (
	oneAgainstRest objectiveID = 64 + iota // multiclassova: each class has a margin, whose sigmoid is its probability, whatever the others are
	logPlus                                // cross_entropy_lambda: the value is log(1 + exp(margin))
)

// known says whether models may have the objective.
func (o objectiveID) known() bool {
	return o > 0 && o < objectiveEnd || o == oneAgainstRest || o == logPlus
}

// several says whether each class has a margin, and the largest one wins.
func (o objectiveID) several() bool { return o == softmax || o == oneAgainstRest }

// lightOnly are our names of LightGBM's own objectives.
var lightOnly = map[string]objectiveID{"lightgbm:multiclassova": oneAgainstRest, "lightgbm:cross_entropy_lambda": logPlus}

// objectives are the names that XGBoost gives to what is here.
var objectives = map[string]objectiveID{
	"reg:squarederror": squaredError, "binary:logistic": logistic, "reg:logistic": logistic,
	"multi:softprob": softmax, "multi:softmax": softmax, "count:poisson": poisson, "reg:gamma": gammaDeviance,
	"reg:tweedie": tweedie, "reg:pseudohubererror": pseudoHuber, "reg:squaredlogerror": squaredLogError,
	"reg:absoluteerror": absoluteError, "reg:quantileerror": quantileError, rawLogistic: logitRaw, "binary:hinge": hinge,
	"survival:cox": cox, "survival:aft": aft, "rank:pairwise": rankPairwise, "rank:ndcg": rankNDCG, "rank:map": rankMAP,
}

const rawLogistic = "binary:logitraw"

// laterObjectives are XGBoost's others, with the reason why they are not here.
var laterObjectives = map[string]string{
	"reg:expectileerror": "came after XGBoost 3.2, and is not available yet",
}

// link says how a margin, the sum of the trees, becomes a value.
type link uint8

const (
	identity link = iota
	sigmoid
	exponent
	softmaxLink
	above0 // 1 above 0, else 0
	softplusLink
)

func (o objectiveID) link() link {
	switch o {
	case logistic, oneAgainstRest:
		return sigmoid
	case logPlus:
		return softplusLink
	case softmax:
		return softmaxLink
	case poisson, gammaDeviance, tweedie, cox, aft:
		return exponent
	case hinge:
		return above0
	}
	return identity
}

func (l link) apply(margin float32) float32 {
	switch l {
	case sigmoid:
		return sigmoidOf(margin)
	case exponent:
		return float32(math.Exp(float64(margin)))
	case softplusLink:
		return float32(softplus(float64(margin)))
	case above0:
		if margin > 0 {
			return 1
		}
		return 0
	}
	return margin
}

// binary says whether the objective tells two classes apart by one margin.
func (o objectiveID) binary() bool { return o == logistic || o == hinge }

// ranks says whether the objective puts the rows of each query in order.
func (o objectiveID) ranks() bool { return o == rankPairwise || o == rankNDCG || o == rankMAP }

// sigmoidOf clips like XGBoost's: below -88.7 the exponential overflows a float32. (Above 88.7 it changes nothing.)
func sigmoidOf(x float32) float32 {
	return float32(1 / (1 + exp(float64(max(min(-x, 88.7), -88.7))) + 1e-16))
}

// softmaxOf turns margins into probabilities, in place.
func softmaxOf(m []float32) {
	top := m[0]
	for _, v := range m[1:] {
		top = max(top, v)
	}
	sum := 0.0
	for i, v := range m {
		e := float32(math.Exp(float64(v - top)))
		m[i] = e
		sum += float64(e)
	}
	for i := range m {
		m[i] /= float32(sum)
	}
}

// plan is an objective that fits a task and its labels.
type plan struct {
	id      objectiveID
	classes int     // 0 for a regression
	groups  int     // trees a round, margins a row
	base    float32 // margin that every row starts from
}

// plan chooses the objective and checks that the labels suit it.
func (p *params) plan(d *learn.Dataset, task learn.Task, held heldRows) (plan, error) {
	bad := func(format string, args ...any) (plan, error) {
		return plan{}, &learn.ParamError{Name: "objective", Value: p.objective, Reason: fmt.Sprintf(format, args...)}
	}
	id := objectives[p.objective]
	if id == logitRaw && task == learn.Classification {
		id = logistic // the raw margin matters to whoever reads values; the classes and their probabilities are the same
	}
	switch {
	case id == 0 && task == learn.Classification:
		id = softmax
	case id == 0:
		id = squaredError
	case task == learn.Classification && id.binary() && d.Classes != 2:
		return bad("%q needs 2 classes, the labels have %d", p.objective, d.Classes)
	case task == learn.Classification && !id.binary() && id != softmax:
		return bad("%q is for regression", p.objective)
	case task == learn.Regression && id == softmax:
		return bad("%q is for classification", p.objective)
	}
	if id == softmax && p.multiTree && d.Classes > 1 {
		return plan{}, &learn.ParamError{Name: "multi_strategy", Value: "multi_output_tree",
			Reason: "trees with a vector in each leaf, which the XGBoost of PostgresML had not, are not available yet"}
	}
	if p.classes > 0 && id == softmax && p.classes != d.Classes {
		return plan{}, &learn.ParamError{Name: "num_class", Value: p.classes, Reason: fmt.Sprintf("is %d, and the labels have %d classes", p.classes, d.Classes)}
	}
	if id == quantileError {
		if err := p.needsAlpha(); err != nil {
			return plan{}, err
		}
	}
	if math.IsNaN(p.maxDeltaStep) {
		p.maxDeltaStep = 0
		if id == poisson {
			p.maxDeltaStep = 0.7
		}
	}
	reason := id.unfit(d.Y)
	switch {
	case id.ranks() && d.Queries == nil:
		reason = fmt.Sprintf("%q %s", p.objective, errNoQueries)
	case id == rankNDCG || id == rankMAP:
		reason = unfitList(map[objectiveID]string{rankNDCG: "ndcg", rankMAP: "map"}[id], d.Y, p.rank.linear)
	case id == aft:
		reason = unfitBounds(d)
	}
	switch {
	case reason != "":
		return bad("%s", reason)
	case id != aft && d.Upper != nil:
		return bad("only survival:aft takes upper bounds of labels")
	}
	pl := plan{id: id, groups: 1}
	if task == learn.Classification {
		pl.classes = d.Classes
	}
	if id == softmax {
		pl.groups = d.Classes
	}
	score := p.baseScore
	if math.IsNaN(score) {
		score = p.startScore(id, d, held)
	}
	switch {
	case p.objective == rawLogistic:
		pl.base = float32(score) // XGBoost takes what it calls a probability as the margin here
	case id.link() == sigmoid:
		if score <= 0 || score >= 1 {
			return plan{}, &learn.ParamError{Name: "base_score", Value: score, Reason: "must be between 0 and 1 for a logistic objective"}
		}
		pl.base = float32(-math.Log(1/score - 1))
	case id.link() == exponent:
		if score <= 0 {
			return plan{}, &learn.ParamError{Name: "base_score", Value: score, Reason: "must be more than 0 for this objective"}
		}
		pl.base = float32(math.Log(score))
	default:
		pl.base = float32(score)
	}
	return pl, nil
}

// unfit returns what is wrong with the labels for the objective, or "".
func (o objectiveID) unfit(y []float32) string {
	low, high, what := math.Inf(-1), math.Inf(1), ""
	switch o {
	case logistic, logitRaw, hinge, logPlus:
		low, high, what = 0, 1, "labels must be between 0 and 1"
	case poisson, tweedie:
		low, what = 0, "labels must be 0 or more"
	case gammaDeviance:
		low, what = math.SmallestNonzeroFloat32, "labels must be more than 0"
	case squaredLogError:
		low, what = math.Nextafter(-1, 0), "labels must be more than -1"
	}
	if what == "" {
		return ""
	}
	for _, v := range y {
		if float64(v) < low || float64(v) > high {
			return what
		}
	}
	return ""
}
