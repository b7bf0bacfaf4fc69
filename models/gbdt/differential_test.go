package gbdt

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/pgowl/pgowl/models/learn"
)

// trial is a small odd data set with parameters, for this engine and the real XGBoost.
type trial struct {
	X, Y, Weights  []float32
	Upper          []float32
	Queries        []int32
	Rows, Features int
	Classes        int
	Params         map[string]any
}

// MarshalJSON writes a missing value as null.
func (c trial) MarshalJSON() ([]byte, error) {
	x := make([]any, len(c.X))
	for i, v := range c.X {
		if v == v {
			x[i] = v
		}
	}
	upper := make([]any, len(c.Upper)) // null is infinite
	for i, v := range c.Upper {
		if v-v == 0 {
			upper[i] = v
		}
	}
	return json.Marshal(map[string]any{"x": x, "y": c.Y, "w": c.Weights, "u": upper, "q": c.Queries, "rows": c.Rows, "classes": c.Classes, "params": c.Params})
}

func (c *trial) data() *learn.Dataset {
	return &learn.Dataset{X: c.X, Y: c.Y, Weights: c.Weights, Upper: c.Upper, Queries: c.Queries, Rows: c.Rows, Features: c.Features, Classes: c.Classes}
}

// oddValue is from one of a few ways in which columns are odd.
func oddValue(r *rand.Rand, way int) float32 {
	switch way {
	case 0:
		return float32(r.IntN(3))
	case 1:
		return float32(r.NormFloat64())
	case 2:
		return float32(math.Pow(10, float64(r.IntN(60)-30))) * float32(1-2*r.IntN(2))
	case 3:
		return []float32{0, float32(math.Copysign(0, -1)), math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32, 0x1p-126}[r.IntN(5)]
	case 4:
		return 7
	case 5:
		return []float32{math.MaxFloat32 / 4, -math.MaxFloat32 / 4, 1, 0}[r.IntN(4)]
	case 6:
		return 16777216 + float32(r.IntN(8)) // at the end of what float32 tells apart
	}
	return float32(r.IntN(100)) / 64
}

func newTrial(seed uint64) *trial {
	r := rand.New(rand.NewPCG(seed, 1))
	c := &trial{Rows: 2 + r.IntN(120), Features: 1 + r.IntN(5), Params: map[string]any{"n_estimators": float64(1 + r.IntN(4))}}
	missing := []float64{0, 0, .2, .8}[r.IntN(4)]
	ways := make([]int, c.Features)
	for f := range ways {
		ways[f] = r.IntN(8)
	}
	for range c.Rows {
		for _, way := range ways {
			v := oddValue(r, way)
			if r.Float64() < missing {
				v = float32(math.NaN())
			}
			c.X = append(c.X, v)
		}
	}
	pick := func(name string, values ...any) { c.Params[name] = values[r.IntN(len(values))] }
	set := func(chance float64, name string, values ...any) {
		if r.Float64() < chance {
			pick(name, values...)
		}
	}
	c.Classes = []int{0, 0, 2, 3}[r.IntN(4)]
	switch {
	case c.Classes == 2:
		set(.7, "objective", "binary:logistic", "binary:logitraw", "binary:hinge")
	case c.Classes == 0:
		set(.8, "objective", "reg:squarederror", "reg:absoluteerror", "reg:quantileerror", "reg:squaredlogerror", "reg:pseudohubererror", "count:poisson", "reg:gamma",
			"reg:tweedie", "reg:logistic", "survival:cox", "survival:aft", "rank:pairwise", "rank:ndcg", "rank:map")
	}
	for range c.Rows {
		y := float32(r.IntN(max(2, c.Classes)))
		if c.Classes == 0 {
			y = .125 + float32(r.IntN(64))/32
			switch c.Params["objective"] {
			case "reg:logistic":
				y /= 3
			case "survival:cox":
				y *= float32(1 - 2*r.IntN(2))
			case "count:poisson":
				y = float32(int(y * 3))
			case "survival:aft":
				c.Upper = append(c.Upper, []float32{y, y + 1, float32(math.Inf(1))}[r.IntN(3)])
			case "rank:pairwise", "rank:ndcg", "rank:map":
				y = float32(r.IntN(5))
				c.Queries = append(c.Queries, int32(len(c.Y)/(3+c.Features)))
			}
			if c.Params["objective"] == "rank:map" {
				y = min(y, 1)
			}
		}
		c.Y = append(c.Y, y)
	}
	if c.Params["objective"] == "reg:quantileerror" {
		pick("quantile_alpha", .1, .5, .75)
	}
	if c.Upper != nil {
		pick("aft_loss_distribution", "normal", "logistic", "extreme")
	}
	if c.Queries != nil {
		set(.3, "lambdarank_num_pair_per_sample", 2.)
		set(.3, "lambdarank_pair_method", "mean")
		set(.2, "lambdarank_normalization", false)
		set(.2, "lambdarank_score_normalization", false)
		set(.3, "lambdarank_unbiased", true)
	} else if r.IntN(3) == 0 {
		for range c.Rows {
			c.Weights = append(c.Weights, float32(1+r.IntN(8))/4)
		}
	}
	set(.3, "min_child_weight", 0., 3.)
	set(.2, "lambda", 0., 5.)
	set(.2, "alpha", .5)
	set(.4, "gamma", .1, 1.)
	set(.3, "max_depth", 1., 3., 0.)
	set(.2, "grow_policy", "lossguide")
	set(.2, "max_leaves", 4., 9.)
	set(.2, "max_delta_step", .5)
	set(.2, "num_parallel_tree", 2.)
	set(.2, "scale_pos_weight", 2.5)
	set(.3, "monotone_constraints", "(1)", "(-1)")
	set(.2, "interaction_constraints", "[[0]]")
	if r.IntN(6) == 0 {
		c.Params["booster"], c.Params["rate_drop"] = "dart", 1.
		set(.5, "normalize_type", "forest")
	}
	return c
}

