//go:build !race

package bygroup

const raceDetector = false
