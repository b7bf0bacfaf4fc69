"""Writes golden_lightgbm.json: the margins of LightGBM (4.7.0, one thread: what it draws depends on their number) for the first test rows, of data that the Go test
makes again by the same generator. A parameter of a case must matter: without it, LightGBM itself gives other margins, or this program fails."""
import json
import sys

import lightgbm as lgb
import numpy as np

from golden_boost import data

ROWS, TEST, SHOWN = 2000, 1500, 12
CATEGORIES = {"categorical_feature": [6, 7], "num_iterations": 20}
SHORT = {"num_iterations": 20}
BAG = SHORT | {"bagging_fraction": 0.6, "bagging_freq": 2}
GOSS = {"data_sample_strategy": "goss", "learning_rate": 0.3, "num_iterations": 20}
DART = {"boosting": "dart", "num_iterations": 30, "drop_rate": 0.3}
STOP = {"early_stopping_round": 5, "learning_rate": 0.5, "num_leaves": 8}
REGRESSION = "l1,l2,rmse,quantile,huber,fair,poisson,mape,gamma,gamma_deviance,tweedie"
LINEAR = {"linear_tree": True, "num_iterations": 15}
QUANT = SHORT | {"use_quantized_grad": True}

FREE = ["num_iterations"]  # early stopping may come before them

