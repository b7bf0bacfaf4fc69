package train

import (
	"fmt"
	"testing"

	"github.com/pgowl/pgowl/exec/predict"
	"github.com/pgowl/pgowl/models/bygroup"
	"github.com/pgowl/pgowl/models/store"
	"go.uber.org/zap"
)

// sales are of three shops whose amounts have nothing in common, and of one with three rows.
const sales = `
CREATE TABLE public.sales AS SELECT CASE WHEN i < 4 THEN 'tiny' ELSE (ARRAY['north', 'south', 'west'])[i % 3 + 1] END AS shop, CASE WHEN i < 4 THEN 8 ELSE i % 3 END AS number,
	(i % 40) AS day, CASE WHEN i < 4 THEN 5 WHEN i % 3 = 0 THEN i % 40 WHEN i % 3 = 1 THEN 1000 - i % 40 ELSE 77 END::float8 AS amount FROM generate_series(1, 600) i;
CREATE VIEW public.by_shop AS SELECT shop, day, amount FROM sales;
CREATE VIEW public.by_number AS SELECT day, number, amount FROM sales;
CREATE VIEW public.holes AS SELECT day, nullif(number, 8) AS number, amount FROM sales;
CREATE VIEW public.large AS SELECT day, number + 16777216 AS number, amount FROM sales;
CREATE VIEW public.others AS SELECT 'elsewhere' AS shop, day, 10000 AS number, ARRAY[day] AS days, day + 0.5::real AS half, amount FROM sales;
CREATE VIEW public.nobody AS SELECT nullif(shop, 'north') AS shop, day, amount FROM sales;
GRANT SELECT ON by_shop, by_number, holes, large, others, nobody TO PUBLIC`

