"""Writes golden.json, what XGBoost (3.2.0) predicts for data that the Go test makes again by the same generator, and noise.json."""
import json

import numpy as np
import xgboost as xgb

ROWS, TEST, FEATURES = 800, 25, 6


def data(missing, rows=ROWS + TEST):
    s = 7

    def draw():
        nonlocal s
        s = (s * 1664525 + 1013904223) % 2**32
        return (s >> 8) / 2**24

    x = np.zeros((rows, FEATURES))
    y = np.zeros(rows)
    w = np.zeros(rows)
    for r in range(rows):
        v = [draw() for _ in range(FEATURES)]
        noise = draw()
        w[r] = np.floor(noise * 8) / 4
        y[r] = 3 * v[0] - 2 * v[1] * v[2] + (1 if v[3] > 0.5 else 0) + 0.5 * (noise - 0.5)
        if missing:
            # few enough values for a bin each
            v = [np.floor(a * 100) / 64 for a in v]
            gaps = [draw() for _ in range(FEATURES)]
            v = [np.nan if g < 0.15 else a for a, g in zip(v, gaps)]
        x[r] = v
    return x.astype("f"), np.floor(y * 64) / 64, w


def mix(x):
    m = 2**64 - 1
    x = (x + 0x9E3779B97F4A7C15) & m
    x = ((x ^ x >> 30) * 0xBF58476D1CE4E5B9) & m
    x = ((x ^ x >> 27) * 0x94D049BB133111EB) & m
    return x ^ x >> 31


def held(keys, share, seed=0):
    """The rows, or with their queries as keys the queries, that the engine holds out (rng.go: draw, unit; 6 is drawHeld)."""
    out = []
    for r in keys:
        r = int(r)
        h = 0x6A09E667F3BCC909
        for k in (seed, 6, r):
            h = mix(h ^ k)
        out.append((h >> 11) / 2**53 < share)
    return np.array(out)


