"""Writes golden_boost.json: what scikit-learn (1.9.1), XGBoost's random forest (3.2.0) and CatBoost (1.2.10) make of data that the Go test
makes again by the same generator. Of each fit: a score on the test rows, and where the library draws nothing, the margins of the first of them."""
import json
import sys

import numpy as np

FEATURES = 8  # 0 to 3 plain, 4 few values around 0, 5 with gaps, 6 and 7 categories


def data(rows, kind):
    s = 11

    def draw():
        nonlocal s
        s = (s * 1664525 + 1013904223) % 2**32
        return (s >> 8) / 2**24

    x = np.zeros((rows, FEATURES))
    y = np.zeros(rows)
    for r in range(rows):
        v = [draw() for _ in range(FEATURES)]
        noise, gap = draw(), draw()
        v[4] = np.floor(v[4] * 7) - 3
        v[6] = np.floor(v[6] * 3)
        v[7] = np.floor(v[7] * v[7] * 40)
        t = 3 * v[0] - 2 * v[1] * v[2] + (1 if v[3] > 0.5 else 0) + 0.2 * v[4] + (0.5 if v[6] == 1 else 0) + (v[7] * 7 % 5) / 4 + (noise - 0.5)
        if gap < 0.15:
            v[5] = np.nan
            t += 0.5
        x[r] = v
        y[r] = np.floor(t * 64) / 64
    if kind == "binary":
        y = (y > 2) * 1.0
    elif kind == "multi":
        y = (y > 1.5) * 1.0 + (y > 2.5) * 1.0
    elif kind == "count":
        y = np.floor(np.maximum(y, 0))
    elif kind == "positive":
        y = np.maximum(y, 0) + 0.25
    elif kind == "share":
        y = np.minimum(np.maximum(np.floor(y * 8), 0), 64) / 64
    return x.astype("f"), y


def score(kind, y, p):
    """RMSE of values, AUC of one probability, log loss of several."""
    if kind == "binary":
        order = np.argsort(p, kind="stable")
        ranks = np.empty(len(p))
        sorted_p = p[order]
        _, first, count = np.unique(sorted_p, return_index=True, return_counts=True)
        ranks[order] = np.repeat(first + (count + 1) / 2, count)
        pos = y == 1
        return (ranks[pos].sum() - pos.sum() * (pos.sum() + 1) / 2) / pos.sum() / (~pos).sum()
    if kind == "multi":
        return -np.mean(np.log(p[np.arange(len(y)), y.astype(int)]))
    return np.sqrt(np.mean((y - p) ** 2))


def xgboost_random_forest(kind, params, x, y, xt):
    import xgboost as xgb

    if kind in ("binary", "multi"):
        m = xgb.XGBRFClassifier(**params).fit(x, y)
        p = m.predict_proba(xt)
        return (p[:, 1] if kind == "binary" else p), None
    return xgb.XGBRFRegressor(**params).fit(x, y).predict(xt), None


def sklearn(hist):
    def fit(kind, params, x, y, xt):
        from sklearn import ensemble as e

        if kind in ("binary", "multi"):
            m = (e.HistGradientBoostingClassifier if hist else e.GradientBoostingClassifier)(**params).fit(x, y)
            p = m.predict_proba(xt)
            return (p[:, 1] if kind == "binary" else p), m.decision_function(xt)
        m = (e.HistGradientBoostingRegressor if hist else e.GradientBoostingRegressor)(**params).fit(x, y)
        p = m.predict(xt)
        return p, (np.log(p) if params.get("loss") in ("poisson", "gamma") else p)

    return fit


def catboost(kind, params, x, y, xt):
    import catboost as cb

    if cats := params.get("cat_features"):  # it wants whole numbers for them
        import pandas as pd

        x, xt = (pd.DataFrame(v).astype({c: int for c in cats}) for v in (x, xt))
    make = cb.CatBoostClassifier if kind in ("binary", "multi") else cb.CatBoostRegressor
    m = make(verbose=0, allow_writing_files=False, thread_count=2, **params).fit(x, y)
    raw = m.predict(xt, prediction_type="RawFormulaVal")
    if kind in ("binary", "multi"):
        p = m.predict_proba(xt)
        return (p[:, 1] if kind == "binary" else p), raw
    return raw, raw


LIBRARIES = {"xgboost_random_forest": xgboost_random_forest, "hist_gradient_boosting": sklearn(True),
             "gradient_boosting_trees": sklearn(False), "catboost": catboost}

