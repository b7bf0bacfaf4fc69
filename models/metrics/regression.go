package metrics

import "math"

// RegressionScores are the metrics of a regression.
type RegressionScores struct {
	R2                float64 // coefficient of determination; of equal labels 1 if all are met and else 0; NaN of fewer than two rows
	MeanAbsoluteError float64
	MeanSquaredError  float64
}

// Regression scores predictions; both slices have one entry a row.
func Regression(labels, predicted []float32) RegressionScores {
	n := float64(len(labels))
	mean := 0.0
	for _, y := range labels {
		mean += float64(y)
	}
	mean /= n
	var absolute, squared, spread float64
	for i, y := range labels {
		e := float64(y) - float64(predicted[i])
		absolute += math.Abs(e)
		squared += e * e
		d := float64(y) - mean
		spread += d * d
	}
	s := RegressionScores{R2: math.NaN(), MeanAbsoluteError: absolute / n, MeanSquaredError: squared / n}
	switch {
	case len(labels) < 2:
	case spread > 0:
		s.R2 = 1 - squared/spread
	case squared == 0:
		s.R2 = 1
	case squared > 0: // and not NaN
		s.R2 = 0
	}
	return s
}

// Average is the plain mean of the scores of several targets, as scikit-learn scores a regression of several outputs (uniform_average). One
// that is NaN makes the mean so.
func Average(targets []RegressionScores) RegressionScores {
	var mean RegressionScores
	n := float64(len(targets))
	for _, s := range targets {
		mean.R2 += s.R2 / n
		mean.MeanAbsoluteError += s.MeanAbsoluteError / n
		mean.MeanSquaredError += s.MeanSquaredError / n
	}
	return mean
}

// Map returns the scores by PostgresML's names.
func (s RegressionScores) Map() map[string]float64 {
	return map[string]float64{"r2": s.R2, "mean_absolute_error": s.MeanAbsoluteError, "mean_squared_error": s.MeanSquaredError}
}
