// Package metrics scores predictions against labels with the definitions of scikit-learn, under the names that PostgresML
// stores. What scikit-learn calls undefined, too (r2 of one row, roc_auc of labels of one class), is NaN.
package metrics
