// Package linear fits linear models: least squares for a regression, logistic regression for a classification, with the hyperparameters and the
// optimum of scikit-learn's LinearRegression and LogisticRegression. It knows nothing of SQL, files or networks. The model that it makes is
// the same, byte for byte, whatever the number of threads.
//
// Least squares go by the normal equations of centred and scaled columns, refined on the data themselves (squares.go); where those are too near to
// singular, by orthogonal transformations of the data and the solution of least norm (qr.go, norm.go). Logistic regression goes by Newton's
// method (newton.go): with the matrix of second derivatives where there are few coefficients, else by conjugate gradients that only need its
// products with vectors; with a penalty of sizes, by coordinate descent on its quadratic models (sparse.go). Sums over rows are taken over blocks whose number depends on the data alone, and are added in block order.
package linear
