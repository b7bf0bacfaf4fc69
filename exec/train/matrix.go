package train

import "github.com/pgowl/pgowl/exec/function"

const (
	blockValues = 1 << 20 // 4 MB: few allocations, and little waste in the last block
	// maxValues bounds what one training may hold of the proxy's memory: 4 GB, and as much again while the parts are made.
	maxValues = 1 << 30
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
		return nil, function.Errorf("54000", "pgml.train: the relation has more than %d feature values", maxValues).
			WithHint("Train on a sample, through a view over the relation.")
	}
	in := m.rows % m.perBlock
	if in == 0 {
		m.blocks = append(m.blocks, make([]float32, m.perBlock*m.width))
	}
	m.rows++
	return m.blocks[len(m.blocks)-1][in*m.width : (in+1)*m.width], nil
}

// part moves the matrix's rows into two row-major ones: those whose mark is set, and the others, both in their order. It
// lets go of each block once its rows have been copied.
func (m *matrix) part(marked []bool, count int) (set, rest []float32) {
	set = make([]float32, 0, count*m.width)
	rest = make([]float32, 0, (m.rows-count)*m.width)
	for i := 0; i < m.rows; i++ {
		b, in := i/m.perBlock, i%m.perBlock
		row := m.blocks[b][in*m.width : (in+1)*m.width]
		if marked[i] {
			set = append(set, row...)
		} else {
			rest = append(rest, row...)
		}
		if in == m.perBlock-1 {
			m.blocks[b] = nil
		}
	}
	m.blocks, m.rows = nil, 0
	return set, rest
}