# algorithm, kind of labels, rows, parameters, whether the margins are compared
CASES = [
    ("xgboost_random_forest", "regression", 6000, {}, False),
    ("xgboost_random_forest", "binary", 6000, {}, False),
    ("xgboost_random_forest", "multi", 6000, {"max_depth": 4, "base_score": 0.5}, False),
    ("hist_gradient_boosting", "regression", 2000, {}, True),
    ("hist_gradient_boosting", "regression", 2000, {"loss": "absolute_error", "max_iter": 40}, False),
    ("hist_gradient_boosting", "count", 2000, {"loss": "poisson", "max_iter": 40}, True),
    ("hist_gradient_boosting", "regression", 2000, {"loss": "quantile", "quantile": 0.8, "max_iter": 40}, False),
    ("hist_gradient_boosting", "binary", 4000, {}, False),
    ("hist_gradient_boosting", "binary", 12000, {"learning_rate": 0.2}, False),
    ("hist_gradient_boosting", "multi", 4000, {"max_iter": 50, "l2_regularization": 1, "max_depth": 5}, False),
    ("gradient_boosting_trees", "regression", 1500, {}, True),
    ("gradient_boosting_trees", "regression", 1500, {"loss": "huber", "max_depth": 4}, False),
    ("gradient_boosting_trees", "regression", 4000, {"loss": "absolute_error"}, False),
    ("gradient_boosting_trees", "regression", 4000, {"subsample": 0.7, "max_features": 0.8}, False),
    ("gradient_boosting_trees", "binary", 4000, {}, True),
    ("gradient_boosting_trees", "binary", 4000, {"loss": "exponential"}, True),
    ("gradient_boosting_trees", "multi", 4000, {"n_estimators": 60}, False),
    ("catboost", "regression", 4000, {"iterations": 150}, False),
    ("catboost", "binary", 4000, {"iterations": 150}, False),
    ("catboost", "multi", 4000, {"iterations": 100, "depth": 4}, False),
    ("catboost", "regression", 4000, {"iterations": 150, "cat_features": [6, 7], "max_ctr_complexity": 1}, False),
    ("catboost", "binary", 4000, {"iterations": 150, "cat_features": [6, 7], "max_ctr_complexity": 1}, False),
    ("catboost", "binary", 3000, {"iterations": 100, "depth": 4, "bootstrap_type": "No", "random_strength": 0, "border_count": 127}, True),
    ("catboost", "multi", 3000, {"iterations": 60, "depth": 4, "bootstrap_type": "No", "random_strength": 0, "border_count": 127, "score_function": "L2"}, True),
    ("catboost", "regression", 3000, {"iterations": 100, "depth": 4, "learning_rate": 0.1, "l2_leaf_reg": 1, "bootstrap_type": "No", "random_strength": 0, "border_count": 127}, True),
]
TEST, SHOWN, DRAWS = 1500, 12, 4

SEEDS = {"catboost": "random_seed"}


def main():
    out = []
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    for algorithm, kind, rows, params, exact in CASES:
        if only and only != algorithm:
            continue
        x, y = data(rows + TEST, kind)
        if algorithm == "gradient_boosting_trees":
            x = np.floor(np.nan_to_num(x, nan=-1) * 128) / 128  # few enough values for a bin each
        scores = []
        for seed in range(1 if exact else DRAWS):
            p, margins = LIBRARIES[algorithm](kind, {SEEDS.get(algorithm, "random_state"): seed} | params, x[:rows], y[:rows], x[rows:])
            scores.append(float(score(kind, y[rows:], p)))
        case = {"algorithm": algorithm, "kind": kind, "rows": rows, "params": params, "score": float(np.mean(scores)), "spread": float(np.std(scores))}
        if exact:
            if margins is None:
                margins = p
            margins = np.asarray(margins)[:SHOWN]
            if kind == "multi":  # what is the same for all classes means nothing
                margins = margins - margins.mean(1, keepdims=True)
            if params.get("loss") == "exponential":  # half the log-odds
                margins = 2 * margins
            case["margins"] = [float(np.format_float_positional(v, 9, fractional=False)) for v in margins.ravel()]
        out.append(case)
        print(algorithm, kind, rows, params, np.round(scores, 5), file=sys.stderr)
    name = f"golden_{only}.part" if only else "golden_boost.json"
    with open(name, "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(c) for c in out) + "\n]\n")


if __name__ == "__main__":
    main()
