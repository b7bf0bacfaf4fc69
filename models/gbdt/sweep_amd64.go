package gbdt

import "golang.org/x/sys/cpu"

// sweeps says that this processor can do what sweep_amd64.s asks of it.
var sweeps = cpu.X86.HasAVX2 && cpu.X86.HasPOPCNT

//go:generate sh -c "cd asm && go run ./sweep -out ../sweep_amd64.s"

// rankColumnAVX2 is rankColumnGo.
//
//go:noescape
func rankColumnAVX2(dst *[sweepRows]uint8, x []float32, width, rows int, table []uint32, missing uint8)

// sweepTreeAVX2 is sweepTreeGo.
//
//go:noescape
func sweepTreeAVX2(at *[sweepRows]uint8, codes []uint8, nodes []uint64)

func rankColumn(dst *[sweepRows]uint8, x []float32, width, rows int, table []uint32, missing uint8) {
	if sweeps {
		rankColumnAVX2(dst, x, width, rows, table, missing)
		return
	}
	rankColumnGo(dst, x, width, rows, table, missing)
}

func sweepTree(at *[sweepRows]uint8, codes []uint8, nodes []uint64) {
	if sweeps {
		sweepTreeAVX2(at, codes, nodes)
		return
	}
	sweepTreeGo(at, codes, nodes)
}
