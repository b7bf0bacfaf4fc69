//go:build race

package ops

// buildFlags make the program that is tested look for data races, as its tests do: what it finds is in its log, and fails the test.
var buildFlags = []string{"-race"}
