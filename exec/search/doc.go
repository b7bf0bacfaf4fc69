// Package search keeps the vectors of vectorized tables in memory, as far as they have room, and finds the rows nearest to a query. Tables of vectors and their revisions are those of
// exec/catalog/sql/pgml/010_vectorize.sql.
package search
