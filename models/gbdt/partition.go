package gbdt

import "github.com/pgowl/pgowl/models/crew"

// partitionBlock is the number of rows that one task moves.
const partitionBlock = 1 << 15

// partition moves the rows from to to-1 of t.rows, those of a node, that go left to the front and returns their number. The order within each side stays,
// so that later reads of the data go forward only. The same part of the spare room is used.
func (t *trainer) partition(c *crew.Crew, from, to int, s *split) int {
	rows, spare := t.rows[from:to], t.spare[from:to]
	var left [maxBins]uint8
	t.sides(&left, s)
	column := t.bins.columns[s.feature]
	blocks := (len(rows) + partitionBlock - 1) / partitionBlock
	if blocks <= 1 {
		n := divide(rows, rows, spare, column, &left)
		copy(rows[n:], spare[:len(rows)-n])
		return n
	}
	lefts, rights := t.spareLeft[from:to], spare
	counts := make([]int, blocks)
	bounds := func(b int) (int, int) { return b * partitionBlock, min((b+1)*partitionBlock, len(rows)) }
	c.Each(blocks, len(rows)*4, func(b int) {
		from, to := bounds(b)
		counts[b] = divide(rows[from:to], lefts[from:to], rights[from:to], column, &left)
	})
	if c.Stopped() {
		return 0
	}
	total := 0
	starts := make([]int, blocks)
	for b, n := range counts {
		starts[b] = total
		total += n
	}
	c.Each(blocks, len(rows), func(b int) {
		from, to := bounds(b)
		n := counts[b]
		copy(rows[starts[b]:], lefts[from:from+n])
		copy(rows[total+from-starts[b]:], rights[from:from+(to-from-n)])
	})
	return total
}

// sides writes 1 for the bins that go left.
func (t *trainer) sides(left *[maxBins]uint8, s *split) {
	if s.set != nil {
		s.set.sides(left, s.defaultLeft)
	} else {
		for b := range int(s.bin) + 1 {
			left[b] = 1
		}
	}
	if t.bins.features[s.feature].missing {
		left[missingBin] = 0
		if s.defaultLeft {
			left[missingBin] = 1
		}
	}
}

// divide writes the rows to lefts and rights and returns how many went left. lefts may be rows itself.
func divide(rows, lefts, rights []int32, column []uint8, left *[maxBins]uint8) int {
	nl, nr := 0, 0
	lefts, rights = lefts[:len(rows)], rights[:len(rows)]
	for _, r := range rows {
		go_ := int(left[column[r]])
		// Both are written and one of them counts: no branch to mispredict. With lefts = rows, nl is never ahead of the read.
		lefts[nl] = r
		rights[nr] = r
		nl += go_
		nr += 1 - go_
	}
	return nl
}
