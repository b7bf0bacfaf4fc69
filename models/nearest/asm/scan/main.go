// Program scan writes scan_amd64.s: go generate ./models/nearest runs it.
package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/gotypes"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// tileRow is a tile's rows for two dimensions, and a tile's rows of anything in 32 bits: bytes.
const tileRow = 64

func main() {
	for _, k := range []struct{ queries, tiles int }{{1, 4}, {2, 4}, {4, 4}, {8, 2}} {
		scanner("AVX512", k.queries, k.tiles, 1, func() reg.VecVirtual { return build.ZMM() })
	}
	for _, k := range []struct{ queries, tiles int }{{1, 4}, {4, 1}} {
		scanner("AVX2", k.queries, k.tiles, 2, func() reg.VecVirtual { return build.YMM() })
	}
	build.Generate()
}

func load(p gotypes.Component) reg.GPVirtual {
	r := build.GP64()
	build.Load(p, r)
	return r
}

func at(base reg.Register, disp int) operand.Mem { return operand.Mem{Base: base, Disp: disp} }

// scanner writes the kernel for a number of queries, which goes through some tiles at once, in registers that take a part of a tile's row each.
func scanner(set string, queries, tiles, parts int, register func() reg.VecVirtual) {
	build.TEXT(fmt.Sprintf("scan%d%s", queries, set), build.NOSPLIT, "func(scores *float32, masks *uint16, tiles *uint32, pairs, groups int, scales, queries, least *float32)")
	scores, masks, tile := load(build.Param("scores")), load(build.Param("masks")), load(build.Param("tiles"))
	pairs, groups := load(build.Param("pairs")), load(build.Param("groups"))
	scales, query, least := load(build.Param("scales")), load(build.Param("queries")), load(build.Param("least"))
	width := tileRow / parts
	stride := build.GP64() // of a tile, in bytes
	build.MOVQ(pairs, stride)
	build.SHLQ(operand.Imm(6), stride)
	high := register()
	ones := build.GP32()
	build.MOVL(operand.U32(0xffff0000), ones)
	if set == "AVX512" {
		build.VPBROADCASTD(ones, high)
	} else {
		x := build.XMM()
		build.VMOVD(ones, x)
		build.VPBROADCASTD(x, high)
	}

	build.Label("group")
	var starts []reg.Register // of each tile
	starts = append(starts, tile)
	for len(starts) < tiles {
		next := build.GP64()
		build.LEAQ(operand.Mem{Base: starts[len(starts)-1], Index: stride, Scale: 1}, next)
		starts = append(starts, next)
	}
	sums := make([]reg.VecVirtual, queries*tiles*parts)
	for i := range sums {
		sums[i] = register()
		build.VXORPS(sums[i], sums[i], sums[i])
	}
	q, left := build.GP64(), build.GP64()
	build.MOVQ(query, q)
	build.MOVQ(pairs, left)
	offset := build.GP64()
	build.XORQ(offset, offset)

	build.Label("pair")
	// halves loads a part of a tile's row and takes it apart.
	halves := func(t, p int) (even, odd reg.VecVirtual) {
		even, odd = register(), register()
		from := operand.Mem{Base: starts[t], Index: offset, Scale: 1, Disp: p * width}
		if set == "AVX512" {
			build.VPSLLD(operand.Imm(16), from, even)
			build.VPANDD(from, high, odd)
		} else {
			build.VMOVDQU(from, odd)
			build.VPSLLD(operand.Imm(16), odd, even)
			build.VPAND(odd, high, odd)
		}
		return even, odd
	}
	value := func(half, j int) reg.VecVirtual {
		v := register()
		build.VBROADCASTSS(at(q, 4*(half*queries+j)), v)
		return v
	}
	if queries == 1 {
		first, second := value(0, 0), value(1, 0)
		for i := range sums {
			even, odd := halves(i/parts, i%parts)
			build.VFMADD231PS(first, even, sums[i])
			build.VFMADD231PS(second, odd, sums[i])
		}
	} else {
		even, odd := make([]reg.VecVirtual, tiles*parts), make([]reg.VecVirtual, tiles*parts)
		for i := range even {
			even[i], odd[i] = halves(i/parts, i%parts)
		}
		for half, x := range [][]reg.VecVirtual{even, odd} {
			for j := range queries {
				v := value(half, j)
				for i := range x {
					build.VFMADD231PS(v, x[i], sums[j*len(x)+i])
				}
			}
		}
	}
	build.ADDQ(operand.Imm(uint64(8*queries)), q)
	build.ADDQ(operand.Imm(tileRow), offset)
	build.DECQ(left)
	build.JNE(operand.LabelRef("pair"))

	for t := range tiles {
		scale := make([]reg.VecVirtual, parts)
		for p := range parts {
			scale[p] = register()
			build.VMOVUPS(at(scales, t*tileRow+p*width), scale[p])
		}
		for j := range queries {
			bound := register()
			build.VBROADCASTSS(at(least, 4*j), bound)
			bits := build.GP32()
			for p := range parts {
				const notBelow = 0x1d // ordered: never of NaN
				s := sums[j*tiles*parts+t*parts+p]
				build.VMULPS(scale[p], s, s)
				build.VMOVUPS(s, at(scores, (t*queries+j)*tileRow+p*width))
				if set == "AVX512" {
					k := build.K()
					build.VCMPPS(operand.Imm(notBelow), bound, s, k)
					build.KMOVW(k, bits)
					continue
				}
				c := register()
				build.VCMPPS(operand.Imm(notBelow), bound, s, c)
				if p == 0 {
					build.VMOVMSKPS(c, bits)
					continue
				}
				upper := build.GP32()
				build.VMOVMSKPS(c, upper)
				build.SHLL(operand.Imm(8), upper)
				build.ORL(upper, bits)
			}
			build.MOVW(bits.As16(), at(masks, 2*(t*queries+j)))
		}
	}
	build.ADDQ(operand.U32(uint32(tiles*queries*tileRow)), scores)
	build.ADDQ(operand.U32(uint32(2*tiles*queries)), masks)
	build.ADDQ(operand.U32(uint32(tiles*tileRow)), scales)
	build.LEAQ(operand.Mem{Base: starts[tiles-1], Index: stride, Scale: 1}, tile)
	build.DECQ(groups)
	build.JNE(operand.LabelRef("group"))
	build.VZEROUPPER()
	build.RET()
}
