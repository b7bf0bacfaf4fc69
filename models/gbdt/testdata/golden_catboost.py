"""Writes golden_catboost.json: what CatBoost 1.2.10 makes of data that catboost_golden_test.go makes again. Of each fit: the margins of the first rows that it was not
shown, where nothing is drawn; else a score of these rows, the mean over some seeds, and its spread."""
import json
import sys

import catboost as cb
import numpy as np
import pandas as pd

FEATURES, TEST, SHOWN, SEEDS = 7, 500, 10, 10
MASK = 2**64 - 1


def data(rows, kind):
    """Features: 0 and 1 plain, 2 of nine values, 3 with gaps, 4 and 5 categories, 6 is 0 or 1. kind is that of the labels."""
    s = 7

    def draw():
        nonlocal s
        s = (s * 1664525 + 1013904223) % 2**32
        return (s >> 8) / 2**24

    x, y = np.zeros((rows, FEATURES)), np.zeros(rows)
    for r in range(rows):
        v = [draw() for _ in range(FEATURES)]
        noise, gap = draw(), draw()
        v[2] = np.floor(v[2] * 9) - 4
        v[4] = np.floor(v[4] * 4)
        v[5] = np.floor(v[5] * v[5] * 12)
        v[6] = np.floor(v[6] * 2)
        t = 2 * v[0] - v[1] * v[1] + 0.25 * v[2] * v[6] + (0.75 if v[4] == 1 else 0) + (v[5] * 5 % 7) / 8 + (noise - 0.5)
        if gap < 0.2:
            v[3] = np.nan
            t += 0.5
        x[r], y[r] = v, np.floor(t * 64) / 64
    if kind == "binary":
        y = (y > 1.5) * 1.0
    elif kind == "multi":
        y = (y > 1) * 1.0 + (y > 2) * 1.0
    elif kind == "count":
        y = np.floor(np.maximum(y, 0))
    elif kind == "share":
        y = np.clip(y / 4, 0, 1)
    return x.astype("f"), y


def mix(x):
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ x >> 30) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ x >> 27) * 0x94D049BB133111EB) & MASK
    return x ^ x >> 31


def held(y, classes, seed, share=0.1, purpose=11):
    """The rows that PgOwl holds apart for early stopping (holdApart)."""
    def key(r):
        h = 0x6A09E667F3BCC909
        for k in (seed, purpose, r):
            h = mix(h ^ k)
        return h

    out = np.zeros(len(y), bool)
    for part in [np.flatnonzero(y == c) for c in range(classes)] if classes else [np.arange(len(y))]:
        order = sorted(map(int, part), key=key)
        out[order[: int(share * len(part) + 0.5)]] = True
    return out


def score(kind, y, p):
    if kind in ("binary", "multi"):
        return -np.mean(np.log(np.maximum(p[np.arange(len(y)), y.astype(int)], 1e-9)))
    return np.sqrt(np.mean((y - p) ** 2))


def fit(kind, params, x, y, w, xt):
    classes = {"binary": 2, "multi": 3}.get(kind, 0)
    if cats := params.get("cat_features"):
        x, xt = (pd.DataFrame(v).astype({c: int for c in cats}) for v in (x, xt))
    make = cb.CatBoostClassifier if classes else cb.CatBoostRegressor
    options = {}
    if "early_stopping_rounds" in params or "od_type" in params or "od_wait" in params:
        apart = held(y, classes, params["random_seed"])
        options["eval_set"] = (x[apart], y[apart])
        x, y = x[~apart], y[~apart]
    m = make(verbose=0, allow_writing_files=False, thread_count=2, **params).fit(x, y, sample_weight=w, **options)
    return m.tree_count_, m.predict(xt, prediction_type="RawFormulaVal"), m.predict_proba(xt) if classes else m.predict(xt)


