"""Metrics of scores: how well they sort, and how true they are as probabilities."""

from __future__ import annotations

from math import sqrt

from mlcc.gates._metrics.measure import Measure, function_of, mean_of
from mlcc.gates._records import GateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


def roc_auc(label: Any, score: Any) -> Measure:
    """Return the area under the ROC curve; `label` is 0 or 1, both (n,).

    The influence comes from DeLong's structural components (DeLong, DeLong and Clarke-Pearson 1988): a
    positive's share of negatives that it beats, ties half, and the other way round. One sort gives them
    (Sun and Xu 2014). Its squares add up to DeLong's unbiased variance. Raises GateError for a single class.
    """
    import numpy as np

    n, p = len(label), int((label == 1).sum())
    q = n - p
    if not (p and q):
        raise GateError("there is only one class")
    order = np.argsort(score)
    positive = label[order] == 1
    start, end = _same(score[order])
    unders = np.cumsum(~positive)
    below = unders[end] + unders[start] - ~positive[start]  # twice the negatives below: ties count half
    overs = np.cumsum(positive)
    above = 2 * p - overs[end] - overs[start] + positive[start]
    wins, losses = below[positive] / (2 * q), above[~positive] / (2 * p)
    area = float(wins.mean())
    influence = np.empty(n)
    influence[order[positive]] = (wins - area) * _scaled(n, p)
    influence[order[~positive]] = (losses - area) * _scaled(n, q)
    return Measure(area, influence, shape="area", support=min(p, q))


def _scaled(n: int, size: int) -> float:
    """Weigh a class by its share, so that the sum of squares over n (n - 1) is the unbiased variance."""
    return n / size * sqrt(size / max(size - 1, 1) * (n - 1) / n)


def _same(ordered: Any) -> tuple[Any, Any]:
    """Return the first and the last place of each value of sorted ones, both (n,)."""
    import numpy as np

    last = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), len(ordered) - 1)
    sizes = np.diff(last, prepend=-1)
    end = np.repeat(last, sizes)
    return end - np.repeat(sizes, sizes) + 1, end


def average_precision(label: Any, score: Any) -> Measure:
    """Return the mean over positives of the precision at their score; `label` is 0 or 1, both (n,).

    The influence of a row is n - 1 times what the value loses without it: the jackknife's (Tukey 1958), whose variance
    isn't too small (Efron and Stein 1981). The derivative's is, where there are only some hundred rows. Raises GateError
    without a positive.
    """
    import numpy as np

    n, positives = len(label), float(label.sum())
    if not positives:
        raise GateError("there is no positive label")
    order = np.argsort(-score)
    y = label[order].astype(float)
    start, end = _same(score[order])
    at_least, true = end + 1.0, np.cumsum(y)[end]
    terms = y * true / at_least
    # Without a row, the precision at its score and below has one row less, and one positive less if it is one.
    others = np.maximum(at_least - 1, 1)
    above = np.concatenate([[0.0], np.cumsum(terms)])[start]
    below = _sums_from(y * true / others, start) - y * true / others
    fewer = _sums_from(y / others, start) - y / others
    without = (above + below - y * fewer) / np.maximum(positives - y, 1)
    influence = np.empty(n)
    influence[order] = (n - 1) * (without.mean() - without)
    support = min(positives, n - positives)
    return Measure(float(terms.sum() / positives), influence, shape="precision", support=support)


def _sums_from(values: Any, start: Any) -> Any:
    """Return the sums of `values` from each place of `start` to the end."""
    import numpy as np

    return np.cumsum(values[::-1])[::-1][start]


def one_vs_rest(label: Any, scores: Any, *, weighted: bool) -> Measure:
    """Return the mean area of each class against the rest; `label` (n,) are columns of `scores`, (n, k).

    Hand and Till's one-vs-rest form, each class once or by its share, as scikit-learn has it. Raises
    GateError where a class never occurs.
    """
    import numpy as np

    n, k = scores.shape
    shares = np.bincount(label, minlength=k) / n
    if not shares.all():
        raise GateError("a class has no row")
    areas = [roc_auc(label == i, scores[:, i]) for i in range(k)]
    weights = shares if weighted else np.full(k, 1 / k)
    value = sum(weight * area.value for weight, area in zip(weights, areas))  # noqa: B905 - Python 3.8
    influence = sum(weight * area.influence for weight, area in zip(weights, areas))  # noqa: B905 - Python 3.8
    if weighted:
        values = np.array([area.value for area in areas])
        influence = influence + values[label] - (shares * values).sum()
    return Measure(value, influence, shape="area", support=min(area.support for area in areas))


def log_loss(label: Any, scores: Any) -> Measure:
    """Return the mean negative log-likelihood; `scores` (n, k) sum to 1 a row, `label` (n,) are its columns.

    Probabilities keep the smallest step of a float from 0, as in scikit-learn.
    """
    import numpy as np

    epsilon = np.finfo(float).eps
    chosen = np.clip(scores[np.arange(len(label)), label], epsilon, 1 - epsilon)
    return mean_of(-np.log(chosen))


def calibration_error(hits: Any, confidence: Any, bins: int) -> Measure:
    """Return the expected calibration error (Naeini, Cooper and Hauskrecht 2015) over equal-width bins.

    It is the sum over bins of |share of hits - mean confidence| weighed by size; `hits` is 0 or 1 and
    `confidence` from 0 to 1, both (n,). Noise alone makes it about sqrt(bins / n) / 2, never 0.
    """
    import numpy as np

    terms = np.zeros((len(hits), bins))
    terms[np.arange(len(hits)), calibration_bins(confidence, bins)] = hits - confidence
    return function_of(terms, _absolute_sum)


def calibration_bins(confidence: Any, bins: int) -> Any:
    """Return the equal-width bin of each confidence, from 0."""
    import numpy as np

    return np.minimum((confidence * bins).astype(np.int64), bins - 1)


def _absolute_sum(means: Any) -> Any:
    import numpy as np

    return (means * np.sign(means.real)).sum(axis=-1)


def top_k(label: Any, scores: Any, k: int) -> Measure:
    """Return the share of rows whose label is among the k highest of `scores`, (n, classes).

    Ties go to the class that comes later, as in scikit-learn.
    """
    import numpy as np

    if not 0 < k < scores.shape[1]:
        raise GateError(f"k is {k}, and there are {scores.shape[1]} classes")
    best = np.argsort(scores, axis=1, kind="stable")[:, -k:]
    return mean_of((best == label[:, None]).any(axis=1).astype(float))


def curve_points(label: Any, score: Any) -> tuple[Sequence[Sequence[float]], Sequence[Sequence[float]]]:
    """Return the points of the ROC curve (false, true positive rate) and of precision by recall."""
    import numpy as np

    order = np.argsort(-score, kind="stable")
    y = label[order]
    last = np.append(np.nonzero(np.diff(score[order]))[0], len(y) - 1)
    hits = np.cumsum(y)[last]
    alarms = last + 1 - hits
    recall = hits / hits[-1]
    roc = np.column_stack([alarms / alarms[-1], recall])
    return [[0.0, 0.0], *roc.tolist()], np.column_stack([recall, hits / (last + 1)]).tolist()
