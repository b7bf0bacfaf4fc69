// Package dataset has the data sets that pgml.load_dataset makes tables of, and makes them: the six that PostgresML takes from scikit-learn. They are
// files of this package; data/LICENCES.md says where they come from.
package dataset
