package gbdt

import (
	"fmt"
	"math"
	"runtime"

	"github.com/pgowl/pgowl/models/crew"
	"github.com/pgowl/pgowl/models/learn"
)

// groupWidth is the number of neighbouring features whose bins lie together: half a cache line, so that a row is one fetch.
const groupWidth = 32

// binned is a data set as bins, in two copies: by groups of features for histograms, by columns for moving rows.
type binned struct {
	rows     int
	features []feature
	groups   [][]uint8 // [group][row*stride + feature of the group]
	columns  [][]uint8 // [feature][row]
}

// width is the number of features in a group; all have groupWidth but the last.
func (b *binned) width(group int) int {
	return min(groupWidth, len(b.features)-group*groupWidth)
}

// stride is the number of bytes that a row of a group takes, which never straddles two cache lines: what is behind the features is 0.
func (b *binned) stride(group int) int {
	switch width := b.width(group); {
	case width <= 8:
		return 8
	case width <= 16:
		return 16
	}
	return groupWidth
}

// cutter chooses the bins of feature f. low and high are its smallest and largest value; there is one at least, and none is infinite.
type cutter func(s *sampler, f int, column []float32, low, high float32) feature

// bin cuts all features as XGBoost does, by the rows that are not held out.
func bin(d *learn.Dataset, held heldRows, maxBin int, seed uint64, c *crew.Crew) (*binned, error) {
	return binBy(d, func() *sampler { return newSampler(d, held, seed) }, c, func(s *sampler, _ int, column []float32, low, high float32) feature {
		return s.cut(column, low, high, maxBin)
	})
}

// binBy cuts all features. Each task has a sampler of its own. Infinite values are refused, as XGBoost does.
func binBy(d *learn.Dataset, sketch func() *sampler, c *crew.Crew, cut cutter) (*binned, error) {
	b := &binned{rows: d.Rows, features: make([]feature, d.Features), columns: make([][]uint8, d.Features)}
	groups := (d.Features + groupWidth - 1) / groupWidth
	b.groups = make([][]uint8, groups)
	for g := range b.groups {
		b.groups[g] = make([]uint8, d.Rows*b.stride(g))
	}
	tasks := (d.Features + binnedTogether - 1) / binnedTogether
	bad := make([]error, tasks)
	rooms := make(chan *binRoom, tasks)
	c.Each(tasks, d.Rows*d.Features*8, func(t int) {
		var room *binRoom
		select {
		case room = <-rooms:
		default:
			room = &binRoom{sampler: sketch()}
		}
		from := t * binnedTogether
		bad[t] = b.binColumns(d, from, min(from+binnedTogether, d.Features), c, cut, room)
		rooms <- room
	})
	if c.Stopped() {
		return b, nil // the caller sees that it was stopped
	}
	for _, err := range bad {
		if err != nil {
			return nil, err
		}
	}
	if d.Rows >= roomyRows {
		runtime.GC() // what the boosting takes next fits into what the rooms have left
	}
	return b, nil
}

// breath is the number of rows after which long loops look whether they are still wanted.
const breath = 1 << 16

// roomyRows is the number of rows from which on the rooms are large.
const roomyRows = 1 << 17

// binnedTogether is the number of neighbouring columns that one task takes, so that the rows are read a cache line at a time.
const binnedTogether = 4

// binRoom is what a task needs, and leaves to the next one.
type binRoom struct {
	columns [binnedTogether][]float32
	sampler *sampler
}

// binColumns does the features from to to-1.
func (b *binned) binColumns(d *learn.Dataset, from, to int, c *crew.Crew, cut cutter, room *binRoom) error {
	n := to - from
	columns := room.columns[:n]
	for j := range columns {
		if columns[j] == nil {
			columns[j] = make([]float32, d.Rows)
		}
	}
	for r := range d.Rows {
		if r%breath == 0 && c.Stopped() {
			return nil
		}
		row := d.X[r*d.Features+from:][:n]
		for j, v := range row {
			columns[j][r] = v
		}
	}
	for j, column := range columns {
		if c.Stopped() {
			return nil
		}
		f := from + j
		feat, err := room.sampler.feature(f, column, cut)
		if err != nil {
			return fmt.Errorf("feature %d: %w", f, err)
		}
		b.features[f] = feat
		b.fill(f, column, c)
	}
	return nil
}

// fill writes the bins of a column to both copies.
func (b *binned) fill(f int, column []float32, c *crew.Crew) {
	feat := &b.features[f]
	out := make([]uint8, b.rows)
	b.columns[f] = out
	stride := b.stride(f / groupWidth)
	group := b.groups[f/groupWidth][f%groupWidth:]
	if feat.codes != nil {
		b.fillCategories(feat.codes, column, out, group, stride, c)
		return
	}
	// The last cut is left out: whatever passes all others is in the last bin.
	cuts := feat.cuts[:max(0, len(feat.cuts)-1)]
	if sweeps {
		b.rank(column, rankTable(cuts), out, group, stride, c)
		return
	}
	var table [maxBins]float32 // padded, so that the search below has a fixed length
	for i := range table {
		table[i] = float32(math.Inf(1))
	}
	copy(table[:], cuts)
	for r, v := range column {
		if r%breath == 0 && c.Stopped() {
			return
		}
		bin := uint8(missingBin)
		if v == v {
			bin = search(&table, v)
		}
		out[r] = bin
		group[r*stride] = bin
	}
}