# Nothing is drawn.
STILL = {"iterations": 20, "depth": 4, "bootstrap_type": "No", "random_strength": 0, "learning_rate": 0.2}
# The kind of the labels, rows, and parameters beside STILL.
DRAWN = {"bootstrap_type": None, "random_strength": None, "iterations": 30}
CASES = [
    ("regression", 600, {}),
    ("binary", 600, {}),
    ("multi", 600, {}),
    ("regression", 600, {"WEIGHTED": True}),
    ("binary", 600, {"WEIGHTED": True}),
    ("multi", 600, {"WEIGHTED": True, "l2_leaf_reg": 1}),
    ("binary", 900, {"learning_rate": None, "iterations": 50}),
    ("binary", 900, {"learning_rate": None, "boost_from_average": True, "iterations": 50}),
    ("regression", 900, {"learning_rate": None, "iterations": 50}),
    ("regression", 900, {"learning_rate": None, "boost_from_average": False, "iterations": 50}),
    ("multi", 900, {"learning_rate": None, "iterations": 50}),
    ("regression", 600, {"iterations": 210, "depth": 3, "learning_rate": None}),
    ("regression", 600, {"depth": 7}),
    ("regression", 600, {"l2_leaf_reg": 0}),
    ("regression", 600, {"l2_leaf_reg": 20}),
    ("regression", 600, {"border_count": 20}),
    ("regression", 600, {"score_function": "L2"}),
    ("regression", 600, {"nan_mode": "Max"}),
    ("regression", 600, {"loss_function": "MAE"}),
    ("regression", 600, {"loss_function": "MAE", "WEIGHTED": True}),
    ("regression", 600, {"loss_function": "Quantile:alpha=0.7"}),
    ("regression", 600, {"loss_function": "Quantile:alpha=0.2;delta=0.001", "leaf_estimation_method": "Gradient"}),
    ("regression", 600, {"loss_function": "MAPE"}),
    ("regression", 600, {"loss_function": "MAPE", "WEIGHTED": True}),
    ("count", 600, {"loss_function": "Poisson"}),
    ("count", 600, {"loss_function": "Poisson", "leaf_estimation_iterations": 3}),
    ("count", 600, {"loss_function": "Tweedie:variance_power=1.3"}),
    ("regression", 600, {"loss_function": "Huber:delta=0.5"}),
    ("regression", 600, {"loss_function": "Expectile:alpha=0.8"}),
    ("count", 600, {"loss_function": "LogLinQuantile:alpha=0.6"}),
    ("regression", 600, {"loss_function": "Expectile:alpha=0.3", "leaf_estimation_iterations": 5}),
    ("regression", 600, {"loss_function": "Quantile:alpha=0.4", "leaf_estimation_method": "Gradient", "leaf_estimation_iterations": 4}),
    ("regression", 600, {"loss_function": "Quantile:alpha=0.4", "leaf_estimation_method": "Gradient", "leaf_estimation_iterations": 4, "leaf_estimation_backtracking": "No"}),
    ("regression", 600, {"loss_function": "Lq:q=2.5", "leaf_estimation_iterations": 3}),
    ("regression", 600, {"loss_function": "LogCosh"}),
    ("regression", 600, {"loss_function": "Lq:q=3"}),
    ("regression", 600, {"loss_function": "Lq:q=1.5"}),
    ("binary", 600, {"loss_function": "CrossEntropy"}),
    ("binary", 600, {"leaf_estimation_iterations": 10}),
    ("binary", 600, {"leaf_estimation_iterations": 10, "WEIGHTED": True}),
    ("binary", 600, {"leaf_estimation_iterations": 1, "leaf_estimation_method": "Gradient"}),
    ("binary", 600, {"leaf_estimation_iterations": 5, "leaf_estimation_method": "Gradient"}),
    ("multi", 600, {"leaf_estimation_iterations": 3}),
    ("multi", 600, {"leaf_estimation_method": "Gradient"}),
    ("binary", 600, {"leaf_estimation_method": "Simple"}),
    ("binary", 600, {"class_weights": [1, 3]}),
    ("multi", 600, {"class_weights": [1, 3, 0.5]}),
    ("binary", 600, {"auto_class_weights": "Balanced"}),
    ("multi", 600, {"auto_class_weights": "SqrtBalanced"}),
    ("binary", 600, {"scale_pos_weight": 2.5}),
    ("binary", 900, {"early_stopping_rounds": 5, "iterations": 150, "learning_rate": 0.3}),
    ("regression", 900, {"od_type": "Iter", "od_wait": 8, "iterations": 150, "learning_rate": 0.3}),
    ("multi", 900, {"od_wait": 8, "od_type": "Iter", "iterations": 150, "learning_rate": 0.3}),
    ("binary", 900, {"early_stopping_rounds": 5, "eval_metric": "AUC", "iterations": 150, "learning_rate": 0.3}),
    ("binary", 900, {"early_stopping_rounds": 5, "eval_metric": "Accuracy", "iterations": 150, "learning_rate": 0.3}),
    ("regression", 900, {"early_stopping_rounds": 5, "eval_metric": "MAE", "iterations": 150, "learning_rate": 0.3}),
    ("regression", 900, {"early_stopping_rounds": 5, "use_best_model": False, "iterations": 150, "learning_rate": 0.3}),
    ("regression", 900, {"loss_function": "Quantile:alpha=0.7", "early_stopping_rounds": 5, "iterations": 150, "learning_rate": 0.3}),
    # With several classes, and in later rounds, CatBoost splits some nodes here where its own formula gives other splits more, even off a leaf without rows.
    ("regression", 600, {"grow_policy": "Depthwise"}),
    ("binary", 600, {"grow_policy": "Depthwise", "min_data_in_leaf": 40, "iterations": 12}),
    ("multi", 600, {"grow_policy": "Depthwise", "depth": 3, "score_function": "L2"}),
    ("regression", 600, {"grow_policy": "Lossguide"}),
    ("binary", 600, {"grow_policy": "Lossguide", "max_leaves": 8, "min_data_in_leaf": 20, "depth": 6}),
    ("regression", 600, {"grow_policy": "Lossguide", "max_leaves": 12, "score_function": "L2", "depth": 6, "iterations": 6}),
    ("regression", 600, {"monotone_constraints": [1, 0, 0, 0, 0, 0, 0]}),
    ("regression", 600, {"monotone_constraints": [-1, 1, -1, 0, 0, 1, 0], "WEIGHTED": True}),
    # CatBoost shrinks the exponentials of margins by way of a rough logarithm.
    ("binary", 600, {"monotone_constraints": [1, -1, 0, 0, 0, 0, 0], "score_function": "L2", "model_shrink_rate": 0}),
    ("binary", 600, {"monotone_constraints": [-1, 1, 0, -1, 0, 0, 0], "leaf_estimation_iterations": 3, "model_shrink_rate": 0}),
    ("regression", 600, {"model_shrink_rate": 0.3}),
    ("regression", 600, {"model_shrink_rate": 0.5, "model_shrink_mode": "Decreasing"}),
    ("regression", 600, {"monotone_constraints": [0, -1, 0, 0, 0, 0, 1], "model_shrink_rate": 0}),
    ("regression", 900, {"monotone_constraints": [-1, -1, 0, 0, 0, 0, 1], "model_shrink_mode": "Decreasing", "learning_rate": 0.4}),
    ("regression", 60, {"depth": 8}),
    ("binary", 40, {"depth": 6}),
    ("regression", 600, {"cat_features": [4, 5], "one_hot_max_size": 20}),
    ("multi", 600, {"cat_features": [4, 5], "one_hot_max_size": 20}),
    # From here on something is drawn.
    ("regression", 900, DRAWN | {"learning_rate": None}),
    ("binary", 900, DRAWN | {"learning_rate": None}),
    ("multi", 900, DRAWN | {"learning_rate": None}),
    ("regression", 900, DRAWN | {"bootstrap_type": "No"}),
    ("regression", 900, DRAWN | {"bootstrap_type": "No", "random_strength": 5}),
    ("binary", 900, DRAWN | {"bootstrap_type": "No", "random_strength": 0, "rsm": 0.4}),
    ("binary", 900, DRAWN | {"bootstrap_type": "Bayesian", "bagging_temperature": 3}),
    ("binary", 900, DRAWN | {"bootstrap_type": "Bernoulli", "subsample": 0.5}),
    ("regression", 900, DRAWN | {"bootstrap_type": "MVS", "subsample": 0.4}),
    ("regression", 900, DRAWN | {"bootstrap_type": "MVS", "subsample": 0.4, "mvs_reg": 5}),
    ("binary", 900, DRAWN | {"grow_policy": "Depthwise"}),
    ("regression", 900, DRAWN | {"grow_policy": "Lossguide", "max_leaves": 20, "depth": 8}),
    ("regression", 900, DRAWN | {"cat_features": [4, 5], "max_ctr_complexity": 1}),
    ("binary", 900, DRAWN | {"cat_features": [4, 5], "max_ctr_complexity": 1}),
    ("binary", 900, DRAWN | {"cat_features": [4, 5], "max_ctr_complexity": 1, "one_hot_max_size": 5}),
    ("multi", 900, DRAWN | {"cat_features": [4, 5], "max_ctr_complexity": 1, "one_hot_max_size": 20}),
]


