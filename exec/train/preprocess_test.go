package train

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/models/learn"
	"github.com/pgowl/pgowl/models/preprocess"
)

// people is a table with every kind of column that is preprocessed. With test_sampling last, 8 rows train and 2 test.
const people = `
CREATE TABLE public.people (n int, city text, size varchar(9), code char(4), age float8, pay numeric, v real[], y text);
INSERT INTO people VALUES
	(1, 'Oslo',  'low',  'a',  10,   0.125, '{1,3}', 'no'),
	(2, 'Rome',  'high', 'b',  NULL, 0.25,  '{1,3}', 'yes'),
	(3, NULL,    'low',  'a',  20,   NULL,  '{1,3}', 'no'),
	(4, 'Oslo',  'mid',  'b',  30,   0.5,   '{1,3}', 'yes'),
	(5, 'Rome',  'low',  'a',  30,   1,     '{3,5}', 'yes'),
	(6, 'Lima',  'low',  'b',  NULL, 2,     '{3,5}', 'no'),
	(7, 'Oslo',  'high', 'a',  10,   4,     '{3,5}', 'yes'),
	(8, 'Oslo',  'low',  'b',  20,   8,     '{3,5}', 'yes'),
	(9, 'Quito', 'mid',  'cc', NULL, NULL,  '{5,7}', 'yes'),
	(10, NULL,   'high', 'a',  50,   16,    '{5,7}', 'no');
GRANT SELECT ON people TO PUBLIC;
`

const peoplePreprocess = `{"city": {"impute": "mode"}, "size": {"encode": {"ordinal": ["low", "mid", "high"]}, "scale": "min_max"},
	"code": {"encode": "one_hot", "impute": "zero"}, "age": {"impute": "mean", "scale": "standard"},
	"pay": {"impute": "median", "scale": "max_abs"}, "v": {"scale": "robust"}}`

// readPeople reads the table as a training does, and says what it told.
func readPeople(t *testing.T, d *database, args string) (*snapshot, *dataset, *session) {
	t.Helper()
	s := d.begin()
	r := &run{s: s, req: request(d, args), now: time.Now, seed: func() uint64 { return 1 }}
	p := project{Task: learn.Classification}
	snap, err := r.findSnapshot(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	data, err := r.read(t.Context(), p, snap)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.analyze(t.Context(), snap, data); err != nil {
		t.Fatal(err)
	}
	return snap, data, s
}

func TestPreprocesses(t *testing.T) {
	d := newDatabase(t)
	d.sql(people)
	snap, data, s := readPeople(t, d, `{"project_name": "p", "relation_name": "people", "y_column_name": "y", "test_size": 2, "test_sampling": "last", "preprocess": `+peoplePreprocess+`}`)
	// n, city (codes), size (place / 2 - 1/2), code (one_hot of a and b), age, pay / 8, v.
	sd := float32(math.Sqrt(200.0 / 3)) // of 10, 20, 30, 30, 10, 20
	wantTrain := [][]float32{
		{1, 1, 0, 1, -10 / sd, .125 / 8, -1, 0},
		{2, 2, 1, 0, 0, .25 / 8, -1, 0},
		{3, 0, 0, 1, 0, 1.0 / 8, -1, 0},
		{4, 1, .5, 0, 10 / sd, .5 / 8, -1, 0},
	}
	wantTest := [][]float32{{9, 1, .5, 0, 0, 1.0 / 8, 1, 2}, {10, 0, 1, 1, 30 / sd, 2, 1, 2}}
	for _, c := range []struct {
		part learn.Dataset
		want [][]float32
	}{{data.train, wantTrain}, {data.test, wantTest}} {
		for i, want := range c.want {
			for j, w := range want {
				if got := c.part.Row(i)[j]; math.Abs(float64(got-w)) > 1e-6 {
					t.Errorf("row %v: got %v, want %v", want[0], c.part.Row(i), want)
					break
				}
			}
		}
	}
	if got := fmt.Sprint(data.train.Categorical); got != "[false true false false false false false false]" {
		t.Errorf("categorical: %s", got)
	}
	if !s.told(`INFO: Column "city": Statistics { min: 0.0, max: 3.0, max_abs: 3.0, mean: 1.375, median: 1.0, mode: 1.0, `) ||
		!strings.HasSuffix(s.messages[3], `categories: Some({"__NULL__": Category { value: 0.0, members: 1 }, "Oslo": Category { value: 1.0, members: 4 }, `+
			`"Rome": Category { value: 2.0, members: 2 }, "Lima": Category { value: 3.0, members: 1 }}) }`) {
		t.Errorf("messages: %q", s.messages)
	}
	var columns []struct {
		Name         string
		Size         int
		Preprocessor json.RawMessage
		Statistics   struct {
			Mean, Missing float64
			Categories    map[string]map[string]float64
		}
	}
	text, err := s.Query(t.Context(), function.Owner, "SELECT columns FROM pgml.snapshots", nil)
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]json.RawMessage
	if err := json.Unmarshal(text, &rows); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(rows[0]["columns"], &columns); err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintf("%s %v %s %d %s %v %v", columns[2].Preprocessor, columns[1].Statistics.Categories, columns[4].Preprocessor, columns[6].Size, columns[7].Name,
		columns[7].Statistics.Categories, columns[4].Statistics.Missing)
	want := `{"scale": "min_max", "encode": {"ordinal": ["low", "mid", "high"]}, "impute": "error"} map[Lima:map[members:1 value:3] Oslo:map[members:4 value:1] Rome:map[members:2 value:2] __NULL__:map[members:1 value:0]] ` +
		`{"scale": "standard", "encode": "native", "impute": "mean"} 2 y map[no:map[members:3 value:0] yes:map[members:5 value:1]] 2`
	if got != want {
		t.Errorf("snapshot:\n got %s\nwant %s", got, want)
	}
	h := header(project{Task: learn.Classification}, "xgboost", nil, data)
	if h.Width() != 8 || h.Features[0].Preprocess != nil || h.Features[1].Preprocess.Encode != preprocess.Native || h.Plain() {
		t.Errorf("header: %+v", h.Features)
	}
	if snap.features[0].width != 1 {
		t.Errorf("%+v", snap.features[0])
	}
}

