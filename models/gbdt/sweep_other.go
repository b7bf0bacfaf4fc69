//go:build !amd64

package gbdt

// sweeps is false: without vectors, walking is faster.
const sweeps = false

func rankColumn(dst *[sweepRows]uint8, x []float32, width, rows int, table []uint32, missing uint8) {
	rankColumnGo(dst, x, width, rows, table, missing)
}

func sweepTree(at *[sweepRows]uint8, codes []uint8, nodes []uint64) { sweepTreeGo(at, codes, nodes) }
