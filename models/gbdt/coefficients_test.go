package gbdt

import (
	"errors"
	"math"
	"reflect"
	"testing"
)

func TestCoefficientsRoundTrip(t *testing.T) {
	m := fit(t, noisy(200, 3, 4, .1), map[string]any{"booster": "gblinear"}).(*Linear)
	again, err := FromCoefficients(m.Coefficients())
	if err != nil || !reflect.DeepEqual(again, m) {
		t.Errorf("another model after a round trip, %v", err)
	}
	for name, change := range map[string]func(c *Coefficients){
		"objective": func(c *Coefficients) { c.Objective = "reg:nothing" },
		"features":  func(c *Coefficients) { c.Features = 0 },
		"margins":   func(c *Coefficients) { c.Margins = 3 },
		"classes":   func(c *Coefficients) { c.Classes = 0 },
		"biases":    func(c *Coefficients) { c.Biases = c.Biases[:3] },
		"weights":   func(c *Coefficients) { c.Weights = c.Weights[:11] },
		"NaN":       func(c *Coefficients) { c.Biases = []float32{0, 0, 0, float32(math.NaN())} },
	} {
		c := m.Coefficients()
		change(c)
		if _, err := FromCoefficients(c); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
