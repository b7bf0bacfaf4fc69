package gbdt

import (
	"math"
	"slices"
)

// fitLines makes the leaves of a tree linear in the numeric features that their splits ask for (LightGBM's LinearTreeLearner; Shi, Li and Li 2019, equation 3): the
// coefficients solve (X'HX + lambda) b = -X'g over the rows of the leaf that have all these features. A leaf with too few such rows stays a value.
func (c *course) fitLines(grown *tree, grads []gradient) {
	if len(grown.nodes) == 1 {
		return
	}
	t := c.t
	paths := t.leafFeatures(grown)
	gaps := false // somewhere in the tree: LightGBM then counts otherwise
	for i := range grown.nodes {
		if f := grown.nodes[i].feature; f != leaf {
			feat := &t.bins.features[f]
			gaps = gaps || feat.missing && feat.codes == nil
		}
	}
	grown.lines = make([]*line, len(grown.nodes))
	t.crew.Each(len(t.leaves), len(t.rows)*100, func(i int) {
		s := t.leaves[i]
		features := paths[s.node]
		l := &line{constant: float64(grown.nodes[s.node].value)}
		grown.lines[s.node] = l
		n := len(features)
		q := newEquations(n + 1)
		row := make([]float64, n+1)
		row[n] = 1
		counted := 0 // values, up to the first gap of a row, where there are gaps
	rows:
		for _, r := range t.rows[s.from:s.to] {
			values := t.data.Row(int(r))
			for j, f := range features {
				v := values[f]
				if v != v {
					continue rows
				}
				counted++
				row[j] = float64(v)
			}
			q.add(row, float64(grads[r].g), float64(grads[r].h))
		}
		if !gaps {
			counted = s.to - s.from
		}
		if counted < n+1 {
			return
		}
		for j := range n {
			q.a[j][j] += c.light.ridge
		}
		b := q.solve()
		l.constant = -b[n] * c.params.eta
		for j, f := range features {
			if math.Abs(b[j]) > zeroWithin {
				l.features, l.slopes = append(l.features, f), append(l.slopes, -b[j]*c.params.eta)
			}
		}
	})
}

// leafFeatures are the numeric features above each leaf, in ascending order.
func (t *trainer) leafFeatures(grown *tree) map[int32][]int32 {
	out := map[int32][]int32{}
	type at struct {
		node int32
		path []int32
	}
	for stack := []at{{}}; len(stack) > 0; {
		top := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		n := &grown.nodes[top.node]
		if n.feature == leaf {
			path := slices.Clone(top.path)
			slices.Sort(path)
			out[top.node] = slices.Compact(path)
			continue
		}
		path := slices.Clip(top.path)
		if n.set == nil {
			path = append(path, n.feature)
		}
		stack = append(stack, at{n.left, path}, at{n.left + 1, path})
	}
	return out
}

// equations are those of a weighted least squares fit.
type equations struct {
	a [][]float64 // symmetric; add fills the upper half
	b []float64
}

func newEquations(n int) *equations {
	q := &equations{a: make([][]float64, n), b: make([]float64, n)}
	for i := range q.a {
		q.a[i] = make([]float64, n)
	}
	return q
}

func (q *equations) add(row []float64, g, h float64) {
	for i, v := range row {
		q.b[i] += v * g
		v *= h
		for j := i; j < len(row); j++ {
			q.a[i][j] += v * row[j]
		}
	}
}

// solve multiplies the right side with the inverse, which it makes by elimination with full pivoting; unknowns that nothing is known of are 0 (Eigen's FullPivLU). The
// detour matters: what is 0 but for rounding is seldom 0 then, as in LightGBM, where a row without a feature whose slope is 0 is another case. It uses up the equations.
func (q *equations) solve() []float64 {
	n := len(q.b)
	inverse := make([][]float64, n) // first the unit matrix, rows and columns as in a
	columns := make([]int, n)
	for i := range n {
		inverse[i] = make([]float64, n)
		inverse[i][i] = 1
		columns[i] = i
		for j := range i {
			q.a[i][j] = q.a[j][i]
		}
	}
	rank, largest := 0, 0.0
	for ; rank < n; rank++ {
		row, column, most := rank, rank, 0.0
		for j := rank; j < n; j++ {
			for i := rank; i < n; i++ {
				if v := math.Abs(q.a[i][j]); v > most {
					row, column, most = i, j, v
				}
			}
		}
		largest = max(largest, most)
		if !(most > largest*float64(n)*0x1p-52) {
			break
		}
		q.a[rank], q.a[row] = q.a[row], q.a[rank]
		inverse[rank], inverse[row] = inverse[row], inverse[rank]
		columns[rank], columns[column] = columns[column], columns[rank]
		for i := range n {
			q.a[i][rank], q.a[i][column] = q.a[i][column], q.a[i][rank]
		}
		for i := rank + 1; i < n; i++ {
			factor := q.a[i][rank] / q.a[rank][rank]
			for j := rank; j < n; j++ {
				q.a[i][j] -= factor * q.a[rank][j]
			}
			for j := range n {
				inverse[i][j] -= factor * inverse[rank][j]
			}
		}
	}
	for i := rank - 1; i >= 0; i-- {
		for k := range n {
			inverse[i][k] /= q.a[i][i]
			for j := range i {
				inverse[j][k] -= q.a[j][i] * inverse[i][k]
			}
		}
	}
	out := make([]float64, n)
	for i := range rank {
		for k, v := range inverse[i] {
			out[columns[i]] += v * q.b[k]
		}
	}
	return out
}
