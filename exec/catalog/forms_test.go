package catalog

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/pgowl/pgowl/models/gbdt"
	"github.com/pgowl/pgowl/models/learn"
	"github.com/pgowl/pgowl/models/store"
)

// shape is what a random model is drawn from.
type shape struct {
	objective, classes, features, rounds, parallel, depth int
	skew                                                  float64 // how likely a subtree ends early
	label                                                 store.LabelKind
	step                                                  float32                    // not 0: leaves are few multiples of it, so that margins are equal or just at the turn
	feature                                               func(r *rand.Rand) float32 // nil: feature
	sets                                                  bool                       // half of the splits are by categories
}

// The engine's numbers (models/gbdt/objective.go).
const (
	squared, logistic, softmax, poisson, quantile, hinge, cox, rankNDCG, aft = 1, 2, 3, 4, 10, 12, 13, 15, 17
)

var shapes = map[string]shape{
	"regression":    {squared, 0, 7, 12, 1, 5, .1, store.Float, 0, nil, false},
	"no trees":      {squared, 0, 3, 0, 1, 0, 0, store.Float, 0, nil, false},
	"stumps":        {squared, 0, 2, 40, 1, 1, 0, store.Float, 0, nil, false},
	"one leaf each": {squared, 0, 2, 5, 1, 0, 0, store.Float, 0, nil, false},
	"wide":          {squared, 0, 900, 6, 1, 6, .1, store.Float, 0, nil, false},
	"very wide":     {squared, 0, 70000, 3, 1, 3, .1, store.Float, 0, nil, false}, // features take three bytes
	"chain":         {squared, 0, 5, 3, 1, 64, .9, store.Float, 0, nil, false},
	"deepest":       {logistic, 2, 5, 1, 1, 200, .97, store.Bool, 0, nil, false},
	"forest":        {poisson, 0, 6, 2, 30, 3, .2, store.Float, 0, nil, false},
	"logistic":      {logistic, 2, 6, 15, 1, 5, .1, store.Bool, 0, nil, false},
	"reg logistic":  {logistic, 0, 6, 15, 1, 4, .1, store.Float, 0, nil, false},
	"quantile":      {quantile, 0, 6, 8, 1, 4, .1, store.Float, 0, nil, false},
	"hinge":         {hinge, 2, 6, 5, 1, 3, .1, store.Bool, 0x1p-25, nil, false},
	"reg hinge":     {hinge, 0, 6, 9, 1, 3, .1, store.Float, 0, nil, false},
	"cox":           {cox, 0, 6, 9, 1, 3, .1, store.Float, 0, nil, false},
	"ranking":       {rankNDCG, 0, 6, 9, 1, 3, .1, store.Float, 0, nil, false},
	"failure time":  {aft, 0, 6, 9, 1, 3, .1, store.Float, 0, nil, false},
	"softmax 2":     {softmax, 2, 6, 10, 1, 5, .1, store.Text, 0, nil, false},
	"softmax 5":     {softmax, 5, 6, 4, 2, 4, .2, store.Int, 0, nil, false},
	"turn":          {logistic, 2, 6, 5, 1, 3, .1, store.Bool, 0x1p-25, nil, false},
	"ties":          {softmax, 4, 6, 3, 1, 3, .2, store.Int, 1, nil, false},
	"softmax 1":     {softmax, 1, 2, 2, 1, 2, .2, store.Int, 0, nil, false},
	"categories":    {squared, 0, 6, 12, 1, 5, .1, store.Float, 0, nil, true},
	"wide sets":     {logistic, 2, 300, 6, 1, 4, .1, store.Bool, 0, nil, true},
	"many classes":  {softmax, 150, 3, 1, 1, 1, .2, store.Int, 0, nil, false},
}

