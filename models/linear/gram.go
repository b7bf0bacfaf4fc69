package linear

import (
	"github.com/pgowl/pgowl/models/crew"
	"github.com/pgowl/pgowl/models/learn"
)

// The sum of outer products of rows, which is most of the work of a fit. It goes in tiles of the result, each computed from panels of a few
// rows that are converted to float64 once and lie in the order in which the innermost loop reads them.
const (
	tile      = 64 // rows and columns of a tile
	panelRows = 64
	gramLimit = 1 << 27 // bytes for the partial sums of all blocks
)

// design gives the rows as they enter a fit: centred, scaled, and with a 1 behind where ones is set.
type design struct {
	data *learn.Dataset
	*columns
	ones bool
}

// width is the number of columns.
func (d *design) width() int {
	if d.ones {
		return d.data.Features + 1
	}
	return d.data.Features
}

// gram is the sum over rows of weight(row) * z zᵀ, row-major, width x width. weight may be nil for 1.
func (d *design) gram(c *crew.Crew, weight func(row int) float64) []float64 {
	width := d.width()
	bl := newBlocks(d.data.Rows)
	bl.count = max(1, min(bl.count, gramLimit/(8*width*width)))
	sums := make([][]float64, bl.count)
	for b := range sums {
		sums[b] = make([]float64, width*width)
	}
	type place struct{ block, i, j int }
	var places []place
	for b := range bl.count {
		for i := 0; i < width; i += tile {
			for j := i; j < width; j += tile {
				places = append(places, place{b, i, j})
			}
		}
	}
	c.Each(len(places), crew.Large, func(n int) {
		p := places[n]
		from, to := bl.bounds(p.block)
		d.tile(c, sums[p.block], from, to, p.i, p.j, weight)
	})
	total := sums[0]
	for _, s := range sums[1:] {
		for i, v := range s {
			total[i] += v
		}
	}
	for i := range width {
		for j := range i {
			total[i*width+j] = total[j*width+i]
		}
	}
	return total
}

// tile computes the tile whose first entry is (i, j), for the rows of a block.
func (d *design) tile(c *crew.Crew, sum []float64, from, to, i, j int, weight func(row int) float64) {
	width := d.width()
	ni, nj := min(tile, width-i), min(tile, width-j)
	var a, b [tile * panelRows]float64
	for ; from < to && !c.Stopped(); from += panelRows {
		n := min(panelRows, to-from)
		d.pack(a[:], 2, from, n, i, ni, nil)
		d.pack(b[:], 4, from, n, j, nj, weight)
		for p := 0; p < ni; p += 2 {
			for q := 0; q < nj; q += 4 {
				s := products(a[p*n:][:2*n], b[q*n:][:4*n])
				for y := range min(2, ni-p) {
					row := sum[(i+p+y)*width+j+q:]
					for x := range min(4, nj-q) {
						row[x] += s[4*y+x]
					}
				}
			}
		}
	}
}

// pack writes columns first to first+count-1 of n rows to dst in groups of columns, each group row by row; the last group ends in zeros.
func (d *design) pack(dst []float64, group, from, n, first, count int, weight func(row int) float64) {
	var weights [panelRows]float64
	for r := range n {
		weights[r] = 1
		if weight != nil {
			weights[r] = weight(from + r)
		}
	}
	features := d.data.Features
	for k := range (count + group - 1) / group * group {
		out, j := dst[k/group*group*n+k%group:], first+k
		switch {
		case k >= count:
			for r := range n {
				out[r*group] = 0
			}
		case j == features: // the ones
			for r := range n {
				out[r*group] = weights[r]
			}
		default:
			centre, inverse, x := d.centre[j], d.inverse[j], d.data.X[from*features+j:]
			for r := range n {
				out[r*group] = (float64(x[r*features]) - centre) * inverse * weights[r]
			}
		}
	}
}

// products adds up the products of two columns with four others.
func products(a, b []float64) (s [8]float64) {
	var s0, s1, s2, s3, s4, s5, s6, s7 float64
	for len(a) >= 2 && len(b) >= 4 {
		a0, a1 := a[0], a[1]
		b0, b1, b2, b3 := b[0], b[1], b[2], b[3]
		s0 += a0 * b0
		s1 += a0 * b1
		s2 += a0 * b2
		s3 += a0 * b3
		s4 += a1 * b0
		s5 += a1 * b1
		s6 += a1 * b2
		s7 += a1 * b3
		a, b = a[2:], b[4:]
	}
	return [8]float64{s0, s1, s2, s3, s4, s5, s6, s7}
}
