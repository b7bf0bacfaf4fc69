"""Writes golden.json: what XGBoost (3.2.0) predicts for data that the Go test makes again by the same generator."""
import json

import numpy as np
import xgboost as xgb

ROWS, TEST, FEATURES = 800, 25, 6


def data(missing):
    s = 7

    def draw():
        nonlocal s
        s = (s * 1664525 + 1013904223) % 2**32
        return (s >> 8) / 2**24

    x = np.zeros((ROWS + TEST, FEATURES))
    y = np.zeros(ROWS + TEST)
    for r in range(ROWS + TEST):
        v = [draw() for _ in range(FEATURES)]
        noise = draw()
        y[r] = 3 * v[0] - 2 * v[1] * v[2] + (1 if v[3] > 0.5 else 0) + 0.5 * (noise - 0.5)
        if missing:
            # few enough values for a bin each
            v = [np.floor(a * 100) / 64 for a in v]
            gaps = [draw() for _ in range(FEATURES)]
            v = [np.nan if g < 0.15 else a for a, g in zip(v, gaps)]
        x[r] = v
    return x.astype("f"), np.floor(y * 64) / 64


CASES = [
    ("regression", "regression", 0, {}),
    ("missing", "regression", 0, {"n_estimators": 20}),
    ("penalties", "regression", 0, {"n_estimators": 30, "eta": 0.2, "lambda": 3, "alpha": 2, "gamma": 1.5, "min_child_weight": 8, "max_depth": 4}),
    ("aliases", "regression", 0, {"boost_rounds": 12, "learning_rate": 0.1, "reg_lambda": 0.5, "reg_alpha": 1, "min_split_loss": 0.2}),
    ("max_delta_step", "regression", 0, {"max_delta_step": 0.3}),
    ("lossguide", "regression", 0, {"grow_policy": "lossguide", "max_leaves": 12, "max_depth": 0}),
    ("leaves by level", "regression", 0, {"max_leaves": 12}),
    ("no depth limit", "regression", 0, {"max_depth": 0, "n_estimators": 4}),
    ("parallel trees", "regression", 0, {"num_parallel_tree": 3}),
    ("base score", "regression", 0, {"base_score": 0.5, "n_estimators": 3}),
    ("no child weight, missing", "regression", 0, {"min_child_weight": 0, "lambda": 0, "n_estimators": 5}),
    ("pseudo huber", "regression", 0, {"objective": "reg:pseudohubererror"}),
    ("poisson", "count", 0, {"objective": "count:poisson"}),
    ("gamma", "positive", 0, {"objective": "reg:gamma"}),
    ("tweedie", "count", 0, {"objective": "reg:tweedie", "tweedie_variance_power": 1.3}),
    ("two classes", "classification", 2, {}),
    ("two classes, missing", "classification", 2, {"n_estimators": 20, "alpha": 0.3}),
    ("logistic", "classification", 2, {"objective": "binary:logistic", "n_estimators": 15}),
    ("logistic, weighted", "classification", 2, {"objective": "binary:logistic", "scale_pos_weight": 3}),
    ("three classes", "classification", 3, {}),
    ("three classes, missing", "classification", 3, {"objective": "multi:softmax", "n_estimators": 25, "max_depth": 3, "lambda": 2, "gamma": 0.1, "min_child_weight": 3}),
]
NAMES = {"reg_lambda": "lambda", "reg_alpha": "alpha", "min_split_loss": "gamma", "learning_rate": "eta"}

out = []
for name, kind, classes, params in CASES:
    x, y = data("missing" in name)
    if classes == 2:
        y = (y > 1.5) * 1.0
    elif classes == 3:
        y = (y > 0.8) * 1.0 + (y > 1.8) * 1.0
    elif kind == "count":
        y = np.floor(np.maximum(y, 0))
    elif kind == "positive":
        y = np.maximum(y, 0) + 0.25
    p = {NAMES.get(k, k): v for k, v in params.items()}
    rounds = p.pop("n_estimators", p.pop("boost_rounds", 10))
    p.setdefault("objective", "multi:softprob" if classes else "reg:squarederror")
    p["objective"] = p["objective"].replace("softmax", "softprob")
    p["tree_method"] = "hist"
    if "multi" in p["objective"]:
        p |= {"num_class": classes, "base_score": 0.5}
    model = xgb.train(p, xgb.DMatrix(x[:ROWS], label=y[:ROWS]), rounds)
    want = model.predict(xgb.DMatrix(x[ROWS:]))
    if classes and want.ndim == 1:
        want = np.stack([1 - want, want], 1)
    out.append({"name": name, "kind": kind, "classes": classes, "missing": "missing" in name, "params": params,
                "want": [float(np.format_float_positional(v, 9, fractional=False)) for v in want.ravel()]})
with open("golden.json", "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(c) for c in out) + "\n]\n")