CASES = [
    ("regression", "regression", 0, {}),
    ("regression, by name", "regression", 0, {"objective": "reg:squarederror", "n_estimators": 2}),
    ("three classes, by name", "classification", 3, {"objective": "multi:softprob", "n_estimators": 2}),
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
    ("squared log error", "positive", 0, {"objective": "reg:squaredlogerror"}),
    ("absolute error", "regression", 0, {"objective": "reg:absoluteerror"}),
    ("absolute error, parallel trees, missing", "regression", 0, {"objective": "reg:absoluteerror", "num_parallel_tree": 2, "max_depth": 3, "gamma": 2}),
    ("absolute error, weights", "regression", 0, {"objective": "reg:absoluteerror"}),
    ("quantile", "regression", 0, {"objective": "reg:quantileerror", "quantile_alpha": 0.3}),
    ("quantile, weights, missing", "regression", 0, {"objective": "reg:quantileerror", "quantile_alpha": 0.9, "max_depth": 4}),
    ("raw logistic", "binary", 0, {"objective": "binary:logitraw", "base_score": 0.3}),
    ("raw logistic, start", "binary", 0, {"objective": "binary:logitraw"}),
    ("raw logistic of classes, start", "classification", 2, {"objective": "binary:logitraw", "n_estimators": 3}),
    ("raw logistic of classes", "classification", 2, {"objective": "binary:logitraw", "scale_pos_weight": 2}),
    ("hinge", "binary", 0, {"objective": "binary:hinge", "n_estimators": 4}),
    ("hinge of classes, missing", "classification", 2, {"objective": "binary:hinge", "eta": 0.1}),
    ("reg logistic", "binary", 0, {"objective": "reg:logistic"}),
    ("cox", "time", 0, {"objective": "survival:cox"}),
    ("cox, weights", "time", 0, {"objective": "survival:cox", "max_depth": 3, "n_estimators": 5}),
    ("monotone", "regression", 0, {"monotone_constraints": "(-1,1,1,0,1)"}),
    ("monotone, missing", "regression", 0, {"monotone_constraints": "(1,-1,-1,1)", "n_estimators": 20, "alpha": 0.5}),
    ("monotone, step", "regression", 0, {"monotone_constraints": "(1,-1,1)", "max_delta_step": 0.4, "lambda": 0, "gamma": 0.05}),
    ("monotone, two classes", "classification", 2, {"monotone_constraints": "(1,-1,1)"}),
    ("monotone, three classes, missing", "classification", 3, {"monotone_constraints": "(0,1,-1,-1)", "grow_policy": "lossguide", "max_leaves": 9}),
    ("interactions", "regression", 0, {"interaction_constraints": "[[0,1],[2,3,4]]"}),
    ("interactions, missing", "regression", 0, {"interaction_constraints": "[[0,2],[1,2,5],[3]]", "n_estimators": 20}),
    ("both constraints, missing", "classification", 2, {"interaction_constraints": "[[0,1,3],[1,2]]", "monotone_constraints": "(1,-1,-1,1)", "grow_policy": "lossguide", "max_leaves": 20, "max_depth": 0}),
    ("dart, all dropped", "regression", 0, {"booster": "dart", "rate_drop": 1, "n_estimators": 8}),
    ("dart, forest", "regression", 0, {"booster": "dart", "rate_drop": 1, "normalize_type": "forest", "n_estimators": 8}),
    ("dart, weighted, three classes", "classification", 3, {"booster": "dart", "rate_drop": 1, "sample_type": "uniform", "n_estimators": 6}),
    ("dart, one dropped, missing", "regression", 0, {"booster": "dart", "rate_drop": 0, "one_drop": 1, "n_estimators": 2}),
    ("dart, none dropped", "classification", 2, {"booster": "dart", "rate_drop": 0.5, "skip_drop": 1}),
    ("dart, parallel trees", "regression", 0, {"booster": "dart", "rate_drop": 1, "num_parallel_tree": 2, "n_estimators": 5}),
    ("linear", "regression", 0, {"booster": "gblinear", "updater": "coord_descent"}),
    ("linear, penalties, missing", "regression", 0, {"booster": "gblinear", "updater": "coord_descent", "lambda": 0.02, "alpha": 0.01, "eta": 0.8, "n_estimators": 30}),
    ("linear, greedy", "regression", 0, {"booster": "gblinear", "updater": "coord_descent", "feature_selector": "greedy", "top_k": 3}),
    ("linear, thrifty, missing", "regression", 0, {"booster": "gblinear", "updater": "coord_descent", "feature_selector": "thrifty", "alpha": 0.005}),
    ("linear, shotgun", "regression", 0, {"booster": "gblinear", "nthread": 1}),
    ("linear, logistic, weights", "classification", 2, {"booster": "gblinear", "updater": "coord_descent", "objective": "binary:logistic", "lambda": 0.01}),
    ("linear, three classes, missing", "classification", 3, {"booster": "gblinear", "updater": "coord_descent", "n_estimators": 25}),
    ("linear, tolerance", "regression", 0, {"booster": "gblinear", "updater": "coord_descent", "n_estimators": 200, "tolerance": 0.02}),
    ("pseudo huber, slope", "regression", 0, {"objective": "reg:pseudohubererror", "huber_slope": 0.4}),
    ("linear, poisson", "count", 0, {"booster": "gblinear", "updater": "coord_descent", "objective": "count:poisson", "n_estimators": 40}),
    ("weights", "regression", 0, {}),
    ("weights, missing", "regression", 0, {"n_estimators": 20, "min_child_weight": 5}),
    ("weights, few bins, missing", "regression", 0, {"max_bin": 16}),
    ("weights, two classes", "classification", 2, {}),
    ("weights, logistic", "classification", 2, {"objective": "binary:logistic", "scale_pos_weight": 3}),
    ("weights, three classes", "classification", 3, {"max_bin": 64}),
    ("weights, gamma", "positive", 0, {"objective": "reg:gamma"}),
    ("few bins, missing", "regression", 0, {"max_bin": 20}),
    ("base score, parallel trees", "classification", 2, {"objective": "binary:logistic", "base_score": 0.2, "num_parallel_tree": 3}),
    ("one output a tree", "regression", 0, {"multi_strategy": "multi_output_tree", "n_estimators": 3}),
    ("stopped", "regression", 0, {"early_stopping_rounds": 3, "n_estimators": 60, "eta": 0.6}),
    ("stopped, weights, missing", "classification", 2, {"early_stopping_rounds": 5, "n_estimators": 60, "objective": "binary:logistic", "eval_metric": ["logloss", "auc"], "eta": 0.5}),
    ("stopped, three classes", "classification", 3, {"early_stopping_rounds": 2, "n_estimators": 60, "validation_fraction": 0.25, "eta": 0.7}),
    ("stopped, linear", "regression", 0, {"early_stopping_rounds": 2, "n_estimators": 200, "booster": "gblinear", "updater": "coord_descent"}),
    ("metrics", "positive", 0, {"eval_metric": ["rmse", "rmsle", "mae", "mape", "mphe", "poisson-nloglik", "gamma-nloglik", "gamma-deviance", "tweedie-nloglik@1.2", "tweedie-nloglik@1.9"], "n_estimators": 2, "objective": "reg:gamma"}),
    ("metrics, weights", "positive", 0, {"eval_metric": ["rmse", "rmsle", "mae", "mape", "mphe", "poisson-nloglik", "gamma-nloglik", "gamma-deviance", "tweedie-nloglik@1.2"], "n_estimators": 2, "objective": "reg:gamma"}),
    ("metrics, quantile, weights", "regression", 0, {"eval_metric": ["quantile", "mphe"], "huber_slope": 0.5, "n_estimators": 3, "objective": "reg:quantileerror", "quantile_alpha": 0.2}),
    ("metrics, logistic", "classification", 2, {"eval_metric": ["logloss", "error", "error@0.3", "auc", "aucpr", "rmse"], "n_estimators": 2, "max_depth": 2, "objective": "binary:logistic"}),
    ("metrics, logistic, weights", "classification", 2, {"eval_metric": ["logloss", "error", "error@0.3", "auc", "aucpr"], "n_estimators": 2, "max_depth": 2, "objective": "binary:logistic"}),
    ("metrics, three classes, weights", "classification", 3, {"eval_metric": ["merror", "mlogloss", "auc", "aucpr"], "n_estimators": 2, "max_depth": 2}),
    ("metrics, raw", "binary", 0, {"eval_metric": ["logloss", "error", "auc", "rmse"], "n_estimators": 3, "objective": "binary:logitraw"}),
    ("metrics, hinge", "binary", 0, {"eval_metric": ["logloss", "error", "auc"], "n_estimators": 3, "objective": "binary:hinge"}),
    ("metrics, cox, missing", "time", 0, {"eval_metric": "cox-nloglik", "n_estimators": 3, "objective": "survival:cox"}),
    # Weights with 256 bins or more values are not here: XGBoost (3.2) gives the first row of each query the weight of the query before when it cuts the bins.
    ("pairwise", "ranks", 0, {"objective": "rank:pairwise"}),
    ("pairwise, few pairs", "ranks", 0, {"objective": "rank:pairwise", "lambdarank_num_pair_per_sample": 3}),
    ("pairwise, not normalised, missing", "ranks", 0, {"objective": "rank:pairwise", "lambdarank_normalization": False}),
    ("ndcg", "ranks", 0, {"objective": "rank:ndcg", "n_estimators": 20}),
    ("ndcg, scores as they are", "ranks", 0, {"objective": "rank:ndcg", "lambdarank_score_normalization": False}),
    ("ndcg, labels as gains, few pairs", "ranks", 0, {"objective": "rank:ndcg", "ndcg_exp_gain": False, "lambdarank_num_pair_per_sample": 5}),
    ("ndcg, unbiased", "ranks", 0, {"objective": "rank:ndcg", "lambdarank_unbiased": True}),
    ("ndcg, unbiased, bias norm", "ranks", 0, {"objective": "rank:ndcg", "lambdarank_unbiased": True, "lambdarank_bias_norm": 0.3, "lambdarank_num_pair_per_sample": 6}),
    ("ndcg, weights, missing", "ranks", 0, {"objective": "rank:ndcg", "min_child_weight": 0.1, "eval_metric": "ndcg-"}),
    ("drawn pairs", "ranks", 0, {"objective": "rank:ndcg", "lambdarank_pair_method": "mean"}),
    ("drawn pairs, two a row, not normalised", "ranks", 0, {"objective": "rank:pairwise", "lambdarank_pair_method": "mean", "lambdarank_num_pair_per_sample": 2, "lambdarank_normalization": False}),
    ("drawn pairs, unbiased, missing", "ranks", 0, {"objective": "rank:ndcg", "lambdarank_pair_method": "mean", "lambdarank_unbiased": True, "eta": 0.1}),
    ("average precision", "relevant", 0, {"objective": "rank:map"}),
    ("average precision, weights, missing", "relevant", 0, {"objective": "rank:map", "lambdarank_num_pair_per_sample": 4}),
    ("pairwise, dart", "ranks", 0, {"objective": "rank:pairwise", "booster": "dart", "rate_drop": 1, "n_estimators": 4}),
    ("pairwise, linear", "ranks", 0, {"objective": "rank:pairwise", "booster": "gblinear", "updater": "coord_descent"}),
    ("stopped, ndcg", "ranks", 0, {"objective": "rank:ndcg", "early_stopping_rounds": 3, "n_estimators": 60, "eta": 0.6}),
    ("metrics, ranks", "ranks", 0, {"objective": "rank:pairwise", "n_estimators": 3, "max_depth": 2, "eval_metric": ["ndcg", "ndcg@3", "ndcg-", "ndcg@1-", "rmse"]}),
    ("metrics, ranks, weights, missing", "ranks", 0, {"objective": "rank:ndcg", "n_estimators": 3, "max_depth": 2, "eval_metric": ["ndcg-", "ndcg@5-"]}),
    ("metrics, ranks, labels as gains", "ranks", 0, {"objective": "rank:ndcg", "n_estimators": 3, "ndcg_exp_gain": False, "max_depth": 2, "eval_metric": ["ndcg", "ndcg@5"]}),
    ("metrics, relevant", "relevant", 0, {"objective": "rank:map", "n_estimators": 2, "max_depth": 1, "eval_metric": ["map", "map@3", "map@3-", "pre", "pre@2", "ndcg@4"]}),
    ("metrics, relevant, weights, missing", "relevant", 0, {"objective": "rank:map", "n_estimators": 2, "max_depth": 1, "eval_metric": ["map@3", "pre@2", "ndcg@4-"]}),
    ("metrics, default of pairwise", "ranks", 0, {"objective": "rank:pairwise", "n_estimators": 2, "max_depth": 1}),
    ("metrics, default of map, few pairs", "relevant", 0, {"objective": "rank:map", "n_estimators": 2, "max_depth": 1, "lambdarank_num_pair_per_sample": 4}),
    ("metrics, default of drawn pairs", "ranks", 0, {"objective": "rank:ndcg", "n_estimators": 1, "eta": 0, "max_depth": 1, "lambdarank_pair_method": "mean"}),
    ("failure time", "bounds", 0, {"objective": "survival:aft"}),
    ("failure time, known", "positive", 0, {"objective": "survival:aft", "aft_loss_distribution_scale": 0.7}),
    ("failure time, logistic, missing", "bounds", 0, {"objective": "survival:aft", "aft_loss_distribution": "logistic", "aft_loss_distribution_scale": 0.5}),
    ("failure time, extreme, weights", "bounds", 0, {"objective": "survival:aft", "aft_loss_distribution": "extreme", "aft_loss_distribution_scale": 1.2, "n_estimators": 20}),
    ("failure time, narrow", "bounds", 0, {"objective": "survival:aft", "aft_loss_distribution_scale": 0.03, "base_score": 30}),
    ("failure time, extreme, narrow", "bounds", 0, {"objective": "survival:aft", "aft_loss_distribution": "extreme", "aft_loss_distribution_scale": 0.02, "n_estimators": 1}),
    ("metrics, failure time", "bounds", 0, {"objective": "survival:aft", "n_estimators": 3, "eval_metric": ["aft-nloglik", "interval-regression-accuracy"]}),
    ("metrics, failure time, logistic, weights", "bounds", 0, {"objective": "survival:aft", "aft_loss_distribution": "logistic", "aft_loss_distribution_scale": 0.5, "n_estimators": 3,
        "eval_metric": ["interval-regression-accuracy", "aft-nloglik"]}),
    ("three classes, missing", "classification", 3, {"objective": "multi:softmax", "n_estimators": 25, "max_depth": 3, "lambda": 2, "gamma": 0.1, "min_child_weight": 3}),
]
NAMES = {"reg_lambda": "lambda", "reg_alpha": "alpha", "min_split_loss": "gamma", "learning_rate": "eta"}

