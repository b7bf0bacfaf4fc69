// Package wire holds PgOwl's proxy against Postgres itself: the same frontend messages go to both, and the answers have to be the same,
// message by message. The scripts are in testdata; script_test.go tells their language. It holds tests alone.
package wire
