// Package predict holds the models that predictions use: decoded, bounded in memory, each loaded once however many sessions
// ask for it at the same time, and answering with PostgresML's values and errors.
package predict