# kind of labels, parameters
CASES = [
    ("regression", {}),
    ("binary", {}),
    ("multi", {"num_iterations": 40}),
    ("regression", {"num_iterations": 12, "learning_rate": 0.3}),
    ("regression", {"num_leaves": 15, "max_depth": 4, "min_data_in_leaf": 5, "lambda_l1": 1, "lambda_l2": 3, "max_bin": 63, "min_gain_to_split": 0.2}),
    ("binary", SHORT | {"min_sum_hessian_in_leaf": 8}),
    ("regression", SHORT | {"min_data_in_bin": 60}),
    ("regression", SHORT | {"bin_construct_sample_cnt": 300}),
    ("regression", SHORT | {"bin_construct_sample_cnt": 100, "data_random_seed": 9}),
    ("regression", SHORT | {"path_smooth": 5}),
    ("regression", CATEGORIES | {"path_smooth": 20}),
    ("regression", SHORT | {"max_delta_step": 0.5}),
    ("regression", SHORT | {"boost_from_average": False}),
    # categories
    ("regression", CATEGORIES),
    ("binary", CATEGORIES | {"min_data_per_group": 20, "cat_smooth": 2, "cat_l2": 1, "max_cat_to_onehot": 2}),
    ("regression", CATEGORIES | {"max_cat_threshold": 3}),
    ("regression", CATEGORIES | {"max_cat_to_onehot": 60, "extra_trees": True}),
    ("regression", CATEGORIES | {"extra_trees": True}),
    # objectives
    ("binary", SHORT | {"is_unbalance": True, "sigmoid": 0.7}),
    ("binary", SHORT | {"scale_pos_weight": 2, "boost_from_average": False}),
    ("regression", SHORT | {"objective": "regression_l1"}),
    ("regression", SHORT | {"objective": "huber"}),
    ("regression", SHORT | {"objective": "huber", "alpha": 0.4}),
    ("regression", SHORT | {"objective": "fair"}),
    ("regression", SHORT | {"objective": "fair", "fair_c": 0.3}),
    ("regression", SHORT | {"objective": "quantile"}),
    ("regression", SHORT | {"objective": "quantile", "alpha": 0.7}),
    ("regression", SHORT | {"objective": "mape"}),
    ("count", SHORT | {"objective": "poisson"}),
    ("count", SHORT | {"objective": "poisson", "poisson_max_delta_step": 0.2}),
    ("count", SHORT | {"objective": "tweedie"}),
    ("count", SHORT | {"objective": "tweedie", "tweedie_variance_power": 1.2}),
    ("positive", SHORT | {"objective": "gamma"}),
    ("share", SHORT | {"objective": "cross_entropy"}),
    ("share", SHORT | {"objective": "cross_entropy_lambda"}),
    ("multi", SHORT | {"objective": "multiclassova"}),
    ("multi", SHORT | {"objective": "multiclassova", "sigmoid": 1.4, "is_unbalance": True}),
    # early stopping
    ("regression", STOP),
    ("binary", STOP | {"seed": 3}),
    ("multi", STOP),
    ("multi", STOP | {"objective": "multiclassova", "metric": "multi_error"}),
    ("regression", STOP | {"early_stopping_min_delta": 0.05}),
    ("binary", STOP | {"metric": "binary_error"}),
    ("binary", STOP | {"metric": "auc,binary_error", "first_metric_only": True}),
    ("binary", STOP | {"metric": "auc,average_precision,binary_logloss,binary_error", "num_iterations": 10}),
    ("positive", STOP | {"objective": "gamma", "metric": REGRESSION, "num_iterations": 10}),
    ("positive", STOP | {"metric": REGRESSION, "alpha": 0.3, "fair_c": 0.4, "tweedie_variance_power": 1.2, "num_iterations": 10}),
    ("share", STOP | {"objective": "cross_entropy_lambda", "metric": "cross_entropy_lambda,l2", "num_iterations": 10}),
    ("share", STOP | {"objective": "cross_entropy", "metric": "kullback_leibler,cross_entropy", "num_iterations": 10}),
    ("regression", STOP | {"metric": "l2,r2", "first_metric_only": True}),  # for its callback, a smaller r2 is better
    ("binary", {"boosting": "rf", "feature_fraction": 0.6, "num_iterations": 10, "early_stopping_round": 3}),
    # draws
    ("regression", BAG),
    ("regression", BAG | {"seed": 7}),
    ("regression", BAG | {"bagging_seed": 7}),
    ("binary", SHORT | {"bagging_freq": 1, "pos_bagging_fraction": 0.4, "neg_bagging_fraction": 0.8}),
    ("multi", {"bagging_fraction": 0.3, "bagging_freq": 1, "num_iterations": 3}),  # from the fourth on, splits that are equal but for rounding decide
    ("regression", SHORT | {"feature_fraction": 0.5}),
    ("regression", SHORT | {"feature_fraction": 0.5, "feature_fraction_seed": 5}),
    ("regression", SHORT | {"feature_fraction_bynode": 0.5}),
    ("regression", SHORT | {"feature_fraction": 0.5, "min_data_in_leaf": 700}),  # which no split by some features leaves
    ("regression", SHORT | {"feature_fraction": 0.5, "min_data_in_leaf": 700, "feature_pre_filter": False}),
    ("binary", SHORT | {"feature_fraction": 0.7, "feature_fraction_bynode": 0.6}),
    ("regression", SHORT | {"extra_trees": True}),
    ("regression", SHORT | {"extra_trees": True, "extra_seed": 5, "feature_fraction_bynode": 0.8}),
    ("regression", GOSS),
    ("binary", GOSS | {"top_rate": 0.4, "other_rate": 0.3}),
    ("multi", GOSS | {"bagging_seed": 8}),
    ("regression", {"boosting": "rf", "bagging_fraction": 0.7, "bagging_freq": 1, "num_leaves": 63, "num_iterations": 30}),
    ("binary", {"boosting": "rf", "feature_fraction": 0.6, "num_iterations": 30}),
    ("multi", {"boosting": "rf", "bagging_fraction": 0.7, "bagging_freq": 1, "num_iterations": 10}),
    ("regression", {"boosting": "rf", "bagging_fraction": 0.7, "bagging_freq": 1, "objective": "regression_l1", "num_iterations": 10}),
    ("regression", DART),
    ("binary", DART | {"skip_drop": 0.2}),
    ("regression", DART | {"uniform_drop": True}),
    ("multi", DART | {"xgboost_dart_mode": True}),
    ("regression", DART | {"max_drop": 2, "skip_drop": 0.0}),
    ("regression", DART | {"max_drop": 2, "skip_drop": 0.0, "uniform_drop": True}),
    ("regression", DART | {"drop_seed": 9}),
    ("regression", DART | BAG),
    # constraints
    ("regression", SHORT | {"monotone_constraints": [-1, 1, 1, -1, 1, 0, 0, 0]}),
    ("binary", SHORT | {"monotone_constraints": [1, -1, -1, 1, 0, 1, 0, 0], "monotone_penalty": 1.5}),
    ("regression", CATEGORIES | {"monotone_constraints": [-1, 1, 0, 0, 0, 0, 0, 0]}),
    ("regression", SHORT | {"monotone_constraints": [1, 0, 0, 1, 0, 0, 0, 0], "monotone_penalty": 0.6, "path_smooth": 3}),
    ("regression", SHORT | {"interaction_constraints": [[0, 1, 2], [2, 3, 7]]}),
    ("regression", SHORT | {"interaction_constraints": [[0, 1, 2], [3, 4, 5, 6, 7]], "feature_fraction_bynode": 0.6}),
    # leaves that are linear; few rounds: which slopes are 0, and not nearly so, is for rounding to say, and decides about rows with gaps
    ("regression", LINEAR),
    ("regression", LINEAR | {"linear_lambda": 3}),
    ("binary", LINEAR | {"categorical_feature": [6, 7], "linear_lambda": 0.1, "num_iterations": 8}),
    ("multi", LINEAR | {"bagging_fraction": 0.7, "bagging_freq": 1, "linear_lambda": 1, "num_iterations": 4}),
    ("regression", LINEAR | {"boosting": "rf", "bagging_fraction": 0.7, "bagging_freq": 1}),
    ("regression", LINEAR | DART),
    ("regression", LINEAR | {"objective": "huber", "monotone_constraints": [1, -1, 0, 1, 0, 0, 0, 0]}),
    # rounded gradients
    ("regression", QUANT),
    ("binary", QUANT),
    ("binary", QUANT | {"num_grad_quant_bins": 16}),
    ("regression", QUANT | {"stochastic_rounding": False}),
    ("binary", QUANT | {"quant_train_renew_leaf": True}),
    ("multi", QUANT | {"num_grad_quant_bins": 8, "categorical_feature": [6, 7], "num_iterations": 12}),  # the same, from the seventeenth
    ("count", QUANT | {"objective": "poisson", "num_grad_quant_bins": 32, "seed": 3}),
]


