package nearest

import "golang.org/x/sys/cpu"

//go:generate sh -c "cd asm && go run ./scan -out ../scan_amd64.s"

//go:noescape
func scan1AVX512(scores *float32, masks *uint16, tiles *uint32, pairs, groups int, scales, queries, least *float32)

//go:noescape
func scan2AVX512(scores *float32, masks *uint16, tiles *uint32, pairs, groups int, scales, queries, least *float32)

//go:noescape
func scan4AVX512(scores *float32, masks *uint16, tiles *uint32, pairs, groups int, scales, queries, least *float32)

//go:noescape
func scan8AVX512(scores *float32, masks *uint16, tiles *uint32, pairs, groups int, scales, queries, least *float32)

//go:noescape
func scan1AVX2(scores *float32, masks *uint16, tiles *uint32, pairs, groups int, scales, queries, least *float32)

//go:noescape
func scan4AVX2(scores *float32, masks *uint16, tiles *uint32, pairs, groups int, scales, queries, least *float32)

var (
	kernels512 = []kernel{{1, 4, assembled(scan1AVX512)}, {2, 4, assembled(scan2AVX512)}, {4, 4, assembled(scan4AVX512)}, {8, 2, assembled(scan8AVX512)}}
	kernels2   = []kernel{{1, 4, assembled(scan1AVX2)}, {4, 1, assembled(scan4AVX2)}}
)

// assembled gives a kernel of scan_amd64.s the form that scanGo has.
func assembled(f func(scores *float32, masks *uint16, tiles *uint32, pairs, groups int, scales, queries, least *float32)) func(*pass, int, int) {
	return func(p *pass, pairs, groups int) {
		if groups > 0 && pairs > 0 {
			f(&p.scores[0], &p.masks[0], &p.tiles[0], pairs, groups, &p.scales[0], &p.queries[0], &p.least[0])
		}
	}
}

func init() {
	switch {
	case cpu.X86.HasAVX512F && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512BW:
		kernels = kernels512
	case cpu.X86.HasAVX2 && cpu.X86.HasFMA:
		kernels = kernels2
	}
}
