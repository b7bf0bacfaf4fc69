package train

import (
	memory "runtime/debug"

	"github.com/pgowl/pgowl/exec/function"
)

const (
	blockValues = 1 << 20 // 4 MB: few allocations, and little waste in the last block
	// maxValues bounds what one training may hold of the proxy's memory for its features: 12 GB, which are 100 million rows of 32.
	maxValues = 3 << 30
	// releaseAfter is the number of blocks that have been moved after which their memory is given back: 256 MB, so that the parts need
	// no more than that beside what they are made of. A collection for each of so many costs nothing beside the copying.
	releaseAfter = 64
	// maxWidth is what a model's file may say of itself, and no relation has by intention.
	maxWidth = 1 << 24
)

// matrix collects rows of float32 whose number is not known beforehand. Blocks never move, so nothing is copied as it grows.
type matrix struct {
	width    int
	perBlock int
	rows     int
	blocks   [][]float32
}

// next adds a row and gives it to be filled.
func (m *matrix) next() ([]float32, error) {
	if m.perBlock == 0 {
		m.perBlock = max(1, blockValues/max(1, m.width))
	}
	if (m.rows+1)*m.width > maxValues {
		return nil, tooMany()
	}
	in := m.rows % m.perBlock
	if in == 0 {
		m.blocks = append(m.blocks, make([]float32, m.perBlock*m.width))
	}
	m.rows++
	return m.blocks[len(m.blocks)-1][in*m.width : (in+1)*m.width], nil
}

func tooMany() *function.Error {
	return function.Errorf("54000", "pgml.train: the relation has more than %d feature values", maxValues).
		WithHint("Train on a sample, through a view over the relation.")
}

// row gives a row by its number.
func (m *matrix) row(i int) []float32 {
	in := i % m.perBlock
	return m.blocks[i/m.perBlock][in*m.width : (in+1)*m.width]
}

// part moves the matrix's rows into two row-major ones: those whose mark is set, and the others, both in their order. A row there
// has width values, which put makes of one here; nil copies it. It lets go of each block once its rows have been moved.
func (m *matrix) part(marked []bool, count, width int, put func(dst, row []float32)) (set, rest []float32) {
	set = make([]float32, count*width)
	rest = make([]float32, (m.rows-count)*width)
	nextSet, nextRest := set, rest
	for i := range m.rows {
		to := &nextRest
		if marked[i] {
			to = &nextSet
		}
		if put == nil {
			copy(*to, m.row(i))
		} else {
			put((*to)[:width], m.row(i))
		}
		*to = (*to)[width:]
		if b := i / m.perBlock; i%m.perBlock == m.perBlock-1 {
			m.blocks[b] = nil
			if b%releaseAfter == releaseAfter-1 {
				memory.FreeOSMemory()
			}
		}
	}
	m.blocks, m.rows = nil, 0
	return set, rest
}
