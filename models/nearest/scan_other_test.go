//go:build !amd64

package nearest

func kernelSets() map[string][]kernel { return map[string][]kernel{"Go": kernelsGo} }
