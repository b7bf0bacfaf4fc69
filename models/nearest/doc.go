// Package nearest finds the rows whose vectors point most nearly where a query's does, among all of them: a scan, no index that forgets some. What it gives is exact: the cosines
// in double precision, as SQL would sum them, and the order that they give, ties by the row's number.
//
// Memory's speed is the limit of a scan, so it reads half of it. Each number is kept as the nearest bfloat16 and the rest, together as long as the number itself and with all its bits. A
// first pass reads the bfloat16s, and from what rounding can have cost at most follows which rows may be among the best; those few are put together from both halves and compared
// exactly. Queries that come while a scan runs go through the next one together.
package nearest
