// Package vectorize keeps the vectors of vectorized columns (pgml.vectorize) current. Triggers note in a queue which rows' texts have changed; a Keeper, one in each
// proxy, embeds those and writes their vectors. The queue is the truth: River's jobs, which spread the work over the proxies, only say "look there", and one that is lost is made anew.
// docs/decisions/0010-vectorize.md says why it is so.
//
// Errors of a single text are its row's: it is tried again later, and in the end given up. Others are the whole column's, stand in its status, and use up no row's attempts.
package vectorize
