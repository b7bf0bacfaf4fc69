"""Fit what folder argv[1] holds by the libraries: a line of jobs.json each; write what they predict, and answers, a line of versions and one for each job."""
import json, sys, warnings
import numpy as np
import catboost, lightgbm, sklearn, xgboost
from sklearn import ensemble, linear_model

warnings.simplefilter("ignore")
xgboost.set_config(verbosity=0)
folder = sys.argv[1]


def linear(job, p, x, y, held):
    if job["task"] == "regression":
        return linear_model.LinearRegression(**p).fit(x.astype("d"), y).predict(held.astype("d"))
    return linear_model.LogisticRegression(**p).fit(x.astype("d"), y).predict_proba(held.astype("d"))


def xgb(job, p, x, y, held):
    # The defaults of PostgresML: ten rounds, and softprob for two classes, too.
    rounds = p.pop("n_estimators", 10)
    p.setdefault("objective", "multi:softprob" if job["classes"] else "reg:squarederror")
    p |= {"tree_method": "hist", "nthread": job["threads"]}
    if p["objective"] == "multi:softprob":
        p |= {"num_class": job["classes"], "base_score": 0.5}
    return xgboost.train(p, xgboost.DMatrix(x, label=y), rounds).predict(xgboost.DMatrix(held))


def xgb_forest(job, p, x, y, held):
    p["n_jobs"] = job["threads"]
    if job["classes"]:
        return xgboost.XGBRFClassifier(**p).fit(x, y).predict_proba(held)
    return xgboost.XGBRFRegressor(**p).fit(x, y).predict(held)


def lgb(job, p, x, y, held):
    rounds = p.pop("num_iterations", 100)
    p |= {"verbosity": -1, "num_threads": 1, "objective": {0: "regression", 2: "binary"}.get(job["classes"], "multiclass")}
    if job["classes"] > 2:
        p["num_class"] = job["classes"]
    return lightgbm.train(p, lightgbm.Dataset(x, label=y), rounds).predict(held)


def cat(job, p, x, y, held):
    p |= {"verbose": False, "allow_writing_files": False, "thread_count": job["threads"]}
    if job["classes"]:
        return catboost.CatBoostClassifier(**p).fit(x, y).predict_proba(held)
    return catboost.CatBoostRegressor(**p).fit(x, y).predict(held)


def scikit(regressor, classifier):
    def fit(job, p, x, y, held):
        if job["classes"]:
            return classifier(**p).fit(x, y).predict_proba(held)
        return regressor(**p).fit(x, y).predict(held)

    return fit


LIBRARIES = {
    "linear": linear,
    "xgboost": xgb,
    "xgboost_random_forest": xgb_forest,
    "lightgbm": lgb,
    "catboost": cat,
    "gradient_boosting_trees": scikit(ensemble.GradientBoostingRegressor, ensemble.GradientBoostingClassifier),
    "hist_gradient_boosting": scikit(ensemble.HistGradientBoostingRegressor, ensemble.HistGradientBoostingClassifier),
}

read = lambda name: np.fromfile(f"{folder}/{name}", dtype="<f4")
with open(f"{folder}/answers", "w") as answers:
    python = ".".join(map(str, sys.version_info[:3]))
    print(f"Python {python}, scikit-learn {sklearn.__version__}, xgboost {xgboost.__version__}, lightgbm {lightgbm.__version__}, catboost {catboost.__version__}", file=answers)
    for i, job in enumerate(json.load(open(f"{folder}/jobs.json"))):
        x, y, held = (read(job["data"] + end) for end in (".x", ".y", ".held"))
        x, held = x.reshape(-1, job["features"]), held.reshape(-1, job["features"])
        if job["shuffle"]:
            order = np.random.default_rng(0).permutation(job["features"])
            x, held = np.ascontiguousarray(x[:, order]), np.ascontiguousarray(held[:, order])
        try:
            p = np.asarray(LIBRARIES[job["algorithm"]](job, job["params"], x, y, held), "d")
            if job["classes"] == 2 and p.ndim == 1:
                p = np.stack([1 - p, p], 1)
            p.astype("<f8").tofile(f"{folder}/{i}.p")
            answer = {"prediction": f"{i}.p"}
        except Exception as e:
            answer = {"error": f"{type(e).__name__}: {e}"[:300]}
        print(json.dumps(answer), file=answers)