// file is a random model of the shape, as training stores it, and the model.
func (s shape) file(t *testing.T, r *rand.Rand) ([]byte, store.Header, learn.Model) {
	t.Helper()
	groups := 1
	if s.objective == softmax {
		groups = s.classes
	}
	trees := s.rounds * s.parallel * groups
	data := append([]byte("PGBT"), 1, byte(s.objective))
	if s.sets {
		data[4] = 3
	}
	for _, n := range []int{s.features, s.classes, groups, s.parallel, trees} {
		data = binary.AppendUvarint(data, uint64(n))
	}
	number := func(v float32) { data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v)) }
	leaf := func() float32 {
		if s.step != 0 {
			return float32(r.IntN(5)-1) * s.step
		}
		return leafValue(r)
	}
	number(leaf())
	var grow func(depth int)
	grow = func(depth int) {
		if depth == 0 || depth < s.depth && s.skew < .9 && r.Float64() < s.skew {
			data = append(data, 0)
			number(leaf())
			return
		}
		key := uint64(r.IntN(s.features))
		switch {
		case s.sets && r.IntN(2) == 0:
			data = binary.AppendUvarint(data, key<<2+2+1+uint64(r.IntN(2)))
			data = append(data, byte(2*3+r.IntN(2)), byte(r.IntN(2)), 1)
			data = binary.AppendUvarint(data, uint64(1+r.IntN(300)))
		case s.sets:
			data = binary.AppendUvarint(data, key<<2+1+uint64(r.IntN(2)))
			number(threshold(r))
		default:
			data = binary.AppendUvarint(data, key<<1+1+uint64(r.IntN(2)))
			number(threshold(r))
		}
		left, right := depth-1, depth-1
		if s.skew >= .9 { // a chain
			if r.IntN(2) == 0 {
				left = 0
			} else {
				right = 0
			}
		}
		grow(left)
		grow(right)
	}
	for range trees {
		grow(s.depth)
	}
	if s.sets {
		data = append(data, 0) // the end
	}
	m, err := gbdt.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	h := store.Header{Algorithm: "xgboost", Task: learn.Regression, Features: []store.Feature{{Name: "x", Type: "_float4", Width: s.features}},
		Label: store.Label{Column: "y", Kind: s.label}, Engine: "test"}
	for i := range s.classes {
		h.Task = learn.Classification
		h.Label.Classes = append(h.Label.Classes, map[store.LabelKind]string{store.Bool: strconv.FormatBool(i == 1), store.Int: strconv.Itoa(i*7 - 20),
			store.Text: fmt.Sprintf("%c<ü'\\\"$x$ %d", 'a'+i, i)}[s.label])
	}
	file, err := store.Encode(h, m)
	if err != nil {
		t.Fatal(err)
	}
	return file, h, m
}

// thresholds come again, so that features hit them exactly.
func threshold(r *rand.Rand) float32 {
	switch r.IntN(40) {
	case 0:
		return float32(math.Inf(1 - 2*r.IntN(2)))
	case 1:
		return math.SmallestNonzeroFloat32 * float32(r.IntN(5)-2)
	case 2:
		return math.MaxFloat32 * float32(1-2*r.IntN(2))
	case 3:
		return float32(math.Copysign(0, -1))
	}
	return float32(r.IntN(21)-10) / 7
}

func leafValue(r *rand.Rand) float32 {
	switch r.IntN(30) {
	case 0:
		return float32(math.Copysign(0, -1))
	case 1:
		return math.SmallestNonzeroFloat32
	}
	return float32(r.NormFloat64() / 3)
}

func feature(r *rand.Rand) float32 {
	if r.IntN(6) == 0 {
		return float32(math.NaN())
	}
	switch r.IntN(8) {
	case 0:
		return float32(r.NormFloat64())
	case 1:
		return float32(r.IntN(4)) + float32(r.IntN(2))/2 // categories, too
	}
	return threshold(r)
}

