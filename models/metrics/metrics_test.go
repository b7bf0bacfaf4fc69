package metrics

import (
	"math"
	"testing"
)

// uniform draws n numbers from 0 to 1 with the generator that the golden values were made with (scikit-learn 1.9.1).
func uniform(n int) []float64 {
	out := make([]float64, n)
	s := uint32(1)
	for i := range out {
		s = s*1664525 + 1013904223
		out[i] = float64(s>>8) / (1 << 24)
	}
	return out
}

func near(t *testing.T, name string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-6*math.Max(1, math.Abs(want))) {
		t.Errorf("%s = %v, want %v", name, got, want)
	}
}

func isNaN(t *testing.T, name string, got float64) {
	t.Helper()
	if !math.IsNaN(got) {
		t.Errorf("%s = %v, want NaN", name, got)
	}
}

func TestTwoClasses(t *testing.T) {
	u := uniform(600)
	y, h, p := make([]float32, 200), make([]float32, 200), make([]float32, 400)
	for i := range y {
		if u[i] < .4 {
			y[i] = 1
		}
		v := math.RoundToEven(math.Min(math.Max(.35*u[200+i]+.5*float64(y[i])*u[400+i], 0), 1)*50) / 50
		p[2*i], p[2*i+1] = float32(1-v), float32(v)
		if v > .3 {
			h[i] = 1
		}
	}
	s := Classification(y, h, p, 2)
	near(t, "roc_auc", s.ROCAUC, 0.8906266345852077)
	near(t, "log_loss", s.LogLoss, 0.47410570904225374)
	near(t, "f1", s.F1, 0.8053691275167785)
	near(t, "precision", s.Precision, 0.8571428571428571)
	near(t, "recall", s.Recall, 0.759493670886076)
	near(t, "accuracy", s.Accuracy, 0.855)
	near(t, "mcc", s.MCC, 0.6937090395258797)
	if m := s.Map(); len(m) != 7 || m["roc_auc"] != s.ROCAUC {
		t.Errorf("map %v", m)
	}
}

func TestMoreClasses(t *testing.T) {
	u := uniform(600)
	y, h := make([]float32, 200), make([]float32, 200)
	for i := range y {
		y[i] = float32(int(u[i] * 4))
		h[i] = y[i]
		if u[200+i] >= .6 {
			h[i] = float32(int(u[400+i] * 4))
		}
		if h[i] == 2 { // a class that is never predicted
			h[i] = 1
		}
	}
	s := Classification(y, h, nil, 5) // and one that never occurs
	near(t, "f1", s.F1, 0.45926186566580657)
	near(t, "precision", s.Precision, 0.4310897435897436)
	near(t, "recall", s.Recall, 0.5255164970706137)
	near(t, "accuracy", s.Accuracy, 0.52)
	near(t, "mcc", s.MCC, 0.39868328059610386)
	if m := s.Map(); len(m) != 5 {
		t.Errorf("map %v", m)
	}
}

func TestRegression(t *testing.T) {
	u := uniform(600)
	y, q := make([]float32, 200), make([]float32, 200)
	for i := range y {
		y[i] = float32(u[i]) * 10
		q[i] = y[i] + (float32(u[200+i])-.5)*4
	}
	s := Regression(y, q)
	near(t, "r2", s.R2, 0.8567838072776794)
	near(t, "mean_absolute_error", s.MeanAbsoluteError, 0.9327993988990784)
	near(t, "mean_squared_error", s.MeanSquaredError, 1.1848595142364502)
	if m := s.Map(); len(m) != 3 {
		t.Errorf("map %v", m)
	}
}

func TestUndefined(t *testing.T) {
	isNaN(t, "r2 of nothing", Regression(nil, nil).R2)
	nan := float32(math.NaN())
	isNaN(t, "r2 of NaN", Regression([]float32{1, 1}, []float32{1, nan}).R2)
	isNaN(t, "roc_auc of NaN", Classification([]float32{0, 1}, []float32{0, 0}, []float32{nan, nan, nan, nan}, 2).ROCAUC)
	near(t, "accuracy of what is no class", Classification([]float32{0, 1}, []float32{7, 1}, nil, 2).Accuracy, .5)
}