// rank is fill where the processor has vectors for it.
func (b *binned) rank(column []float32, table []uint32, out, group []uint8, stride int, c *crew.Crew) {
	var codes [sweepRows]uint8
	for from := 0; from < len(column); from += sweepRows {
		if from%breath == 0 && c.Stopped() {
			return
		}
		n := min(sweepRows, len(column)-from)
		rankColumn(&codes, column[from:from+n], 1, n, table, missingBin)
		for i, code := range codes[:n] {
			bin := code ^ 0x80
			out[from+i] = bin
			group[(from+i)*stride] = bin
		}
	}
}

// fillCategories is fill for a feature of categories.
func (b *binned) fillCategories(codes, column []float32, out, group []uint8, stride int, c *crew.Crew) {
	of := make(map[float32]uint8, len(codes))
	for bin, code := range codes {
		of[code] = uint8(bin)
	}
	for r, v := range column {
		if r%breath == 0 && c.Stopped() {
			return
		}
		bin, known := of[category(v)]
		if !known {
			bin = missingBin
		}
		out[r] = bin
		group[r*stride] = bin
	}
}

// search counts the cuts that are at most v: bit by bit from the highest, without a branch to mispredict.
func search(table *[maxBins]float32, v float32) uint8 {
	at := uint8(0)
	for bit := 7; bit >= 0; bit-- {
		step := uint8(1) << (bit & 7)
		passed := uint8(0)
		if table[at+step-1] <= v {
			passed = 1
		}
		at += passed << (bit & 7)
	}
	return at
}

// sampler draws the rows that the cuts are chosen from and holds the room for sorting them.
type sampler struct {
	rows          []int32 // nil: all
	weights       []float32
	values        []float32
	keys, scratch []uint32
	ranked        []rank
}

func newSampler(d *learn.Dataset, held heldRows, seed uint64) *sampler {
	s := &sampler{weights: d.Weights}
	n := d.Rows
	switch {
	case d.Rows > sketchRows:
		// One row from each of as many equal slices: covers ordered data evenly, and a jitter spares it from periods.
		s.rows = make([]int32, 0, sketchRows)
		for i := range sketchRows {
			low, high := i*d.Rows/sketchRows, (i+1)*d.Rows/sketchRows
			at := int(draw(seed, drawSketch, uint64(i)) % uint64(high-low))
			for k := range high - low {
				if r := low + (at+k)%(high-low); !held.has(r) {
					s.rows = append(s.rows, int32(r))
					break
				}
			}
		}
		n = len(s.rows)
	case held != nil:
		for r := range d.Rows {
			if !held[r] {
				s.rows = append(s.rows, int32(r))
			}
		}
		n = len(s.rows)
	}
	s.values = make([]float32, 0, n)
	s.keys, s.scratch = make([]uint32, n), make([]uint32, n)
	s.ranked = make([]rank, 0, n)
	return s
}

// samplerOf looks at some rows, nil: all.
func samplerOf(rows []int32, all int) *sampler {
	n := all
	if rows != nil {
		n = len(rows)
	}
	return &sampler{rows: rows, values: make([]float32, 0, n), keys: make([]uint32, n), scratch: make([]uint32, n)}
}

// feature cuts one column.
func (s *sampler) feature(f int, column []float32, cut cutter) (feature, error) {
	missing := false
	low, high := float32(math.Inf(1)), float32(math.Inf(-1))
	for _, v := range column {
		if v != v {
			missing = true
			continue
		}
		low, high = min(low, v), max(high, v)
	}
	if low > high { // nothing but missing values
		return feature{missing: missing}, nil
	}
	if math.IsInf(float64(low), 0) || math.IsInf(float64(high), 0) {
		return feature{missing: missing}, fmt.Errorf("holds an infinite value")
	}
	return cut(s, f, column, low, high), nil
}

// size is the number of rows that are looked at.
func (s *sampler) size(column []float32) int {
	if s.rows == nil {
		return len(column)
	}
	return len(s.rows)
}

// sorted returns the column's values (all of them, or those of the sample) in ascending order, and whether there are gaps in the column. It is
// valid until the next call.
func (s *sampler) sorted(column []float32, low float32) (values []float32, missing bool) {
	values = s.values[:0]
	for _, v := range column {
		missing = missing || v != v
	}
	if s.rows == nil {
		for _, v := range column {
			if v == v {
				values = append(values, v+0) // -0 sorts as 0
			}
		}
	} else {
		for _, r := range s.rows {
			if v := column[r]; v == v {
				values = append(values, v+0)
			}
		}
	}
	if len(values) == 0 { // the few values that there are were not drawn
		values = append(values, low)
	}
	sorted := sortFloats(values, s.keys[:len(values)], s.scratch[:len(values)])
	for i, k := range sorted {
		values[i] = unkey(k)
	}
	return values, missing
}

// cut makes the cuts of one column by XGBoost's rules.
func (s *sampler) cut(column []float32, low, high float32, maxBin int) feature {
	values, missing := s.sorted(column, low)
	f := feature{missing: missing}
	if missing {
		maxBin = min(maxBin, maxBins-1)
	}
	f.cuts, s.ranked = cut(values, high, maxBin, s.ranked)
	if s.weights != nil {
		if ranks := s.ranks(column); len(ranks) > 0 { // else none of the few values was drawn
			f.cuts = cutRanks(ranks, high, maxBin)
		}
	}
	f.below = low - float32(math.Abs(float64(low))) - 1e-5
	return f
}
