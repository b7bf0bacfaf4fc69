"""Writes golden.json: what scikit-learn (1.9.1) fits to the data sets in exec/dataset/data and to others that the Go test makes again by the same
generator. Features are float32, as in the Go test; the fits are made in float64."""
import json
import warnings

import numpy as np
from sklearn import datasets, metrics
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

warnings.simplefilter("ignore")


def draws(n):
    s, out = 7, []
    for _ in range(n):
        s = (s * 1664525 + 1013904223) % 2**32
        out.append((s >> 8) / 2**24)
    return np.array(out)


def synthetic(kind):
    """Rows of which some columns are dependent (rank), of very different size (sizes), nearly dependent (near), or more than rows (wide)."""
    n, d = {"wide": (30, 50)}.get(kind, (400, 8))
    u = draws(n * (d + 1)).reshape(n, d + 1)
    x = u[:, :d].astype("f")
    if kind == "rank":
        x[:, 3], x[:, 5], x[:, 6] = x[:, 1], x[:, 0] * np.float32(2), np.float32(4.5)
    elif kind == "sizes":
        x = (x * 10.0 ** np.arange(-4, 4)).astype("f")
    elif kind == "near":
        x[:, 7] = (x[:, 2] + x[:, 4] * np.float32(2.0**-10)).astype("f")
    y = (x.astype("d") * np.arange(1, d + 1)).sum(1) + u[:, d] - 0.5
    if kind == "negative":
        y = (x.astype("d") * (np.arange(1, d + 1) - 4)).sum(1) + u[:, d] - 0.5
    return x, y.astype("f")


def loaded(name):
    d = getattr(datasets, "load_" + name.split(":")[0])()
    x, y = d.data, d.target
    if name.startswith("linnerud:"):
        x, y = np.delete(np.hstack([d.data, d.target]), 3 + int(name[-1]), 1), d.target[:, int(name[-1])]
    if name == "breast_cancer":
        y = 1 - y  # malignant
    if name == "wine":  # PostgresML's order
        x = x[:, [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 9, 11, 12]]
    return x.astype("f"), y.astype("f")


def weights(n):
    return np.arange(n) % 5 / 2


def short(values):
    return [float(f"{v:.9g}") for v in np.ravel(values)]


out = []
for name, params in [
    ("diabetes", {}), ("diabetes", {"fit_intercept": False}), ("diabetes", {"positive": True}), ("breast_cancer", {}), ("digits", {}),
    ("linnerud:0", {}), ("linnerud:1", {}), ("linnerud:2", {}), ("linnerud:0", {"positive": True}), ("linnerud:2", {"positive": True, "fit_intercept": False}),
    ("diabetes, weights", {}), ("diabetes, weights", {"fit_intercept": False}), ("diabetes, weights", {"positive": True}), ("rank, weights", {}), ("wide, weights", {}),
    ("wine", {}), ("rank", {}), ("rank", {"fit_intercept": False}), ("sizes", {}), ("near", {}), ("wide", {}), ("negative", {"positive": True}),
]:
    name, _, weighted = name.partition(", ")
    x, y = loaded(name) if hasattr(datasets, "load_" + name.split(":")[0]) else synthetic(name)
    x, y = x.astype("d"), y.astype("d")
    # Its own tolerance (1e-6 since 1.7, the rounding error before) takes columns of small size for dependent.
    w = weights(len(y)) if weighted else None
    m = LinearRegression(tol=1e-12, **params).fit(x, y, w)
    out.append({"data": name, "weighted": bool(weighted), "task": "regression", "params": params, "coef": short(m.coef_), "intercept": short(m.intercept_), "classes": 0,
                "predict": short(m.predict(x[::7])), "score": m.score(x, y)})

for name, params in [
    ("iris", {}), ("iris", {"C": 100}), ("iris", {"fit_intercept": False}), ("iris", {"multi_class": "ovr"}), ("iris", {"class_weight": {"0": 3, "2": 0.5}}),
    ("breast_cancer", {}), ("breast_cancer", {"C": 0.01}), ("breast_cancer", {"class_weight": "balanced"}), ("breast_cancer", {"alpha": 2.5}),
    ("breast_cancer", {"fit_intercept": False}), ("wine", {}), ("wine", {"class_weight": "balanced"}), ("wine", {"multi_class": "ovr", "class_weight": "balanced"}),
    ("digits", {"C": 0.01}), ("digits", {}), ("iris, weights", {}), ("breast_cancer, weights", {"C": 0.1}), ("wine, weights", {"class_weight": {"0": 2, "1": 0.5, "2": 1}}),
    ("breast_cancer, weights", {"class_weight": "balanced"}), ("iris", {"penalty": "l1"}), ("iris", {"penalty": "elasticnet", "l1_ratio": 0.3, "C": 0.5}),
    ("breast_cancer", {"penalty": "l1", "fit_intercept": False}), ("breast_cancer", {"penalty": "l1", "fit_intercept": False, "C": 0.02}),
]:
    name, _, weighted = name.partition(", ")
    x, y = loaded(name)
    x, y = x.astype("d"), y.astype("int")
    w = weights(len(y)) if weighted else None
    p = dict(params)
    if "alpha" in p:
        p["C"] = 1 / p.pop("alpha")
    if isinstance(p.get("class_weight"), dict):
        p["class_weight"] = {int(k): v for k, v in p["class_weight"].items()}
    ovr = p.pop("multi_class", "") == "ovr"
    # The solvers for penalties by size; liblinear's is exact without an intercept, which it would penalise.
    solver, rounds = "newton-cholesky", 1000
    if "penalty" in p:
        solver, rounds = ("saga", 200_000) if name == "iris" else ("liblinear", 100_000)
    m = LogisticRegression(solver=solver, tol=1e-12, max_iter=rounds, **p)
    if ovr:
        m = OneVsRestClassifier(m).fit(x, y)
        assert w is None
        coef, intercept = [e.coef_ for e in m.estimators_], [e.intercept_ for e in m.estimators_]
    else:
        m.fit(x, y, w)
        coef, intercept = m.coef_, m.intercept_
        if np.size(intercept) > 1:  # all may be moved together; saga lets them
            intercept = intercept - intercept.mean()
    out.append({"data": name, "weighted": bool(weighted), "task": "classification", "params": params, "coef": short(coef), "intercept": short(intercept), "classes": len(set(y)),
                "proba": short(m.predict_proba(x[::40])), "score": m.score(x, y), "loss": metrics.log_loss(y, m.predict_proba(x))})

with open("golden.json", "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(c) for c in out) + "\n]\n")
