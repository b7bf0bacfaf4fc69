// Package lanes holds the tests that compare the lanes: a statement has the same answer in whichever it runs, and the one that a server would give
// whose own functions are pgml's.
package lanes
