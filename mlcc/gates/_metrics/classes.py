"""Metrics of predicted classes: functions of how often classes are true, said, and both."""

from __future__ import annotations

from mlcc.gates._metrics.measure import Measure, mean_of, value_and_slopes
from mlcc.gates._records import GateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# With one label and one prediction a row, each miss is one false alarm and one that was missed: all are shares of hits.
_MEANS_OF_HITS = ("accuracy", "precision_micro", "recall_micro", "f1_micro")


def class_metric(name: str, label: Any, said: Any, classes: int) -> Measure:
    """Return a metric of predicted classes: `label` and `said` are codes from 0 to classes - 1, (n,).

    For the metrics of two classes, 1 is the positive one. Averages are scikit-learn's: over the classes that
    occur as label or prediction (balanced_accuracy: as label), a class that is never predicted has precision 0.
    Raises GateError where the metric is not defined.
    """
    import numpy as np

    hits = said == label
    if name in _MEANS_OF_HITS:
        return mean_of(hits.astype(float))
    counts = np.stack(
        [
            np.bincount(label[hits], minlength=classes),
            np.bincount(label, minlength=classes),
            np.bincount(said, minlength=classes),
        ]
    )
    function = _function(name, classes)
    shares = _shares_of(name, counts)
    if shares and not all(trials > 0 for _, trials in shares):
        raise GateError("it is not defined on these rows")
    value, slopes = value_and_slopes(function, counts.reshape(-1) / len(label))
    slope = slopes.reshape(3, classes)
    influence = hits * slope[0, label] + slope[1, label] + slope[2, said]
    centre = influence.mean()
    found = Measure(
        value,
        influence - centre,
        of=function,
        terms=lambda rows: _one_hot(label[rows], said[rows], classes),
        cells=label * classes + said,
    )
    found.reach = lambda: _reach(slope, centre, label)
    if shares:
        found.shape = {"f1": "f1", "balanced_accuracy": "mean"}.get(name, "share")
        found.shares = shares
        found.support = int(min(trials for _, trials in shares))
    return found


def _reach(slope: Any, centre: float, label: Any) -> tuple[Any, Any]:
    """Return how far a row's worst class would lower the value and its best would raise it; `slope` is (3, classes)."""
    import numpy as np

    hits, label_slope, said_slope = slope
    # By label and what is said of it; hits lie on the diagonal.
    influences = label_slope[:, None] + said_slope + np.diag(hits) - centre
    falls, rises = -influences.min(axis=1), influences.max(axis=1)
    return np.maximum(falls, 0)[label], np.maximum(rises, 0)[label]


def _function(name: str, classes: int) -> Callable[[Any], Any]:
    """Return the metric as a function of (m, 3 x classes): shares of hits, of labels, of predictions."""
    part, _, how = name.partition("_")

    def function(means: Any) -> Any:
        shares = means.reshape(-1, 3, classes).swapaxes(0, 1)
        return _OVERALL[name](shares) if name in _OVERALL else _average(_PARTS[part], how, shares)

    return function


def _one_hot(label: Any, said: Any, classes: int) -> Any:
    import numpy as np

    rows = np.arange(len(label))
    terms = np.zeros((len(label), 3, classes))
    terms[rows, 0, label] = label == said
    terms[rows, 1, label] = 1
    terms[rows, 2, said] = 1
    return terms.reshape(len(label), -1)


def _shares_of(name: str, counts: Any) -> list[tuple[float, float]]:
    """Return (hits, trials) of metrics that are shares, or made of shares."""
    hits, label, said = (row.tolist() for row in counts)
    n = sum(label)
    if len(label) != 2:
        return []
    found = {
        "precision": [(hits[1], said[1])],
        "recall": [(hits[1], label[1])],
        "true_negative_rate": [(hits[0], label[0])],
        "false_positive_rate": [(label[0] - hits[0], label[0])],
        "selection_rate": [(said[1], n)],
        "jaccard": [(hits[1], label[1] + said[1] - hits[1])],
        "f1": [(hits[1], label[1] + said[1] - hits[1])],
        "balanced_accuracy": [(hits[1], label[1]), (hits[0], label[0])],
    }
    return found.get(name, [])


def _ratio(above: Any, below: Any) -> Any:
    """Return a ratio, 0 where nothing is below, as scikit-learn has it."""
    import numpy as np

    there = below.real > 0
    return np.where(there, above / np.where(there, below, 1), 0)


def _recalls(shares: Any) -> Any:
    hits, label, _ = shares
    return _ratio(hits, label)


def _precisions(shares: Any) -> Any:
    hits, _, said = shares
    return _ratio(hits, said)


def _f1s(shares: Any) -> Any:
    hits, label, said = shares
    return _ratio(2 * hits, label + said)


def _jaccards(shares: Any) -> Any:
    hits, label, said = shares
    return _ratio(hits, label + said - hits)


_PARTS = {"precision": _precisions, "recall": _recalls, "f1": _f1s, "jaccard": _jaccards}


def _average(part: Callable[[Any], Any], how: str, shares: Any) -> Any:
    """Return the macro, micro or weighted average of a metric over the classes."""
    if how == "micro":
        return part([share.sum(axis=-1, keepdims=True) for share in shares])[..., 0]
    each, (_, label, said) = part(shares), shares
    if how == "weighted":
        return (each * label).sum(axis=-1) / label.sum(axis=-1)
    return each.sum(axis=-1) / ((label + said).real > 0).sum(axis=-1)


def _balanced(shares: Any) -> Any:
    return _recalls(shares).sum(axis=-1) / (shares[1].real > 0).sum(axis=-1)


def _matthews(shares: Any) -> Any:
    """Gorodkin (2004), as a correlation of label and prediction."""
    import numpy as np

    hits, label, said = shares
    n = label.sum(axis=-1)
    covariance = hits.sum(axis=-1) * n - (label * said).sum(axis=-1)
    spread = (n * n - (label * label).sum(axis=-1)) * (n * n - (said * said).sum(axis=-1))
    return covariance / np.sqrt(spread)


def _kappa(shares: Any) -> Any:
    """Cohen (1960): agreement beyond what the classes' frequencies give by chance."""
    hits, label, said = shares
    n = label.sum(axis=-1)
    chance = (label * said).sum(axis=-1) / (n * n)
    return (hits.sum(axis=-1) / n - chance) / (1 - chance)


_OVERALL: dict[str, Callable[[Any], Any]] = {
    "balanced_accuracy": _balanced,
    "matthews_corrcoef": _matthews,
    "cohen_kappa": _kappa,
    "precision": lambda shares: shares[0][..., 1] / shares[2][..., 1],
    "recall": lambda shares: shares[0][..., 1] / shares[1][..., 1],
    "f1": lambda shares: 2 * shares[0][..., 1] / (shares[1][..., 1] + shares[2][..., 1]),
    "jaccard": lambda shares: shares[0][..., 1] / (shares[1] + shares[2] - shares[0])[..., 1],
    "selection_rate": lambda shares: shares[2][..., 1] / shares[1].sum(axis=-1),
    "false_positive_rate": lambda shares: 1 - shares[0][..., 0] / shares[1][..., 0],
    "true_negative_rate": lambda shares: shares[0][..., 0] / shares[1][..., 0],
}
