package metrics

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

// golden is testdata/golden.json, which testdata/golden.py wrote with scikit-learn. null is NaN.
type golden struct {
	Classification []struct {
		Name                             string
		Classes                          int
		Labels, Predicted, Probabilities []float32
		Want                             map[string]*float64
	}
	Regression []regressionCase
	Joint      struct {
		Labels, Predicted [][]float32 // by target
		Want              map[string]*float64
	}
}

type regressionCase struct {
	Name              string
	Labels, Predicted []float32
	Want              map[string]*float64
}

func readGolden(t *testing.T) (g golden) {
	t.Helper()
	text, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// agree compares scores by name, with room for the order of sums; scikit-learn takes the logarithms of log_loss in float32.
func agree(t *testing.T, name string, got map[string]float64, want map[string]*float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %v, want %d scores", name, got, len(want))
	}
	for k, w := range want {
		room := 1e-9
		if k == "log_loss" {
			room = 1e-7
		}
		g, ok := got[k]
		switch {
		case !ok:
			t.Errorf("%s: no %s", name, k)
		case w == nil:
			if !math.IsNaN(g) {
				t.Errorf("%s: %s = %v, want NaN", name, k, g)
			}
		case !(math.Abs(g-*w) <= room*math.Max(1, math.Abs(*w))):
			t.Errorf("%s: %s = %v, want %v", name, k, g, *w)
		}
	}
}

func TestClassificationAgreesWithScikitLearn(t *testing.T) {
	for _, c := range readGolden(t).Classification {
		var both []float32
		for _, p := range c.Probabilities {
			both = append(both, 1-p, p)
		}
		agree(t, c.Name, Classification(c.Labels, c.Predicted, both, c.Classes).Map(), c.Want)
	}
}

func TestRegressionAgreesWithScikitLearn(t *testing.T) {
	g := readGolden(t)
	for _, c := range g.Regression {
		agree(t, c.Name, Regression(c.Labels, c.Predicted).Map(), c.Want)
	}
	var targets []RegressionScores
	for k := range g.Joint.Labels {
		targets = append(targets, Regression(g.Joint.Labels[k], g.Joint.Predicted[k]))
	}
	agree(t, "joint", Average(targets).Map(), g.Joint.Want)
}