def mix(x):
    m = 2**64 - 1
    x = (x + 0x9E3779B97F4A7C15) & m
    x = ((x ^ x >> 30) * 0xBF58476D1CE4E5B9) & m
    x = ((x ^ x >> 27) * 0x94D049BB133111EB) & m
    return x ^ x >> 31


def held(y, classes, seed):
    """The rows that the engine holds apart for early stopping (holdApart), as LightGBM has to be given some."""

    def key(r):
        h = 0x6A09E667F3BCC909
        for k in (seed, 11, r):
            h = mix(h ^ k)
        return h

    out = np.zeros(len(y), bool)
    for c in sorted(set(y)) if classes else [None]:
        rows = sorted((r for r in range(len(y)) if not classes or y[r] == c), key=key)
        out[rows[: int(0.1 * len(rows) + 0.5)]] = True
    return out


def fit(kind, params, x, y, xt, scores=None):
    p = {"verbosity": -1, "objective": {"binary": "binary", "multi": "multiclass"}.get(kind, "regression"), "num_threads": 1} | params
    if kind == "multi":
        p["num_class"] = 3
    rounds = p.pop("num_iterations", 100)
    categories = p.pop("categorical_feature", [])
    stop = {}
    if "early_stopping_round" in p:
        out = held(y, kind in ("binary", "multi"), p.get("seed", 0))
        stop["valid_sets"] = [lgb.Dataset(x[out], label=y[out])]
        stop["callbacks"] = [lgb.record_evaluation(scores if scores is not None else {})]
        x, y = x[~out], y[~out]
    m = lgb.train(p, lgb.Dataset(x, label=y, categorical_feature=categories), rounds, **stop)
    margins = np.asarray(m.predict(xt, raw_score=True))
    if p.get("boosting") == "rf":  # which gives their sum
        margins /= m.best_iteration if "early_stopping_round" in p else rounds
    if kind == "multi" and p["objective"] == "multiclass":  # what is the same for all classes means nothing
        margins = margins - margins.mean(1, keepdims=True)
    return margins.ravel()


out, vain = [], []
for kind, params in CASES:
    x, y = data(ROWS + TEST, kind)
    xt = x[ROWS : ROWS + SHOWN]
    scores = {}
    margins = fit(kind, params, x[:ROWS], y[:ROWS], xt, scores)
    for name in params:
        without = {k: v for k, v in params.items() if k != name}
        try:
            others = {}
            other = fit(kind, without, x[:ROWS], y[:ROWS], xt, others)
        except lgb.basic.LightGBMError:
            continue  # what it is given with is wrong without it
        if np.allclose(margins, other, rtol=1e-3) and scores == others and name not in FREE:
            vain.append(f"{name} changes nothing in {kind} {params}")
    case = {"algorithm": "lightgbm", "kind": kind, "rows": ROWS, "params": params,
                "margins": [float(np.format_float_positional(v, 9, fractional=False)) for v in margins]}
    if scores:
        case["scores"] = {k: v[:3] for k, v in scores["valid_0"].items()}
    out.append(case)
if vain:
    sys.exit("\n".join(vain))
with open("golden_lightgbm.json", "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(c) for c in out) + "\n]\n")