out = []
for name, kind, classes, params in CASES:
    x, y, w = data("missing" in name)
    if classes == 2 or kind == "binary":
        y = (y > 1.5) * 1.0
    elif classes == 3:
        y = (y > 0.8) * 1.0 + (y > 1.8) * 1.0
    elif kind == "count":
        y = np.floor(np.maximum(y, 0))
    elif kind == "ranks":
        y = np.floor(np.maximum(y, 0))
    elif kind == "relevant":
        y = (y > 1.5) * 1.0
    high = qid = None
    if kind == "bounds":
        way = np.floor((y + 10) * 64) % 4
        y = np.maximum(y, 0) + 0.25
        high = np.where(way == 1, np.inf, np.where(way == 3, y + 0.5, y))
        y = np.where(way == 2, 0, y)
    elif kind in ("ranks", "relevant"):
        qid = np.floor(np.sqrt(np.arange(len(y))) * 1.5).astype(int)
        w = qid % 4 / 2 + 0.25
    elif kind in ("positive", "time"):
        y = np.maximum(y, 0) + 0.25
    if kind == "time":
        y = np.where(np.floor(y * 64) % 3 == 0, -y, y)
    if "weights" not in name:
        w = None
    p = {NAMES.get(k, k): v for k, v in params.items()}
    rounds = p.pop("n_estimators", p.pop("boost_rounds", 10))
    p.setdefault("objective", "multi:softprob" if classes else "reg:squarederror")
    p["objective"] = p["objective"].replace("softmax", "softprob")
    if p.get("booster") != "gblinear":
        p["tree_method"] = "hist"
    if "multi" in p["objective"]:
        p |= {"num_class": classes, "base_score": 0.5}
    learned = np.ones(ROWS, bool)
    patience = p.pop("early_stopping_rounds", None)
    if patience:
        learned = ~held(range(ROWS) if qid is None else qid[:ROWS], p.pop("validation_fraction", 0.1))

    def matrix(rows):
        part = lambda v: None if v is None else v[:ROWS][rows]
        d = xgb.DMatrix(x[:ROWS][rows], label=None if p["objective"] == "survival:aft" else part(y), weight=part(w) if qid is None else None)
        if qid is not None:
            d.set_info(qid=part(qid))
            if w is not None:
                d.set_weight(part(w)[np.unique(part(qid), return_index=True)[1]])
        if p["objective"] == "survival:aft":
            d.set_info(label_lower_bound=part(y), label_upper_bound=part(y if high is None else high))
        return d

    train = matrix(learned)
    watched, scores = [(train, "a")], {}
    if patience:
        watched = [(matrix(~learned), "a")]
    model = xgb.train(p, train, rounds, evals=watched, evals_result=scores, early_stopping_rounds=patience, verbose_eval=False)
    best = model.best_iteration + 1 if patience else 0
    if patience and p.get("booster") == "gblinear":  # which cannot be asked for the first rounds
        model = xgb.train(p, train, best)
        want = model.predict(xgb.DMatrix(x[ROWS:]))
    else:
        want = model.predict(xgb.DMatrix(x[ROWS:]), iteration_range=(0, best))
    if classes and want.ndim == 1:
        if p["objective"] == "binary:logitraw":
            want = 1 / (1 + np.exp(-want))
        want = np.stack([1 - want, want], 1)
    out.append({"name": name, "kind": kind, "classes": classes, "missing": "missing" in name, "weighted": w is not None, "params": params,
                "want": [float(np.format_float_positional(v, 9, fractional=False)) for v in want.ravel()],
                "rounds": best, "scores": {k: v[-1] for k, v in scores["a"].items()} if "metrics" in name else None})
