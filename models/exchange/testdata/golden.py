"""Writes small models of XGBoost (3.2.0; the files that begin with old: 1.7.6) and LightGBM (4.7.0), and golden.json: what the libraries say of some rows.

python golden.py; with XGBoost 1.7 the old ones alone.
"""
import json
import os

import numpy as np
import xgboost as xgb

ROWS, TEST, FEATURES = 300, 12, 4
rng = np.random.default_rng(5)
x = np.round(rng.normal(size=(ROWS + TEST, FEATURES)), 2).astype("f")
x[rng.random(x.shape) < 0.12] = np.nan
z = np.nan_to_num(x)
signal = z[:, 0] * 2 - z[:, 1] * z[:, 2] + 0.3 * rng.normal(size=len(x))
two, three, count = signal > 0, np.digitize(signal, [-1, 1]), np.floor(np.abs(signal))
train, test = x[:ROWS], x[ROWS:]


def short(values):
    return [None if np.isnan(v) else float(np.format_float_positional(v, 9, fractional=False)) for v in np.ravel(values)]


def note(name, form, task, margins, contributions, names=None):
    return {"file": name, "format": form, "task": task, "margins": short(margins), "contributions": short(contributions[:4]), "names": names}


def xgboost_case(name, task, labels, rounds, names=None, formats=("json",), **params):
    params = {"max_depth": 3, "nthread": 1, "seed": 1} | params
    matrix = xgb.DMatrix(train, label=labels[:ROWS], feature_names=names)
    if params.get("objective") == "survival:aft":
        matrix.set_info(label_lower_bound=labels[:ROWS], label_upper_bound=labels[:ROWS] + 1)
    model = xgb.train(params, matrix, rounds)
    rows = xgb.DMatrix(test, feature_names=names)
    for f in formats:
        model.save_model(f"{name}.{f}")
        yield note(f"{name}.{f}", "xgboost-" + f, task, model.predict(rows, output_margin=True), model.predict(rows, pred_contribs=True), names)


def lightgbm_case(name, task, labels, rounds, names=None, data=train, **params):
    import lightgbm as lgb

    params = {"num_leaves": 6, "verbose": -1, "num_threads": 1, "seed": 1, "min_data_in_leaf": 10} | params
    model = lgb.train(params, lgb.Dataset(data, labels[:ROWS], feature_name=names or "auto"), rounds)
    model.save_model(name + ".txt")
    # A margin here is what the link is applied to.
    told = np.zeros((4, 0)) if params.get("linear_tree") else model.predict(test, pred_contrib=True)  # which LightGBM does not give then
    scale = params.get("sigmoid", 1) / (rounds if params.get("boosting") == "rf" else 1)
    yield note(name + ".txt", "lightgbm-text", task, model.predict(test, raw_score=True) * scale, told * scale, names)


def categories():
    """Rows with codes of categories in the first two columns, and labels."""
    r = np.random.default_rng(6)
    c = np.column_stack([r.integers(0, 12, ROWS), r.integers(0, 3, ROWS), r.normal(size=ROWS), r.integers(0, 40, ROWS)]).astype("f")
    labels = np.isin(c[:, 0], [1, 4, 7, 8]) * 2.0 + (c[:, 1] == 1) + 0.3 * c[:, 2] + (c[:, 3] > 33)
    c[r.random(ROWS) < 0.1, 0] = np.nan
    return c, labels


def category_cases():
    import lightgbm as lgb

    data, labels = categories()
    rows = np.concatenate([data[:8], [[99, 1, 0, 39], [np.nan] * 4, [4.5, 2, -1, 35.9], [-3, -1, 0, -2]]]).astype("f")
    for name, d, rounds, params in [
        ("categories", data, 2, {"max_depth": 3}),
        ("categories-whole", np.nan_to_num(data, nan=3), 1, {"max_depth": 3, "max_cat_to_onehot": 30}),
    ]:
        matrix = xgb.DMatrix(d, label=labels, feature_types=["c", "c", "q", "c"], enable_categorical=True)
        model = xgb.train(params | {"nthread": 1}, matrix, rounds)
        for f in ("json", "ubj"):
            model.save_model(f"{name}.{f}")
            # A code that was not there in training, or that is negative, is an error of XGBoost's own encoder where feature types are given.
            asked = xgb.DMatrix(rows, feature_types=["c", "c", "q", "c"], enable_categorical=True)
            case = note(f"{name}.{f}", "xgboost-" + f, "regression", model.predict(asked, output_margin=True), model.predict(asked, pred_contribs=True))
            yield case | {"rows": short(rows)}
    params = {"num_leaves": 6, "verbose": -1, "num_threads": 1, "min_data_in_leaf": 5, "min_data_per_group": 5, "cat_smooth": 1}
    model = lgb.train(params, lgb.Dataset(data, labels, categorical_feature=[0, 1, 3]), 3)
    model.save_model("lgb-categories.txt")
    case = note("lgb-categories.txt", "lightgbm-text", "regression", model.predict(rows, raw_score=True), model.predict(rows, pred_contrib=True))
    yield case | {"rows": short(rows)}


