package train

import (
	"bytes"
	"encoding/json"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/models/learn"
	"github.com/pgowl/pgowl/models/metrics"
)

// metric is an entry of pgml.models.metrics; NaN stands for one that is not defined.
type metric struct {
	name  string
	value float64
}

// keyMetric is the metric by which models of a task are compared; more is better.
func keyMetric(task learn.Task) string {
	if task == learn.Regression {
		return "r2"
	}
	return "f1"
}

// score predicts the test part and compares. Without a test part there are no metrics.
func score(m learn.Model, train, test *learn.Dataset) ([]metric, error) {
	if test.Rows == 0 {
		return nil, nil
	}
	if train.Classes > 0 {
		if a, b := present(test.Y, train.Classes), present(train.Y, train.Classes); a != b {
			return nil, function.Errorf("XX000",
				"Can't compute metrics when the number of classes in the test set is different than the number of classes in the training set. %d != %d", a, b)
		}
	}
	predicted := make([]float32, test.Rows)
	m.Predict(predicted, test.X)
	if train.Classes == 0 {
		return ordered(metrics.Regression(test.Y, predicted).Map()), nil
	}
	probabilities := make([]float32, test.Rows*train.Classes)
	m.Probabilities(probabilities, test.X)
	return ordered(metrics.Classification(test.Y, predicted, probabilities, train.Classes).Map()), nil
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

// present counts the classes that occur in y.
func present(y []float32, classes int) int {
	seen := make([]bool, classes)
	n := 0
	for _, c := range y {
		if !seen[int(c)] {
			seen[int(c)] = true
			n++
		}
	}
	return n
}

// metricsJSON is the object that the registry keeps.
func metricsJSON(ms []metric) map[string]number {
	object := make(map[string]number, len(ms))
	for _, m := range ms {
		object[m.name] = number(m.value)
	}
	return object
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
