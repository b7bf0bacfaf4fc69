package train

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strings"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/models/learn"
)

// Request holds the arguments of pgml.train. A NULL where the argument has a default other than NULL counts as that default.
type Request struct {
	Project         string
	Task            *string  // with hyphens or underscores; nil where the project's own is meant
	Relation        *string  // "table" or "schema.table", unquoted; nil for the project's last snapshot
	Label           *string  // y_column_name
	More            []string // the labels after the first one, of pgml.train_joint
	GroupBy         string   // the column whose values have a model each; empty for none
	Weight          string   // the column that says how many rows a row counts as; empty for none, as the next two
	QueryID         string   // the column that says which query a row is an answer to
	UpperBound      string   // the column of the labels' upper bounds
	Algorithm       string
	Hyperparams     json.RawMessage // an object
	Search          string          // empty for none
	SearchParams    json.RawMessage // an object
	SearchArgs      json.RawMessage // an object
	TestSize        float32         // above 1 a number of rows, else a fraction
	TestSampling    string
	Runtime         string // empty for the algorithm's own
	AutomaticDeploy bool
	Materialize     bool
	Preprocess      json.RawMessage // an object
}

// Result is the one row that pgml.train returns. Task is spelled with hyphens.
type Result struct {
	Project   string `json:"project"`
	Task      string `json:"task"`
	Algorithm string `json:"algorithm"`
	Deployed  bool   `json:"deployed"`
	Rows      int    `json:"-"` // that it learnt from
}

