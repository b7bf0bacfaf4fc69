// Package metrics scores predictions against labels with the definitions of scikit-learn, under the names that PostgresML
// stores. What is undefined (a score that would divide by zero) is NaN.
package metrics
