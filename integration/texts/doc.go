// Package texts holds the tests of pgml.chunk and pgml.rank in a database: the functions themselves are tested in models/text.
package texts
