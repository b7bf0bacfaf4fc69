package models

import "github.com/pgowl/pgowl/models/learn"

// kind is a set of the tasks that an algorithm is for.
type kind uint8

const (
	regression kind = 1 << iota
	classification
	clustering
	decomposition
	none // in PostgresML's list of algorithms, but trained by nothing
)

// tasks are the valid combinations in PostgresML (its enum pgml.algorithm against the tasks of its trainer).
var tasks = map[string]kind{
	"linear": regression | classification | clustering | decomposition, // the default: kmeans and pca for the last two
	"ridge":  regression | classification, "lasso": regression, "elastic_net": regression,
	"least_angle": regression, "lasso_least_angle": regression, "orthogonal_matching_pursuit": regression,
	"bayesian_ridge": regression, "automatic_relevance_determination": regression,
	"stochastic_gradient_descent": regression | classification, "perceptron": classification,
	"passive_aggressive": regression | classification, "ransac": regression, "theil_sen": regression, "huber": regression,
	"quantile": regression, "kernel_ridge": regression, "gaussian_process": regression | classification,
	"svm": regression | classification, "nu_svm": regression | classification, "linear_svm": regression | classification,
	"ada_boost": regression | classification, "bagging": regression | classification,
	"extra_trees": regression | classification, "gradient_boosting_trees": regression | classification,
	"hist_gradient_boosting": regression | classification, "random_forest": regression | classification,
	"xgboost": regression | classification, "xgboost_random_forest": regression | classification,
	"lightgbm": regression | classification, "catboost": regression | classification,
	"kmeans": clustering, "mini_batch_kmeans": clustering, "affinity_propagation": clustering, "birch": clustering,
	"mean_shift": clustering, "pca": decomposition,
	"dbscan": none, "knn": none, "optics": none, "spectral": none, "spectral_bi": none, "spectral_co": none,
	"feature_agglomeration": none, "transformers": none,
}

// offered says whether PostgresML trains the algorithm for the task.
func offered(algorithm string, task learn.Task) bool {
	var k kind
	switch task {
	case learn.Regression:
		k = regression
	case learn.Classification:
		k = classification
	case "clustering":
		k = clustering
	case "decomposition":
		k = decomposition
	}
	return tasks[algorithm]&k != 0
}
