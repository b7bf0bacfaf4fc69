"""Writes golden.json: what scikit-learn (1.9.1) says of labels and predictions, class by class and target by target."""
import json
import warnings

import numpy as np
import sklearn.metrics as sk

warnings.simplefilter("ignore")
rng = np.random.default_rng(5)


def classification(name, labels, predicted, classes, proba=None):
    average = "binary" if classes == 2 else "macro"
    want = {
        "f1": sk.f1_score(labels, predicted, average=average, zero_division=0),
        "precision": sk.precision_score(labels, predicted, average=average, zero_division=0),
        "recall": sk.recall_score(labels, predicted, average=average, zero_division=0),
        "accuracy": sk.accuracy_score(labels, predicted),
        "mcc": sk.matthews_corrcoef(labels, predicted),
    }
    if classes == 2:
        p = proba.astype("f4")
        want["roc_auc"] = sk.roc_auc_score(labels, p) if len(set(labels)) == 2 else None
        want["log_loss"] = sk.log_loss(labels, np.stack([1 - p, p], axis=1), labels=[0, 1])
    # f1_micro is what pgml.sklearn_classification_metrics has beside these.
    micro = sk.f1_score(labels, predicted, average="micro")
    return {"name": name, "classes": classes, "labels": [int(v) for v in labels], "predicted": [int(v) for v in predicted],
            "probabilities": None if proba is None else [float(v) for v in proba.astype("f4")], "want": want, "f1_micro": micro}


def regression(name, labels, predicted):
    labels, predicted = np.array(labels, dtype="f4").astype("f8"), np.array(predicted, dtype="f4").astype("f8")
    r2 = sk.r2_score(labels, predicted) if len(labels) > 1 else None
    return {"name": name, "labels": labels.tolist(), "predicted": predicted.tolist(), "want": {
        "r2": r2, "mean_absolute_error": sk.mean_absolute_error(labels, predicted), "mean_squared_error": sk.mean_squared_error(labels, predicted)}}


def binary(name, labels, scores):
    scores = np.array(scores, dtype="f8")
    return classification(name, labels, (scores.astype("f4") > 0.5).astype(int), 2, scores)


y = (rng.random(120) < 0.3).astype(int)
noise = np.clip(0.35 * y + 0.6 * rng.random(120), 0, 1)
many = rng.integers(0, 5, 150)
guess = np.where(rng.random(150) < 0.6, many, rng.integers(0, 5, 150))
lopsided = np.where(rng.random(150) < 0.7, 0, many)
targets = rng.normal(size=(60, 3)) * [1, 10, 100] + [0, 5, -7]
fits = targets + rng.normal(size=(60, 3)) * [0.3, 8, 20]
cases = {
    "classification": [
        binary("two classes", y, noise),
        binary("ties", y, np.round(noise * 4) / 4),
        binary("certain and wrong", [0, 1, 1, 0], [1, 0, 1, 0]),
        binary("no true positive", [0, 1, 1, 0], [0.1, 0.2, 0.3, 0.4]),
        binary("class 1 is missing", [0, 0, 0, 0], [0.1, 0.2, 0.9, 0.4]),
        binary("class 1 is missing, nobody sees it", [0, 0, 0], [0.1, 0.2, 0.4]),
        binary("class 0 is missing", [1, 1, 1], [0.9, 0.2, 0.8]),
        binary("all right", [0, 1, 0, 1], [0.1, 0.9, 0.2, 0.8]),
        binary("precision is not recall", [1, 1, 1, 1, 0, 0], [0.9, 0.1, 0.2, 0.3, 0.4, 0.1]),
        classification("five classes", many, guess, 5),
        classification("unbalanced", lopsided, np.where(rng.random(150) < 0.8, 0, guess), 5),
        classification("precision is not recall, macro", [0, 0, 0, 0, 1, 1, 2], [0, 1, 1, 1, 1, 1, 2], 3),
        classification("a class is missing", [0, 1, 0, 1, 0], [0, 1, 1, 1, 0], 3),
        classification("a class is missing, but predicted", [0, 1, 0, 1, 0], [0, 1, 2, 1, 0], 3),
        classification("a class is never predicted", [0, 1, 2, 2, 0], [0, 1, 1, 0, 0], 3),
        classification("one class of four", [3, 3, 3], [3, 3, 3], 4),
    ],
    "regression": [
        regression("noisy", targets[:, 1], fits[:, 1]),
        regression("worse than the mean", [1, 2, 3], [3, 1, 9]),
        regression("equal labels", [2, 2, 2], [2, 2, 3]),
        regression("equal labels, met", [2, 2, 2], [2, 2, 2]),
        regression("one row", [2], [3]),
    ],
    "joint": {"labels": targets.astype("f4").astype("f8").T.tolist(), "predicted": fits.astype("f4").astype("f8").T.tolist(), "want": {
        "r2": sk.r2_score(targets.astype("f4").astype("f8"), fits.astype("f4").astype("f8")),
        "mean_absolute_error": sk.mean_absolute_error(targets.astype("f4").astype("f8"), fits.astype("f4").astype("f8")),
        "mean_squared_error": sk.mean_squared_error(targets.astype("f4").astype("f8"), fits.astype("f4").astype("f8"))}},
}
with open("golden.json", "w") as f:
    json.dump(cases, f, indent=None, separators=(",", ":"))
    f.write("\n")
