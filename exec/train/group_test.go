package train

import (
	"fmt"
	"testing"

	"github.com/pgowl/pgowl/exec/predict"
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
	s, _ = d.mustTrain(`{"project_name": "numbers", "group_by": "number", "relation_name": "by_number", "task": "regression", "y_column_name": "amount", "algorithm": "xgboost",
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
		{`"relation_name": "holes", "group_by": "number"`, `XX000 3 missing values for number. You may provide a preprocessor to impute a value.`},
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
