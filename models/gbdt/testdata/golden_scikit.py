"""Writes golden_scikit.json: what scikit-learn (1.9.1) makes of the data of golden_boost.py with its further parameters, and it and LightGBM (4.7.0) of rows with weights."""
import json

import numpy as np

# All but the fits there.
source = open("golden_boost.py").read()
exec(source[: source.index("\nLIBRARIES")])

TEST, SHOWN, DRAWS = 1500, 12, 6
HIST, TREES, LIGHT = "hist_gradient_boosting", "gradient_boosting_trees", "lightgbm"
# algorithm, kind of labels, rows, parameters, way of weights (0: none; 1: 1, 2, 3; 2: 0, .5, 1, 1.5), whether the values are compared
CASES = [
    (HIST, "regression", 2000, {"min_samples_leaf": 60, "max_leaf_nodes": 12, "max_iter": 30}, 0, True),
    (HIST, "regression", 4000, {"categorical_features": [6, 7], "max_iter": 100}, 0, False),
    (HIST, "regression", 4000, {"max_bins": 16, "max_iter": 40}, 0, False),
    (HIST, "regression", 4000, {"max_features": 0.4, "max_iter": 40}, 0, False),
    (HIST, "regression", 4000, {"early_stopping": True, "n_iter_no_change": 3, "tol": 0.01, "validation_fraction": 0.3, "max_iter": 300}, 0, False),
    (TREES, "regression", 1500, {"learning_rate": 0.3, "min_samples_leaf": 40, "min_samples_split": 200, "n_estimators": 30}, 0, True),
    (TREES, "regression", 1500, {"max_leaf_nodes": 6, "max_depth": 5, "n_estimators": 30}, 0, True),
    (TREES, "regression", 1500, {"min_impurity_decrease": 0.02, "n_estimators": 50}, 0, True),
    (TREES, "regression", 4000, {"loss": "quantile", "alpha": 0.8, "n_estimators": 40}, 0, False),
    (TREES, "regression", 4000, {"n_iter_no_change": 3, "tol": 0.02, "validation_fraction": 0.3, "n_estimators": 300}, 0, False),
    (HIST, "regression", 2000, {"max_iter": 30}, 2, True),
    (HIST, "count", 2000, {"loss": "poisson", "max_iter": 30}, 2, True),
    (HIST, "positive", 2000, {"loss": "gamma", "max_iter": 30}, 1, True),
    (HIST, "binary", 4000, {"max_iter": 30}, 2, False),
    (HIST, "multi", 4000, {"max_iter": 30}, 1, False),
    (HIST, "regression", 2000, {"loss": "absolute_error", "max_iter": 30}, 1, False),
    (HIST, "regression", 2000, {"loss": "quantile", "quantile": 0.8, "max_iter": 30}, 1, False),
    (TREES, "regression", 1500, {"min_impurity_decrease": 0.02}, 1, True),
    (TREES, "binary", 4000, {}, 1, True),
    (TREES, "binary", 4000, {"loss": "exponential"}, 1, True),
    (TREES, "multi", 4000, {"n_estimators": 40}, 1, False),
    (TREES, "regression", 4000, {"loss": "absolute_error"}, 1, False),
    (TREES, "regression", 4000, {"loss": "quantile", "alpha": 0.8, "n_estimators": 60}, 1, False),
    (TREES, "regression", 4000, {"loss": "huber"}, 1, False),
    (LIGHT, "regression", 2000, {"num_iterations": 30}, 2, True),
    (LIGHT, "binary", 3000, {"num_iterations": 30}, 2, True),
    (LIGHT, "multi", 3000, {"num_iterations": 30}, 1, True),
    (LIGHT, "regression", 2000, {"objective": "huber", "alpha": 0.4, "num_iterations": 30}, 1, True),
    (LIGHT, "count", 2000, {"objective": "poisson", "num_iterations": 30}, 2, True),
]


def weights(way, rows):
    r = np.arange(rows)
    return [None, 1.0 + r % 3, (r % 4) / 2][way]


def fit(algorithm, kind, params, x, y, w, xt):
    if algorithm == LIGHT:
        import lightgbm as lgb

        p = {"verbosity": -1, "objective": {"binary": "binary", "multi": "multiclass"}.get(kind, "regression"), "num_threads": 2} | params
        if kind == "multi":
            p["num_class"] = 3
        m = lgb.train(p, lgb.Dataset(x, label=y, weight=w), p.pop("num_iterations"))
        return m.predict(xt), m.predict(xt, raw_score=True)
    from sklearn import ensemble as e

    classes = kind in ("binary", "multi")
    make = {(HIST, True): e.HistGradientBoostingClassifier, (HIST, False): e.HistGradientBoostingRegressor,
            (TREES, True): e.GradientBoostingClassifier, (TREES, False): e.GradientBoostingRegressor}[algorithm, classes]
    m = make(**params).fit(x, y, sample_weight=w)
    if classes:
        p = m.predict_proba(xt)
        return (p[:, 1] if kind == "binary" else p), m.decision_function(xt)
    p = m.predict(xt)
    return p, (np.log(p) if params.get("loss") in ("poisson", "gamma") else p)


out = []
for algorithm, kind, rows, params, way, exact in CASES:
    x, y = data(rows + TEST, kind)
    if algorithm == TREES:
        x = np.floor(np.nan_to_num(x, nan=-1) * 128) / 128  # few enough values for a bin each
    scores = []
    for seed in range(1 if exact else DRAWS):
        seeded = params | ({} if algorithm == LIGHT else {"random_state": seed})
        p, margins = fit(algorithm, kind, seeded, x[:rows], y[:rows], weights(way, rows), x[rows:])
        scores.append(float(score(kind, y[rows:], p)))
    case = {"algorithm": algorithm, "kind": kind, "rows": rows, "params": params, "weights": way, "score": float(np.mean(scores)), "spread": float(np.std(scores))}
    if "categorical_features" in params:  # splits by sets of categories are LightGBM's
        case["near"] = 0.015
    if exact:
        margins = np.asarray(margins)[:SHOWN]
        if kind == "multi":  # what is the same for all classes means nothing
            margins = margins - margins.mean(1, keepdims=True)
        if params.get("loss") == "exponential":  # half the log-odds
            margins = 2 * margins
        case["margins"] = [float(np.format_float_positional(v, 9, fractional=False)) for v in margins.ravel()]
    out.append(case)
with open("golden_scikit.json", "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(c) for c in out) + "\n]\n")
