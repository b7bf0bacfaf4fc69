// Package parser turns the text of a SQL statement into a Plan: which calls of ours it holds, which lane they can take,
// and the text that goes to the server instead. It is pure: no I/O, no clock, no database. It is the only package that
// knows pg_query.
package parser

import _ "github.com/pganalyze/pg_query_go/v6"
