package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/models/learn"
	"github.com/pgowl/pgowl/models/linear"
	"github.com/pgowl/pgowl/models/store"
)

// linearShape is what a random linear model is drawn from.
type linearShape struct {
	kind              string
	classes, features int
	label             store.LabelKind
	weight            func(r *rand.Rand) float64
	feature           func(r *rand.Rand) float32
}

func plainWeight(r *rand.Rand) float64 {
	if r.IntN(10) == 0 {
		return 0
	}
	return r.NormFloat64() * math.Pow(10, float64(r.IntN(7)-3))
}

// edgeWeight is at the edges of what the engine keeps.
func edgeWeight(r *rand.Rand) float64 {
	return (r.Float64() - .5) * math.Pow(10, float64(r.IntN(490)-244))
}

// few is a weight or an intercept whose sums are often equal, or just at the turn.
func few(r *rand.Rand) float64 { return float64(r.IntN(3)-1) * 0x1p-30 }

func plainFeature(r *rand.Rand) float32 {
	switch r.IntN(100) {
	case 0:
		return float32(math.NaN())
	case 1:
		return float32(math.Inf(1 - 2*r.IntN(2)))
	case 2:
		return threshold(r)
	}
	return float32(r.NormFloat64() * 10)
}

func whole(r *rand.Rand) float32 { return float32(r.IntN(3) - 1) }

var linearShapes = map[string]linearShape{
	"regression":        {"regression", 0, 7, store.Float, plainWeight, plainFeature},
	"one feature":       {"regression", 0, 1, store.Float, plainWeight, plainFeature},
	"edges":             {"regression", 0, 5, store.Float, edgeWeight, threshold},
	"wide":              {"regression", 0, 700, store.Float, plainWeight, func(r *rand.Rand) float32 { return float32(r.NormFloat64()) }},
	"very wide":         {"regression", 0, 9000, store.Float, plainWeight, func(r *rand.Rand) float32 { return float32(r.NormFloat64()) }},
	"logistic":          {"logistic", 2, 6, store.Bool, plainWeight, plainFeature},
	"logistic edges":    {"logistic", 2, 6, store.Text, edgeWeight, threshold},
	"turn":              {"logistic", 2, 6, store.Int, few, whole},
	"multinomial":       {"multinomial", 5, 6, store.Int, plainWeight, plainFeature},
	"ties":              {"multinomial", 4, 3, store.Text, few, whole},
	"multinomial of 2":  {"multinomial", 2, 4, store.Bool, plainWeight, plainFeature},
	"multinomial edges": {"multinomial", 3, 4, store.Text, edgeWeight, threshold},
	"many classes":      {"multinomial", 150, 40, store.Int, plainWeight, plainFeature},
	"ovr":               {"ovr", 4, 6, store.Int, plainWeight, plainFeature},
	"ovr edges":         {"ovr", 3, 4, store.Text, edgeWeight, threshold},
}

// file is a random model of the shape, as training stores it, and the model.
func (s linearShape) file(t *testing.T, r *rand.Rand) ([]byte, store.Header, learn.Model) {
	t.Helper()
	margins := 1
	if s.kind == "multinomial" || s.kind == "ovr" {
		margins = s.classes
	}
	draw := func(n int) []float64 {
		out := make([]float64, n)
		for i := range out {
			out[i] = s.weight(r)
		}
		return out
	}
	text, err := json.Marshal(map[string]any{"kind": s.kind, "features": s.features, "classes": s.classes, "intercepts": draw(margins),
		"coefficients": draw(margins * s.features), "means": make([]float64, s.features)})
	if err != nil {
		t.Fatal(err)
	}
	m, err := linear.Decode(append([]byte("PGLN\x01"), text...))
	if err != nil {
		t.Fatal(err)
	}
	h := store.Header{Algorithm: "linear", Task: learn.Regression, Features: []store.Feature{{Name: "x", Type: "_float4", Width: s.features}},
		Label: store.Label{Column: "y", Kind: s.label}, Engine: "test"}
	for i := range s.classes {
		h.Task = learn.Classification
		h.Label.Classes = append(h.Label.Classes, map[store.LabelKind]string{store.Bool: fmt.Sprint(i == 1), store.Int: fmt.Sprint(i*7 - 20),
			store.Text: fmt.Sprintf("%c<'\\\"$x$ %d", 'a'+i, i)}[s.label])
	}
	file, err := store.Encode(h, m)
	if err != nil {
		t.Fatal(err)
	}
	return file, h, m
}

// TestLinearFormsEqualTheEngine compares linear models as SQL with the engine: values and classes to the bit, probabilities to a millionth. They have a form whatever the limit.
func TestLinearFormsEqualTheEngine(t *testing.T) {
	conn := migrated(t)
	exec(t, conn, `INSERT INTO pgowl.settings VALUES ('sql_model_nodes', 0) ON CONFLICT (name) DO UPDATE SET value = 0`)
	for name, s := range linearShapes {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(2) {
				r := rand.New(rand.NewPCG(seed, uint64(len(name))))
				file, h, m := s.file(t, r)
				id := deployed(t, conn, fmt.Sprint(name, seed), h.Task, file)
				compare(t, conn, r, shape{objective: squared, classes: s.classes, features: s.features, feature: s.feature}, id, h, m)
			}
		})
	}
}

// TestLinearFormsAreSafe: a file of whatever bytes gives a form or a reason, and never keeps a model from being deployed.
func TestLinearFormsAreSafe(t *testing.T) {
	conn := migrated(t)
	r := rand.New(rand.NewPCG(1, 2))
	file, h, _ := linearShapes["multinomial"].file(t, r)
	reasons := 0
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
			reasons++
			if strings.Contains(*why, "syntax error at or near") {
				t.Errorf("damage got into the text: %s", *why)
			}
		}
	}
	if reasons == 0 {
		t.Error("no damage was noticed")
	}
}
