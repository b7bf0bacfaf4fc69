package gbdt

import (
	"math"

	"github.com/pgowl/pgowl/models/crew"
)

// The fast form of histograms, for many rows: gradient and hessian of a row are rounded to whole numbers of 16 bits or so and packed into one word,
// the gradient above the hessian, so that one addition adds both (as LightGBM's quantized training does, Shi et al. 2022, but with many more
// levels, which keeps the trees what they were). Steps are powers of two: sums of so many whole numbers are exact in float64, whatever their order.

const (
	// packedRows is the number of rows from which on the packed form pays.
	packedRows = 1 << 15
	// flushRows is the number of rows whose packed sums cannot overflow: 2^15 rows of gradients below 2^16 and of hessians below 2^17.
	flushRows = 1 << 15
	// fewRows is the number of rows for which clearing and unpacking a histogram costs more than adding in float64.
	fewRows = 1 << 9
	// packedRange is how much larger the largest gradient may be than the mean one; else most rows would be rounded to nothing.
	packedRange = 512
)

// packing is how the gradients of a tree are packed; values is nil where they are not.
type packing struct {
	values       []int64 // by row: gradient << 32 + hessian
	gStep, hStep float64 // what a unit of each stands for
}

// pack packs the gradients of a tree, if that keeps what matters of them.
func (t *trainer) pack(grads []gradient) {
	t.packed.values = nil
	if len(grads) < packedRows {
		return
	}
	type extent struct{ g, h, gSum, hSum float64 }
	blocks := (len(grads) + gradientBlock - 1) / gradientBlock
	extents := make([]extent, blocks)
	block := func(b int) []gradient { return grads[b*gradientBlock : min((b+1)*gradientBlock, len(grads))] }
	t.crew.Each(blocks, len(grads), func(b int) {
		var e extent
		for _, v := range block(b) {
			g, h := math.Abs(float64(v.g)), float64(v.h)
			e.g, e.h, e.gSum, e.hSum = max(e.g, g), max(e.h, h), e.gSum+g, e.hSum+h
			if h < 0 {
				e.h = math.Inf(1) // not for us
			}
		}
		extents[b] = e
	})
	var all extent
	for _, e := range extents {
		all = extent{max(all.g, e.g), max(all.h, e.h), all.gSum + e.gSum, all.hSum + e.hSum}
	}
	n := float64(len(grads))
	// Written so that NaN and infinity are refused, too.
	if t.crew.Stopped() || !(all.g*n <= packedRange*all.gSum) || !(all.h*n <= packedRange*all.hSum) || !(all.g > 0) || !(all.h > 0) || math.IsInf(all.gSum+all.hSum, 0) {
		return
	}
	t.packed.gStep, t.packed.hStep = step2(all.g, 1<<16-1), step2(all.h, 1<<17-1)
	if cap(t.packedRoom) < len(grads) {
		t.packedRoom = make([]int64, len(grads))
	}
	values := t.packedRoom[:len(grads)]
	g, h := 1/t.packed.gStep, 1/t.packed.hStep
	t.crew.Each(blocks, 2*len(grads), func(b int) {
		out := values[b*gradientBlock:]
		for i, v := range block(b) {
			out[i] = round(float64(v.g)*g)<<32 + round(float64(v.h)*h)
		}
	})
	t.packed.values = values
}

// step2 is the least power of two of which most takes at most limit.
func step2(most, limit float64) float64 {
	_, e := math.Frexp(most / limit)
	return math.Ldexp(1, e)
}

// round rounds to the nearest whole number: adding 1.5 * 2^52 leaves no room for a fraction.
func round(x float64) int64 {
	const shift = 3 << 51
	return int64(math.Float64bits(x+shift)) - int64(math.Float64bits(shift))
}

// sum unpacks a sum of at most flushRows values.
func (p *packing) sum(v int64) sum {
	return sum{float64(v>>32) * p.gStep, float64(uint32(v)) * p.hStep}
}

// total sums all rows.
func (p *packing) total(rows []int32, c *crew.Crew) (s sum) {
	blocks := (len(rows) + flushRows - 1) / flushRows
	sums := make([]sum, blocks)
	c.Each(blocks, len(rows), func(b int) {
		part := int64(0)
		for _, r := range rows[b*flushRows : min((b+1)*flushRows, len(rows))] {
			part += p.values[r]
		}
		sums[b] = p.sum(part)
	})
	for _, v := range sums {
		s.g, s.h = s.g+v.g, s.h+v.h
	}
	return s
}

// buildPacked adds the rows to the histograms of a group, of which the features in used count. bins are the group's, stride bytes a row.
func (t *trainer) buildPacked(to []histogram, bins []uint8, stride int, rows []int32, used []uint8) {
	if len(rows) < fewRows {
		for _, r := range rows {
			v := t.packed.sum(t.packed.values[r])
			row := bins[int(r)*stride:][:stride]
			for _, j := range used {
				s := &to[j][row[j]]
				s.g += v.g
				s.h += v.h
			}
		}
		return
	}
	l, _ := t.lanes.Get().(*lanes)
	if l == nil {
		l = new(lanes)
	}
	for len(rows) > 0 && !t.crew.Stopped() {
		n := min(flushRows, len(rows))
		l.add(bins, stride, len(to), rows[:n], t.packed.values)
		rows = rows[n:]
		for _, j := range used {
			from, to := &l[j], &to[j]
			for b := range from {
				v := t.packed.sum(from[b])
				to[b].g += v.g
				to[b].h += v.h
			}
		}
		l.clear(len(to))
	}
	t.lanes.Put(l)
}
