package metrics

import (
	"math"
	"slices"
)

// ClassificationScores are the metrics of a classification.
type ClassificationScores struct {
	Classes   int
	ROCAUC    float64 // two classes only, else NaN; NaN also when the labels are all of one class
	LogLoss   float64 // two classes only, else NaN
	F1        float64 // two classes: of class 1; more: the plain mean over classes
	Precision float64 // likewise
	Recall    float64 // likewise
	Accuracy  float64
	MCC       float64 // Matthews' correlation coefficient
}

// Classification scores predicted class indexes against labels (class indexes too), one entry a row. probabilities holds
// classes values a row; it is read for two classes only and may be nil, which leaves ROCAUC and LogLoss NaN.
//
// What would be 0/0 in F1, precision, recall and MCC is 0, as in scikit-learn. Classes that neither occur nor are predicted do not count in a mean over
// classes (scikit-learn's macro average over the labels that are there), so that a class missing from the rows changes nothing.
func Classification(labels, predicted, probabilities []float32, classes int) ClassificationScores {
	s := ClassificationScores{Classes: classes, ROCAUC: math.NaN(), LogLoss: math.NaN()}
	c := newConfusion(labels, predicted, classes)
	s.Accuracy = c.correct / c.rows
	s.MCC = c.matthews()
	if classes > 2 {
		s.F1, s.Precision, s.Recall = c.macro()
		return s
	}
	s.F1, s.Precision, s.Recall = c.class(classes - 1)
	if classes == 2 && probabilities != nil {
		ones := make([]float32, len(labels))
		for i := range ones {
			ones[i] = probabilities[2*i+1]
		}
		s.ROCAUC = rocAUC(labels, ones)
		s.LogLoss = logLoss(labels, ones)
	}
	return s
}

// Map returns the scores by PostgresML's names: roc_auc and log_loss for two classes only.
func (s ClassificationScores) Map() map[string]float64 {
	m := map[string]float64{"f1": s.F1, "precision": s.Precision, "recall": s.Recall, "accuracy": s.Accuracy, "mcc": s.MCC}
	if s.Classes <= 2 {
		m["roc_auc"], m["log_loss"] = s.ROCAUC, s.LogLoss
	}
	return m
}

// confusion counts rows by class: as labelled, as predicted, and both.
type confusion struct {
	rows, correct         float64
	labelled, pred, agree []float64
}

func newConfusion(labels, predicted []float32, classes int) *confusion {
	c := &confusion{rows: float64(len(labels))}
	c.labelled, c.pred, c.agree = make([]float64, classes), make([]float64, classes), make([]float64, classes)
	count := func(of []float64, class float32) {
		if class >= 0 && class < float32(classes) { // else it is no class, and wrong at any rate
			of[int(class)]++
		}
	}
	for i, y := range labels {
		count(c.labelled, y)
		count(c.pred, predicted[i])
		if y == predicted[i] {
			count(c.agree, y)
			c.correct++
		}
	}
	return c
}

// class returns F1, precision and recall of one class.
func (c *confusion) class(k int) (f1, precision, recall float64) {
	return ratio(2*c.agree[k], c.labelled[k]+c.pred[k]), ratio(c.agree[k], c.pred[k]), ratio(c.agree[k], c.labelled[k])
}

// ratio is 0 where it is not defined.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

func (c *confusion) macro() (f1, precision, recall float64) {
	n := 0.0
	for k := range c.agree {
		if c.labelled[k]+c.pred[k] == 0 {
			continue
		}
		f, p, r := c.class(k)
		n++
		f1 += f
		precision += p
		recall += r
	}
	return ratio(f1, n), ratio(precision, n), ratio(recall, n)
}

// matthews is the correlation of labels and predictions for any number of classes (Gorodkin 2004, as in scikit-learn).
func (c *confusion) matthews() float64 {
	cross, labelled, pred := 0.0, 0.0, 0.0
	for k := range c.agree {
		cross += c.labelled[k] * c.pred[k]
		labelled += c.labelled[k] * c.labelled[k]
		pred += c.pred[k] * c.pred[k]
	}
	n2 := c.rows * c.rows
	return ratio(c.correct*c.rows-cross, math.Sqrt((n2-labelled)*(n2-pred)))
}

// rocAUC is the chance that a row of class 1 scores above one of class 0, equal scores counting half (rank sums).
func rocAUC(labels, scores []float32) float64 {
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case scores[a] < scores[b]:
			return -1
		case scores[a] > scores[b]:
			return 1
		}
		return 0
	})
	ranks, ones := 0.0, 0.0
	for i := 0; i < len(order); {
		j, here := i, 0.0
		for ; j < len(order) && scores[order[j]] == scores[order[i]]; j++ {
			if labels[order[j]] == 1 {
				here++
			}
		}
		if j == i { // a score that equals nothing, not even itself
			return math.NaN()
		}
		ranks += here * float64(i+j+1) / 2
		ones += here
		i = j
	}
	zeros := float64(len(labels)) - ones
	return (ranks - ones*(ones+1)/2) / (ones * zeros)
}

// logLoss clips probabilities at the precision of a float32, which is what they are.
func logLoss(labels, ones []float32) float64 {
	const least = 1.0 / (1 << 23)
	total := 0.0
	for i, y := range labels {
		p := min(max(float64(ones[i]), least), 1-least)
		if y != 1 {
			p = 1 - p
		}
		total -= math.Log(p)
	}
	return total / float64(len(labels))
}
