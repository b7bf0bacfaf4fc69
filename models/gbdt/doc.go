// Package gbdt trains and runs gradient boosted trees the way XGBoost's histogram method does: the same parameters, cuts,
// gains, leaf values and missing-value directions, so that a model fitted here predicts what XGBoost's would. LightGBM's,
// scikit-learn's and CatBoost's are other rules on the same histograms, and give the same kind of model. It knows
// nothing of SQL, files or networks. The model it makes is the same, byte for byte, whatever the number of threads.
//
// The method: every feature is cut once into at most 256 bins (cuts.go, bins.go); a tree grows by building the histogram
// of gradients for the smaller child of a split and subtracting it from the parent's for the larger one (hist.go), scanning
// both for the best next split (scan.go), and moving the node's rows (partition.go). Sums are taken over blocks whose number
// depends on the data alone and are added in block order, which is why threads cannot change a result.
//
// The other libraries: lightgbm.go and scikit.go make a recipe (recipe.go) of a loss (loss.go), bins (lightbins.go,
// scikitbins.go) and rules for leaves and splits (leafrules.go, leafscan.go, catscan.go); catboost.go grows oblivious trees
// (oblivious.go). Each has its table of parameters (params_lightgbm.go and so on).
package gbdt
