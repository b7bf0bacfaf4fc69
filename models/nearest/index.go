package nearest

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
)

// blockTiles is the number of tiles of a block: a multiple of maxTiles, as firstTiles is, which the first block has at first.
const (
	blockTiles = 256
	firstTiles = maxTiles
	blockRows  = blockTiles * tileRows
)

// block is the memory of some rows.
type block struct {
	tiles  []uint32 // as in pass
	scales []float32
	rest   []int16 // [row][dimension], with the dimension that makes pairs
	rows   []int64 // their numbers
}

// Index holds the vectors of a table's rows. It is safe for use by several goroutines: a search sees the rows that are there when it begins, or those of a later time.
type Index struct {
	dims, pairs int

	mu     sync.RWMutex
	blocks []*block
	n      int              // rows in blocks
	at     map[int64]uint32 // where a row is
	// odd are rows too long or too short for the first pass, whose single precision might end there.
	odd map[int64][]float32
	// rounded is the largest part of its length that a row has lost by the rounding to bfloat16.
	rounded float64

	sweeps sweeper
	bytes  atomic.Int64
}

// New makes an empty index for vectors of so many dimensions, 1 or more.
func New(dims int) *Index {
	x := &Index{dims: dims, pairs: (dims + 1) / 2, at: map[int64]uint32{}, odd: map[int64][]float32{}}
	x.sweeps.index = x
	return x
}

// Len is the number of rows.
func (x *Index) Len() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.n + len(x.odd)
}

// Dims is the number of dimensions.
func (x *Index) Dims() int { return x.dims }

// Bytes is about what the index takes of memory.
func (x *Index) Bytes() int64 { return x.bytes.Load() }

// RowBytes is about what a row of so many dimensions takes.
func RowBytes(dims int) int64 { return int64((dims+1)/2*2)*4 + 4 + 8 + 24 }

// Writer changes an index.
type Writer struct{ x *Index }

// Update makes some changes that searches see all or none of. The Writer is good during the call only.
func (x *Index) Update(change func(w Writer)) {
	x.mu.Lock()
	defer x.mu.Unlock()
	change(Writer{x})
	room := int64(0)
	for _, b := range x.blocks {
		room += int64(len(b.rows))
	}
	x.bytes.Store(room*(int64(x.pairs)*8+12) + int64(len(x.at))*24 + int64(len(x.odd))*int64(4*x.dims+48))
}

// The lengths of rows that the first pass takes: far from where single precision ends, squares included.
const shortest, longest = 0x1p-40, 0x1p40

// Put sets a row's vector, of which it keeps a copy. A vector without a direction (zeros, or a number that is none) has no cosine, and its row is never found. It panics for a vector of
// another number of dimensions.
func (w Writer) Put(row int64, vector []float32) {
	x := w.x
	if len(vector) != x.dims {
		panic(fmt.Sprintf("nearest: a vector of %d dimensions in an index of %d", len(vector), x.dims))
	}
	length := norm(vector)
	switch {
	case !(length > 0) || math.IsInf(length, 0):
		w.Remove(row)
		return
	case length < shortest || length > longest:
		w.Remove(row)
		x.odd[row] = append([]float32(nil), vector...)
		return
	}
	delete(x.odd, row)
	at, known := x.at[row]
	if !known {
		at = uint32(x.n)
		x.n++
		x.grow()
		x.at[row] = at
	}
	b, i := x.place(at)
	b.rows[i] = row
	b.scales[i] = float32(1 / length)
	tile, lane := b.tiles[i/tileRows*x.pairs*tileRows:], i%tileRows
	rest := b.rest[i*x.pairs*2:]
	lost := float64(0)
	for p := range x.pairs {
		var second float32
		if 2*p+1 < x.dims {
			second = vector[2*p+1]
		}
		low, lowRest := split(vector[2*p])
		high, highRest := split(second)
		tile[p*tileRows+lane] = uint32(low) | uint32(high)<<16
		rest[2*p], rest[2*p+1] = lowRest, highRest
		for _, d := range [2]float64{float64(vector[2*p]) - float64(join(low, 0)), float64(second) - float64(join(high, 0))} {
			lost += float64(d * d)
		}
	}
	x.rounded = max(x.rounded, math.Sqrt(lost)/length)
}

// Remove takes a row away, if it is there: the last one comes to its place.
func (w Writer) Remove(row int64) {
	x := w.x
	delete(x.odd, row)
	at, known := x.at[row]
	if !known {
		return
	}
	delete(x.at, row)
	x.n--
	if last := uint32(x.n); at != last {
		to, i := x.place(at)
		from, j := x.place(last)
		to.rows[i], to.scales[i] = from.rows[j], from.scales[j]
		for p := range x.pairs {
			to.tiles[(i/tileRows*x.pairs+p)*tileRows+i%tileRows] = from.tiles[(j/tileRows*x.pairs+p)*tileRows+j%tileRows]
		}
		copy(to.rest[i*x.pairs*2:][:x.pairs*2], from.rest[j*x.pairs*2:])
		x.at[to.rows[i]] = at
	}
	// One block may stay empty, lest a row that comes and goes has one made each time.
	if keep := (x.n+blockRows-1)/blockRows + 1; len(x.blocks) > keep {
		x.blocks[keep] = nil
		x.blocks = x.blocks[:keep]
	}
}

// grow makes room for the last row: a block more, or, lest a small table takes a whole one, twice the first.
func (x *Index) grow() {
	rows := blockRows
	switch {
	case x.n > len(x.blocks)*blockRows:
		if len(x.blocks) == 0 {
			rows = firstTiles * tileRows
		}
		x.blocks = append(x.blocks, new(block))
	case len(x.blocks) == 1 && x.n > len(x.blocks[0].rows):
		rows = len(x.blocks[0].rows)
	default:
		return
	}
	b := x.blocks[len(x.blocks)-1]
	b.tiles = longer(b.tiles, rows*x.pairs)
	b.rest = longer(b.rest, rows*x.pairs*2)
	b.scales, b.rows = longer(b.scales, rows), longer(b.rows, rows)
}

// longer is append of so many zeros, with no room to spare.
func longer[T any](s []T, n int) []T {
	grown := make([]T, len(s)+n)
	copy(grown, s)
	return grown
}

// place gives a row's block and its place there.
func (x *Index) place(at uint32) (*block, int) { return x.blocks[at/blockRows], int(at % blockRows) }

// vector puts a row's vector together, in a slice that is used again.
func (x *Index) vector(at uint32, into []float32) []float32 {
	b, i := x.place(at)
	tile, lane := b.tiles[i/tileRows*x.pairs*tileRows:], i%tileRows
	rest := b.rest[i*x.pairs*2:]
	into = into[:0]
	for p := range x.pairs {
		two := tile[p*tileRows+lane]
		into = append(into, join(uint16(two), rest[2*p]), join(uint16(two>>16), rest[2*p+1]))
	}
	return into[:x.dims]
}