def borders(rows, values, most):
    """Where GreedyLogSum cuts so many values of so many rows, the square of the value as often as the value."""
    s, x = 3, np.zeros((rows, 1))
    for r in range(rows):
        s = (s * 1664525 + 1013904223) % 2**32
        u = (s >> 8) / 2**24
        x[r] = np.floor(u * u * values) / 16
    pool = cb.Pool(x.astype("f"), np.arange(rows))
    pool.quantize(border_count=most)
    pool.save_quantization_borders("borders.part")
    return {"rows": rows, "values": values, "most": most, "borders": [float(np.float32(line.split("\t")[1])) for line in open("borders.part")]}


def defaults(loss, classes, rows, features, rounds, **params):
    """What CatBoost decides by itself."""
    r = np.random.default_rng(0)
    y = np.arange(rows) % classes if classes else np.abs(r.normal(size=rows))
    m = cb.CatBoost({"loss_function": loss, "iterations": rounds, "depth": 1, "verbose": 0, "allow_writing_files": False} | params)
    p = m.fit(r.normal(size=(rows, features)), y).get_all_params()
    said = ("learning_rate", "leaf_estimation_method", "leaf_estimation_iterations", "boost_from_average", "bootstrap_type", "subsample", "bagging_temperature")
    return {"loss": loss, "classes": classes, "rows": rows, "features": features, "rounds": rounds, "params": params, "decided": {k: p[k] for k in said if k in p}}