// deployed puts a model into the registry, as pgml.train does, and gives its number.
func deployed(t testing.TB, conn *pgx.Conn, project string, task learn.Task, file []byte) (id int64) {
	t.Helper()
	ctx := context.Background()
	for _, sql := range []string{
		`INSERT INTO pgml.projects (name, task) VALUES ($1, $2::text::pgml.task) ON CONFLICT DO NOTHING`,
	} {
		if _, err := conn.Exec(ctx, sql, project, string(task)); err != nil {
			t.Fatal(err)
		}
	}
	if err := conn.QueryRow(ctx, `INSERT INTO pgml.models (project_id, num_features, algorithm, hyperparams, status, search_params, search_args)
		SELECT id, 1, 'xgboost', '{}', 'successful', '{}', '{}' FROM pgml.projects WHERE name = $1 RETURNING id`, project).Scan(&id); err != nil {
		t.Fatal(err)
	}
	half := len(file) / 2 // in parts, as large ones are
	if _, err := conn.Exec(ctx, `INSERT INTO pgml.files (model_id, path, part, data) VALUES ($1, 'estimator.rmp', 0, $2), ($1, 'estimator.rmp', 1, $3)`,
		id, file[:half], file[half:]); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(ctx, `SELECT * FROM pgml.deploy($1::bigint)`, id); err != nil {
		t.Fatal(err)
	}
	return id
}

// TestFormsEqualTheEngine compares models as SQL with the engine: predictions of a class and sums of trees to the bit, what goes through an exponential function
// to a millionth.
func TestFormsEqualTheEngine(t *testing.T) {
	conn := migrated(t)
	for name, s := range shapes {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(3) {
				r := rand.New(rand.NewPCG(seed, uint64(len(name))))
				file, h, m := s.file(t, r)
				id := deployed(t, conn, fmt.Sprint(name, seed), h.Task, file)
				compare(t, conn, r, s, id, h, m)
			}
		})
	}
}

func compare(t *testing.T, conn *pgx.Conn, r *rand.Rand, s shape, id int64, h store.Header, m learn.Model) {
	t.Helper()
	ctx := context.Background()
	var why *string
	if err := conn.QueryRow(ctx, `SELECT why FROM pgowl.forms WHERE model_id = $1`, id).Scan(&why); err != nil || why != nil {
		t.Fatalf("no form: %v, %s", err, *why)
	}
	rows := min(200, 400000/s.features)
	draw := feature
	if s.feature != nil {
		draw = s.feature
	}
	var x []float32
	for range rows * s.features {
		x = append(x, draw(r))
	}
	want := make([]float32, rows)
	m.Predict(want, x)
	k := max(1, s.classes)
	proba := make([]float32, rows*k)
	if s.classes > 0 {
		m.Probabilities(proba, x)
		for i := range want {
			want[i] = h.Code(int(want[i]))
		}
	}
	for i := range rows {
		row := x[i*s.features:][:s.features]
		var value float32
		if err := conn.QueryRow(ctx, `SELECT pgml.predict($1::bigint, $2::real[])`, id, row).Scan(&value); err != nil {
			t.Fatalf("%v: %v", row, err)
		}
		exact := s.classes > 0 || s.objective == squared
		if !same(value, want[i], exact) {
			t.Fatalf("row %d %v: %v as SQL, %v by the engine", i, row[:min(9, len(row))], value, want[i])
		}
		if s.classes == 0 {
			continue
		}
		var p []float32
		if err := conn.QueryRow(ctx, `SELECT pgml.predict_proba($1::bigint, $2::real[])`, id, row).Scan(&p); err != nil {
			t.Fatalf("%v: %v", row, err)
		}
		if len(p) != k {
			t.Fatalf("%d probabilities of %d classes", len(p), k)
		}
		for c := range p {
			if !same(p[c], proba[i*k+c], false) {
				t.Fatalf("row %d %v: probability %d is %v as SQL, %v by the engine", i, row, c, p[c], proba[i*k+c])
			}
		}
	}
	var batch []float32
	if err := conn.QueryRow(ctx, `SELECT pgml.predict_batch($1::bigint, $2::real[])`, id, x[:3*s.features]).Scan(&batch); err != nil {
		t.Fatal(err)
	}
	for i, v := range batch {
		if !same(v, want[i], s.classes > 0 || s.objective == squared) {
			t.Fatalf("in a batch row %d is %v, by the engine %v", i, v, want[i])
		}
	}
}

