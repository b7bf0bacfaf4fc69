// Package texts holds the tests of what PostgresML does with texts, in a database: pgml.embed's options, pgml.rank, pgml.chunk, pgml.clear_gpu_cache, models that proxies share, and PostgresML's
// settings. The functions themselves are tested in models/text.
package texts
