// Program sweep writes sweep_amd64.s: go generate ./models/gbdt runs it.
package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/gotypes"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// As in package gbdt.
const (
	sweepRows = 128
	vector    = 32 // bytes
)

func main() {
	rankColumn()
	sweepTree()
	build.Generate()
}

func load(p gotypes.Component) reg.GPVirtual {
	r := build.GP64()
	build.Load(p, r)
	return r
}

func at(base reg.Register, disp int) operand.Mem { return operand.Mem{Base: base, Disp: disp} }

// rankColumn finds a value's group among the pivots, then its place in the group: each time the numbers that are not above it are counted.
func rankColumn() {
	build.TEXT("rankColumnAVX2", build.NOSPLIT, "func(dst *[128]uint8, x []float32, width, rows int, table []uint32, missing uint8)")
	dst, x, width, rows, table := load(build.Param("dst")), load(build.Param("x").Base()), load(build.Param("width")), load(build.Param("rows")), load(build.Param("table").Base())
	missing := build.GP32()
	build.Load(build.Param("missing"), missing)
	pivots := [2]reg.VecVirtual{build.YMM(), build.YMM()}
	for i, p := range pivots {
		build.VMOVUPS(at(table, vector*i), p)
	}
	value := build.YMM()

	// count counts twice the numbers of two vectors that are not above the value: a mask of words has two bits for each.
	count := func(low, high operand.Op) reg.GPVirtual {
		const notBelow = 0x1d // ordered: never of NaN
		a, b, n := build.YMM(), build.YMM(), build.GP64()
		build.VCMPPS(operand.Imm(notBelow), low, value, a)
		build.VCMPPS(operand.Imm(notBelow), high, value, b)
		build.VPACKSSDW(b, a, a)
		build.VPMOVMSKB(a, n.As32())
		build.POPCNTL(n.As32(), n.As32())
		return n
	}

	build.TESTQ(rows, rows)
	build.JE(operand.LabelRef("end"))
	build.Label("row")
	build.VBROADCASTSS(at(x, 0), value)
	group := count(pivots[0], pivots[1])
	offset := build.GP64() // 64 bytes a group
	build.MOVL(group.As32(), offset.As32())
	build.SHLL(operand.Imm(5), offset.As32())
	cuts := func(i int) operand.Mem {
		return operand.Mem{Base: table, Index: offset, Scale: 1, Disp: 2*vector + vector*i}
	}
	code := count(cuts(0), cuts(1))
	build.SHRL(operand.Imm(1), code.As32())
	build.LEAL(operand.Mem{Base: code, Index: group, Scale: 8}, code.As32())
	build.VUCOMISS(value.AsX(), value.AsX())
	build.CMOVLPS(missing, code.As32())
	build.XORL(operand.Imm(0x80), code.As32())
	build.MOVB(code.As8(), at(dst, 0))
	build.LEAQ(operand.Mem{Base: x, Index: width, Scale: 4}, x)
	build.INCQ(dst)
	build.DECQ(rows)
	build.JNE(operand.LabelRef("row"))
	build.Label("end")
	build.VZEROUPPER()
	build.RET()
}

// sweepTree keeps the rows' leaves in registers and goes through the nodes.
func sweepTree() {
	build.TEXT("sweepTreeAVX2", build.NOSPLIT, "func(at *[128]uint8, codes []uint8, nodes []uint64)")
	leaves, codes, nodes, n := load(build.Param("at")), load(build.Param("codes").Base()), load(build.Param("nodes").Base()), load(build.Param("nodes").Len())
	var stand [sweepRows / vector]reg.VecVirtual
	for i := range stand {
		stand[i] = build.YMM()
		build.VPXOR(stand[i], stand[i], stand[i])
	}
	build.TESTQ(n, n)
	build.JE(operand.LabelRef("end"))
	build.Label("node")
	column := build.GP64()
	build.MOVL(at(nodes, 0), column.As32())
	build.ADDQ(codes, column)
	from, first, right := build.YMM(), build.YMM(), build.YMM()
	build.VPBROADCASTB(at(nodes, 4), from)
	build.VPBROADCASTB(at(nodes, 5), first)
	build.VPBROADCASTB(at(nodes, 6), right)
	for i, s := range stand {
		left, here := build.YMM(), build.YMM()
		build.VPCMPGTB(at(column, vector*i), from, left)
		build.VPCMPEQB(s, first, here)
		build.VPANDN(here, left, left)
		build.VPBLENDVB(left, right, s, s)
	}
	build.ADDQ(operand.Imm(8), nodes)
	build.DECQ(n)
	build.JNE(operand.LabelRef("node"))
	build.Label("end")
	for i, s := range stand {
		build.VMOVDQU(s, at(leaves, vector*i))
	}
	build.VZEROUPPER()
	build.RET()
}
