// Package fault kills what PgOwl is made of (clients, the proxy, Postgres, single backends) in the middle of its work, and looks at what
// the others see. It holds tests alone.
package fault
