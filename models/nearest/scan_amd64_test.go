package nearest

import "golang.org/x/sys/cpu"

func kernelSets() map[string][]kernel {
	sets := map[string][]kernel{"Go": kernelsGo}
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		sets["AVX2"] = kernels2
	}
	if cpu.X86.HasAVX512F && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512BW {
		sets["AVX512"] = kernels512
	}
	return sets
}