func same(a, b float32, exact bool) bool {
	if a != a || b != b {
		return a != a && b != b
	}
	if exact {
		return math.Float32bits(a) == math.Float32bits(b)
	}
	d := math.Abs(float64(a) - float64(b))
	return a == b || d <= 1e-6*max(1, math.Abs(float64(b)))
}

// TestSlots: each model is found in its slot, and one that is not there all the same.
func TestSlots(t *testing.T) {
	conn := migrated(t)
	ctx := context.Background()
	r := rand.New(rand.NewPCG(7, 7))
	for i := range 130 { // three in a slot
		file, h, m := shapes["stumps"].file(t, r)
		id := deployed(t, conn, fmt.Sprint("p", i), h.Task, file)
		row, want := []float32{feature(r), feature(r)}, []float32{0}
		m.Predict(want, row)
		if i%10 == 0 {
			exec(t, conn, fmt.Sprintf(`CREATE OR REPLACE FUNCTION pgowl.slot_%d(model bigint, f real[]) RETURNS real LANGUAGE plpgsql STABLE AS 'BEGIN RETURN NULL; END'`, id&63))
		}
		var slot *float32
		var value float32
		if err := conn.QueryRow(ctx, `SELECT pgowl.by_slot($1, $2), pgml.predict($1::bigint, $2::real[])`, id, row).Scan(&slot, &value); err != nil {
			t.Fatal(err)
		}
		if value != want[0] || (slot == nil) != (i%10 == 0) || slot != nil && *slot != value {
			t.Fatalf("model %d: %v in its slot, %v, by the engine %v", id, slot, value, want[0])
		}
	}
}

// A model of the linear booster is not SQL, and says so.
func TestLinearHasNoForm(t *testing.T) {
	conn := migrated(t)
	d := &learn.Dataset{X: []float32{1, 2, 3}, Y: []float32{1, 2, 3}, Rows: 3, Features: 1}
	m, err := gbdt.Train(t.Context(), d, learn.Regression, map[string]any{"booster": "gblinear"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	file, err := store.Encode(store.Header{Algorithm: "xgboost", Task: learn.Regression, Features: []store.Feature{{Name: "x", Type: "float4", Width: 1}},
		Label: store.Label{Column: "y", Kind: store.Float}, Engine: "test"}, m)
	if err != nil {
		t.Fatal(err)
	}
	var why string
	id := deployed(t, conn, "linear", learn.Regression, file)
	if err := conn.QueryRow(t.Context(), `SELECT why FROM pgowl.forms WHERE model_id = $1`, id).Scan(&why); err != nil || why != "it is of booster gblinear" {
		t.Errorf("%q, %v", why, err)
	}
}

// TestFormsAreSafe: a file of whatever bytes gives a form or a reason, and never keeps a model from being deployed.
func TestFormsAreSafe(t *testing.T) {
	conn := migrated(t)
	r := rand.New(rand.NewPCG(1, 2))
	file, h, _ := shapes["softmax 2"].file(t, r)
	reasons := map[string]int{}
	for i := range 120 {
		bad := append([]byte(nil), file...)
		for range 1 + r.IntN(3) {
			bad[r.IntN(len(bad))] = byte(r.IntN(256))
		}
		if i%4 == 0 {
			bad = bad[:r.IntN(len(bad))]
		}
		id := deployed(t, conn, fmt.Sprint("damaged", i), h.Task, bad)
		var why *string
		if err := conn.QueryRow(context.Background(), `SELECT why FROM pgowl.forms WHERE model_id = $1`, id).Scan(&why); err != nil {
			t.Fatal(err)
		}
		if why != nil {
			reasons[strings.SplitN(*why, ":", 2)[0]]++
		}
	}
	if len(reasons) == 0 {
		t.Error("no damage was noticed")
	}
}
