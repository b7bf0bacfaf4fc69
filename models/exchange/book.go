package exchange

import (
	"fmt"
	"math"

	"github.com/pgowl/pgowl/models/gbdt"
	"github.com/pgowl/pgowl/models/learn"
)

// book is a file as it was read, before the task is known.
type book struct {
	algorithm   string
	names       []string
	hyperparams map[string]any
	objective   string    // XGBoost's name, or that of one with the same link
	groups      []int     // the margin of each tree; nil: in turn
	bases       []float64 // base scores as values, one or one a margin; nil: the margins start from 0
	forest      gbdt.Forest
	linear      []float32 // of gblinear: the coefficients of each feature, one a margin, then the biases
}

// model makes the model of a book that is settled.
func (b *book) model() (learn.Model, error) {
	f := &b.forest
	if b.linear == nil {
		return gbdt.FromForest(f)
	}
	c := &gbdt.Coefficients{Objective: f.Objective, Features: f.Features, Classes: f.Classes, Margins: f.Margins}
	for k := range f.Margins {
		for i := range f.Features {
			c.Weights = append(c.Weights, b.linear[i*f.Margins+k])
		}
		c.Biases = append(c.Biases, b.linear[f.Features*f.Margins+k]+f.Base)
	}
	return gbdt.FromCoefficients(c)
}

// links are objectives that predict alike: a model with one that the other side does not have is taken as one with the same link.
var links = map[string]string{
	"reg:linear": "reg:squarederror", "reg:squaredlogerror": "reg:squarederror", "reg:absoluteerror": "reg:squarederror",
	"reg:quantileerror": "reg:squarederror", "reg:expectileerror": "reg:squarederror", "reg:pseudohubererror": "reg:squarederror",
	"rank:pairwise": "reg:squarederror", "rank:ndcg": "reg:squarederror", "rank:map": "reg:squarederror", "binary:logitraw": "reg:squarederror",
	"survival:cox": "count:poisson", "survival:aft": "count:poisson",
}

// settle chooses the objective for a task, and completes the forest.
func (b *book) settle(task learn.Task) error {
	f := &b.forest
	if b.objective == "binary:logitraw" && task == learn.Classification {
		// Its values are the margins of binary:logistic, and so is its base score.
		b.objective, f.Base, b.bases = "binary:logistic", float32(b.bases[0]), nil
	}
	f.Objective = b.objective
	if !gbdt.HasObjective(f.Objective) {
		if f.Objective = links[b.objective]; f.Objective == "" {
			return &Unsupported{fmt.Sprintf("objective %q", clip(b.objective))}
		}
	}
	several := f.Objective == "multi:softprob" || f.Objective == "multi:softmax" || f.Objective == lgbEach
	binary := f.Objective == "binary:logistic" || f.Objective == "reg:logistic"
	switch {
	case task == learn.Classification && several:
		f.Classes = f.Margins
	case task == learn.Classification && binary:
		f.Objective, f.Classes = "binary:logistic", 2
	case task == learn.Classification && f.Objective == "binary:hinge":
		f.Classes = 2
	case task == learn.Classification:
		return fmt.Errorf("%w: the objective %q does not classify", ErrTask, b.objective)
	case several:
		return fmt.Errorf("%w: the objective %q is for classification", ErrTask, b.objective)
	}
	if err := b.order(); err != nil {
		return err
	}
	return b.start()
}

// order puts the trees of the margins in turn.
func (b *book) order() error {
	f := &b.forest
	if len(f.Trees) == 0 {
		f.Parallel = 1 // so that nothing is made of nothing
	}
	if len(f.Trees)%f.Margins != 0 || b.groups != nil && len(b.groups) != len(f.Trees) {
		return bad("%d trees for %d margins", len(f.Trees), f.Margins)
	}
	inTurn := len(f.Trees)%(f.Margins*f.Parallel) == 0
	for i, g := range b.groups {
		if g < 0 || g >= f.Margins {
			return bad("tree %d is of class %d", i, g)
		}
		inTurn = inTurn && g == i/f.Parallel%f.Margins
	}
	if inTurn {
		return nil
	}
	if b.groups == nil {
		return bad("%d trees in rounds of %d", len(f.Trees), f.Margins*f.Parallel)
	}
	f.Parallel = 1
	trees := make([][]gbdt.Point, len(f.Trees))
	next := make([]int, f.Margins)
	for i, g := range b.groups {
		at := next[g]*f.Margins + g
		if at >= len(trees) {
			return bad("class %d has more trees than others", g)
		}
		trees[at] = f.Trees[i]
		next[g]++
	}
	f.Trees = trees
	return nil
}

// start sets the margins that rows start from. Where they differ, a round of trees that are one leaf each says so: its sums are exact.
func (b *book) start() error {
	f := &b.forest
	if b.bases == nil {
		return nil
	}
	if len(b.bases) != 1 && len(b.bases) != f.Margins {
		return bad("%d base scores for %d margins", len(b.bases), f.Margins)
	}
	margins := make([]float32, len(b.bases))
	differ := false
	for i, v := range b.bases {
		margins[i] = marginOf(f.Objective, v)
		if math.IsNaN(float64(margins[i])) || math.IsInf(float64(margins[i]), 0) {
			return bad("a base score of %v with the objective %q", v, b.objective)
		}
		differ = differ || margins[i] != margins[0]
	}
	if !differ || b.linear != nil { // XGBoost (3.2.0) starts all margins of gblinear from the first base score
		f.Base = margins[0]
		return nil
	}
	f.Trees = append(constants(margins, f.Parallel), f.Trees...)
	return nil
}

// constants is a round of trees that add a value to each margin. Statistics say that they saw no rows.
func constants(margins []float32, parallel int) [][]gbdt.Point {
	var trees [][]gbdt.Point
	for _, v := range margins {
		for i := range parallel {
			if i > 0 {
				v = 0
			}
			trees = append(trees, []gbdt.Point{{Feature: -1, Value: v, Known: true}})
		}
	}
	return trees
}

// marginOf is the margin of a base score, in float32 as XGBoost computes it (ProbToMargin); NaN or infinite where there is none.
func marginOf(objective string, score float64) float32 {
	s := float32(score)
	switch objective {
	case "binary:logistic", "reg:logistic":
		return -float32(math.Log(float64(1/s - 1)))
	case "count:poisson", "reg:gamma", "reg:tweedie", "survival:cox", "survival:aft":
		return float32(math.Log(float64(s)))
	}
	return s
}

// scoreOf is the base score that gives a margin, and whether XGBoost reads that margin from it, to the rounding of a float32.
func scoreOf(objective string, margin float32) (score float32, exact bool) {
	switch objective {
	case "binary:logistic", "reg:logistic":
		score = float32(1 / (1 + math.Exp(-float64(margin))))
	case "count:poisson", "reg:gamma", "reg:tweedie", "survival:cox", "survival:aft":
		score = float32(math.Exp(float64(margin)))
	default:
		return margin, true
	}
	back := float64(marginOf(objective, float64(score)))
	return score, math.Abs(back-float64(margin)) <= 1e-7*math.Max(1, math.Abs(float64(margin)))
}