// TestAgainstXGBoost compares fits of small odd data sets with the real library's. PGOWL_XGBOOST names a Python that has it, PGOWL_TRIALS the
// number of data sets (300).
func TestAgainstXGBoost(t *testing.T) {
	python := os.Getenv("PGOWL_XGBOOST")
	if python == "" {
		t.Skip("PGOWL_XGBOOST names no Python that has XGBoost")
	}
	n, _ := strconv.Atoi(os.Getenv("PGOWL_TRIALS"))
	if n == 0 {
		n = 300
	}
	trials := make([]*trial, n)
	for i := range trials {
		trials[i] = newTrial(uint64(i))
	}
	in, err := json.Marshal(trials)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, "testdata/differential.py")
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var answers []struct {
		Want  []*float64
		Error string
	}
	if err := json.Unmarshal(out, &answers); err != nil {
		t.Fatal(err)
	}
	same, refused := 0, 0
	for i, c := range trials {
		m, err := Train(t.Context(), c.data(), taskOf(c.Classes), c.Params, nil)
		if (err != nil) != (answers[i].Error != "") {
			t.Errorf("trial %d %v: error %v, XGBoost's %q", i, c.Params, err, answers[i].Error)
			continue
		}
		if err != nil {
			refused++
			continue
		}
		if why := differ(outputs(m, c.X), answers[i].Want); why != "" {
			t.Logf("trial %d, %d x %d, %d classes, weights %v, %v: %s", i, c.Rows, c.Features, c.Classes, c.Weights != nil, c.Params, why)
			continue
		}
		same++
	}
	t.Logf("%d of %d the same, %d refused by both", same, n, refused)
	// Where splits gain the same but for rounding, the order of a sum decides; no two versions of XGBoost agree on all of these.
	if float64(same+refused) < .97*float64(n) {
		t.Errorf("only %d of %d are the same", same+refused, n)
	}
}

func differ(got []float32, want []*float64) string {
	if len(got) != len(want) {
		return fmt.Sprintf("%d values, XGBoost's %d", len(got), len(want))
	}
	for i, w := range want {
		switch {
		case w == nil && got[i] == got[i]:
			return fmt.Sprintf("value %d is %v, XGBoost's NaN", i, got[i])
		case w != nil && !(math.Abs(float64(got[i])-*w) <= 1e-4*math.Max(1, math.Abs(*w))):
			return fmt.Sprintf("value %d is %v, XGBoost's %v", i, got[i], *w)
		}
	}
	return ""
}
