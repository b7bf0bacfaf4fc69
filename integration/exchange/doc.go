// Package exchange proves, in SQL through a proxy, what opens a model: pgml.explain and pgml.importance, pgml.export_model and pgml.import_model.
package exchange
