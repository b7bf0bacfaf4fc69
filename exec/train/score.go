package train

import (
	"bytes"
	"encoding/json"

	"github.com/pgowl/pgowl/models/joint"
	"github.com/pgowl/pgowl/models/learn"
	"github.com/pgowl/pgowl/models/metrics"
)

// metric is an entry of pgml.models.metrics; NaN stands for one that is not defined.
type metric struct {
	name  string
	value float64
}

// keyMetric is the metric by which models of a task are compared; more is better. With queries it is how well the rows of each are ranked.
func keyMetric(task learn.Task, queries bool) string {
	if task == learn.Regression {
		if queries {
			return ndcg
		}
		return "r2"
	}
	return "f1"
}

// ndcg is a metric that PostgresML does not have.
const ndcg = "ndcg"

// score predicts the rows of a sample and compares with their labels. Without rows there are no metrics.
//
// A class that none of the rows is of is no error, as it is in PostgresML: the others have their figures all the same, and means are over
// the classes that occur or are predicted, as in scikit-learn. What needs both of two classes (roc_auc) is NaN without one.
func score(m learn.Model, rows *sample) []metric {
	if rows.Rows == 0 {
		return nil
	}
	if j, ok := m.(*joint.Model); ok {
		return ordered(scoreJoint(j, rows).Map())
	}
	predicted := make([]float32, rows.Rows)
	m.Predict(predicted, rows.X)
	if rows.Classes == 0 {
		all := ordered(metrics.Regression(rows.Y, predicted).Map())
		if rows.Queries != nil {
			all = append(all, metric{ndcg, metrics.NDCG(rows.Y, predicted, rows.Queries)})
		}
		return all
	}
	probabilities := make([]float32, rows.Rows*rows.Classes)
	m.Probabilities(probabilities, rows.X)
	return ordered(metrics.Classification(rows.Y, predicted, probabilities, rows.Classes).Map())
}

// scoreJoint averages the scores of the labels, as scikit-learn does.
func scoreJoint(m *joint.Model, rows *sample) metrics.RegressionScores {
	predicted := make([]float32, rows.Rows)
	scores := make([]metrics.RegressionScores, m.Outputs())
	for k := range scores {
		y := rows.Y
		if k > 0 {
			y = rows.others[k-1]
		}
		m.Output(k).Predict(predicted, rows.X)
		scores[k] = metrics.Regression(y, predicted)
	}
	return metrics.Average(scores)
}

// ordered lists metrics in the order of PostgresML's messages.
func ordered(byName map[string]float64) []metric {
	var ms []metric
	for _, name := range []string{"r2", "mean_absolute_error", "mean_squared_error",
		"roc_auc", "log_loss", "f1", "precision", "recall", "accuracy", "mcc"} {
		if v, ok := byName[name]; ok {
			ms = append(ms, metric{name, v})
		}
	}
	return ms
}

// prettyMetrics writes the metrics as a message shows them, in their order.
func prettyMetrics(ms []metric) string {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range ms {
		if i > 0 {
			b.WriteByte(',')
		}
		v, _ := number(m.value).MarshalJSON()
		name, _ := json.Marshal(m.name)
		b.Write(name)
		b.WriteByte(':')
		b.Write(v)
	}
	b.WriteByte('}')
	return indent(b.Bytes())
}

// pretty writes any JSON value on lines of its own, without escaping what only HTML would mind.
func pretty(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "{}"
	}
	return indent(bytes.TrimSpace(b.Bytes()))
}

func indent(text []byte) string {
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		return string(text)
	}
	return b.String()
}
