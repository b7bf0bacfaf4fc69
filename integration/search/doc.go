// Package search tests pgml.search as clients see it, with tables of vectors that the tests write themselves.
package search