with open("golden.json", "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(c) for c in out) + "\n]\n")

# What draws at random cannot be equal: means and deviations of the loss on 1000 other rows, over seeds.
NOISE = [
    ("rows and columns", {"subsample": 0.5, "colsample_bytree": 0.7, "colsample_bylevel": 0.9, "colsample_bynode": 0.9}),
    ("by gradient", {"sampling_method": "gradient_based", "subsample": 0.3}),
    ("dart", {"booster": "dart", "rate_drop": 0.1}),
    ("dart, weighted, forest", {"booster": "dart", "rate_drop": 0.3, "sample_type": "weighted", "normalize_type": "forest"}),
    ("dart, one, skipped", {"booster": "dart", "rate_drop": 0.05, "one_drop": 1, "skip_drop": 0.5}),
    ("refresh", {"updater": "grow_histmaker,refresh", "subsample": 0.2}),
    ("refresh, leaves left alone", {"updater": "grow_histmaker,refresh", "refresh_leaf": 0, "subsample": 0.2}),
    ("linear, shuffled", {"booster": "gblinear", "feature_selector": "shuffle"}),
    ("linear, random", {"booster": "gblinear", "updater": "coord_descent", "feature_selector": "random"}),
]
x, y, _ = data(False, 3000)
out = []
for name, params in NOISE:
    losses = []
    for seed in range(10):
        p = params | {"seed": seed, "nthread": 1}
        if p.get("booster") != "gblinear" and "updater" not in p:
            p["tree_method"] = "hist"
        model = xgb.train(p, xgb.DMatrix(x[:2000], label=y[:2000]), 30)
        losses.append(np.sqrt(np.mean((model.predict(xgb.DMatrix(x[2000:])) - y[2000:]) ** 2)))
    out.append({"name": name, "params": params, "mean": float(np.mean(losses)), "deviation": float(np.std(losses))})
with open("noise.json", "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(c) for c in out) + "\n]\n")
