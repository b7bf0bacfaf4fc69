// Package parser turns the text of a SQL statement into a Plan: which calls of ours it holds, which lane they can take,
// and the text that goes to the server instead. It is pure: no I/O, no clock, no database. It is the only package that
// knows pg_query.
//
// Mentions is the pass lane's test, a scan of the bytes. What it lets through is handled by Parse, which never fails: text
// that the grammar cannot read, or a call in a place that no lane covers, makes a Plan that leaves the statement as it is, and
// the functions in the database ask the proxy themselves (the call lane).
package parser