func TestTrainsAModelForEachGroup(t *testing.T) {
	d := newDatabase(t)
	d.sql(sales)
	const with = `"task": "regression", "y_column_name": "amount", "algorithm": "xgboost", "hyperparams": {"n_estimators": 40}`
	cache := predict.NewCache(1 << 20)
	s := d.begin()
	if _, err := seeded(t.Context(), s, request(d, `{"project_name": "shops", "group_by": "shop", "relation_name": "by_shop", `+with+`}`), cache, zap.NewNop()); err != nil {
		t.Fatal(err)
	}
	s.commit()
	if !s.told(`INFO: Groups: 3 values of "shop" have a model of their own`) || !s.told(`INFO: Dataset { num_features: 2, `) {
		t.Errorf("messages: %q", s.messages)
	}
	if got := d.value("SELECT lineage->>'group_by' FROM pgml.models"); got != "shop" {
		t.Errorf("the lineage has group_by %s", got)
	}
	if _, err := Export("xgboost-json", store.Header{}, &bygroup.Model{}); code(err) != "0A000 pgml.export_model: a model of groups is not available in PgOwl" {
		t.Errorf("export: %v", err)
	}
	if got := d.value("SELECT columns->0->'preprocessor'->>'impute' FROM pgml.snapshots"); got != "error" {
		t.Errorf("the snapshot imputes %s", got)
	}
	published, err := cache.Get(t.Context(), 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	h, fitted, err := d.fromFiles(t.Context(), 1)
	if err != nil || h.Group != "shop" {
		t.Fatal(h.Group, err)
	}
	for name, m := range map[string]*predict.Model{"published": published, "from the file": predict.New(1, h, fitted)} {
		row := func(text string) float32 {
			t.Helper()
			features, err := m.Row(nil, []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			v, err := m.Predict(features)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		for shop, want := range map[string]float32{"north": 12, "south": 988, "west": 77} {
			if got := row(fmt.Sprintf(`{"f1":"%s","f2":12}`, shop)); got < want-2 || got > want+2 {
				t.Errorf("%s: shop %s sells for %v, want %v", name, shop, got, want)
			}
		}
		// What training has not seen, seen too little of, and NULL, are the model of all rows'.
		if a, b, c := row(`{"f1":"unseen","f2":12}`), row(`{"f1":"tiny","f2":12}`), row(`{"f1":null,"f2":12}`); a != b || b != c || a < 100 || a > 900 {
			t.Errorf("%s: other shops sell for %v, %v, %v", name, a, b, c)
		}
	}
	metrics, _, err := d.evaluate("shops", "others", "")
	if err != nil || *metrics["r2"] > .5 {
		t.Errorf("unseen groups: %v %v", metrics, err)
	}

	// Numbers, by cross-validation; NULL is of no group where it is a text.
	d.mustTrain(`{"project_name": "numbers", "group_by": "number", "relation_name": "by_number", "task": "regression", "y_column_name": "amount", "algorithm": "xgboost",
		"search": "grid", "search_params": {"n_estimators": [1, 40]}, "search_args": {"cv": 2}}`)
	if got := d.value("SELECT hyperparams::text || ((metrics->>'r2')::float8 > 0.95) FROM pgml.models ORDER BY id DESC LIMIT 1"); got != `{"n_estimators": 40}true` {
		t.Errorf("got %s", got)
	}
	s, _ = d.mustTrain(`{"project_name": "nobody", "group_by": "shop", "relation_name": "nobody", ` + with + `}`)
	if !s.told(`INFO: Groups: 2 values of "shop" have a model of their own`) {
		t.Errorf("messages: %q", s.messages)
	}
	// Without group_by it is a project like any other.
	s, _ = d.mustTrain(`{"project_name": "nobody", "algorithm": "xgboost"}`)
	if s.told(`INFO: Groups: `) {
		t.Errorf("messages: %q", s.messages)
	}
}

// TestGroupsOfClasses: the classes are the same in all groups, whichever a group has; a group of one class has no model. The group is a boolean between columns that
// give several features each, and the hyperparameters are searched for.
func TestGroupsOfClasses(t *testing.T) {
	d := newDatabase(t)
	d.sql(`CREATE TABLE public.visits AS SELECT ARRAY[i % 10, 1] AS days, (ARRAY['x', 'y', 'z'])[i % 3 + 1] AS kind, i % 2 = 0 AS member, 7 AS one,
			CASE WHEN i % 2 = 0 THEN CASE WHEN i % 10 < 5 THEN 'buys' ELSE 'looks' END ELSE CASE WHEN i % 10 < 5 THEN 'asks' ELSE 'buys' END END AS does
		FROM generate_series(1, 400) i;
		CREATE VIEW public.idle AS SELECT CASE WHEN member THEN 'm' END AS member, days, CASE WHEN member THEN 'looks' ELSE does END AS does FROM visits;
		CREATE VIEW public.plain AS SELECT member, days, does FROM visits;
		GRANT SELECT ON visits, idle, plain TO PUBLIC`)
	s, _ := d.mustTrain(`{"project_name": "visits", "group_by": "member", "relation_name": "visits", "task": "classification", "y_column_name": "does", "algorithm": "xgboost",
		"preprocess": {"kind": {"encode": "one_hot"}}, "search": "random", "search_params": {"n_estimators": [1, 20], "max_depth": [1, 3]}, "search_args": {"cv": 3, "n_iter": 3}}`)
	if !s.told(`INFO: Groups: 2 values of "member" have a model of their own`) {
		t.Errorf("messages: %q", s.messages)
	}
	h, fitted, err := d.fromFiles(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	g := fitted.(*bygroup.Model)
	if g.Feature() != 4 || g.Classes() != 3 || g.Groups() != 2 || g.Features() != 6 {
		t.Errorf("feature %d of %d, %d groups of %d classes", g.Feature(), g.Features(), g.Groups(), g.Classes())
	}
	m := predict.New(1, h, fitted)
	for row, want := range map[string]string{
		`{"f1":[2,1],"f2":"x","f3":true,"f4":7}`: "buys", `{"f1":[8,1],"f2":"y","f3":true,"f4":7}`: "looks",
		`{"f1":[2,1],"f2":"z","f3":false,"f4":7}`: "asks", `{"f1":[8,1],"f2":"x","f3":false,"f4":7}`: "buys",
	} {
		features, err := m.Row(nil, []byte(row))
		if err != nil {
			t.Fatal(err)
		}
		if label, err := m.Label(features); err != nil || *label != want {
			t.Errorf("%s: %v %v, want %s", row, label, err, want)
		}
	}
	if got := d.value("SELECT (metrics->>'accuracy')::float8 > 0.99 AND jsonb_array_length(metrics->'search_results'->'params') = 3 FROM pgml.models"); got != "true" {
		t.Errorf("metrics: %s", d.value("SELECT metrics FROM pgml.models"))
	}
	if metrics, _, err := d.evaluate("visits", "visits", ""); err != nil || *metrics["accuracy"] < .99 {
		t.Errorf("evaluate: %v %v", metrics, err)
	}

	// Members all do the same, and of no group are the others: there is none with a model.
	s, _ = d.mustTrain(`{"project_name": "idle", "group_by": "member", "relation_name": "idle", "task": "classification", "y_column_name": "does", "algorithm": "xgboost"}`)
	if !s.told(`INFO: Groups: 0 values of "member" have a model of their own`) {
		t.Errorf("messages: %q", s.messages)
	}
	// Without those that look, members all do the same.
	s, _ = d.mustTrain(`{"project_name": "weighed", "group_by": "member", "relation_name": "plain", "task": "classification", "y_column_name": "does", "algorithm": "linear", "hyperparams": {"class_weight": {"looks": 0}}}`)
	if !s.told(`INFO: Groups: 1 values of "member" have a model of their own`) || !s.told(`WARNING: The rows of 1 values of "member" cannot be learned from by themselves, and are predicted by the model of all rows: hyperparameter "class_weight": leaves fewer than two classes`) {
		t.Errorf("messages: %q", s.messages)
	}
}

func TestGroupErrors(t *testing.T) {
	d := newDatabase(t)
	d.sql(sales)
	const on = `{"project_name": "p", "task": "regression", "y_column_name": "amount", "algorithm": "xgboost", `
	for _, c := range []struct{ args, want string }{
		{`"relation_name": "by_shop", "group_by": "no such"`, `42703 pgml.train: there is no column "no such" to group by`},
		{`"relation_name": "by_shop", "group_by": "amount"`, `22023 pgml.train: "amount" is the label, and cannot be grouped by`},
		{`"relation_name": "others", "group_by": "days"`, `42804 pgml.train: "days" is of type int4[], and cannot be grouped by`},
		{`"relation_name": "others", "group_by": "half"`, `42804 pgml.train: "half" is of type float8, and cannot be grouped by`},
		{`"relation_name": "by_shop", "group_by": "shop", "preprocess": {"shop": {"encode": "target"}}`, `22023 pgml.train: "shop" is grouped by, and cannot be preprocessed`},
		{`"relation_name": "large", "group_by": "number"`, `22003 pgml.train: "number" has values that are no whole numbers or have more than 24 bits`},
		{`"relation_name": "holes", "group_by": "number"`, `22004 pgml.train: 3 values of "number" are missing, and it cannot be grouped by`},
		{`"relation_name": "by_shop", "group_by": "shop", "hyperparams": {"max_dept": 1}`, `XX000 Unknown hyperparameter "max_dept": 1`},
		{`"relation_name": "others", "group_by": "shop", "y_column_name": ["amount", "day"]`, `0A000 pgml.train: a model of several labels cannot be divided into groups in PgOwl yet`},
	} {
		s, _, err := d.train(on + c.args + `}`)
		if got := code(err); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.args, got, c.want)
		}
		if err := s.tx.Rollback(t.Context()); err != nil {
			t.Error(err)
		}
	}
	d.sql("CREATE VIEW public.alone AS SELECT shop, amount FROM sales; GRANT SELECT ON alone TO PUBLIC")
	if _, _, err := d.train(on + `"relation_name": "alone", "group_by": "shop"}`); code(err) != "22023 pgml.train: there are no feature columns beside the one to group by" {
		t.Errorf("got %s", code(err))
	}
	if _, err := Decode([]byte(`{"project_name": "p", "group_by": ""}`)); code(err) != "22023 pgml.train: group_by must be the name of a column, or NULL" {
		t.Errorf("got %s", code(err))
	}
}
