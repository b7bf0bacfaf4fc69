package gbdt

import (
	"math"
	"testing"
)

func TestExp(t *testing.T) {
	for x := -88.9; x < 88.9; x += 0.00317 {
		if got, want := exp(x), math.Exp(x); math.Abs(got-want) > 1e-8*want {
			t.Fatalf("exp(%v) = %v, want %v", x, got, want)
		}
	}
}

func TestLogisticGradients(t *testing.T) {
	p := defaults()
	margins := []float32{0, 1, -1, 20, -20, 100, -100, 1e30, -1e30, float32(math.Inf(1)), float32(math.Inf(-1))}
	for _, label := range []float32{0, 1, 0.25} {
		y := make([]float32, len(margins))
		for i := range y {
			y[i] = label
		}
		out := make([]gradient, len(margins))
		logisticGradients(out, margins, y)
		for i, f := range margins {
			if want := p.gradient(logistic, f, label); out[i] != want {
				t.Errorf("margin %v, label %v: %v, want %v", f, label, out[i], want)
			}
		}
	}
}
