// Package exec gives statements their meaning: it knows which functions engines compute, computes calls for the lanes, keeps the
// catalog in the database, and loads models. It never sees a socket; the proxy gives it texts, values and messages.
package exec