def old():
    yield from xgboost_case("old-logistic", "classification", two, 2, formats=("json", "ubj"), objective="binary:logistic", base_score=0.3)
    yield from xgboost_case("old-classes", "classification", three, 1, objective="multi:softmax", num_class=3, max_depth=2)


def new():
    yield from xgboost_case("squared", "regression", signal, 3, names=["a", "b c", "ü", "d"], formats=("json", "ubj"))
    yield from xgboost_case("logistic", "classification", two, 2, objective="binary:logistic")
    yield from xgboost_case("probability", "regression", two, 1, objective="reg:logistic")
    yield from xgboost_case("raw", "classification", two, 1, objective="binary:logitraw", base_score=0.2)
    yield from xgboost_case("hinge", "classification", two, 1, objective="binary:hinge", max_depth=2)
    yield from xgboost_case("cox", "regression", count + 1, 1, objective="survival:cox", base_score=0.7, max_depth=2)
    yield from xgboost_case("classes", "classification", three, 2, formats=("json", "ubj"), objective="multi:softprob", num_class=3, max_depth=2)
    yield from xgboost_case("poisson", "regression", count, 1, objective="count:poisson")
    yield from xgboost_case("tweedie", "regression", count, 1, objective="reg:tweedie", max_depth=2)
    yield from xgboost_case("absolute", "regression", signal, 1, objective="reg:absoluteerror", max_depth=2)
    yield from xgboost_case("failure-time", "regression", count + 1, 2, objective="survival:aft", max_depth=2, aft_loss_distribution="logistic", aft_loss_distribution_scale=0.5)
    yield from xgboost_case("ndcg", "regression", count, 2, objective="rank:ndcg", max_depth=2, lambdarank_pair_method="mean", formats=("json", "ubj"))
    yield from xgboost_case("pairwise", "regression", count, 1, objective="rank:pairwise", max_depth=2, lambdarank_unbiased=True)
    yield from xgboost_case("precision", "regression", two, 1, objective="rank:map", max_depth=2)
    yield from xgboost_case("gamma", "regression", count + 1, 1, objective="reg:gamma", max_depth=2)
    yield from xgboost_case("huber", "regression", signal, 1, objective="reg:pseudohubererror", huber_slope=0.5, max_depth=2)
    yield from xgboost_case("squared-log", "regression", count, 1, objective="reg:squaredlogerror", max_depth=2)
    yield from xgboost_case("quantile", "regression", signal, 1, objective="reg:quantileerror", quantile_alpha=0.3, max_depth=2)
    yield from xgboost_case("dart", "regression", signal, 5, booster="dart", rate_drop=0.5, max_depth=2, formats=("json", "ubj"))
    yield from xgboost_case("forest", "classification", three, 1, objective="multi:softprob", num_class=3, num_parallel_tree=2, subsample=0.7, max_depth=2)
    yield from xgboost_case("linear", "regression", signal, 3, booster="gblinear", updater="coord_descent")
    yield from xgboost_case("linear-classes", "classification", three, 2, formats=("json", "ubj"), objective="multi:softprob", num_class=3, booster="gblinear")
    yield from lightgbm_case("lgb-regression", "regression", signal, 3, names=["a", "b", "c", "d"])
    yield from lightgbm_case("lgb-binary", "classification", two, 2, objective="binary", sigmoid=1.7)
    yield from lightgbm_case("lgb-classes", "classification", three, 2, objective="multiclass", num_class=3)
    yield from lightgbm_case("lgb-poisson", "regression", count, 2, objective="poisson")
    yield from lightgbm_case("lgb-forest", "regression", signal, 3, boosting="rf", bagging_fraction=0.6, bagging_freq=1)
    yield from lightgbm_case("lgb-dart", "regression", signal, 4, boosting="dart", drop_rate=0.5)
    yield from lightgbm_case("lgb-none", "regression", signal, 2, data=z[:ROWS])
    yield from lightgbm_case("lgb-linear", "regression", signal, 3, linear_tree=True, linear_lambda=0.1)
    yield from lightgbm_case("lgb-each", "classification", three, 2, objective="multiclassova", num_class=3, sigmoid=1.3)
    yield from lightgbm_case("lgb-lambda", "regression", two, 2, objective="cross_entropy_lambda")
    yield from category_cases()
    yield from lightgbm_case("lgb-constant", "regression", signal, 2, min_data_in_leaf=1000)


if __name__ == "__main__":
    is_old = xgb.__version__ < "2"
    cases = list(old() if is_old else new())
    before = json.load(open("golden.json"))["cases"] if os.path.exists("golden.json") else []
    made = {c["file"] for c in cases}
    cases += [c for c in before if c["file"] not in made and c["file"].startswith("old") != is_old]
    cases.sort(key=lambda c: c["file"])
    with open("golden.json", "w") as f:
        f.write('{"rows": %s,\n"cases": [\n' % json.dumps(short(test)) + ",\n".join(json.dumps(c, ensure_ascii=False) for c in cases) + "\n]}\n")
