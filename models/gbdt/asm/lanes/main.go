// Program lanes writes lanes_amd64.s: go generate ./models/gbdt runs it.
package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// As in package gbdt.
const (
	groupWidth = 32
	lane       = 256 * 8 // bytes
)

// ahead is the number of rows by which the fetches run ahead of the additions. Measured on a node of every 1st to 64th of a million rows: 16 and 32 are alike, 4
// leaves a third of the time to waiting.
const ahead = 16

func main() {
	build.TEXT("addLanes", build.NOSPLIT, "func(l *[32][256]int64, bins []uint8, stride, quads int, rows []int32, values []int64)")
	lanes := build.Load(build.Param("l"), build.GP64())
	bins := build.Load(build.Param("bins").Base(), build.GP64())
	stride := build.Load(build.Param("stride"), build.GP64())
	quads := build.Load(build.Param("quads"), build.GP64())
	rows := build.Load(build.Param("rows").Base(), build.GP64())
	left := build.Load(build.Param("rows").Len(), build.GP64())
	values := build.Load(build.Param("values").Base(), build.GP64())

	build.Comment("as long as there is a row to fetch")
	build.SUBQ(operand.Imm(ahead), left)
	build.JLE(operand.LabelRef("last"))
	build.Label("main")
	at := build.GP64()
	build.MOVLQSX(operand.Mem{Base: rows, Disp: 4 * ahead}, at)
	build.PREFETCHT0(operand.Mem{Base: values, Index: at, Scale: 8})
	build.IMULQ(stride, at)
	build.PREFETCHT0(operand.Mem{Base: bins, Index: at, Scale: 1})
	addRow("main", lanes, bins, stride, quads, rows, values)
	build.DECQ(left)
	build.JNZ(operand.LabelRef("main"))

	build.Label("last")
	build.ADDQ(operand.Imm(ahead), left)
	build.JLE(operand.LabelRef("end"))
	build.Label("rest")
	addRow("rest", lanes, bins, stride, quads, rows, values)
	build.DECQ(left)
	build.JNZ(operand.LabelRef("rest"))
	build.Label("end")
	build.RET()
	build.Generate()
}

// addRow adds a row, four features at a time, and goes on to the next one.
func addRow(loop string, lanes, bins, stride, quads, rows, values reg.Register) {
	row, value := build.GP64(), build.GP64()
	build.MOVLQSX(operand.Mem{Base: rows}, row)
	build.MOVQ(operand.Mem{Base: values, Index: row, Scale: 8}, value)
	build.IMULQ(stride, row)
	build.ADDQ(bins, row)
	for f := 0; f < groupWidth; f += 4 {
		build.MOVL(operand.Mem{Base: row, Disp: f}, reg.EAX)
		for j := range 4 {
			if j == 2 {
				build.SHRL(operand.Imm(16), reg.EAX)
			}
			bin, to := reg.EBX, reg.RBX
			if j%2 == 1 {
				bin, to = reg.ECX, reg.RCX
				build.MOVBLZX(reg.AH, bin)
			} else {
				build.MOVBLZX(reg.AL, bin)
			}
			build.ADDQ(value, operand.Mem{Base: lanes, Disp: lane * (f + j), Index: to, Scale: 8})
		}
		if f+4 < groupWidth {
			build.CMPQ(quads, operand.Imm(uint64(f/4+1)))
			build.JE(operand.LabelRef(fmt.Sprint(loop, "Next")))
		}
	}
	build.Label(fmt.Sprint(loop, "Next"))
	build.ADDQ(operand.Imm(4), rows)
}