LOSSES = {"RMSE": 0, "MAE": 0, "Quantile:alpha=0.7": 0, "MAPE": 0, "Poisson": 0, "Tweedie:variance_power=1.5": 0, "Huber:delta=1": 0, "Expectile:alpha=0.7": 0,
          "LogLinQuantile": 0, "LogCosh": 0, "Lq:q=3": 0, "Lq:q=1.5": 0, "Logloss": 2, "CrossEntropy": 2, "MultiClass": 3}
GRADIENT = [l for l in LOSSES if l not in ("LogLinQuantile", "LogCosh")]
decided = [defaults(l, c, *size) for l, c in LOSSES.items() for size in ((50, 4, 5), (150, 4, 210), (50, 21, 5))]
decided += [defaults(l, LOSSES[l], 50, 4, 210, leaf_estimation_method="Gradient") for l in GRADIENT]
decided += [defaults(l, LOSSES[l], 90, 4, 500, boost_from_average=b) for l in ("RMSE", "Logloss", "MAE") for b in (False, True)]
decided += [defaults("RMSE", 0, 90, 4, 30, subsample=0.5), defaults("Logloss", 2, 90, 4, 30, l2_leaf_reg=1)]
decided += [defaults("Logloss", 2, 90, 4, 30, bootstrap_type="Bernoulli"), defaults("RMSE", 0, 90, 4, 30, bootstrap_type="Bayesian")]

out = []
for kind, rows, params in CASES:
    only = sys.argv[1:]
    params = {k: v for k, v in (STILL | params).items() if v is not None}
    if only and not any(o in str(params) for o in only):
        continue
    weighted = params.pop("WEIGHTED", False)
    x, y = data(rows + TEST, kind)
    w = 1 + np.arange(rows) % 3 if weighted else None
    exact = params["bootstrap_type"] == "No" and params["random_strength"] == 0 and params.get("rsm", 1) == 1 if "bootstrap_type" in params and "random_strength" in params else False
    exact = exact and (not params.get("cat_features") or params.get("one_hot_max_size", 2) >= 20)
    scores = []
    try:
        for seed in range(1 if exact else SEEDS):
            trees, raw, p = fit(kind, {"random_seed": seed} | params, x[:rows], y[:rows], w, x[rows:])
            scores.append(float(score(kind, y[rows:], p)))
    except Exception as e:
        print("FAILED", kind, params, str(e)[:200], file=sys.stderr)
        continue
    case = {"kind": kind, "rows": rows, "params": params, "weighted": weighted, "trees": trees, "score": float(np.mean(scores)), "spread": float(np.std(scores))}
    if exact:
        raw = np.asarray(raw)[:SHOWN]
        if kind == "multi" and "OneVsAll" not in params.get("loss_function", ""):  # what is the same for all classes means nothing
            raw = raw - raw.mean(1, keepdims=True)
        case["margins"] = [float(f"{v:.9g}") for v in raw.ravel()]
    out.append(case)
with open("golden_catboost.part" if sys.argv[1:] else "golden_catboost.json", "w") as f:
    cuts = [borders(*c) for c in ((442, 300, 127), (1000, 1000, 254), (300, 5000, 100), (50, 40, 254))]
    f.write('{"decided": [\n' + ",\n".join(map(json.dumps, decided)) + '\n], "borders": [\n' + ",\n".join(map(json.dumps, cuts)) + '\n], "cases": [\n' + ",\n".join(map(json.dumps, out)) + "\n]}\n")
