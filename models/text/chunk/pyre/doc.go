// Package pyre finds the matches of regular expressions of Python's re in time linear in the text: for a pattern, every text of n bytes costs at most
// n times a constant, all its matches together. It has Python's syntax and its leftmost, first-choice matches, look-ahead and look-behind
// included, and refuses what needs backtracking: references to groups, conditions on them, atomic groups and possessive quantifiers.
//
// It reads a text backwards first: for each position, the set of the program's instructions from which some match can be reached. Then it walks
// forwards, and at each choice takes the first branch that is in the set, which is the one where backtracking would have ended.
package pyre
