//go:build race

package bygroup

// raceDetector says that sync.Pool drops some of what it is given.
const raceDetector = true
