// Package chunk proves, in SQL through a proxy, that pgml.chunk stands wherever a set of rows may.
package chunk
