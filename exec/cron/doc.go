// Package cron is PgOwl's job scheduler: it runs the jobs of table cron.job when they are due, as pg_cron would, and
// writes cron.job_run_details. The cron.* functions are SQL in the catalog and need nothing of this package; it needs nothing but two
// ways to connect: as the schema's owner, and as the user of a job.
//
// Any number of schedulers may run against one database. A row in Postgres says who leads, and each take-over raises its
// epoch. To start a run, the leader claims the occurrence ("slot") in the same transaction that asks for its epoch and writes the
// history row, so an occurrence is started at most once, also by a leader that was frozen and does not know that another
// has taken over. Runs are not bound to leadership: a scheduler that loses it finishes what it runs.
package cron