// Decode reads the arguments of pgml.train from an object with one key an argument, as the shim sends them. Keys that are
// missing or null take the argument's default. It fails with SQLSTATE 22023 (22004 for a project name that is NULL).
func Decode(jsonArgs []byte) (Request, error) {
	var a struct {
		ProjectName         *string         `json:"project_name"`
		Task                *string         `json:"task"`
		RelationName        *string         `json:"relation_name"`
		YColumnName         json.RawMessage `json:"y_column_name"` // a text, or an array of texts
		GroupBy             *string         `json:"group_by"`
		Weight              *string         `json:"weight"`
		QueryID             *string         `json:"qid"`
		UpperBound          *string         `json:"label_upper_bound"`
		Algorithm           *string         `json:"algorithm"`
		Hyperparams         json.RawMessage `json:"hyperparams"`
		Search              *string         `json:"search"`
		SearchParams        json.RawMessage `json:"search_params"`
		SearchArgs          json.RawMessage `json:"search_args"`
		TestSize            json.RawMessage `json:"test_size"`
		TestSampling        *string         `json:"test_sampling"`
		Runtime             *string         `json:"runtime"`
		AutomaticDeploy     *bool           `json:"automatic_deploy"`
		MaterializeSnapshot *bool           `json:"materialize_snapshot"`
		Preprocess          json.RawMessage `json:"preprocess"`
	}
	d := json.NewDecoder(bytes.NewReader(jsonArgs))
	d.DisallowUnknownFields()
	if err := d.Decode(&a); err != nil {
		return Request{}, function.Errorf("22023", "pgml.train: the arguments cannot be read: %v", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return Request{}, function.Errorf("22023", "pgml.train: the arguments go on after their end")
	}
	if a.ProjectName == nil {
		return Request{}, function.Errorf("22004", "pgml.train: project_name must not be NULL")
	}
	r := Request{
		Project:         *a.ProjectName,
		Task:            a.Task,
		Relation:        a.RelationName,
		Algorithm:       or(a.Algorithm, "linear"),
		GroupBy:         or(a.GroupBy, ""),
		Weight:          or(a.Weight, ""),
		QueryID:         or(a.QueryID, ""),
		UpperBound:      or(a.UpperBound, ""),
		Search:          or(a.Search, ""),
		TestSize:        0.25,
		TestSampling:    or(a.TestSampling, "stratified"),
		Runtime:         or(a.Runtime, ""),
		AutomaticDeploy: or(a.AutomaticDeploy, true),
		Materialize:     or(a.MaterializeSnapshot, false),
	}
	for _, o := range []struct {
		name  string
		given *string
	}{{"group_by", a.GroupBy}, {string(weighs), a.Weight}, {string(asks), a.QueryID}, {string(bounded), a.UpperBound}} {
		if o.given != nil && *o.given == "" {
			return Request{}, function.Errorf("22023", "pgml.train: %s must be the name of a column, or NULL", o.name)
		}
	}
	var err error
	if r.Label, r.More, err = labelNames(a.YColumnName); err != nil {
		return Request{}, err
	}
	// jsonb writes a real that JSON has no number for as a text: "NaN", "Infinity".
	if len(a.TestSize) > 0 && !bytes.Equal(a.TestSize, []byte("null")) {
		if err := json.Unmarshal(a.TestSize, &r.TestSize); err != nil || r.TestSize < 0 {
			return Request{}, function.Errorf("22023", "pgml.train: test_size must be a number of rows or a fraction, not %s", clip(string(a.TestSize), 40))
		}
	}
	for _, o := range []struct {
		name string
		from json.RawMessage
		to   *json.RawMessage
	}{
		{"hyperparams", a.Hyperparams, &r.Hyperparams},
		{"search_params", a.SearchParams, &r.SearchParams},
		{"search_args", a.SearchArgs, &r.SearchArgs},
		{"preprocess", a.Preprocess, &r.Preprocess},
	} {
		switch text := bytes.TrimSpace(o.from); {
		case len(text) == 0 || bytes.Equal(text, []byte("null")):
			*o.to = json.RawMessage("{}")
		case text[0] == '{':
			*o.to = text
		default:
			return Request{}, function.Errorf("22023", "pgml.train: %s must be a JSON object, not %s", o.name, clip(string(text), 40))
		}
	}
	return r, nil
}

// labelNames reads the name of the label, or the names of several.
func labelNames(text json.RawMessage) (first *string, more []string, err error) {
	if text = bytes.TrimSpace(text); len(text) == 0 || bytes.Equal(text, []byte("null")) {
		return nil, nil, nil
	}
	var one string
	if json.Unmarshal(text, &one) == nil {
		return &one, nil, nil
	}
	var names []*string
	if err := json.Unmarshal(text, &names); err != nil {
		return nil, nil, function.Errorf("22023", "pgml.train: y_column_name must be the name of a column, or a one-dimensional array of them, not %s", clip(string(text), 100))
	}
	for i, name := range names {
		if name == nil {
			return nil, nil, function.Errorf("22004", "pgml.train: y_column_name may not hold NULL")
		}
		if slices.ContainsFunc(names[:i], func(before *string) bool { return *before == *name }) {
			return nil, nil, function.Errorf("22023", "pgml.train: y_column_name has \"%s\" twice", clip(*name, 100))
		}
		if i > 0 {
			more = append(more, *name)
		}
	}
	if len(names) == 0 {
		return nil, nil, nil
	}
	return names[0], more, nil
}

func or[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

// clip cuts a text from outside to a length that fits a message.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "..."
}

// tasks is the enum pgml.task: true for those that text models do, which pgml.tune trains.
var tasks = map[learn.Task]bool{
	learn.Regression: false, learn.Classification: false, "decomposition": false, "clustering": false, "embedding": true,
	"question_answering": true, "summarization": true, "translation": true, "text_classification": true,
	"text_generation": true, "text2text": true, "text_pair_classification": true, "conversation": true,
}

// parseTask reads a task as clients write it.
func parseTask(text string) (learn.Task, error) {
	t := learn.Task(strings.ReplaceAll(text, "-", "_"))
	if _, ok := tasks[t]; !ok {
		return "", function.Errorf("XX000", "called `Result::unwrap()` on an `Err` value: ()").
			WithHint("There is no task \"" + clip(text, 60) + "\". Try regression or classification.")
	}
	return t, nil
}

// taskText is a task as results print it.
func taskText(t learn.Task) string { return strings.ReplaceAll(string(t), "_", "-") }
