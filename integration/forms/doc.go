// Package forms tests models that are SQL in the database: what is trained and deployed through PgOwl predicts where no proxy is.
package forms
