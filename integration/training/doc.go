// Package training plays pgml.train and what stands around it through PgOwl, as clients see it: rows, messages and errors, as a role that owns
// nothing. It holds tests alone.
package training
