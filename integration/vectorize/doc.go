// Package vectorize plays with vectorized columns as their users do: through proxies and around them, with and without rights, and counts what the vectors then are.
package vectorize
