//go:build !race

package ops

var buildFlags []string
