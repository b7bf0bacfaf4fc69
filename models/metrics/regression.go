package metrics

import "math"

// RegressionScores are the metrics of a regression.
type RegressionScores struct {
	R2                float64 // coefficient of determination; NaN when all labels are equal
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
	if spread > 0 {
		s.R2 = 1 - squared/spread
	}
	return s
}

// Map returns the scores by PostgresML's names.
func (s RegressionScores) Map() map[string]float64 {
	return map[string]float64{"r2": s.R2, "mean_absolute_error": s.MeanAbsoluteError, "mean_squared_error": s.MeanSquaredError}
}
