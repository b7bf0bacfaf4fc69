package linear

import "github.com/pgowl/pgowl/models/learn"

// Margins is the number of margins of a row: one, or one a class.
func (m *Model) Margins() int { return len(m.bias) }

// Contributions writes, for one row, Features+1 values a margin to dst: each coefficient times what the feature is beyond its mean in training, and the
// margin of a row of means. They are Shapley values where features are independent (Lundberg and Lee, 2017, corollary 1).
func (m *Model) Contributions(dst []float64, row []float32) {
	n := m.features
	for k := range m.bias {
		out, w := dst[k*(n+1):][:n+1], m.weights[k*n:][:n]
		out[n] = m.bias[k]
		for j := range w {
			out[j] = w[j] * (float64(row[j]) - m.mean[j])
			out[n] += w[j] * m.mean[j]
		}
	}
}

// Importance has an entry a feature. Weight is the coefficient in the first margin: that of the value, of the log-odds of the second of two
// classes, or of the first of more. Gain and Cover are 0, since there are no splits.
func (m *Model) Importance() []learn.Importance {
	out := make([]learn.Importance, m.features)
	for j := range out {
		out[j].Weight = m.weights[j]
	}
	return out
}
