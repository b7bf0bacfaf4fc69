package nearest

import "math"

// Query is a vector that is looked for.
type Query struct {
	vector []float64
	norm   float64
}

// NewQuery makes one; ok is false for a vector without a direction: all zeros, or with a number that is none.
func NewQuery(vector []float32) (q Query, ok bool) {
	q.vector = make([]float64, len(vector))
	sum := float64(0)
	for i, v := range vector {
		q.vector[i] = float64(v)
		sum += float64(q.vector[i] * q.vector[i])
	}
	q.norm = math.Sqrt(sum)
	return q, q.norm > 0 && !math.IsInf(q.norm, 0) && !math.IsNaN(q.norm)
}

// Cosine is that of the query and a row of as many dimensions, to the bit the one of pgml.cosine_similarity for double precision: sums in the order of the dimensions, each product and
// sum rounded. NaN for a row without a direction.
func (q *Query) Cosine(row []float32) float64 {
	var ab, bb float64
	for i, v := range row {
		b := float64(v)
		ab += float64(q.vector[i] * b)
		bb += float64(b * b)
	}
	return ab / (math.Sqrt(bb) * q.norm)
}

// norm of a row, in double precision.
func norm(row []float32) float64 {
	sum := float64(0)
	for _, v := range row {
		sum += float64(float64(v) * float64(v))
	}
	return math.Sqrt(sum)
}

// Dims is the number of dimensions.
func (q *Query) Dims() int { return len(q.vector) }
