"""One-sided confidence bounds of one metric on one sample.

- Shares: Wilson's score bound (1927). With clusters, Wilson's with as many trials as would give the same error.
- f1: a monotone function of tp / (tp + fp + fn), which is a share: Wilson's bound of that, transformed.
- The mean of shares (balanced_accuracy): Wilson's bounds, combined by MOVER (Donner and Zou 2012).
- Areas (roc_auc, average_precision): the standard error of the influences on the logit scale, for average_precision
  with their skewness; where that is degenerate, Wilson's bound with the size of the smaller class, or the number of clusters.
- Whatever is a function of the classes, or has finite limits: at least as far as rows that show no spread leave open (see
  mlcc.gates._metrics.unseen).
- The mean of a column of one's own: the value and its standard error, normal theory.
- Everything else (losses, errors): by the influences and their skewness (see mlcc.gates._metrics.widths).
"""

from __future__ import annotations

from math import exp, inf, isfinite, log, sqrt

from mlcc.gates._metrics.estimate import Estimate
from mlcc.gates._metrics.measure import Measure, standard_error, trials_among
from mlcc.gates._metrics.unseen import hardly_varies, unseen
from mlcc.gates._metrics.widths import half_widths
from mlcc.gates._records import GateError
from mlcc.gates._shares import wilson

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def bounded(found: Measure, z: float, limits: tuple[float, float], clusters: Any = None) -> Estimate:
    """Return a metric with its bounds; `z` is the normal quantile of their confidence.

    `limits` are the least and the largest value that the metric can have; `clusters` numbers the cluster of
    each row. Raises GateError where the bounds are not finite numbers.
    """
    made = _by_shape(found, z, limits, clusters)
    made.lower, made.upper = max(made.lower, limits[0]), min(made.upper, limits[1])
    if not all(isfinite(x) for x in (made.value, made.lower, made.upper)):
        raise GateError("it is not a finite number on these rows")
    made.support = int(trials_among(made.support, clusters))
    return made


def _share_of(hits: float, n: float, z: float) -> Estimate:
    return Estimate(hits / n, *wilson(hits, n, z), int(n))


def _by_shape(found: Measure, z: float, limits: tuple[float, float], clusters: Any) -> Estimate:
    if found.shape == "share":
        return _share(found, z, clusters)
    if found.shape in ("area", "precision"):
        return _area(found, z, clusters)
    if found.shape == "f1" and clusters is None:
        made = _share_of(*found.shares[0], z)
        ends = [2 * x / (1 + x) for x in (made.value, made.lower, made.upper)]
        return Estimate(ends[0], ends[1], ends[2], made.n)
    if found.shape == "mean" and clusters is None:
        return _mean_of_two(*(_share_of(hits, trials, z) for hits, trials in found.shares))
    if found.shape == "column":
        below = above = z * standard_error(found.influence, clusters)
    else:
        below, above = half_widths(found.influence, z, clusters, found.denominator)
    fall, rise = unseen(found, z, limits, clusters)
    below, above = max(below, fall), max(above, rise)
    return Estimate(found.value, found.value - below, found.value + above, found.n, found.support)


def _share(found: Measure, z: float, clusters: Any) -> Estimate:
    hits, trials = found.shares[0]
    if clusters is None:
        return _share_of(hits, trials, z)
    error = standard_error(found.influence, clusters)
    spread = found.value * (1 - found.value)
    effective = spread / error**2 if error > 0 and spread > 0 else inf
    # One miss in one cluster of 30 tells no more of the others than none does.
    effective = min(
        effective, trials_among(trials, clusters if hardly_varies(found.influence, clusters) else None)
    )
    made = _share_of(found.value * effective, effective, z)
    return Estimate(found.value, made.lower, made.upper, int(trials))


def _mean_of_two(one: Estimate, other: Estimate) -> Estimate:
    value = (one.value + other.value) / 2
    below = sqrt((one.value - one.lower) ** 2 + (other.value - other.lower) ** 2) / 2
    above = sqrt((one.upper - one.value) ** 2 + (other.upper - other.value) ** 2) / 2
    return Estimate(value, value - below, value + above, one.n + other.n, min(one.n, other.n))


def _area(found: Measure, z: float, clusters: Any) -> Estimate:
    error = standard_error(found.influence, clusters)
    # A perfect order says nothing about its own error, and few rows can show one by luck.
    trials = trials_among(found.support, clusters)
    lower, upper = wilson(found.value * trials, trials, z)
    if 0 < found.value < 1 and error > 0:
        below, above = _on_logit_scale(found, z * error, z, clusters)
        few = clusters is not None and hardly_varies(found.influence, clusters)
        lower, upper = (min(lower, below), max(upper, above)) if few else (below, above)
    return Estimate(found.value, lower, upper, found.n, found.support)


def _on_logit_scale(found: Measure, half: float, z: float, clusters: Any) -> tuple[float, float]:
    """Return the bounds of an area between 0 and 1; `half` is how far they lie from it on its own scale.

    On that scale the bound of an area near 1 is far too bold: with 15 rows of each class and a true area of 0.95 it lies
    above the truth in 22 % of samples instead of 5 %; on the logit scale in 3 %.
    """
    centre = log(found.value / (1 - found.value))
    below = above = half
    if found.shape == "precision":
        below, above = half_widths(found.influence, z, clusters)
    slope = 1 / (found.value * (1 - found.value))
    return _logistic(centre - slope * below), _logistic(centre + slope * above)


def _logistic(x: float) -> float:
    return 1 / (1 + exp(-x)) if x > -700 else 0.0
