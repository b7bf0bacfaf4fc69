//go:build race

package tokenize

// raceEnabled: under the race detector a sync.Pool drops some of what it is given, so that allocations cannot be counted.
const raceEnabled = true