// TestTargetEncoding takes the labels' own numbers, and those of the training part alone.
func TestTargetEncoding(t *testing.T) {
	d := newDatabase(t)
	d.sql(`CREATE TABLE public.t (c text, y int); GRANT SELECT ON t TO PUBLIC;
		INSERT INTO t VALUES ('a', 10), ('a', 40), (NULL, 40), ('b', 10), ('a', 10), ('b', 40), ('c', 40), (NULL, 10)`)
	_, data, _ := readPeople(t, d, `{"project_name": "p", "relation_name": "t", "y_column_name": "y", "test_size": 2, "test_sampling": "last",
		"preprocess": {"c": {"encode": "target", "impute": "mean"}}}`)
	if want := []float32{20, 20, 40, 25, 20, 25}; !slices.Equal(data.train.X, want) {
		t.Errorf("got %v, want %v", data.train.X, want)
	}
	if want := []float32{25, 40}; !slices.Equal(data.test.X, want) { // (20+20+40+25+20+25)/6
		t.Errorf("got %v, want %v", data.test.X, want)
	}
	if data.train.Categorical != nil {
		t.Errorf("categorical: %v", data.train.Categorical)
	}
}

// TestReusesThePreprocess trains twice on one snapshot, materialised and not.
func TestReusesThePreprocess(t *testing.T) {
	d := newDatabase(t)
	d.sql(people)
	d.sql("INSERT INTO people SELECT n + 10 * i, city, size, code, age, pay, v, y FROM people, generate_series(1, 30) i")
	for _, materialize := range []string{"false", "true"} {
		args := `{"project_name": "p ` + materialize + `", "algorithm": "xgboost"`
		_, first := d.mustTrain(args + `, "task": "classification", "relation_name": "people", "y_column_name": "y", "materialize_snapshot": ` + materialize + `, "preprocess": ` + peoplePreprocess + `}`)
		s, second := d.mustTrain(args + `}`)
		if first.Rows != second.Rows || !s.told("INFO: Dataset { num_features: 9, ") || s.told("WARNING: The snapshot") {
			t.Errorf("%+v %+v %q", first, second, s.messages)
		}
		s, _ = d.mustTrain(args + `, "preprocess": {"age": {"impute": "zero"}}}`)
		if !s.told("WARNING: The snapshot \"pgml\".\"snapshot_") {
			t.Errorf("messages: %q", s.messages)
		}
	}
}

func TestTakesASnapshot(t *testing.T) {
	d := newDatabase(t)
	d.sql(people)
	s := d.begin()
	take := func(args string) (Taken, error) {
		t.Helper()
		req, err := DecodeSnapshot([]byte(args))
		if err != nil {
			return Taken{}, err
		}
		return TakeSnapshot(t.Context(), s, req, zap.NewNop())
	}
	got, err := take(`{"relation_name": "people", "y_column_name": "pay", "test_size": 0.5, "test_sampling": "last", "preprocess": {"age": {"impute": "mean"}}}`)
	if want := (Taken{"people", "pay", 10}); err != nil || got != want {
		t.Fatalf("got %+v %v, want %+v", got, err, want)
	}
	if want := []string{`INFO: Snapshotting table "people", this may take a little while...`, `INFO: Snapshot of table "people" created and saved in "pgml"."snapshot_1"`}; !slices.Equal(s.messages, want) {
		t.Errorf("messages: %q", s.messages)
	}
	s.commit()
	if got := d.value(`SELECT concat_ws(' ', relation_name, y_column_name, test_size, test_sampling, status, materialized, analysis, columns->4->'preprocessor', columns->4->'statistics',
		(SELECT count(*) FROM pgml.snapshot_1)) FROM pgml.snapshots`); got !=
		`people {pay} 0.5 last in_progress t {"samples": 10} {"scale": "preserve", "encode": "native", "impute": "mean"} null 10` {
		t.Errorf("got %s", got)
	}
	s = d.begin()
	for args, want := range map[string]string{
		`{"relation_name": "people"}`:                                                            "22004 pgml.snapshot: relation_name and y_column_name must not be NULL",
		`{"relation_name": "people", "y_column_name": "z"}`:                                      "XX000 Column `z` not found. Did you pass the correct `y_column_name`?",
		`{"relation_name": "nowhere", "y_column_name": "z"}`:                                     `XX000 Relation "nowhere" could not be found in the public schema. Please specify the table schema, e.g. pgml.nowhere`,
		`{"relation_name": "people", "y_column_name": "y", "preprocess": {"z": {}}}`:             `42703 preprocess names a column "z", which the relation does not have`,
		`{"relation_name": "people", "y_column_name": "y", "preprocess": {"n": {"scale": "x"}}}`: `XX000 Error initializing preprocessor for column: "n".`,
		`[]`: "22023 pgml.snapshot: the arguments cannot be read: json: cannot unmarshal array into Go value of type map[string]json.RawMessage",
	} {
		if _, err := take(args); code(err) != want {
			t.Errorf("%s: got %v, want %s", args, err, want)
		}
	}
}
