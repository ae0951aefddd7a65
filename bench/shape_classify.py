"""Classifiers that try to tell two kinds of clips apart, and how well they do on scenes that they have not seen.

Boosted trees of three splits, logistic regression and nearest neighbours, with settings that were fixed beforehand.
Scenes are dealt into FOLDS; each is judged by classifiers that learnt from the others, so that no scene is in both
halves. The best of them counts, which flatters them a little. The interval is from drawing scenes again (bootstrap).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Truth = NDArray[np.bool_]
FOLDS = 5
DRAWS = 1_000
TREES, RATE, DEPTH, LEAF, BINS, SHARE = 150, 0.06, 3, 8, 24, 0.7
NEIGHBOURS = 15
STEPS, RIDGE = 300, 0.02


@dataclass(frozen=True, slots=True)
class Score:
    """Balanced accuracy of the best classifier, its 95 % interval, and that of each."""

    best: float
    low: float
    high: float
    by: dict[str, float]
    of_each: tuple[int, int]

    def as_json(self) -> dict[str, Any]:
        """Return it for a file."""
        each = {name: round(value, 3) for name, value in self.by.items()}
        interval = [round(self.low, 3), round(self.high, 3)]
        return {"balanced_accuracy": round(self.best, 3), "interval_95": interval, "of_each": self.of_each, "by": each}


def judge(rows: Matrix, truth: Truth, scenes: NDArray[np.int64], seed: int = 0) -> Score:
    """Return how well `truth` is told from `rows` (clips, features); `scenes` names the scene of each."""
    chance = np.random.default_rng(seed)
    names = chance.permutation(np.unique(scenes))
    fold_of = {name: i % FOLDS for i, name in enumerate(names)}
    folds = np.array([fold_of[name] for name in scenes])
    said = {name: np.zeros(len(truth), np.bool_) for name in CLASSIFIERS}
    for fold in range(FOLDS):
        learn, test = folds != fold, folds == fold
        mean, deviation = rows[learn].mean(0), rows[learn].std(0) + 1e-9
        scaled = (rows - mean) / deviation
        for name, classifier in CLASSIFIERS.items():
            said[name][test] = classifier(scaled[learn], truth[learn], scaled[test], chance)
    by = {name: balanced_accuracy(truth, answer) for name, answer in said.items()}
    best = max(by, key=lambda name: by[name])
    low, high = _interval(truth, said[best], scenes, chance)
    return Score(by[best], low, high, by, (int(truth.sum()), int((~truth).sum())))


def balanced_accuracy(truth: Truth, said: Truth) -> float:
    """Return the mean of how many of each kind were told as what they are; 0.5 is chance."""
    return float((said[truth].mean() + (~said[~truth]).mean()) / 2)


def _interval(truth: Truth, said: Truth, scenes: NDArray[np.int64], chance: np.random.Generator) -> tuple[float, float]:
    names = np.unique(scenes)
    of_scene = [np.flatnonzero(scenes == name) for name in names]
    drawn = []
    for _ in range(DRAWS):
        rows = np.concatenate([of_scene[i] for i in chance.integers(0, len(names), len(names))])
        if 0 < truth[rows].sum() < len(rows):
            drawn.append(balanced_accuracy(truth[rows], said[rows]))
    low, high = np.percentile(drawn, [2.5, 97.5])
    return float(low), float(high)


def _weights(truth: Truth) -> Matrix:
    return np.where(truth, 0.5 / truth.mean(), 0.5 / (1 - truth.mean()))


def _logistic(rows: Matrix, truth: Truth, asked: Matrix, _: np.random.Generator) -> Truth:
    """Newton's method with a ridge; features are cut at five deviations."""
    with_one = np.hstack([np.clip(rows, -5, 5), np.ones((len(rows), 1))])
    weights, bias = _weights(truth), np.zeros(with_one.shape[1])
    ridge = np.full(len(bias), RIDGE * len(rows))
    for _step in range(STEPS // 10):
        said = 1 / (1 + np.exp(-np.clip(with_one @ bias, -30, 30)))
        slope = with_one.T @ (weights * (said - truth)) + ridge * bias
        curve = (with_one * (weights * said * (1 - said))[:, None]).T @ with_one + np.diag(ridge)
        bias = bias - np.linalg.solve(curve, slope)
    return np.hstack([np.clip(asked, -5, 5), np.ones((len(asked), 1))]) @ bias > 0


def _neighbours(rows: Matrix, truth: Truth, asked: Matrix, _: np.random.Generator) -> Truth:
    near, cut = np.clip(rows, -3, 3), np.clip(asked, -3, 3)
    distances = (cut**2).sum(1)[:, None] + (near**2).sum(1)[None] - 2 * cut @ near.T
    nearest = np.argsort(distances, axis=1)[:, :NEIGHBOURS]
    signed = np.where(truth, 1.0, -1.0) * _weights(truth)
    return signed[nearest].sum(1) > 0


def _boosted(rows: Matrix, truth: Truth, asked: Matrix, chance: np.random.Generator) -> Truth:
    """Gradient boosting of the logistic loss with histogram trees."""
    edges = np.percentile(rows, np.linspace(0, 100, BINS + 1)[1:-1], axis=0)
    binned = np.stack([np.searchsorted(edges[:, j], rows[:, j], "right") for j in range(rows.shape[1])], 1)
    binned_asked = np.stack([np.searchsorted(edges[:, j], asked[:, j], "right") for j in range(rows.shape[1])], 1)
    weights, score, score_asked = _weights(truth), np.zeros(len(rows)), np.zeros(len(asked))
    for _tree in range(TREES):
        said = 1 / (1 + np.exp(-score))
        slope, curve = weights * (truth - said), weights * said * (1 - said)
        taken = np.flatnonzero(chance.random(len(rows)) < SHARE)
        _grow(binned, slope, curve, taken, (binned, score, np.arange(len(rows))),
              (binned_asked, score_asked, np.arange(len(asked))), DEPTH)  # fmt: skip
    return score_asked > 0


Scored = tuple[NDArray[np.int64], Matrix, NDArray[np.int64]]  # bins, scores to add to, which rows are in this node


def _grow(
    bins: NDArray[np.int64],
    slope: Matrix,
    curve: Matrix,
    here: NDArray[np.int64],
    own: Scored,
    asked: Scored,
    depth: int,
) -> None:
    split = _split(bins[here], slope[here], curve[here]) if depth else None
    if split is None:
        value = RATE * slope[here].sum() / (curve[here].sum() + 1.0)
        own[1][own[2]] += value
        asked[1][asked[2]] += value
        return
    feature, upto = split
    for side in (True, False):
        inside = [
            (scored[0], scored[1], scored[2][(scored[0][scored[2], feature] <= upto) == side])
            for scored in (own, asked)
        ]
        _grow(bins, slope, curve, here[(bins[here, feature] <= upto) == side], inside[0], inside[1], depth - 1)


def _split(bins: NDArray[np.int64], slope: Matrix, curve: Matrix) -> tuple[int, int] | None:
    """Return the feature and the last bin of the left side that gain most; None if no split gains."""
    count, features = bins.shape
    if count < 2 * LEAF:
        return None
    places = (bins + np.arange(features) * BINS).ravel()

    def cumulated(values: Matrix) -> Matrix:
        histogram = np.bincount(places, np.repeat(values, features), features * BINS).reshape(features, BINS)
        return np.cumsum(histogram, 1)

    left, curved, counted = cumulated(slope), cumulated(curve), cumulated(np.ones(count))
    right, curved_right = left[:, -1:] - left, curved[:, -1:] - curved
    gain = left**2 / (curved + 1) + right**2 / (curved_right + 1)
    gain[(counted < LEAF) | (count - counted < LEAF)] = -1.0
    best = int(gain.argmax())
    if gain.flat[best] <= slope.sum() ** 2 / (curve.sum() + 1) + 1e-9:
        return None
    return best // BINS, best % BINS


Classifier = Callable[[Matrix, Truth, Matrix, np.random.Generator], Truth]
CLASSIFIERS: dict[str, Classifier] = {
    "boosted trees": _boosted,
    "logistic regression": _logistic,
    "nearest neighbours": _neighbours,
}
