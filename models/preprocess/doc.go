// Package preprocess makes features of the values of a column, as PostgresML's argument preprocess asks for it: texts are
// encoded as numbers, missing values are imputed, and numbers are scaled, in this order. It learns from the values of a
// training part (Fit) and then does the same to every value (Column). Where the values come from is not its business.
package preprocess
