# mlcc:generated sha256=76866cfc6d37cd54f322ee0649f492179c3e4e0758cfc30abd9da61f202626be
# fmt: off
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# isort: skip_file
"""The gate `slices`. No part of the data is shown to miss a metric's limits, or to lie too far from another.

Run it in the folder of mlcc.yaml: python -I .mlcc/gates/slices.py GATE_ID
It reads .mlcc/gates/GATE_ID.json, writes verdict.json, junit.xml and summary.md to
_mlcc/s--GATE_ID/, and ends with 0 pass, 1 fail, 2 error or 3 inconclusive.

This file stands alone on purpose: it runs where mlcc is not installed, and needs no other file of
mlcc. It was joined from these modules of mlcc, which are tested as they are:
  mlcc.gates._metrics.axes, mlcc.gates._metrics.estimate, mlcc.gates._records,
  mlcc.gates._metrics.measure, mlcc.gates._shares, mlcc.gates._metrics.unseen,
  mlcc.gates._metrics.widths, mlcc.gates._metrics.bounds, mlcc.gates._metrics.catalog,
  mlcc.gates._metrics.classes, mlcc.gates._metrics.numbers, mlcc.gates._metrics.ranking,
  mlcc.gates._report, mlcc.strict_json, mlcc.gates._strict, mlcc.runtime.file_digest,
  mlcc.runtime.addresses, mlcc.runtime.patterns, mlcc.runtime.digest, mlcc.runtime.moments,
  mlcc.gates._support, mlcc.gates._files, mlcc.gates._reasons, mlcc.gates._sql, mlcc.gates._table,
  mlcc.gates._metrics.rows, mlcc.gates._metrics.scores, mlcc.gates._metrics.compute,
  mlcc.gates._metrics.join, mlcc.gates._metrics.multiple, mlcc.gates._metrics.paired,
  mlcc.gates._plots, mlcc.gates.slices.evidence, mlcc.gates.slices.parts, mlcc.gates.slices.runtime
Don't edit it: `mlcc compile` writes it again.
"""

from __future__ import annotations

import json
import os
import re
import stat
import sys
from itertools import combinations
from math import ceil, copysign, erfc, exp, hypot, inf, isfinite, lgamma, log, log1p, sqrt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from types import TracebackType
    from typing import Any


# --- mlcc.gates._metrics.axes -------------------------------------------------------------------------------
# Code, data or model: which of them made a metric miss what it is held to.

# How the old model fares on the same data -> the axis that moved: what either model misses is no model's doing.
MOVED = {"fail": "data", "pass": "model"}


def moved_by(axis: str | None, shown: str) -> str:
    """Return a sentence that names the axis that moved a metric: `model`, `data`, or None where that can't be told."""
    who = f"The {axis} moved it" if axis else "Whether the model or the data moved it can't be told"
    return f"{who}: {shown}"


# --- mlcc.gates._metrics.estimate ---------------------------------------------------------------------------
# A metric as a gate decides on it: its value and its bounds; and the difference of two.

class Estimate:
    """A metric's value, its lower and upper bound, the rows it is over, and the rows that its error rests on.

    `support` is less than `n` where a rare class decides, as for roc_auc.
    """

    __slots__ = ("lower", "n", "support", "upper", "value")

    def __init__(self, value: float, lower: float, upper: float, n: int, support: int | None = None) -> None:
        self.value = value
        self.lower = lower
        self.upper = upper
        self.n = n
        self.support = n if support is None else support


def gap_between(one: Estimate, other: Estimate) -> Estimate:
    """Return one metric minus another, of two samples that share no row, with its bounds.

    Each end takes the nearer bounds of the two (MOVER: Zou and Donner 2008), so that a sample without a miss adds its own
    uncertainty.
    """
    value = one.value - other.value
    below = hypot(one.value - one.lower, other.upper - other.value)
    above = hypot(one.upper - one.value, other.value - other.lower)
    support = min(one.support, other.support)
    return Estimate(value, value - below, value + above, one.n + other.n, support)


# --- mlcc.gates._records ------------------------------------------------------------------------------------
# What a gate finds: checks, the verdict over them, and text that is safe to show.

# From best to worst: the verdict over several checks is the worst of theirs.
VERDICTS = ("pass", "inconclusive", "fail", "error")


class GateError(Exception):
    """The gate can't judge: the verdict is `error`. The message is one sentence for a reviewer."""


class Check:
    """One thing that was looked at.

    `estimate` is the number it is about, `interval` its one-sided confidence bounds at `confidence`, `n` the
    rows behind it, `threshold` what it is held against ({"min": x} or {"max": x}), `margin` how far the
    number that decides lies on the good side of the threshold. Raises ValueError for an unknown verdict and
    for a number that isn't finite.
    """

    # Not a dataclass: importing dataclasses would take as long as the rest of a small gate.
    __slots__ = ("confidence", "estimate", "id", "interval", "margin", "message", "n", "threshold", "verdict")

    def __init__(
        self,
        id: str,
        verdict: str,
        message: str,
        *,
        estimate: float | None = None,
        interval: tuple[float, float] | None = None,
        confidence: float | None = None,
        n: int | None = None,
        threshold: dict[str, float] | None = None,
        margin: float | None = None,
    ) -> None:
        numbers = [estimate, confidence, n, margin, *(interval or ()), *(threshold or {}).values()]
        if verdict not in VERDICTS or not all(is_finite(x) for x in numbers if x is not None):
            raise ValueError(f"the check {visible(id)} has no proper verdict or a number that isn't finite")
        self.id = id
        self.verdict = verdict
        self.message = message
        self.estimate = estimate
        self.interval = interval
        self.confidence = confidence
        self.n = n
        self.threshold = threshold
        self.margin = margin

    def record(self) -> dict[str, object]:
        """Return the check as the verdict file holds it; what isn't known is left out."""
        known = {
            "estimate": rounded(self.estimate),
            "interval": None if self.interval is None else [rounded(end) for end in self.interval],
            "confidence": self.confidence,
            "n": self.n,
            "threshold": self.threshold,
            "margin": rounded(self.margin),
        }
        record: dict[str, object] = {"id": self.id, "verdict": self.verdict, "message": self.message}
        record.update((key, value) for key, value in known.items() if value is not None)
        return record


class Verdict:
    """The verdict over a gate's checks, with one sentence that a reviewer understands.

    `plots` are what mlcc.gates._plots makes, for the gate's page.
    """

    __slots__ = ("checks", "plots", "summary", "verdict")

    def __init__(
        self,
        verdict: str,
        summary: str,
        checks: Sequence[Check] = (),
        plots: Sequence[dict[str, Any]] = (),
    ) -> None:
        if verdict not in VERDICTS:
            raise ValueError(f"{visible(verdict)} is no verdict")
        self.verdict = verdict
        self.summary = summary
        self.checks = tuple(checks)
        self.plots = tuple(plots)


def worst(verdicts: Iterable[str]) -> str:
    """Return the worst of some verdicts; nothing looked at is an error, never a pass."""
    ranks = [VERDICTS.index(verdict) for verdict in verdicts]
    return VERDICTS[max(ranks)] if ranks else "error"


def verdict_of(checks: Sequence[Check], plots: Sequence[dict[str, Any]] = ()) -> Verdict:
    """Return the worst of the checks' verdicts, with a summary that quotes the first check that has it."""
    found = worst(check.verdict for check in checks)
    if not checks:
        return Verdict(found, "Nothing was checked.")
    if found == "pass":
        only = f"{checks[0].message}." if len(checks) == 1 else f"All {len(checks)} checks passed."
        return Verdict(found, only, checks, plots)
    culprits = [check for check in checks if check.verdict == found]
    what = {"fail": "failed", "error": "could not be judged", "inconclusive": "inconclusive"}[found]
    verb = "" if found != "inconclusive" else ("is " if len(culprits) == 1 else "are ")
    count = f"{len(culprits)} of {len(checks)} checks {verb}{what}: " if len(checks) > 1 else ""
    return Verdict(found, f"{count}{culprits[0].message}.", checks, plots)


def is_finite(value: object) -> bool:
    """Whether `value` is a number that can be compared: int or float, no bool, no NaN, no infinity.

    An integer beyond all floats is none either: nothing could be computed with it.
    """
    try:
        return type(value) in (int, float) and isfinite(value)  # type: ignore[arg-type]  # the type is tested first
    except OverflowError:
        return False


def rounded(value: float | None) -> float | None:
    """Return a number to 10 significant digits: sums over threads differ in the last ones."""
    return value if value is None or type(value) is int else float(f"{value:.10g}")


def number(value: float) -> str:
    """Return a number as a message shows it: up to 6 significant digits."""
    return str(value) if type(value) is int else f"{value:.6g}"


def counted(number: int, what: str) -> str:
    """Return a number of things, in words: "1 file", "2 files"."""
    return f"{number} {what}" + ("" if number == 1 else "s")


def visible(text: str, limit: int = 400) -> str:
    """Return text on one line, without control, invisible or unassigned characters and runner commands."""
    shown = "".join(c if c.isprintable() else _escape(c) for c in text[: limit + 1])
    if len(text) > limit:
        shown = shown[:limit] + "…"
    return shown.replace("##[", "# #[").replace("##vso", "# #vso")


def _escape(char: str) -> str:
    names = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return names.get(char) or f"\\u{{{ord(char):x}}}"


# --- mlcc.gates._metrics.measure ----------------------------------------------------------------------------
# A metric's value with the influence of each row on it, from which every error follows.
#
# The influence of a row is the derivative of the value by the row's weight (Hampel 1974; Efron's infinitesimal
# jackknife, 1982). The variance of the value is the mean of the squared influences over n; the influences of
# two models on the same rows are subtracted, those of one cluster are added up, and the same formula holds.

_STEP = 1e-30


class Measure:
    """A metric on n rows.

    `influence` has one number a row, of mean zero. `shape` says on which scale its bound is right, by what
    the value is: a `share` of trials (`shares`: hits and trials), `f1` of such a share, a `mean` of shares,
    an `area` or an average `precision` (logit), the mean of a `column`, or another `number`. `support` is the number of
    rows that the error rests on.

    A value that counts rows is a function `of` the means of their `terms`: from an index of rows to their terms, (rows,
    k). `cells` numbers the rows so that rows with one number have the same terms: that is a handful of cells, however
    many rows there are. A ratio of means has its `denominator`: that of each row over their mean, less 1. `hits` are the
    rows themselves, where each is a hit (1) or not. `reach` returns, for each row, how far the value falls by its weight
    were the worst said of the row, and how far it rises were the best, both (n,); None where that isn't known.
    """

    __slots__ = (
        "cells",
        "denominator",
        "hits",
        "influence",
        "of",
        "reach",
        "shape",
        "shares",
        "support",
        "terms",
        "value",
    )

    def __init__(
        self,
        value: float,
        influence: Any,
        *,
        shape: str = "number",
        shares: Sequence[tuple[float, float]] = (),
        support: float | None = None,
        terms: Callable[[Any], Any] | None = None,
        of: Callable[[Any], Any] | None = None,
        cells: Any = None,
    ) -> None:
        self.value = float(value)
        self.influence = influence
        self.shape = shape
        self.shares = shares
        self.support = int(len(influence) if support is None else support)
        self.terms = terms
        self.of = of
        self.cells = cells
        self.hits: Any = None
        self.denominator: Any = None
        self.reach: Callable[[], tuple[Any, Any]] | None = None

    @property
    def n(self) -> int:
        """Return the number of rows."""
        return len(self.influence)


def mean_of(values: Any, support: float | None = None) -> Measure:
    """Return the mean of a number per row, (n,). Values that are all 0 or 1 make a share."""
    import numpy as np

    value = float(np.mean(values))
    found = Measure(value, values - value, support=support)
    if np.all((values == 0) | (values == 1)):
        found.shape, found.shares = "share", [(float(values.sum()), len(values))]
        found.hits = values.astype(np.int64)
    return found


def function_of(terms: Any, of: Callable[[Any], Any]) -> Measure:
    """Return a function of the means of terms, (n, k); `of` maps (m, k) to (m,) and takes complex numbers."""
    means = terms.mean(axis=0)
    value, slopes = value_and_slopes(of, means)
    return Measure(value, ((terms - means) * slopes).sum(axis=1))


def value_and_slopes(of: Callable[[Any], Any], means: Any) -> tuple[float, Any]:
    """Return `of` at some means, (k,), and its derivatives there, (k,), exact to the last digits.

    A complex step (Squire and Trapp 1998) has no cancellation: with an h of 1e-30 the derivative is the
    imaginary part over h.
    """
    import numpy as np

    with np.errstate(all="ignore"):
        value = of(means[None, :])[0]
        slopes = of(means[None, :] + 1j * _STEP * np.eye(len(means))).imag / _STEP
    if not (np.isfinite(value) and np.isfinite(slopes).all()):
        raise GateError("it is not defined on these rows")
    return float(value), slopes


def unit_sums(values: Any, clusters: Any = None) -> Any:
    """Return the sum of `values`, (n,), over each cluster, (clusters,); the values themselves without clusters."""
    import numpy as np

    return values if clusters is None else np.bincount(clusters, values)


def trials_among(support: float, clusters: Any = None) -> float:
    """Return how many rows say something of their own, of `support`: rows of one cluster may all say the same."""
    return support if clusters is None else min(support, int(clusters.max()) + 1)


def standard_error(influence: Any, clusters: Any = None) -> float:
    """Return the standard error of a value from influences, (n,).

    `clusters` numbers the cluster of each row from 0: the influences of a cluster are added up first
    (Liang and Zeger 1986). Raises GateError for a single row or cluster, which has no error.
    """
    n = len(influence)
    sums = unit_sums(influence, clusters)
    units = len(sums)
    if units < 2:
        raise GateError(f"there is only one {'row' if clusters is None else 'cluster'}, which has no error")
    # Not the dot product of BLAS: its threads take longer to wake than the sum does, and are another order of adding.
    return sqrt(float((sums * sums).sum()) * units / (units - 1)) / n


# --- mlcc.gates._shares -------------------------------------------------------------------------------------
# Shares of trials: confidence bounds, the binomial distribution, and how many rows a bound needs.

def wilson(hits: float, n: float, z: float) -> tuple[float, float]:
    """Return Wilson's lower and upper bound (1927) of a share, of which `hits` among `n` > 0 trials were seen.

    `z` is the normal quantile of each bound's confidence. `n` may be a fraction, for an effective size.
    """
    share = hits / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(max(0.0, share * (1 - share)) / n + z * z / (4 * n * n))
    # At 0 and 1 the bound is the value itself; floating point would leave it 1e-17 beside.
    lower = 0.0 if hits == 0 else max(0.0, centre - half)
    upper = 1.0 if hits == n else min(1.0, centre + half)
    return lower, upper


def rows_for_share(share: float, limit: float, z: float) -> int:
    """Return the least number of rows at which a share that stays as it is would be shown to keep below `limit`.

    Wilson's bound meets the limit where the score test does: n = z² limit (1 - limit) / (limit - share)². `share` is
    below `limit`.
    """
    return ceil(z * z * limit * (1 - limit) / (limit - share) ** 2)


def binomial_probability(hits: int, trials: int, share: float) -> float:
    """Return the probability of exactly `hits` of `trials`, each a hit with probability 0 < `share` < 1."""
    ways = lgamma(trials + 1) - lgamma(hits + 1) - lgamma(trials - hits + 1)
    return exp(ways + hits * log(share) + (trials - hits) * log1p(-share))


def binomial_tail(hits: int, trials: int, share: float = 0.5) -> float:
    """Return the probability of at most `hits` of `trials`, each a hit with probability `share`."""
    if hits < 0 or hits >= trials or not 0 < share < 1:
        return 0.0 if hits < 0 or (hits < trials and share >= 1) else 1.0
    if hits > trials * share:  # the terms must fall from the first on: sum the shorter side
        return 1 - binomial_tail(trials - hits - 1, trials, 1 - share)
    term = binomial_probability(hits, trials, share)
    total, odds = 0.0, (1 - share) / share
    for k in range(hits, -1, -1):
        total += term
        term *= k / (trials - k + 1) * odds
        if term < total * 1e-17:
            break
    return min(1.0, total)


# --- mlcc.gates._metrics.unseen -----------------------------------------------------------------------------
# How far a value may lie from what rows show without any spread: a test set without a miss is no proof of none.
#
# Of n units that all agree, the share that doesn't may still be Wilson's bound (1927) of a share of 0 in n. What a value
# loses by that share of misses depends on where they fall: the worst unit is taken, so that a class of 5 rows hides as much
# of a macro average as 5 rows can. For a plain share that is Wilson's bound itself; of an average over Jaccard's index, to
# which each miss counts twice, it is twice as far.
#
# Units are rows. Where fewer than 5 clusters carry the whole error, units are clusters: 30 clusters of 100 rows that agree
# but for one row have hardly shown that no cluster goes wrong. How many carry it is the inverse of the sum of their squared
# parts of the variance, as for Kish's design effect (1965).

_FEW = 5
_ROUNDING = 1e-12  # of influences on a value from 0 to 1: less is no spread


def hardly_varies(influence: Any, clusters: Any = None) -> bool:
    """Return whether fewer than 5 units carry the whole error of a value, by its influences, (n,)."""
    squares = unit_sums(influence, clusters) ** 2
    spread = float(squares.sum())
    return spread < len(squares) * _ROUNDING**2 or spread**2 < _FEW * float((squares * squares).sum())


def unseen(
    found: Measure, z: float, limits: tuple[float, float], clusters: Any = None
) -> tuple[float, float]:
    """Return how far the value may lie below and above what the rows show, by misses and hits that they don't.

    `z` is the normal quantile of the bounds' confidence. Where it isn't known what a row can do to the value, that is to
    move it to either of its `limits`, for rows that hardly vary; (0, 0) without finite limits.
    """
    import numpy as np

    few = hardly_varies(found.influence, clusters)
    if found.reach is not None:
        reach = found.reach()
    elif few and isfinite(limits[0]) and isfinite(limits[1]):
        reach = np.full(found.n, found.value - limits[0]), np.full(found.n, limits[1] - found.value)
    else:
        return 0.0, 0.0
    falls, rises = (unit_sums(far, clusters if few else None) for far in reach)
    units = len(falls)
    share = wilson(0, units, z)[1] * units / found.n
    return share * float(falls.max()), share * float(rises.max())


# --- mlcc.gates._metrics.widths -----------------------------------------------------------------------------
# How far the bounds of a value lie from it, where the value is a mean or nearly one: losses, errors, their differences.
#
# Normal theory is too bold on the side of a long tail: a few large errors that the rows happen not to have. So that end is
# Student's, transformed by Hall's cubic (1992), which takes out the skewness of the statistic and is monotone. It needs the
# true skewness, and n rows of a long tail show less of it: what they show is taken half again. Of 20,000 samples each, upper
# bounds of 95 % miss so often (%), with normal theory and with this:
#
#     mean of            n = 50        n = 500
#     exponential        9.0   4.5     5.9   4.2
#     lognormal (1)     13.7   6.3     8.1   4.8
#     t squared (6 df)  17.3   6.3    10.9   5.8
#
# The other end is Student's alone, which errs on the safe side. The bounds of a ratio (R²) are those that the rows don't
# contradict (Fieller 1954): at each of them its own influences are taken.

_UNSEEN = 1.5  # the true skewness over what rows show of it
_SYMMETRIC = 1e-6
_ROUNDS = 12


def half_widths(
    influence: Any, z: float, clusters: Any = None, denominator: Any = None
) -> tuple[float, float]:
    """Return how far the lower and the upper bound lie from a value, by its influences, (n,).

    `z` is the normal quantile of their confidence; `clusters` numbers the cluster of each row from 0; `denominator` is
    that of a ratio (see Measure). Raises GateError for a single row or cluster.
    """
    below, above = _widths(influence, z, clusters)
    for _ in range(_ROUNDS if denominator is not None else 0):
        below = _widths(influence + below * denominator, z, clusters)[0]
        above = _widths(influence - above * denominator, z, clusters)[1]
    return below, above


def _widths(influence: Any, z: float, clusters: Any) -> tuple[float, float]:
    error = standard_error(influence, clusters)
    sums = unit_sums(influence, clusters)
    squares = sums * sums
    spread = float(squares.sum())
    skewness = float((squares * sums).sum()) / spread**1.5 if spread > 0 else 0.0
    short = student(z, len(sums) - 1)
    long = max(short, _transformed(short, _UNSEEN * abs(skewness)))
    return (error * long, error * short) if skewness < 0 else (error * short, error * long)


def student(z: float, freedom: int) -> float:
    """Return Student's quantile for a normal one, by its expansion (Fisher and Cornish 1960).

    From 7 degrees of freedom up it is right to a thousandth at 95 %.
    """
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    return z + first / freedom + second / freedom**2


def _transformed(quantile: float, skewness: float) -> float:
    """Return how many standard errors the end of the tail lies out; `skewness` is the value's own, over root n too."""
    if skewness < _SYMMETRIC:
        return quantile
    cubed = 1 - skewness * quantile - skewness**2 / 6
    return 3 / skewness * (1 - copysign(abs(cubed) ** (1 / 3), cubed))


# --- mlcc.gates._metrics.bounds -----------------------------------------------------------------------------
# One-sided confidence bounds of one metric on one sample.
#
# - Shares: Wilson's score bound (1927). With clusters, Wilson's with as many trials as would give the same error.
# - f1: a monotone function of tp / (tp + fp + fn), which is a share: Wilson's bound of that, transformed.
# - The mean of shares (balanced_accuracy): Wilson's bounds, combined by MOVER (Donner and Zou 2012).
# - Areas (roc_auc, average_precision): the standard error of the influences on the logit scale, for average_precision
#   with their skewness; where that is degenerate, Wilson's bound with the size of the smaller class, or the number of clusters.
# - Whatever is a function of the classes, or has finite limits: at least as far as rows that show no spread leave open (see
#   mlcc.gates._metrics.unseen).
# - The mean of a column of one's own: the value and its standard error, normal theory.
# - Everything else (losses, errors): by the influences and their skewness (see mlcc.gates._metrics.widths).

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


# --- mlcc.gates._metrics.catalog ----------------------------------------------------------------------------
# The metrics that gates know, by scikit-learn's names: what each needs, which way is better, where it lies.

# Family -> what its metrics are about.
# labels: predicted classes, any number of them; binary: the same for labels 0 and 1;
# order: a score of class 1 that need only sort; probability: one from 0 to 1; classes: a score of each class;
# number: a predicted number; interval: a predicted range; series: numbers by series and time;
# ranking: scores of documents by query.
_AVERAGED = ("precision", "recall", "f1", "jaccard")
_SHARE = (0.0, 1.0)
_ERROR = (0.0, inf)

# Name -> family, direction (1: more is better, -1: less is, 0: neither), least and largest value.
METRICS: dict[str, tuple[str, int, tuple[float, float]]] = {
    "accuracy": ("labels", 1, _SHARE),
    "balanced_accuracy": ("labels", 1, _SHARE),
    "matthews_corrcoef": ("labels", 1, (-1.0, 1.0)),
    "cohen_kappa": ("labels", 1, (-1.0, 1.0)),
    "roc_auc": ("order", 1, _SHARE),
    "precision": ("binary", 1, _SHARE),
    "recall": ("binary", 1, _SHARE),
    "f1": ("binary", 1, _SHARE),
    "jaccard": ("binary", 1, _SHARE),
    **{
        f"{name}_{how}": ("labels", 1, _SHARE) for name in _AVERAGED for how in ("macro", "micro", "weighted")
    },
    "selection_rate": ("binary", 0, _SHARE),
    "false_positive_rate": ("binary", -1, _SHARE),
    "true_negative_rate": ("binary", 1, _SHARE),
    "average_precision": ("order", 1, _SHARE),
    "log_loss": ("probability", -1, _ERROR),
    "brier_score": ("probability", -1, _SHARE),
    "expected_calibration_error": ("probability", -1, _SHARE),
    "roc_auc_ovr": ("classes", 1, _SHARE),
    "roc_auc_ovr_weighted": ("classes", 1, _SHARE),
    "top_k_accuracy": ("classes", 1, _SHARE),
    "mean_absolute_error": ("number", -1, _ERROR),
    "mean_squared_error": ("number", -1, _ERROR),
    "root_mean_squared_error": ("number", -1, _ERROR),
    "median_absolute_error": ("number", -1, _ERROR),
    "mean_absolute_percentage_error": ("number", -1, _ERROR),
    "mean_squared_log_error": ("number", -1, _ERROR),
    "root_mean_squared_log_error": ("number", -1, _ERROR),
    "mean_pinball_loss": ("number", -1, _ERROR),
    "mean_poisson_deviance": ("number", -1, _ERROR),
    "mean_gamma_deviance": ("number", -1, _ERROR),
    "max_error": ("number", -1, _ERROR),
    "r2": ("number", 1, (-inf, 1.0)),
    "explained_variance": ("number", 1, (-inf, 1.0)),
    "mean_absolute_scaled_error": ("series", -1, _ERROR),
    "interval_coverage": ("interval", 0, _SHARE),
    "mean_interval_width": ("interval", -1, _ERROR),
    "ndcg": ("ranking", 1, _SHARE),
    "label_ranking_average_precision": ("ranking", 1, _SHARE),
    "mean_reciprocal_rank": ("ranking", 1, _SHARE),
    "precision_at_k": ("ranking", 1, _SHARE),
    "recall_at_k": ("ranking", 1, _SHARE),
}
# Name -> the options that it takes, with their defaults; `k` 0 of ndcg is the whole list.
OPTIONS: dict[str, dict[str, float]] = {
    "top_k_accuracy": {"k": 2},
    "ndcg": {"k": 0},
    "precision_at_k": {"k": 10},
    "recall_at_k": {"k": 10},
    "mean_pinball_loss": {"quantile": 0.5},
    "expected_calibration_error": {"bins": 10},
}
# Metrics without a usable sampling error: they are judged by the point alone.
BOUNDLESS = frozenset({"max_error"})


def family(name: str) -> str:
    """Return what a metric is about."""
    return METRICS[name][0]


def direction(name: str) -> int:
    """Return 1 where more is better, -1 where less is, 0 where neither is."""
    return METRICS[name][1]


def value_range(name: str) -> tuple[float, float]:
    """Return the least and the largest value that a metric can have; any number for one that isn't known."""
    return METRICS[name][2] if name in METRICS else (-inf, inf)


# --- mlcc.gates._metrics.classes ----------------------------------------------------------------------------
# Metrics of predicted classes: functions of how often classes are true, said, and both.

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


# --- mlcc.gates._metrics.numbers ----------------------------------------------------------------------------
# Metrics of predicted numbers, ranges and forecasts.

def number_metric(name: str, label: Any, said: Any, quantile: float = 0.5) -> Measure:
    """Return a metric of predicted numbers, `label` and `said` (n,). Raises GateError where it isn't defined.

    `quantile` is scikit-learn's alpha of the pinball loss.
    """
    import numpy as np

    error = label - said
    if name == "mean_absolute_error":
        return mean_of(np.abs(error))
    if name in ("mean_squared_error", "root_mean_squared_error"):
        return _root(error**2) if name.startswith("root") else mean_of(error**2)
    if name == "median_absolute_error":
        return _median(np.abs(error))
    if name == "mean_absolute_percentage_error":
        return mean_of(np.abs(error) / np.maximum(np.abs(label), np.finfo(float).eps))
    if name in ("mean_squared_log_error", "root_mean_squared_log_error"):
        _refuse(label, said, 0, below="negative")
        squares = (np.log1p(label) - np.log1p(said)) ** 2
        return _root(squares) if name.startswith("root") else mean_of(squares)
    if name == "mean_pinball_loss":
        return mean_of(np.maximum(quantile * error, (quantile - 1) * error))
    if name in ("mean_poisson_deviance", "mean_gamma_deviance"):
        return mean_of(_deviance(name, label, said))
    if name == "max_error":
        return Measure(np.abs(error).max(), np.full(len(error), np.nan), support=1)
    if name == "explained_variance":
        error = error - error.mean()  # squares of large numbers would leave no digits for their difference
    centred = label - label.mean()
    squares = centred**2
    terms = np.column_stack([error, error**2, centred, squares])
    found = function_of(terms, _explained if name == "explained_variance" else _determination)
    found.denominator = squares / squares.mean() - 1
    return found


def _explained(means: Any) -> Any:
    error, squares, label, spread = means.T
    return 1 - (squares - error**2) / (spread - label**2)


def _determination(means: Any) -> Any:
    _, squares, label, spread = means.T
    return 1 - squares / (spread - label**2)


def _root(squares: Any) -> Measure:
    import numpy as np

    if not squares.any():
        return mean_of(squares)
    return function_of(squares[:, None], lambda means: np.sqrt(means[:, 0]))


def _median(errors: Any) -> Measure:
    """The influence of a row on a quantile is its side of it over the density there.

    The density is the difference quotient of quantiles around it, at the bandwidth of Hall and Sheather (1988) for the
    median: n^(-1/3) z^(2/3) (1.5 phi(0)^2)^(1/3), z = 1.96.
    """
    import numpy as np

    n = len(errors)
    width = min(0.4, 0.971 * n ** (-1 / 3))
    low, value, high = np.quantile(errors, [0.5 - width, 0.5, 0.5 + width])
    influence = np.where(errors > value, 0.5, -0.5) * (high - low) / (2 * width)
    return Measure(value, influence - influence.mean())


def _deviance(name: str, label: Any, said: Any) -> Any:
    """Return each row's deviance; 0 log 0 is 0."""
    import numpy as np

    if name == "mean_gamma_deviance":
        _refuse(label, said, 0, below="not positive", strict=True)
        return 2 * (np.log(said / label) + label / said - 1)
    _refuse(label, said, 0, below="negative")
    if not (said > 0).all():
        raise GateError("a prediction is not positive")
    logs = np.log(np.where(label > 0, label, 1) / np.where(label > 0, said, 1))
    return 2 * (label * logs - label + said)


def _refuse(label: Any, said: Any, least: float, *, below: str, strict: bool = False) -> None:
    for values, what in ((label, "label"), (said, "prediction")):
        if (values <= least).any() if strict else (values < least).any():
            raise GateError(f"a {what} is {below}")


def range_metric(name: str, label: Any, lower: Any, upper: Any) -> Measure:
    """Return the share of labels inside of predicted ranges, or the ranges' mean width; all (n,)."""
    if (lower > upper).any():
        raise GateError("a predicted range ends before it begins")
    if name == "mean_interval_width":
        return mean_of(upper - lower)
    return mean_of(((lower <= label) & (label <= upper)).astype(float))


def scaled_error(label: Any, said: Any, series: Any, time: Any) -> Measure:
    """Return the mean absolute scaled error (Hyndman and Koehler 2006); all (n,), `series` codes from 0.

    Each series is scaled by the mean step of its own labels from one time to the next, which a naive forecast would
    miss by. Raises GateError for a series of one row, one that never changes, and a time that occurs twice.
    """
    import numpy as np

    order = np.lexsort((time, series))
    same = np.diff(series[order]) == 0
    if (same & (np.diff(time[order]) == 0)).any():
        raise GateError("a time occurs twice in a series")
    steps = np.bincount(
        series[order][1:][same], np.abs(np.diff(label[order]))[same], minlength=series.max() + 1
    )
    sizes = np.bincount(series) - 1
    if not (sizes.all() and steps.all()):
        raise GateError("a series has one row only, or never changes: it gives no scale")
    return mean_of(np.abs(label - said) / (steps / sizes)[series])


# --- mlcc.gates._metrics.ranking ----------------------------------------------------------------------------
# Metrics of rankings: one number for each query, from the relevance and the score of its rows.

def query_values(name: str, relevance: Any, score: Any, query: Any, k: int) -> Any:
    """Return one value for each query, (queries,); `relevance`, `score` and `query` (codes from 0) are (n,).

    ndcg: Järvelin and Kekäläinen (2002), linear gains, ties averaged (McSherry and Najork 2008), as scikit-learn
    has it; `k` 0 is the whole list. The others take any relevance above 0 as relevant.
    label_ranking_average_precision counts ties against the model; mean_reciprocal_rank too.
    precision_at_k and recall_at_k share the places that ties straddle.
    Raises GateError for a negative relevance, and for a query without anything relevant, which has no value.
    """
    import numpy as np

    if (relevance < 0).any():
        raise GateError("a relevance is negative")
    order = np.lexsort((-score, query))
    relevance, score, query = relevance[order], score[order], query[order]
    starts = np.nonzero(np.diff(query, prepend=-1))[0]
    relevant = (relevance > 0).astype(float)
    found = np.add.reduceat(relevant, starts)
    if not found.all():
        raise GateError(f"{int((found == 0).sum())} of {len(starts)} queries have nothing relevant")
    places = _places(score, query, starts)
    if name == "ndcg":
        return _gain(relevance, query, starts, places, k)
    if name == "mean_reciprocal_rank":
        best = np.minimum.reduceat(np.where(relevant > 0, places[1], np.inf), starts)
        return 1 / best
    if name == "label_ranking_average_precision":
        through = np.cumsum(relevant)[places[3]] - np.repeat(
            _before(relevant, starts), _sizes(starts, len(query))
        )
        return np.add.reduceat(relevant * through / places[1], starts) / found
    first, last = places[0], places[1]
    inside = np.clip((k - first + 1) / (last - first + 1), 0, 1)
    hits = np.add.reduceat(relevant * inside, starts)
    return hits / k if name == "precision_at_k" else hits / found


def _sizes(starts: Any, n: int) -> Any:
    import numpy as np

    return np.diff(np.append(starts, n))


def _before(values: Any, starts: Any) -> Any:
    """Return the sum of all values before each start."""
    import numpy as np

    return np.concatenate([[0.0], np.cumsum(values)])[starts]


def _places(score: Any, query: Any, starts: Any) -> tuple[Any, Any, Any, Any]:
    """Return for each row, sorted by query and falling score, what its ties span.

    First and last place in the query, from 1; first and last row, from 0.
    """
    import numpy as np

    n = len(score)
    breaks = np.append(True, (np.diff(score) != 0) | (np.diff(query) != 0))
    group = np.cumsum(breaks) - 1
    first = np.nonzero(breaks)[0]
    last = np.append(first[1:], n) - 1
    offset = np.repeat(starts, _sizes(starts, n))
    return first[group] - offset + 1, last[group] - offset + 1, first[group], last[group]


def _gain(relevance: Any, query: Any, starts: Any, places: tuple[Any, Any, Any, Any], k: int) -> Any:
    import numpy as np

    n = len(relevance)
    offset = np.repeat(starts, _sizes(starts, n))
    place = np.arange(n) - offset + 1
    discount = 1 / np.log2(place + 1)
    if k:
        discount = np.where(place <= k, discount, 0)
    sums = np.concatenate([[0.0], np.cumsum(discount)])
    shared = (sums[places[3] + 1] - sums[places[2]]) / (places[3] - places[2] + 1)
    ideal = relevance[np.lexsort((-relevance, query))]
    return np.add.reduceat(relevance * shared, starts) / np.add.reduceat(ideal * discount, starts)


# --- mlcc.gates._report -------------------------------------------------------------------------------------
# The reports of a gate: verdict.json, junit.xml, summary.md, and plots.json where there is something to draw.
#
# Each is written whole or not at all.
#
# They hold no time, host or absolute path, so that the same inputs give the same bytes.

REPORTS = ("verdict.json", "junit.xml", "summary.md", "plots.json")
SCHEMA = "https://mlcc.dev/verdict/1"
_MARKDOWN = str.maketrans(
    {
        **{"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;", "|": "&#124;", "`": "&#96;"},
        **{sign: "\\" + sign for sign in "\\*_[]#~$!"},
    }
)
_SIGNS = {"pass": "✓", "inconclusive": "?", "fail": "✗", "error": "!"}


def prepare_folder(folder: str) -> None:
    """Make the report folder and remove the reports of an earlier run. Raises GateError."""
    try:
        if any(os.path.islink(part) for part in (folder, os.path.dirname(folder) or ".")):
            raise GateError(f"{visible(folder)} is a symlink")
        os.makedirs(folder, exist_ok=True)
        for name in REPORTS:
            remove_file(os.path.join(folder, name))
    except OSError as error:
        raise GateError(f"{visible(folder)} can't be written: {error.strerror}") from None


def remove_file(path: str) -> None:
    """Remove a file that an earlier run may have left. Raises GateError for a folder or where it can't."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise GateError(f"{visible(path)} can't be removed: {error.strerror}") from None


def write_reports(folder: str, record: dict[str, object], verdict: Verdict, opens: bool) -> None:
    """Write the reports; `opens` tells whether its readers may run. Raises OSError and GateError."""
    text = json_text(record)
    if verdict.plots:
        import json

        plots = json.dumps(verdict.plots, sort_keys=True, allow_nan=False, ensure_ascii=True)
        write_whole(os.path.join(folder, "plots.json"), plots + "\n")
    # The verdict comes last: where it is, the others are.
    write_whole(os.path.join(folder, "summary.md"), _summary(record, verdict))
    write_whole(os.path.join(folder, "junit.xml"), _junit(record, verdict, opens))
    write_whole(os.path.join(folder, "verdict.json"), text + "\n")


def json_text(value: object, margin: str = "\n") -> str:
    """Return `json.dumps(value, sort_keys=True, indent=2, allow_nan=False)`, without the time to import json.

    What isn't as plain as most of a report is left to json. Raises ValueError and TypeError as it does.
    """
    inner = margin + "  "
    if isinstance(value, dict) and value and all(_is_plain(key) for key in value):
        parts = [f'"{key}": {json_text(value[key], inner)}' for key in sorted(value)]
        return "{" + inner + ("," + inner).join(parts) + margin + "}"
    if isinstance(value, (list, tuple)) and value:
        parts = [json_text(item, inner) for item in value]
        return "[" + inner + ("," + inner).join(parts) + margin + "]"
    if _is_plain(value):
        return f'"{value}"'
    if is_finite(value):
        return repr(value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    import json

    return json.dumps(value, sort_keys=True, indent=2, allow_nan=False).replace("\n", margin)


def _is_plain(value: object) -> bool:
    """Whether JSON shows a text as it is."""
    return type(value) is str and value.isascii() and value.isprintable() and not {'"', "\\"} & set(value)


def write_whole(path: str, text: str) -> None:
    """Replace a file's content in one step. Raises OSError and GateError."""
    temporary = path + ".part"
    remove_file(temporary)  # opened with "x": a symlink put there would be followed otherwise
    with open(temporary, "x", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def markdown(text: str, limit: int = 400) -> str:
    """Return text that Markdown shows as it is, on one line, in a table cell too."""
    shown = visible(text, limit).translate(_MARKDOWN)
    return "\\" + shown if shown[:1] in ("-", "+", "=") else shown


def _summary(record: dict[str, object], verdict: Verdict) -> str:
    title = f"### {_SIGNS[verdict.verdict]} {markdown(str(record['gate']))}: {verdict.verdict}"
    lines = [title, "", markdown(verdict.summary, 1000), ""]
    if verdict.checks:
        lines += ["| | check | finding |", "|---|---|---|"]
        lines += [
            f"| {_SIGNS[check.verdict]} | {markdown(check.id, 100)} | {markdown(check.message)} |"
            for check in verdict.checks
        ]
        lines.append("")
    return "\n".join(lines)


def _junit(record: dict[str, object], verdict: Verdict, opens: bool) -> str:
    cases = [(check.id, check.verdict, check.message) for check in verdict.checks]
    if verdict.verdict not in [case[1] for case in cases]:
        cases.append(("verdict", verdict.verdict, verdict.summary))
    kinds = ["pass" if v == "pass" else _junit_kind(v, opens) for _, v, _ in cases]
    name = _xml(str(record["gate"]))
    counts = " ".join(
        f'{plural}="{kinds.count(kind)}"'
        for plural, kind in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped"))
    )
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    lines.append(f'<testsuite name="{name}" tests="{len(cases)}" {counts}>')
    for (id, found, message), kind in zip(cases, kinds):  # noqa: B905 - strict= is newer than Python 3.8
        opening = f'  <testcase classname="{name}" name="{_xml(id)}"'
        if kind == "pass":
            lines.append(opening + "/>")
        else:
            lines.append(f'{opening}><{kind} type="{found}" message="{_xml(message)}"/></testcase>')
    return "\n".join([*lines, "</testsuite>", ""])


def _junit_kind(found: str, opens: bool) -> str:
    """A finding that doesn't close the gate (waived, or inconclusive with a warning) isn't red in JUnit."""
    if opens:
        return "skipped"
    return "error" if found == "error" else "failure"


def _xml(text: str) -> str:
    shown = visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return shown.replace('"', "&quot;")


# --- mlcc.strict_json ---------------------------------------------------------------------------------------
# Strict reading of JSON: what two parsers could understand differently is refused.
#
# Standard library only: bundled into the emitted scripts.

MAX_DEPTH = 64
_MAX_DIGITS = 40
_MAX_INTEGER_DIGITS = 19
_MOST_SHOWN = 80  # letters of a key in a message


class JsonError(Exception):
    """Text that isn't strict JSON. The message goes on from the name of its source: "is not JSON: …"."""


def strict_json(text: str, *, finite: bool = True) -> object:
    """Return the value of JSON text. `finite`: NaN and infinity are refused too, rather than returned.

    Raises JsonError for a duplicate key, NaN, Infinity, a number that overflows or has over 40 digits (an integer: over
    19), and nesting deeper than 64. The message may hold letters of the text.
    """
    try:
        value = _scanned(text, _Hooks(finite))
    except ValueError as error:
        place = f"line {error.lineno}, column {error.colno}"  # type: ignore[attr-defined]  # a JSONDecodeError
        raise JsonError(f"is not JSON: {error.msg} at {place}") from None  # type: ignore[attr-defined]
    except RecursionError:
        raise JsonError("is nested too deeply") from None
    _check_depth(value)
    return value


class _Hooks:
    """What becomes of the parts of JSON text, by the names that `json.loads` has for them."""

    # What the scanner asks of a decoder besides.
    strict = True
    object_hook = None
    array_hook = None

    def __init__(self, finite: bool) -> None:
        self.object_pairs_hook = _json_object
        self.parse_int = _json_integer
        self.parse_float = _json_real if finite else float
        self.parse_constant = _json_constant if finite else float


def _scanned(text: str, hooks: _Hooks) -> object:
    """Return what `json.loads` does. Raises its JSONDecodeError.

    Its scanner, which is C, is asked first, without the modules around it: they import re, which would take longer than
    all else that a small gate does. Where that is no whole value, or no such scanner, json.loads itself decides and
    finds the words.
    """
    whole = text.strip(" \t\n\r")
    try:
        from _json import make_scanner

        value, end = make_scanner(hooks)(whole, 0)  # type: ignore[arg-type]  # it only reads attributes
        if end == len(whole):
            return value
    except (ImportError, AttributeError, TypeError, StopIteration, ValueError):
        pass
    import json

    return json.loads(text, **vars(hooks))


def _json_object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        shown = twice if len(twice) <= _MOST_SHOWN else twice[:_MOST_SHOWN] + "…"
        raise JsonError(f"is not strict JSON: the key {shown} occurs twice")
    return found


def _json_integer(digits: str) -> int:
    if len(digits.lstrip("-")) > _MAX_INTEGER_DIGITS:
        raise JsonError(f"is not strict JSON: an integer has over {_MAX_INTEGER_DIGITS} digits")
    return int(digits)


def _json_real(digits: str) -> float:
    value = float(digits) if len(digits) <= _MAX_DIGITS else float("nan")
    if not isfinite(value):
        raise JsonError("is not strict JSON: a number is too large or has too many digits")
    return value


def _json_constant(name: str) -> object:
    raise JsonError(f"is not strict JSON: {name} is no JSON number")


def _check_depth(value: object) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for node in level
            if isinstance(node, (dict, list))
            for child in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:
            return
    raise JsonError(f"is nested deeper than {MAX_DEPTH} levels")


# --- mlcc.gates._strict -------------------------------------------------------------------------------------
# Files as gates read them: bytes up to a limit, and strict JSON (see mlcc.strict_json).

MAX_BYTES = 8 << 20


def read_json(path: str, limit: int = MAX_BYTES, *, finite: bool = True) -> object:
    """Return the value of a JSON file. `finite`: NaN and infinity are refused too, rather than returned.

    Raises GateError for a missing or over-large file (`limit` is in bytes), bytes that aren't UTF-8, and what
    `strict_json` refuses.
    """
    return parse_json(_utf8_text(path, limit), visible(path), finite=finite)


def parse_json(text: str, shown: str, *, finite: bool = True) -> object:
    """Return the value of JSON text, as `read_json` does; `shown` names its source in messages."""
    try:
        return strict_json(text, finite=finite)
    except JsonError as error:
        raise GateError(f"{shown} {visible(str(error))}") from None


def read_bytes(path: str, limit: int) -> bytes:
    """Return the bytes of a regular file of at most `limit` bytes. Raises GateError."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise GateError(f"{visible(path)} is not a file")
        with open(path, "rb") as file:
            data = file.read(limit + 1)
    except FileNotFoundError:
        raise GateError(f"{visible(path)} is missing") from None
    except OSError as error:
        raise GateError(f"{visible(path)} can't be read: {error.strerror}") from None
    if len(data) > limit:
        raise GateError(f"{visible(path)} has over {limit} bytes")
    return data


def _utf8_text(path: str, limit: int) -> str:
    data = read_bytes(path, limit)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise GateError(f"{visible(path)} is not UTF-8 at byte {error.start}") from None


# --- mlcc.runtime.file_digest -------------------------------------------------------------------------------
# SHA-256 digests of single files, and a SHA-256 that is there at once.

_CHUNK = 1 << 20


class DigestError(Exception):
    """The artifact has no digest: it is missing, empty, unreadable, or holds something else than files."""


def file_digest(path: str | os.PathLike[str]) -> str:
    """Return `sha256:<hex>` of a regular file's bytes. Raises DigestError; a symlink is refused."""
    return "sha256:" + hex_digest(os.fspath(path), os.fspath(path))


def hex_digest(path: str, shown: str) -> str:
    """Return the sha256 of a regular file's bytes; `shown` names it in messages. Raises DigestError."""
    try:
        found = os.lstat(path)
        if not stat.S_ISREG(found.st_mode):
            raise DigestError(f"{shown_name(shown)} is not a regular file")
        digest = sha256(size=found.st_size)
        with open(path, "rb") as file:
            for chunk in iter(lambda: file.read(_CHUNK), b""):
                digest.update(chunk)
    except OSError as error:
        raise DigestError(f"{shown_name(shown)} can't be read: {error.strerror}") from None
    return str(digest.hexdigest())


def sha256(data: bytes = b"", size: int = 0) -> Any:
    """Return hashlib's object of some bytes; `size` more are to come.

    hashlib loads OpenSSL, which takes a fifth of the time that Python needs to start and is worth it from a megabyte on.
    """
    if len(data) + size < _CHUNK:
        try:
            if sys.version_info >= (3, 12):
                from _sha2 import sha256 as own
            else:
                from _sha256 import sha256 as own  # type: ignore[import-not-found]
            return own(data)
        except ImportError:
            pass  # an interpreter may be built without them
    import hashlib

    return hashlib.sha256(data)


def shown_name(name: str) -> str:
    """Return a name fit for a message: one printable line."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in name)[:200]


# --- mlcc.runtime.addresses ---------------------------------------------------------------------------------
# Artifacts that lie at an address of a store (`s3://BUCKET/PATH`), and that no node passes on.
#
# `.mlcc/objects.py` reads them; it is there where a spec names such an address. Standard library only: bundled into the
# emitted scripts.

SCHEME = "s3://"
IMAGE_SCHEME = "oci://"
OBJECTS_SCRIPT = ".mlcc/objects.py"
_SECONDS = 300.0  # that a listing may take at most
_SLOWEST = 64 << 10  # bytes a second, below which a fetch is given up
_LONGEST = 7 * 86400  # seconds that a fetch may take at most, whatever a listing says


def is_address(path: object) -> bool:
    """Whether an artifact's path is an address of a store."""
    return isinstance(path, str) and path.startswith(SCHEME)


def image_digest(id: str) -> str:
    """Return the digest of an image that a node takes, as the runtime found it in its registry. Raises DigestError."""
    found = os.environ.get(f"DIGEST_{id.upper().replace('-', '_')}", "")
    hex = found[len("sha256:") :]
    if not found.startswith("sha256:") or len(hex) != 64 or not set(hex) <= set("0123456789abcdef"):
        raise DigestError("the runtime, which looks its digest up in its registry, hasn't named it")
    return found


def objects_at(
    address: str, env: Mapping[str, str] | None = None, seconds: float = _SECONDS
) -> dict[str, Any]:
    """Return what lies at an address: its `digest`, and its `objects` by key, etag and size.

    `env` has what it takes to log in, without it this process's environment. Raises DigestError, within `seconds`.
    """
    return _answer(address, ["list", address], env, min(seconds, _SECONDS))


def fetch_objects(address: str, folder: str, size: int) -> dict[str, Any]:
    """Write the objects at an address below a folder, and return what `objects_at` does, with their sha256.

    `size` is about how many bytes they have. Raises DigestError.
    """
    return _answer(address, ["fetch", address, folder], None, _SECONDS + min(size // _SLOWEST, _LONGEST))


def local_path(address: str, folder: str) -> str:
    """Return where what an address names lies once it is fetched: a file or, ending in '/', a folder of all it matches."""
    key = address[len(SCHEME) :].partition("/")[2]
    return f"{folder}/" if any(sign in key for sign in "*?") else f"{folder}/{key}"


def _answer(
    address: str, arguments: list[str], env: Mapping[str, str] | None, seconds: float
) -> dict[str, Any]:
    import json
    import subprocess

    where = f"{shown_name(address)} can't be read"
    if not os.path.isfile(OBJECTS_SCRIPT):
        raise DigestError(f"{where}: {OBJECTS_SCRIPT} is missing, which `mlcc compile` writes")
    try:
        done = subprocess.run(
            [sys.executable, "-I", OBJECTS_SCRIPT, *arguments], env=env, timeout=max(seconds, 1.0),
            stdin=subprocess.DEVNULL, capture_output=True, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise DigestError(f"{where}: the store took over {seconds:.0f} s") from None
    try:
        found = json.loads(done.stdout)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise DigestError(f"{where}: {OBJECTS_SCRIPT} ended with {done.returncode} and no answer")
    if done.returncode != 0 or "error" in found:
        raise DigestError(f"{where}: {shown_name(str(found.get('error', 'no reason is known')))}")
    if not str(found.get("digest")).startswith("objects:") or not found.get("objects"):
        raise DigestError(f"{where}: the answer of {OBJECTS_SCRIPT} isn't whole")
    return found


# --- mlcc.runtime.patterns ----------------------------------------------------------------------------------
# Patterns of paths, branches and tags. One definition for the compiler and for the emitted scripts.
#
# Matching takes time in proportion to the pattern and the name: a regular expression with many wildcards could be
# made to take for ever by whoever writes the spec or names a file.
# Standard library only: bundled into the emitted script.

# No re and no functools: a gate that judges two numbers would take longer to import them than for all else.
STAR, DEEP, FOLDERS, ONE = "*", "**", "**/", "?"
_LONGEST_FIRST = (FOLDERS, DEEP, STAR, ONE)
_MOST_MACHINES = 4096
_MACHINES: dict[tuple[str, bool], Machine] = {}


def path_matches(pattern: str, path: str) -> bool:
    """Tell whether a changed path belongs to a pattern.

    `src/` is everything below; `a.csv` is that file, or everything below a folder of that name; `*` and `?`
    stay within one part of the path, `**` crosses parts, and a folder that they name counts with all that is in
    it. Both are posix paths relative to the same folder.
    """
    bare = pattern.rstrip("/")
    if not path.startswith(bare.partition(STAR)[0].partition(ONE)[0]):
        return False
    below = _accepts(_machine(bare, below=True), path)
    return below if pattern.endswith("/") else below or name_matches(bare, path)


def name_matches(pattern: str, name: str) -> bool:
    """Tell whether a branch or tag belongs to a pattern: `*` doesn't cross `/`, `**` does."""
    return _accepts(_machine(pattern), name)


def _accepts(machine: Machine, name: str) -> bool:
    states = machine.arrive(1)
    for char in name:
        states = machine.step(states, char)
        if not states:
            return False
    return bool(states & machine.end)


def tokens_of(pattern: str) -> list[str]:
    """Return a pattern as wildcards and single characters. `**/` is any number of folders, also none."""
    tokens: list[str] = []
    start = 0
    while start < len(pattern):
        tokens.append(next((w for w in _LONGEST_FIRST if pattern.startswith(w, start)), pattern[start]))
        start += len(tokens[-1])
        if len(tokens) > 1 and tokens[-2] in (DEEP, FOLDERS) and tokens[-1] in (STAR, DEEP, FOLDERS):
            last = tokens.pop()
            if tokens[-1] == FOLDERS and last == STAR:
                tokens.append(last)
            elif last == DEEP:
                tokens[-1] = DEEP  # what crosses parts takes in its neighbours
    return tokens


class Machine:
    """A pattern as an automaton. A set of states is an integer: bit n says that n tokens are done with."""

    def __init__(self, tokens: list[str]) -> None:
        self.end = 1 << len(tokens)
        self._at: dict[str, int] = {}
        for number, token in enumerate(tokens):
            self._at[token] = self._at.get(token, 0) | 1 << number
        self._star, self._deep = self._at.pop(STAR, 0), self._at.pop(DEEP, 0)
        self._folders, self._one = self._at.pop(FOLDERS, 0), self._at.pop(ONE, 0)

    def arrive(self, states: int) -> int:
        """Return the states that are reached without a further character: wildcards may stand for nothing."""
        for _ in range(2):  # no more than two such wildcards stand side by side
            states |= (states & (self._star | self._deep | self._folders)) << 1
        return states

    def step(self, states: int, char: str) -> int:
        """Return the states after a character."""
        inside = states & self._folders  # within a folder's name the next token can't begin
        entered = (states & self._at.get(char, 0)) << 1 | states & self._deep
        if char == "/":
            entered |= inside << 1
        else:
            entered |= (states & self._one) << 1 | states & self._star
        return self.arrive(entered) | inside


def _machine(pattern: str, below: bool = False) -> Machine:
    """Return a pattern's automaton, made once: a pattern meets many names."""
    if len(_MACHINES) >= _MOST_MACHINES:
        _MACHINES.clear()
    found = _MACHINES.get((pattern, below))
    if found is None:
        found = Machine([*tokens_of(pattern), "/", DEEP] if below else tokens_of(pattern))
        _MACHINES[pattern, below] = found
    return found


def from_root_of(home: str, pattern: str) -> str:
    """Return a source of a node as a pattern from the repository's root. `home` is the project's folder with a '/'."""
    return pattern[2:] if pattern.startswith("//") else home + pattern


# --- mlcc.runtime.digest ------------------------------------------------------------------------------------
# SHA-256 digests of artifacts: what a gate judged is what its readers get, byte for byte.
#
# A file's digest is the sha256 of its bytes. The digest of a folder, or of a set of committed paths, is the
# sha256 of the sorted lines `<hex>  <path>\n`, one a file, with the path relative and with `/`; in a shell:
# `find . -type f -printf '%P\n' | xargs -d '\n' sha256sum | LC_ALL=C sort | sha256sum`.

_SIGNS_OF_PATTERNS = frozenset("*?")
_GENERATED_FOLDERS = frozenset((".git", "__pycache__", "_mlcc"))


def artifact_digest(path: str | Sequence[str], root: str = ".") -> str:
    """Return the digest of an artifact as the plan locates it.

    A list of paths is digested by `paths_digest`, a path that ends in `/` by `tree_digest`, a table's name
    (`ENGINE://SCHEMA.TABLE`) by `table_digest`, any other by `file_digest`. Raises DigestError.
    """
    if not isinstance(path, str):
        return paths_digest(path, root)
    if "://" in path:
        return table_digest(path)
    place = os.path.join(root, path)
    return tree_digest(place) if path.endswith("/") else file_digest(place)


def table_digest(name: str) -> str:
    """Return `table:<hex>`, the sha256 of a table's name: what tells tables apart, and not what is in them.

    Of a table as of a moment, the name says so (see mlcc.runtime.moments).
    """
    return f"table:{sha256(name.encode('utf-8')).hexdigest()}"


def tree_digest(folder: str | os.PathLike[str]) -> str:
    """Return `sha256:<hex>` of all files below a folder. Raises DigestError, as `tree_lines` does."""
    return f"sha256:{sha256(tree_lines(folder).encode('utf-8')).hexdigest()}"


def tree_lines(folder: str | os.PathLike[str]) -> str:
    """Return the lines that the digest of a folder is of: the sha256 and the path of each file, sorted.

    Raises DigestError for a missing or empty folder, a symlink anywhere, a device, an unreadable file, and a
    file name that could not be told apart in the lines.
    """
    top = os.fspath(folder).rstrip("/") or "/"
    if os.path.islink(top) or not os.path.isdir(top):
        raise DigestError(f"{shown_name(top)} is not a folder")
    return _digest_lines(top, _walk(top, ""))


def paths_digest(paths: Iterable[str], root: str | os.PathLike[str]) -> str:
    """Return `sha256:<hex>` of the files that `paths` name. Raises DigestError, as `files_of` does."""
    lines = _digest_lines(os.fspath(root), files_of(paths, root))
    return f"sha256:{sha256(lines.encode('utf-8')).hexdigest()}"


def files_of(paths: Iterable[str], root: str | os.PathLike[str] = ".") -> set[str]:
    """Return the committed files that `paths` name, relative to `root`.

    A path names what `path_matches` says: a file, a folder with all below it, or both through wildcards. In a
    git work tree only tracked files count, so that build products don't; elsewhere all files but `.git`,
    `_mlcc`, `__pycache__` and `*.pyc`. Raises DigestError, also for a path that names no file.
    """
    top = os.fspath(root)
    tracked = _tracked(top)
    chosen: set[str] = set()
    for path in paths:
        if not path.strip("/"):
            raise DigestError("a path is empty")
        names = tracked if tracked is not None else _candidates(top, path)
        found = [name for name in names if path_matches(path, name)]
        if not found:
            what = "file" if tracked is None else "committed file"
            raise DigestError(f"{shown_name(path)} names no {what}")
        chosen.update(found)
    return chosen


def _digest_lines(top: str, relative: Iterable[str]) -> str:
    lines = []
    for name in relative:
        if any(ord(c) < 32 or 0xD800 <= ord(c) < 0xE000 for c in name):
            raise DigestError(f"the file name {shown_name(name)} is not plain UTF-8 on one line")
        lines.append(f"{hex_digest(os.path.join(top, name), name)}  {name}\n")
    if not lines:
        raise DigestError(f"{shown_name(top)} holds no file")
    return "".join(sorted(lines))


def _walk(top: str, below: str, skip: frozenset[str] = frozenset()) -> list[str]:
    """Return what is no folder below a folder, relative to `top`; folders named in `skip` are left out.

    Symlinks are returned, not followed: digesting them is what fails.
    """
    found: list[str] = []
    pending = [below]
    while pending:
        folder = pending.pop()
        try:
            entries = list(os.scandir(os.path.join(top, folder)))
        except OSError as error:
            raise DigestError(f"{shown_name(folder or top)} can't be read: {error.strerror}") from None
        for entry in entries:
            name = f"{folder}/{entry.name}" if folder else entry.name
            if not entry.is_dir(follow_symlinks=False):
                found.append(name)
            elif entry.name not in skip:
                pending.append(name)
    return found


def _candidates(top: str, path: str) -> list[str]:
    """Return the files that a path could name, outside git: those below its part without wildcards."""
    parts = path.rstrip("/").split("/")
    fixed = next((i for i, part in enumerate(parts) if _SIGNS_OF_PATTERNS & set(part)), len(parts))
    base = "/".join(parts[:fixed])
    for i in range(1, fixed + 1):
        folder = "/".join(parts[:i])
        if os.path.islink(os.path.join(top, folder)):
            raise DigestError(f"{shown_name(folder)} is a symlink")
    place = os.path.join(top, base)
    if base and not os.path.isdir(place):
        return [base] if os.path.lexists(place) else []
    return [name for name in _walk(top, base, _GENERATED_FOLDERS) if not name.endswith(".pyc")]


def _tracked(top: str) -> list[str] | None:
    """Return the tracked files below `top`, or None outside a git work tree or without git."""
    import subprocess

    # Neither a hook of the repository nor its owner matters for a listing; both would only make it fail or,
    # worse, run something.
    call = ["git", "-c", "core.fsmonitor=false", "-c", "safe.directory=*", "-C", top]
    call += ["ls-files", "-z", "--cached", "--recurse-submodules"]
    try:
        done = subprocess.run(call, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except FileNotFoundError:
        return None
    if done.returncode == 0:
        return sorted({os.fsdecode(name) for name in done.stdout.split(b"\0") if name})
    if _inside_work_tree(top):
        said = shown_name(os.fsdecode(done.stderr.strip()))
        raise DigestError(f"git can't list the committed files: {said}")
    return None


def _inside_work_tree(top: str) -> bool:
    folder = os.path.abspath(top)
    while not os.path.lexists(os.path.join(folder, ".git")):
        parent = os.path.dirname(folder)
        if parent == folder:
            return False
        folder = parent
    return True


# --- mlcc.runtime.moments -----------------------------------------------------------------------------------
# The one moment of a run, as of which tables are read that know their past.
#
# The selecting node decides it, so that every gate and every reader has the same: whoever is run again, too. Standard library
# only: bundled into the emitted scripts.

def whole_moment(stated: object) -> str:
    """Return a moment if it is one: ISO 8601, to the second, in UTC. Raises DigestError."""
    shape = "".join("0" if c in "0123456789" else c for c in stated) if isinstance(stated, str) else ""
    if not isinstance(stated, str) or shape != "0000-00-00T00:00:00Z":
        raise DigestError("the run has decided no moment as of which tables are read")
    return stated


def as_of(table: str, moment: str) -> str:
    """Return the name of a table as of a moment, which its warehouse answers with the same rows whenever it is asked."""
    return f"{table}@{moment}" if moment else table


def moment_name(id: str) -> str:
    """Return the variable that has the moment for a table."""
    return f"SNAPSHOT_{id.upper().replace('-', '_')}"


def moment_env(
    node: Mapping[str, Any], plan: Mapping[str, Any], selection: Mapping[str, Any]
) -> dict[str, str]:
    """Return variable -> moment for each table that a node takes as of one. Raises DigestError."""
    tables = [id for id in node["takes"] if plan["artifacts"][id].get("snapshot")]
    return {moment_name(id): whole_moment(selection.get("moment")) for id in tables}


# --- mlcc.gates._support ------------------------------------------------------------------------------------
# What every gate does around its judgement: parameters in, verdict record and exit code out, fail closed.

EXIT = {"pass": 0, "fail": 1, "error": 2, "inconclusive": 3}
_ID_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")
_MAX_PARAMETERS = 4 << 20
_LOGGED_CHECKS = 100
_LARGE = 64 << 20
_ABSENT = "none"  # in place of a digest
COPIES = "_mlcc/objects"
_WRITTEN = "the committed parameters are not whole, and `mlcc compile` writes them again"


class _Whole(dict):  # type: ignore[type-arg]  # Python 3.8 has no dict[str, Any] to derive from
    """An object of the parameters. A key that isn't there was cut out of it."""

    def __missing__(self, key: object) -> object:
        raise GateError(f"the gate's parameters lack {visible(str(key), 80)}: {_WRITTEN}")


class Gate:
    """A gate's committed parameters, as `.mlcc/gates/<id>.json` holds them, and where its reports go."""

    def __init__(self, id: str, folder: str, document: dict[str, Any]) -> None:
        self.id = id
        self.folder = folder
        self.kind: str = document["kind"]
        self.guards: str = document["guards"]
        self.artifacts: dict[str, dict[str, Any]] = document["artifacts"]
        self.on_inconclusive: str = document["on_inconclusive"]
        self.waive: dict[str, str] | None = document.get("waive")
        self.params: dict[str, Any] = _whole(document["params"])
        # What is judged: artifact -> its path and digest, known before `judge` is called; at an address its objects, too;
        # then what `take` adds.
        self.inputs: dict[str, dict[str, Any]] = {}
        # What isn't there, since no release runs one yet: the runtime says so, of artifacts that may be absent (`first: none`).
        self.absent = frozenset(os.environ.get("MLCC_ABSENT", "").split()) & set(self.artifacts)
        self._fetched: dict[str, str] = {}

    def path(self, artifact: str) -> str:
        """Return an artifact's one path, relative to the project root. Raises GateError."""
        path = self.paths(artifact)
        if not isinstance(path, str):
            raise GateError(f"the gate's parameters give no single path for {visible(artifact)}")
        return path

    def paths(self, artifact: str) -> str | list[str]:
        """Return an artifact's one path, or the list of its committed ones. Raises GateError.

        What lies at an address is fetched by the first call: the path is that of the copy.
        """
        if artifact in self.absent:
            raise GateError(f"there is no {visible(artifact)}: no release runs one yet")
        path: str | list[str] | None = self.artifacts.get(artifact, {}).get("path")
        if path is None:
            raise GateError(f"the gate's parameters give no path for {visible(artifact)}")
        if not isinstance(path, str) or not is_address(path):
            return path
        if artifact not in self._fetched:
            self._fetched[artifact] = self._fetch(artifact, path)
        return self._fetched[artifact]

    def table(self, artifact: str, named: str) -> str:
        """Return what SQL calls a table of a warehouse, as of the moment that it is judged at."""
        return named.replace("{moment}", self.inputs.get(artifact, {}).get("moment", ""))

    def _fetch(self, artifact: str, address: str) -> str:
        listed = self.inputs[artifact]
        folder = f"{COPIES}/{self.id}/{artifact}"
        try:
            found = fetch_objects(address, folder, sum(object["size"] for object in listed["objects"]))
        except DigestError as error:
            raise GateError(f"the artifact {visible(artifact)} can't be judged: {error}") from None
        if found["digest"] != listed["digest"]:
            raise GateError(f"the artifact {visible(artifact)} changed before it was fetched")
        listed["objects"] = found["objects"]
        return local_path(address, folder)

    def as_named(self, text: str) -> str:
        """Return a message with addresses instead of the paths of what was fetched from them."""
        for artifact in self._fetched:
            bucket = self.artifacts[artifact]["path"][len(SCHEME) :].partition("/")[0]
            text = text.replace(f"{COPIES}/{self.id}/{artifact}/", f"{SCHEME}{bucket}/")
        return text

    def remove_copies(self) -> None:
        """Remove what was fetched: data that isn't to be kept, nor to be taken for another run's."""
        folder = f"{COPIES}/{self.id}"
        if os.path.isdir(folder) and not os.path.islink(COPIES) and not os.path.islink(folder):
            import shutil

            shutil.rmtree(folder, ignore_errors=True)

    def take(self, path: str) -> str:
        """Count a committed file that is no artifact among what is judged, and return its digest. Raises GateError.

        The verdict names it by its path, and it may not change while the gate runs. Call it before the file is read.
        """
        for found in self.inputs.values():
            if found["path"] == path:
                return str(found["digest"])
        try:
            digest = file_digest(path)
        except DigestError as error:
            raise GateError(str(error)) from None
        self.inputs[path] = {"path": path, "digest": digest}
        return digest


def run(kind: str, judge: Callable[[Gate], Verdict], script: str, arguments: Sequence[str]) -> int:
    """Run a gate from the project root and return its exit code: 0 pass, 1 fail, 2 error, 3 inconclusive.

    `script` is the path of the running script, `arguments` the command line (one gate id). Whatever goes
    wrong ends in an `error` verdict, never in a traceback.
    """
    if len(arguments) != 1 or not _is_id(arguments[0]):
        _log([f"usage: python -I {visible(os.path.basename(script))} GATE_ID, in the folder of mlcc.yaml"])
        return EXIT["error"]
    id = arguments[0]
    folder = f"_mlcc/s--{id}"
    record: dict[str, object] = {
        "schema": SCHEMA,
        "gate": id,
        "kind": kind,
        "inputs": {},
        "gate_digest": None,
    }
    gate: Gate | None = None
    try:
        prepare_folder(folder)
    except GateError as error:
        _log([f"gate {id}: error. {error}."])
        return EXIT["error"]
    try:
        gate = _read(kind, id, folder, script, record)
        large = {id: _file_marks(artifact["path"]) for id, artifact in gate.artifacts.items()}
        record["inputs"] = gate.inputs = _inputs(gate)
        verdict = _first() if gate.guards in gate.absent else judge(gate)
        _check_untouched(gate, large)
    except GateError as error:
        said = str(error) if gate is None else gate.as_named(str(error))
        verdict = Verdict("error", f"{said.rstrip('.')}.")
    except BaseException as error:  # noqa: BLE001, RUF100 - a gate must end in a verdict, whatever happens
        verdict = Verdict("error", _unforeseen(error))
    if gate is not None:
        gate.remove_copies()
    return _finish(folder, record, verdict, gate)


def _first() -> Verdict:
    return Verdict("pass", "First: no release runs one yet, so that there is nothing to judge.")


def _finish(folder: str, record: dict[str, object], verdict: Verdict, gate: Gate | None) -> int:
    code = EXIT[verdict.verdict]
    if gate is not None and verdict.verdict in ("fail", "inconclusive"):
        if verdict.verdict == "inconclusive" and gate.on_inconclusive == "warn":
            code = 0
        if gate.waive is not None:
            verdict, code = _waive(gate.waive, verdict, record, code)
    record["verdict"] = verdict.verdict
    record["summary"] = verdict.summary
    record["checks"] = [check.record() for check in verdict.checks]
    try:
        write_reports(folder, record, verdict, opens=code == 0)
    except (OSError, ValueError, GateError) as error:
        _log([f"gate {record['gate']}: error. The reports can't be written: {type(error).__name__}."])
        return EXIT["error"]
    _log(_lines(folder, record, verdict, code))
    return code


def _waive(
    waiver: dict[str, str], verdict: Verdict, record: dict[str, object], code: int
) -> tuple[Verdict, int]:
    """Open the gate until the waiver's last day (UTC). What was found stays found; errors aren't waived."""
    import datetime

    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    if today <= waiver["until"]:
        record["waived"] = {key: waiver[key] for key in ("reason", "until", "issue")}
        note = f"Waived until {waiver['until']}: {waiver['reason']} ({waiver['issue']})."
        return Verdict(verdict.verdict, f"{verdict.summary} {note}", verdict.checks, verdict.plots), 0
    note = f"Its waiver ended on {waiver['until']}."
    return Verdict(verdict.verdict, f"{verdict.summary} {note}", verdict.checks, verdict.plots), code


def _read(kind: str, id: str, folder: str, script: str, record: dict[str, object]) -> Gate:
    path = f".mlcc/gates/{id}.json"
    parameters = read_bytes(path, _MAX_PARAMETERS)
    with open(script, "rb") as file:
        code = file.read()
    lines = f"{sha256(code).hexdigest()}  script\n{sha256(parameters).hexdigest()}  parameters\n"
    try:
        document = parse_json(parameters.decode("utf-8"), path)
    except UnicodeDecodeError:
        raise GateError(f"{path} is not UTF-8") from None
    _check_document(document, kind, id, path)
    assert isinstance(document, dict)
    if any(is_address(artifact["path"]) for artifact in document["artifacts"].values()):
        lines += f"{sha256(read_bytes(OBJECTS_SCRIPT, _MAX_PARAMETERS)).hexdigest()}  objects\n"
    record["gate_digest"] = "sha256:" + sha256(lines.encode("ascii")).hexdigest()
    return Gate(id, folder, document)


def _check_document(document: object, kind: str, id: str, path: str) -> None:
    """Refuse parameters that another compiler, kind or gate wrote, or that were cut or edited badly."""
    if not isinstance(document, dict):
        raise GateError(f"{path} is no JSON object")
    if document.get("kind") != kind or document.get("gate") != id:
        raise GateError(f"{path} is not for the {kind} gate {id}")
    shapes = {"guards": str, "artifacts": dict, "on_inconclusive": str, "params": dict}
    wrong = [key for key, shape in shapes.items() if not isinstance(document.get(key), shape)]
    if wrong or document["on_inconclusive"] not in ("fail", "warn"):
        raise GateError(f"{path} has no proper {wrong[0] if wrong else 'on_inconclusive'}")
    if not document["params"]:
        raise GateError(f"{path} has empty params: {_WRITTEN}")
    if document["guards"] not in document["artifacts"]:
        raise GateError(f"{path} doesn't say where the guarded artifact is")
    for artifact in document["artifacts"].values():
        if not isinstance(artifact, dict) or not _is_path(artifact.get("path")):
            raise GateError(f"{path} has an artifact without a path")
    if not _is_waiver(document.get("waive")):
        raise GateError(f"{path} has no proper waive")


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return _Whole((key, _whole(inner)) for key, inner in value.items())
    return [_whole(item) for item in value] if isinstance(value, list) else value


def _is_path(path: object) -> bool:
    if isinstance(path, list):
        return bool(path) and all(isinstance(part, str) and part for part in path)
    return isinstance(path, str) and bool(path)


def _is_waiver(waiver: object) -> bool:
    if waiver is None:
        return True
    if not isinstance(waiver, dict):
        return False
    if not all(isinstance(waiver.get(key), str) for key in ("reason", "until", "issue")):
        return False
    # A waiver that isn't a date would compare as text: "soon" is later than every date.
    parts = waiver["until"].split("-")
    return [len(part) for part in parts] == [4, 2, 2] and all(_is_number(part) for part in parts)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _inputs(gate: Gate) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for id, artifact in sorted(gate.artifacts.items()):
        if id in gate.absent:
            found[id] = {"path": artifact["path"], "digest": _absence(id, artifact)}
            continue
        try:
            moment = whole_moment(os.environ.get(moment_name(id))) if artifact.get("snapshot") else ""
            as_of = {"moment": moment} if moment else {}
            found[id] = {"path": artifact["path"], **as_of, **_identity(id, artifact["path"], moment)}
        except DigestError as error:
            raise GateError(f"the artifact {visible(id)} can't be judged: {error}") from None
    return found


def _absence(id: str, artifact: dict[str, Any]) -> str:
    """Return what stands for the digest of what isn't there. Raises GateError where it is there, or has to be."""
    if artifact.get("first") != _ABSENT:
        raise GateError(f"the artifact {visible(id)} has to be there, and the runtime says that it isn't")
    if not isinstance(artifact["path"], str) or os.path.lexists(artifact["path"]):
        raise GateError(f"the artifact {visible(id)} is there, and the runtime says that it isn't")
    return _ABSENT


def _identity(id: str, path: str | list[str], moment: str = "") -> dict[str, Any]:
    """Return the digest of an artifact, a table's as of a moment, and at an address its objects. Raises DigestError."""
    if isinstance(path, str) and path.startswith(IMAGE_SCHEME):
        return {"digest": image_digest(id)}
    if isinstance(path, str) and is_address(path):
        listed = objects_at(path)
        return {key: listed[key] for key in ("digest", "objects")}
    return {"digest": artifact_digest(as_of(path, moment) if isinstance(path, str) else path)}


def _file_marks(path: object) -> tuple[int, ...] | None:
    """Return what changes with a large file's content: its inode, size and times; None for what is quick to digest.

    The clock of a file system ticks every 10 ms at least, and digesting a large file takes longer: a change while the gate
    runs can't have the time of an earlier one.
    """
    if not isinstance(path, str) or not os.path.isfile(path):
        return None
    found = os.stat(path)
    if found.st_size < _LARGE:
        return None
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _check_untouched(gate: Gate, large: dict[str, tuple[int, ...] | None]) -> None:
    """Raise GateError where an artifact is no longer what it was: neither its digest nor its readers' is what was judged.

    `large` are the marks that large files had before they were digested: where they are the same, the file is.
    """
    for id, found in gate.inputs.items():
        if large.get(id) is not None and large[id] == _file_marks(found["path"]):
            continue
        if id in gate.absent and not os.path.lexists(found["path"]):
            continue
        try:
            same = _identity(id, found["path"], found.get("moment", ""))["digest"] == found["digest"]
        except DigestError as error:
            raise GateError(f"{_input_shown(gate, id)} went while the gate ran: {error}") from None
        if not same:
            raise GateError(
                f"{_input_shown(gate, id)} changed while the gate ran: its readers would get something that was not judged"
            )


def _input_shown(gate: Gate, id: str) -> str:
    return f"the artifact {visible(id)}" if id in gate.artifacts else f"the file {visible(id)}"


def _unforeseen(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "The gate was interrupted."
    place: TracebackType | None = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = ""
    if place is not None:
        code = place.tb_frame.f_code
        where = f" ({os.path.basename(code.co_filename)}, {code.co_name}, line {place.tb_lineno})"
    return f"The gate met something that it doesn't know: {type(error).__name__}{where}."


def _lines(folder: str, record: dict[str, object], verdict: Verdict, code: int) -> list[str]:
    opened = " (waived)" if "waived" in record else " (warning only)" if code == 0 else ""
    outcome = verdict.verdict + (opened if verdict.verdict != "pass" else "")
    lines = [f"gate {record['gate']} ({record['kind']}): {outcome}. {visible(verdict.summary, 1500)}"]
    shown = sorted(verdict.checks, key=lambda check: check.verdict == "pass")[:_LOGGED_CHECKS]
    lines += [f"  {check.verdict} {visible(check.id, 100)}: {visible(check.message)}" for check in shown]
    if len(verdict.checks) > len(shown):
        lines.append(f"  and {len(verdict.checks) - len(shown)} more")
    lines.append(f"reports: {folder}/")
    return lines


def _log(lines: Sequence[str]) -> None:
    """Print lines. The verdict is in the report and the exit code: a closed pipe must not change it."""
    text = "".join(line + "\n" for line in lines)
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
        sys.stdout.buffer.flush()
    except OSError:
        # Python flushes once more at the end, which would print a warning and change the exit code.
        sys.stdout = None


def _is_id(text: str) -> bool:
    return 0 < len(text) <= 64 and text[0] not in "-_" and _ID_CHARACTERS.issuperset(text)


# --- mlcc.gates._files --------------------------------------------------------------------------------------
# The files that make up a table, and the columns that the names of its folders stand for.

_ENDINGS = {
    "parquet": (".parquet",),
    "csv": (".csv",),
    "tsv": (".tsv",),
    "jsonl": (".jsonl", ".ndjson"),
    "json": (".json",),
}
_PARTITION = re.compile(r"([^/=]+)=([^/]*)/")
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
_END_CHARACTERS = 1 << 16
_BLANK = b" \t\r\n"


def table_files(path: str | Sequence[str], format: str) -> list[str]:
    """Return the files of an artifact, sorted: itself, those in its folder, or those that its patterns name.

    Marks such as _SUCCESS and .part.crc, which writers leave beside their files, are left out. Raises GateError for
    files of another format, for none, and for names that SQL would take for a pattern.
    """
    if isinstance(path, str) and not path.endswith("/"):
        found = [path]
    else:
        found = [name for name in _listed_files(path) if not _is_mark(name, format)]
    shown = visible(path if isinstance(path, str) else ", ".join(path))
    if not found:
        raise GateError(f"{shown} holds no file of the format {visible(format)}")
    for name in found:
        if found != [path] and not _ends_as(name, format):
            raise GateError(f"{shown} holds {visible(name)}, which doesn't end in {_ENDINGS[format][0]}")
        if any(c in name for c in "*?[{"):
            raise GateError(f"the file name {visible(name)} has a wildcard in it")
        if not os.path.isfile(name):
            raise GateError(f"{visible(name)} is missing")
    return found


def _listed_files(path: str | Sequence[str]) -> list[str]:
    if isinstance(path, str):
        return sorted(os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names)
    try:
        return sorted(files_of(path))
    except DigestError as error:
        raise GateError(str(error)) from None


def _is_mark(name: str, format: str) -> bool:
    base = name.rpartition("/")[2]
    # Readers of Parquet skip whatever begins so.
    return base[0] in "._" and (format == "parquet" or not _ends_as(name, format))


def _ends_as(name: str, format: str) -> bool:
    return name.lower().endswith(_ENDINGS.get(format, ()))


def partitions_of(path: str | Sequence[str], files: Sequence[str]) -> dict[str, list[str]]:
    """Return column -> its values, sorted, of files that lie in folders named COLUMN=VALUE, as Hive has it.

    Of a folder, those below it count; of patterns all. A value is as the folder spells it. Raises GateError where the
    files lie in folders of different columns.
    """
    if isinstance(path, str) and not path.endswith("/"):
        return {}
    start = len(path) if isinstance(path, str) else 0
    levels = [_PARTITION.findall(file[start:]) for file in files]
    names = [name for name, _ in levels[0]]
    for file, level in zip(files, levels):  # noqa: B905 - strict= is newer than Python 3.8
        if [name for name, _ in level] != names:
            raise GateError(f"{visible(file)} lies in folders of other columns than {visible(files[0])}")
    if len({name.casefold() for name in names}) < len(names):
        raise GateError(f"{visible(files[0])} lies in two folders of one column")
    return {name: sorted({level[i][1] for level in levels}) for i, name in enumerate(names)}


def check_array(file: str) -> None:
    """Raise GateError unless a file begins and ends as a JSON array does.

    DuckDB takes a blank file for an empty array, and one that is cut off behind a comma at times for a whole one.
    """
    with open(file, "rb") as content:
        head = content.read(_END_CHARACTERS)
        content.seek(max(content.seek(0, os.SEEK_END) - _END_CHARACTERS, 0))
        tail = content.read()
    head = head[3:] if head.startswith(b"\xef\xbb\xbf") else head
    if not head.lstrip(_BLANK).startswith(b"["):
        raise GateError(f"{visible(file)} is no JSON array of objects; name a file of JSON lines .jsonl")
    if not tail.rstrip(_BLANK).endswith(b"]"):
        raise GateError(f"{visible(file)} is cut off: its JSON array has no end")


# --- mlcc.gates._reasons ------------------------------------------------------------------------------------
# Says why DuckDB could not read a table, or run a check, in words that are safe to show.
#
# DuckDB's own text quotes rows and absolute paths, so only what is known of it is passed on: line numbers, counts, and
# names that the gate's own SQL has.

_SCANNED_BYTES = 64 << 20  # how far a broken file is looked into
_SCANNED_LINE = 16 << 20  # DuckDB's own limit of a JSON object
_CSV = (
    ("unterminated quote", "a quote is not closed, or stands inside a value"),
    ("Invalid unicode", "it is not UTF-8"),
    ("line size", "it is too long"),
)
_FILE = (
    ("too small to be a Parquet file", "it is empty or cut off: too small for a Parquet file"),
    ("No magic bytes found at end", "it is cut off, or no Parquet file: its end is missing"),
    ("maximum_object_size", "a line or object is longer than 16 MB"),
    ("ecompression failure|Failed to read file", "a part of it is damaged"),
    ("Out of Memory Error", "it needs more memory than the gate may take"),
)
_SQL = (
    ("file system operations are disabled|Permission Error", "it reads a file, which a check may not"),
    ("Table with name .* does not exist", "it names a table that isn't there; the one table is called data"),
    ("Function with name .* does not exist", "it calls a function that DuckDB doesn't have"),
    ("Could not convert|Conversion Error", "a value isn't of the type that the SQL casts it to"),
    ("No function matches|Cannot compare values", "it joins types that don't fit; cast one of them"),
    ("Out of Memory Error", "it needs more memory than the gate may take"),
)


def file_reason(error: Exception, files: Sequence[str]) -> str:
    """Say what is wrong with one of the files of a table."""
    text = str(error)
    path = next((file for file in files if file in text), files[0])
    shown = visible(path)
    line = re.search(r"CSV Error on Line: (\d+)", text)
    if line:
        return f"{shown}: line {line[1]} is not proper CSV: {_csv_reason(text)}"
    if "CSV Parser state machine reached an invalid state" in text:
        return f"{shown} is not proper CSV: {_line_ends(path)}"
    if path.lower().endswith(".json") and ("Malformed JSON" in text or "JSON array" in text):
        return f"{shown} is not one proper JSON array"
    if "Malformed JSON" in text:
        number = _broken_json_line(path)
        return (
            f"{shown}: line {number} is not proper JSON" if number else f"{shown}: a line is not proper JSON"
        )
    said = _known(_FILE, text)
    return f"{shown}: {said}" if said else f"{shown}: DuckDB could not read it ({type(error).__name__})"


def sql_reason(error: Exception, sql: str) -> str | None:
    """Say what is wrong with SQL of the spec; None where it may be the data."""
    text = str(error)
    column = re.search(
        r'Referenced column "([^"\n]{1,80})" not found|does not have a column named "([^"\n]{1,80})"', text
    )
    if column:
        name = column[1] or column[2]
        there = f"the column {visible(name, 80)}" if name in sql else "a column"
        return f"it names {there}, which the table doesn't have"
    return _known(_SQL, text)


def _known(table: Sequence[tuple[str, str]], text: str) -> str | None:
    return next((said for pattern, said in table if re.search(pattern, text)), None)


def _csv_reason(text: str) -> str:
    columns = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", text)
    if columns:
        few = "few" if int(columns[2]) < int(columns[1]) else "many"
        return f"it has too {few} columns: {columns[2]} instead of {columns[1]}"
    return _known(_CSV, text) or "it doesn't follow the rules for CSV"


def _line_ends(path: str) -> str:
    """Tell mixed line ends from what else confuses the parser."""
    first: dict[str, int] = {}
    with open(path, "rb") as file:
        for number, line in enumerate(file.read(_SCANNED_BYTES).split(b"\n")[:-1], 1):
            first.setdefault("CR LF" if line.endswith(b"\r") else "LF", number)
            if b"\r" in line[:-1]:
                first.setdefault("CR", number)
    if len(first) > 1:
        ends = ", ".join(f"{end} in line {number}" for end, number in first.items())
        return f"its lines end in different ways ({ends})"
    return "a quote is not closed, or stands inside a value"


def _broken_json_line(path: str) -> int | None:
    """Return the number of the first line that is no JSON, from 1: DuckDB's own count leaves lines out."""
    read = 0
    with open(path, "rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(_SCANNED_LINE), b""), 1):
            read += len(line)
            if read > _SCANNED_BYTES:
                return None
            try:
                if line.strip():
                    json.loads(line.decode("utf-8"))
            except (ValueError, RecursionError):
                return number
    return None


# --- mlcc.gates._sql ----------------------------------------------------------------------------------------
# How SQL spells names and text. The one place that quotes.

def identifier(name: str) -> str:
    """Return a column's name as SQL spells it."""
    return '"' + name.replace('"', '""') + '"'


def text_literal(text: str) -> str:
    """Return text as SQL spells it; DuckDB has no backslash escapes between single quotes."""
    return "'" + text.replace("'", "''") + "'"


def real_literal(value: float) -> str:
    """Return a number as SQL of type DOUBLE: without an exponent it would be a decimal."""
    shown = repr(float(value))
    return shown if "e" in shown else shown + "e0"


# --- mlcc.gates._table --------------------------------------------------------------------------------------
# Tables for gates: DuckDB in memory, allowed to read the gate's artifact and nothing else.

# DuckDB takes what it is given before it writes to disk: first little, and more only for a query that fails by it.
MEMORY_LIMIT, MOST_MEMORY = "128MB", "2GB"
_MAJOR = "2"
_HEADER_CHARACTERS = 1 << 20
_MAX_KEYS = 10_000
_DELIMITERS = {"csv": ",", "tsv": "\t"}
_JSON_READERS = {"jsonl": "read_ndjson_objects({})", "json": "read_json_objects({}, format = 'array')"}


class Table:
    """An artifact opened for SQL. `columns` maps its columns' names to DuckDB types, in their order.

    `source` is its SQL table expression: the columns as they are for Parquet, as text for CSV and TSV; for
    JSON one column `json`, and `columns` has the keys that occur, of type JSON. `files` are its files, and
    `partitions` the columns, of text, that the names of their folders stand for, with their values.
    """

    def __init__(
        self,
        connection: Any,
        files: Sequence[str],
        source: str,
        columns: dict[str, str],
        partitions: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.connection = connection
        self.files = files
        self.source = source
        self.columns = columns
        self.partitions = partitions or {}

    @property
    def types(self) -> Mapping[str, str]:
        """The columns' types in full, with lengths and digits."""
        return self.columns

    def text(self, value: str) -> str:
        """Return text as SQL spells it."""
        return text_literal(value)

    def define(self, name: str, select: str) -> None:
        """Give a query a name that later ones can use. Raises GateError."""
        self.rows(f"CREATE VIEW {name} AS {select}")

    def aggregates(self, parts: Sequence[str], relation: str) -> list[Any]:
        """Return the values of aggregates over all rows, by one scan. Raises GateError."""
        return list(self.one("SELECT\n  " + ",\n  ".join(parts) + f"\nFROM {relation}"))

    def cast(self, column: str, type: str) -> None:
        """Give a column another type of DuckDB's."""
        name = identifier(column)
        self.source = f"(SELECT * REPLACE (CAST({name} AS {type}) AS {name}) FROM {self.source})"
        self.columns[column] = type

    def one(self, sql: str, named: Mapping[str, str] | None = None) -> tuple[Any, ...]:
        """Return the one row of a query. `named` are queries that this one knows by name. Raises GateError."""
        views = ",\n".join(f"{name} AS ({select})" for name, select in (named or {}).items())
        rows = self.rows(f"WITH {views}\n{sql}" if views else sql)
        if len(rows) != 1:
            raise GateError("a query did not give one row")
        return rows[0]

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return all rows of a query. Raises GateError."""
        return query(self.connection, self.files, sql)

    def arrays(self, sql: str) -> dict[str, Any]:
        """Return the columns of a query as numpy arrays, masked where there are nulls. Raises GateError."""
        found: dict[str, Any] = _fetched(self.connection, self.files, sql, "fetchnumpy", own=True)
        return found

    def check(self, sql: str) -> list[tuple[Any, ...]]:
        """Return all rows of a query that comes from the spec. Raises GateError."""
        return query(self.connection, self.files, sql, own=False)


def open_table(gate: Gate, artifact: str, format: str) -> Table:
    """Open an artifact. Raises GateError where it isn't a sound table of its format or DuckDB is missing."""
    path = gate.paths(artifact)
    return open_files(gate, path, table_files(path, format), format)


def open_tables(gate: Gate, artifacts: Sequence[tuple[str, str]]) -> list[Table]:
    """Open several artifacts (id and format) in one database, so that queries can join them. Raises GateError."""
    paths = [gate.paths(artifact) for artifact, _ in artifacts]
    files = [table_files(path, format) for path, (_, format) in zip(paths, artifacts)]  # noqa: B905
    connection = _connect(gate, [file for some in files for file in some])
    return [
        _open_as(connection, path, some, format)
        for path, some, (_, format) in zip(paths, files, artifacts)  # noqa: B905
    ]


def open_files(gate: Gate, path: str | Sequence[str], files: Sequence[str], format: str) -> Table:
    """Open the files at a path as one table; all have the same columns. Raises GateError as `open_table`."""
    if format in _DELIMITERS:
        _names(files, format)  # what is wrong with a header is said without DuckDB, too
    return _open_as(_connect(gate, files), path, files, format)


def _open_as(connection: Any, path: str | Sequence[str], files: Sequence[str], format: str) -> Table:
    if format in _DELIMITERS:
        names = _names(files, format)
        source = _csv_source(files, names, _DELIMITERS[format])
        return Table(connection, files, source, dict.fromkeys(names, "VARCHAR"))
    if format in _JSON_READERS:
        return _open_json(connection, files, format)
    if format == "parquet":
        return _open_parquet(connection, files, partitions_of(path, files))
    raise GateError(f"the format {visible(format)} is not known")


def _names(files: Sequence[str], format: str) -> list[str]:
    names = _header(files[0], _DELIMITERS[format])
    for file in files[1:]:
        if _header(file, _DELIMITERS[format]) != names:
            raise GateError(f"{visible(file)} has another header than {visible(files[0])}")
    return names


def query(connection: Any, files: Sequence[str], sql: str, *, own: bool = True) -> list[tuple[Any, ...]]:
    """Return all rows of a query over `files`. Raises GateError, without values of the data in its message.

    `own`: the SQL is mlcc's, so that whatever goes wrong is the data's fault.
    """
    found: list[tuple[Any, ...]] = _fetched(connection, files, sql, "fetchall", own=own)
    return found


def _fetched(connection: Any, files: Sequence[str], sql: str, how: str, *, own: bool) -> Any:
    import duckdb

    try:
        try:
            return getattr(connection.execute(sql), how)()
        except duckdb.OutOfMemoryException:
            connection.execute(f"SET memory_limit = '{MOST_MEMORY}'")
            return getattr(connection.execute(sql), how)()
    except duckdb.Error as error:
        reason = None if own else sql_reason(error, sql)
        raise GateError(reason or file_reason(error, files)) from None


def footer_nulls(table: Table) -> dict[str, int]:
    """Return column -> nulls, for the columns whose nulls each footer of the Parquet files tells."""
    files = ", ".join(text_literal(file) for file in table.files)
    found = table.rows(
        "SELECT path_in_schema, SUM(stats_null_count), COUNT(stats_null_count), COUNT(DISTINCT (file_name, row_group_id)) "
        f"FROM parquet_metadata([{files}]) GROUP BY path_in_schema"
    )
    groups = max((groups for *_, groups in found), default=0)
    return {name: int(nulls) for name, nulls, told, _ in found if told == groups}


def close(table: Table, gate: Gate) -> None:
    """Close the connection, and remove the folder that DuckDB may have made for what didn't fit in memory."""
    table.connection.close()
    try:
        os.rmdir(os.path.join(gate.folder, "spill"))
    except OSError:
        return


def _connect(gate: Gate, files: Sequence[str]) -> Any:
    try:
        import duckdb
    except ImportError:
        raise GateError(_how_to_install(gate)) from None
    if duckdb.__version__.split(".")[0] != _MAJOR:
        raise GateError(f"DuckDB {visible(duckdb.__version__)} is installed: {_how_to_install(gate)}")
    config: Mapping[str, str] = {
        "memory_limit": MEMORY_LIMIT,
        "temp_directory": os.path.join(gate.folder, "spill"),
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "allow_community_extensions": "false",
        "python_enable_replacements": "false",
    }
    try:
        connection = duckdb.connect(":memory:", config=dict(config))
        for setting in (
            "SET TimeZone = 'UTC'",
            "SET enable_progress_bar = false",
            "SET allowed_configs = ['memory_limit']",
            "SET preserve_insertion_order = false",
            f"SET allowed_paths = {_listed(files)}",
            "SET enable_external_access = false",
            "SET lock_configuration = true",
        ):
            connection.execute(setting)
    except duckdb.Error as error:
        raise GateError(f"DuckDB could not be locked down: {type(error).__name__}") from None
    return connection


def _how_to_install(gate: Gate) -> str:
    list_ = f".mlcc/gates/{gate.kind}.txt"
    return f"DuckDB is needed: pip install --require-hashes --only-binary :all: --no-deps -r {list_}"


def _header(path: str, delimiter: str) -> list[str]:
    """Return the column names of a CSV file, from its first record."""
    import csv  # here, so that a gate that reads only JSON doesn't wait for it

    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            lines = iter(lambda: file.readline(_HEADER_CHARACTERS), "")
            names = next(csv.reader(lines, delimiter=delimiter, strict=True), [])
    except UnicodeDecodeError:
        raise GateError(f"{visible(path)} is not UTF-8") from None
    except csv.Error as error:
        raise GateError(f"the header of {visible(path)} is not proper CSV: {error}") from None
    if not names or not all(names):
        raise GateError(f"{visible(path)} has no header, or a column without a name")
    _refuse_twins(names, path)
    return names


def _refuse_twins(names: Sequence[str], path: str) -> None:
    """SQL names don't tell case apart, so neither may the columns of a table that is judged by SQL."""
    seen: dict[str, str] = {}
    for name in names:
        twin = seen.setdefault(name.casefold(), name)
        if seen[name.casefold()] is not name or names.count(name) > 1:
            raise GateError(f"{visible(path)} has the columns {visible(twin, 80)} and {visible(name, 80)}")


def _listed(files: Sequence[str]) -> str:
    return "[" + ", ".join(text_literal(file) for file in files) + "]"


def _csv_source(files: Sequence[str], names: Sequence[str], delimiter: str) -> str:
    columns = ", ".join(f"{text_literal(name)}: 'VARCHAR'" for name in names)
    options = (
        "auto_detect = false, header = true, quote = '\"', escape = '\"', nullstr = '', strict_mode = true, "
        "null_padding = false, ignore_errors = false, compression = 'none'"
    )
    return (
        f"read_csv({_listed(files)}, delim = {text_literal(delimiter)}, {options}, columns = {{{columns}}})"
    )


def _open_json(connection: Any, files: Sequence[str], format: str) -> Table:
    unit = "lines" if format == "jsonl" else "items"
    for file in files if format == "json" else ():
        check_array(file)
    source = _JSON_READERS[format].format(f"{_listed(files)}, ignore_errors = false, compression = 'none'")
    ((other, twice),) = query(
        connection,
        files,
        "SELECT SUM(CASE WHEN json_type(json) <> 'OBJECT' THEN 1 ELSE 0 END), SUM(CASE WHEN "
        f"len(json_keys(json)) <> len(list_distinct(json_keys(json))) THEN 1 ELSE 0 END) FROM {source}",
    )
    if other or twice:
        what = "no JSON object" if other else "objects with a key that occurs twice"
        raise GateError(f"{other or twice} {unit} of {_shown(files)} are {what}")
    keys = query(
        connection,
        files,
        f"SELECT DISTINCT unnest(json_keys(json)) AS key FROM {source} LIMIT {_MAX_KEYS + 1}",
    )
    if len(keys) > _MAX_KEYS:
        raise GateError(f"{_shown(files)} has over {_MAX_KEYS} different keys")
    return Table(connection, files, source, {key: "JSON" for (key,) in sorted(keys)})


def _shown(files: Sequence[str]) -> str:
    return visible(files[0]) + (f" and {len(files) - 1} more" if len(files) > 1 else "")


def _open_parquet(connection: Any, files: Sequence[str], partitions: Mapping[str, Sequence[str]]) -> Table:
    list_ = _listed(files)
    schemas: dict[str, list[tuple[Any, ...]]] = {file: [] for file in files}
    for file, *fields in query(
        connection,
        files,
        "SELECT file_name, name, num_children, type, converted_type, CAST(logical_type AS VARCHAR) "
        f"FROM parquet_schema({list_})",
    ):
        schemas[file].append(tuple(fields))
    first = schemas[files[0]]
    for file, schema in schemas.items():
        # The root's name tells only who wrote the file.
        if schema[1:] != first[1:]:
            raise GateError(f"{visible(file)} has another schema than {visible(files[0])}")
    names = _top_names(first)
    _refuse_twins(names, files[0])
    # Statistics in Parquet leave NaN out, and DuckDB believes them unless it is told: it would see no NaN in a column.
    hive = "true, hive_types_autocast = false" if partitions else "false"
    source = f"read_parquet({list_}, hive_partitioning = {hive}, union_by_name = false, can_have_nan = true)"
    if partitions:
        _refuse_twins([*names, *partitions], files[0])
        # DuckDB takes the names of the folders above the artifact for columns, too.
        own = ", ".join(map(identifier, (*names, *partitions)))
        source = f"(SELECT {own} FROM {source})"
    columns = {row[0]: row[1] for row in query(connection, files, f"DESCRIBE SELECT * FROM {source}")}
    if list(columns) != [*names, *partitions]:
        raise GateError(f"the columns of {visible(files[0])} could not be told apart")
    return Table(connection, files, source, columns, partitions)


def _top_names(schema: Sequence[tuple[Any, ...]]) -> list[str]:
    """Return the names of the top level of a Parquet schema, which lists its tree depth first, root first."""
    names: list[str] = []
    below: list[int] = []  # per open level, how many nodes are still to come
    for name, children, *_ in schema:
        if len(below) == 1:
            names.append(name)
        if below:
            below[-1] -= 1
        if children:
            below.append(children)
        while below and below[-1] == 0:
            below.pop()
    return names


# --- mlcc.gates._metrics.rows -------------------------------------------------------------------------------
# Predictions as arrays: read once, and refused where a value is missing or can't be meant.

_MOST_CLASSES = 1000
_NAMES = {"cluster": "cluster_key"}


class Rows:
    """Columns of predictions by alias, all (n,), as numbers, codes from 0 or (`group`) text with None.

    `classes` is how many classes `label` and `prediction` are codes of. `score` from `threshold` on predicts 1.
    """

    __slots__ = ("arrays", "classes", "n", "names", "threshold")

    def __init__(self, arrays: Mapping[str, Any], n: int, threshold: float, classes: int, names: Any) -> None:
        self.arrays = arrays
        self.n = n
        self.threshold = threshold
        self.classes = classes
        self.names = names

    def __getitem__(self, alias: str) -> Any:
        return self.arrays[alias]

    def take(self, index: Any) -> Rows:
        """Return some of the rows, by an index or a mask."""
        arrays = {alias: array[index] for alias, array in self.arrays.items()}
        return Rows(arrays, len(next(iter(arrays.values()))), self.threshold, self.classes, self.names)

    def replaced(self, alias: str, array: Any) -> Rows:
        """Return the rows with another column under an alias."""
        return Rows({**self.arrays, alias: array}, self.n, self.threshold, self.classes, self.names)

    @property
    def clusters(self) -> Any:
        """Return the cluster of each row, numbered from 0, or None where rows stand for themselves."""
        return numbered(self.arrays["cluster"]) if "cluster" in self.arrays else None


def read_rows(gate: Gate, source: Mapping[str, Any]) -> Rows:
    """Return the predictions that `source`, from the gate's parameters, describes.

    Raises GateError for a missing column, and counts the rows that have no proper value.
    """
    try:
        import numpy as np
    except ImportError:
        list_ = f".mlcc/gates/{gate.kind}.txt"
        how = f"pip install --require-hashes --only-binary :all: --no-deps -r {list_}"
        raise GateError(f"NumPy is needed: {how}") from None
    table = open_table(gate, source["artifact"], source["format"])
    try:
        missing = [
            visible(name, 80) for name in dict.fromkeys(source["columns"]) if name not in table.columns
        ]
        if missing:
            raise GateError(f"{visible(gate.path(source['artifact']))} has no column {', '.join(missing)}")
        table.rows(f"CREATE VIEW source AS SELECT * FROM {table.source}")  # noqa: S608 - written by open_table
        found = table.arrays("\n".join(source["query"]))
    finally:
        close(table, gate)
    if set(found) != set(source["values"]):
        raise GateError("the gate's parameters are not complete")
    for alias, sort in source["values"].items():
        _refuse_improper(alias, sort, found[alias], source)
    n = len(next(iter(found.values())))
    arrays = {alias: _plain(found[alias], sort) for alias, sort in source["values"].items()}
    classes, names = 2, source.get("classes") or ["0", "1"]
    if source["values"].get("label") == "class":
        names = _code_classes(arrays, [alias for alias, sort in source["values"].items() if sort == "class"])
    classes = len(names)
    if "score_0" in arrays:
        arrays["scores"] = np.column_stack([arrays.pop(f"score_{i}") for i in range(classes)])
    return Rows(arrays, n, source["threshold"], classes, names)


def no_predictions() -> Check:
    """Return the check of a table without rows."""
    return Check("rows", "fail", "there are no predictions", estimate=0, threshold={"min": 1})


def refuse_one_class(rows: Rows, source: Mapping[str, Any]) -> None:
    """Raise GateError where labels are to be 0 and 1, and only one of them occurs."""
    if source["values"].get("label") == "binary" and not 0 < rows["label"].sum() < rows.n:
        raise GateError(f"all {rows.n} labels are {int(rows['label'][0])}: there is only one class")


def numbered(values: Any) -> Any:
    """Return values as codes from 0, by their order."""
    import numpy as np

    return np.unique(values, return_inverse=True)[1]


def _refuse_improper(alias: str, sort: str, values: Any, source: Mapping[str, Any]) -> None:
    import numpy as np

    if sort == "group":
        return
    improper = np.ma.getmaskarray(values).copy()
    if sort == "binary":
        improper |= ~np.isin(np.ma.getdata(values), (0, 1))
    elif sort == "probability":
        improper |= ~((np.ma.getdata(values) >= 0) & (np.ma.getdata(values) <= 1))
    elif sort == "number":
        improper |= ~np.isfinite(np.ma.getdata(values).astype(float))
    if improper.any():
        what = (
            source.get("about", {}).get(alias) or f"the {_NAMES.get(alias, alias).replace('_', ' ')} column"
        )
        raise GateError(
            f"{int(improper.sum())} of {len(values)} rows have no proper value in {visible(what, 80)}"
        )


def _plain(values: Any, sort: str) -> Any:
    import numpy as np

    if sort == "group":
        texts = np.ma.getdata(values).astype(object)
        texts[np.ma.getmaskarray(values)] = None
        return texts
    if sort in ("binary", "member"):
        return np.ma.getdata(values).astype(np.int64)
    return np.ma.getdata(values).astype(float) if sort in ("number", "probability") else np.ma.getdata(values)


def _code_classes(arrays: dict[str, Any], columns: Sequence[str]) -> list[str]:
    """Turn the text of some columns into codes, by the classes' order, and return the classes."""
    import numpy as np

    names = sorted({name for alias in columns for name in arrays[alias]})
    if len(names) > _MOST_CLASSES:
        raise GateError(f"there are {len(names)} classes, and at most {_MOST_CLASSES} can be judged")
    codes = {name: code for code, name in enumerate(names)}
    for alias in columns:
        arrays[alias] = np.fromiter((codes[name] for name in arrays[alias]), np.int64, len(arrays[alias]))
    return names


# --- mlcc.gates._metrics.scores -----------------------------------------------------------------------------
# Metrics of scores: how well they sort, and how true they are as probabilities.

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


# --- mlcc.gates._metrics.compute ----------------------------------------------------------------------------
# From predictions to a metric: one place for every kind of gate.

def measured(metric: Mapping[str, Any], rows: Rows) -> Measure:
    """Return a metric of predictions; `metric` has `metric`, its options, or `column` for a column's mean.

    Raises GateError where it isn't defined on these rows.
    """
    import numpy as np

    name = metric.get("metric", metric.get("column", ""))
    try:
        with np.errstate(all="ignore"):
            found = _computed(metric, rows)
    except GateError as error:
        raise GateError(
            f"{visible(metric.get('id', name), 80)} is not defined on these rows: {error}"
        ) from None
    if not np.isfinite(found.value):
        raise GateError(f"{visible(metric.get('id', name), 80)} is not a finite number on these rows")
    return found


def _computed(metric: Mapping[str, Any], rows: Rows) -> Measure:
    if "column" in metric:
        found = mean_of(rows[metric["column"]])
        found.shape = "column" if found.shape == "number" else found.shape
        return found
    name = metric["metric"]
    what = family(name)
    label = rows["label"]
    if what in ("labels", "binary"):
        return class_metric(name, label, said_classes(rows), rows.classes)
    if what in ("order", "probability", "classes"):
        return _scored(name, metric, rows)
    if what == "ranking":
        values = query_values(name, label, rows["score"], numbered(rows["query"]), metric.get("k", 0))
        return mean_of(values)
    if what == "interval":
        return range_metric(name, label, rows["lower"], rows["upper"])
    if what == "series":
        return scaled_error(label, rows["prediction"], numbered(rows["series"]), rows["time"])
    return number_metric(name, label, rows["prediction"], metric.get("quantile", 0.5))


def said_classes(rows: Rows) -> Any:
    """Return the class that each row's prediction says, as codes from 0: (n,)."""
    import numpy as np

    if "scores" in rows.arrays:
        return rows["scores"].argmax(axis=1)
    if "score" in rows.arrays:
        return (rows["score"] >= rows.threshold).astype(np.int64)
    return rows["prediction"]


def _scored(name: str, metric: Mapping[str, Any], rows: Rows) -> Measure:
    import numpy as np

    label = rows["label"]
    if name == "roc_auc":
        return roc_auc(label, rows["score"])
    if name == "average_precision":
        return average_precision(label, rows["score"])
    if name == "brier_score":
        return mean_of((rows["score"] - label) ** 2)
    several = "scores" in rows.arrays
    scores = (
        _summing_to_one(rows["scores"]) if several else np.column_stack([1 - rows["score"], rows["score"]])
    )
    if name == "log_loss":
        return log_loss(label, scores)
    if name == "expected_calibration_error":
        if several:
            return calibration_error(scores.argmax(axis=1) == label, scores.max(axis=1), metric["bins"])
        return calibration_error(label, rows["score"], metric["bins"])
    if name == "top_k_accuracy":
        return top_k(label, scores, metric["k"])
    return one_vs_rest(label, scores, weighted=name.endswith("weighted"))


def _summing_to_one(scores: Any) -> Any:
    """Return the scores of the classes. Raises GateError where a row's don't sum to 1."""
    import numpy as np

    wrong = int((np.abs(scores.sum(axis=1) - 1) > 1e-4).sum())
    if wrong:
        raise GateError(f"the scores of {wrong} of {len(scores)} rows don't sum to 1")
    return scores


# --- mlcc.gates._metrics.join -------------------------------------------------------------------------------
# Two tables of predictions for the same examples, brought into the same order by their key.

def joined(one: Rows, other: Rows, names: tuple[str, str]) -> tuple[Rows, Rows]:
    """Return both by rising `key`; `names` are what messages call them.

    Raises GateError, with counts, for a key that occurs twice, keys that only one has, and labels or queries that
    differ: the difference of a metric means something on the same examples only.
    """
    one, other = by_key(one, names[0]), by_key(other, names[1])
    _refuse_other_keys(one["key"], other["key"], names)
    for alias in ("label", "query"):
        if alias in one.arrays:
            differ = int((_plain_values(one, alias) != _plain_values(other, alias)).sum())
            if differ:
                raise GateError(f"the two tables give {differ} of {one.n} examples another {alias}")
    return one, other


def refuse_other_examples(one: Rows, other: Rows, names: tuple[str, str]) -> None:
    """Raise GateError where two tables without a key can't be of the same examples: another number, or other labels."""
    import numpy as np

    if one.n != other.n:
        counts = f"{one.n} rows in {visible(names[0], 80)}, {other.n} in {visible(names[1], 80)}"
        raise GateError(f"there are {counts}: score the same examples")
    if "label" in one.arrays:
        labels = [np.sort(_plain_values(rows, "label")) for rows in (one, other)]
        if (labels[0] != labels[1]).any():
            raise GateError(
                f"{visible(names[0], 80)} and {visible(names[1], 80)} have other labels: score the same examples"
            )


def by_key(rows: Rows, name: str) -> Rows:
    """Return rows by rising key. Raises GateError for a key that occurs twice."""
    import numpy as np

    found = rows.take(np.argsort(rows["key"], kind="stable"))
    twice = int((found["key"][1:] == found["key"][:-1]).sum())
    if twice:
        raise GateError(f"{twice} of {rows.n} rows of {visible(name, 80)} repeat a key")
    return found


def _refuse_other_keys(one: Any, other: Any, names: tuple[str, str]) -> None:
    import numpy as np

    common = len(np.intersect1d(one, other, assume_unique=True))
    if common != len(one) or common != len(other):
        alone = f"{len(one) - common} only in {visible(names[0], 80)}, {len(other) - common} only in "
        raise GateError(
            f"{common} keys are in both tables, {alone}{visible(names[1], 80)}: score the same examples"
        )


def _plain_values(rows: Rows, alias: str) -> Any:
    """Return what labels are, not the codes of classes, which count from another start in another table."""
    import numpy as np

    values = rows[alias]
    return np.array(rows.names)[values] if alias == "label" and values.dtype.kind == "i" else values


# --- mlcc.gates._metrics.multiple ---------------------------------------------------------------------------
# Many tests at once: what is still shown when each of them had its chance.

def holm(p_values: Sequence[float]) -> list[float]:
    """Return adjusted p-values (Holm 1979): rejecting those up to alpha is wrong at most alpha of the time at all."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    found = [0.0] * len(p_values)
    highest = 0.0
    for rank, i in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[i]))
        found[i] = highest
    return found


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Return adjusted p-values (Benjamini and Hochberg 1995): of those up to q, a share of q is expected to be wrong."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i], reverse=True)
    found = [0.0] * len(p_values)
    least = 1.0
    for rank, i in enumerate(order):
        least = min(least, p_values[i] * len(p_values) / (len(p_values) - rank))
        found[i] = least
    return found


# --- mlcc.gates._metrics.paired -----------------------------------------------------------------------------
# The difference of a metric between two models on the same rows, with its error.
#
# Rows that both models find hard are hard for both: the difference of their influences is much smaller than
# either, and a paired test needs far fewer rows. How the interval is found, in this order:
#
# - hits or misses: the cells of the two-by-two table of agreement are resampled, 10,000 times whatever n is;
# - other metrics that count (f1, kappa), without clusters: the cells of (label, one, other) are resampled alike,
#   and where fewer than five rows carry the difference, the interval isn't narrower than that from the influences;
# - areas under the ROC curve: DeLong's normal interval (1988);
# - everything else: from the influences and their skewness (see mlcc.gates._metrics.widths).
#
# Resampling is seeded and takes cells, so that the same rows in any order give the same interval.

_SEED = 20_240_607
_RESAMPLES = 10_000
_MOST_CELLS = 256
_LEAST_DEFINED = 0.99


class Difference:
    """Candidate minus champion, so that above 0 is better, with its one-sided bounds.

    `variance` is that of one row's difference: the interval's width falls with sqrt(variance / n).
    `p_value` is two-sided, of no difference at all. `discordant` counts the rows that one model hits and the
    other doesn't, for metrics of hits.
    """

    __slots__ = ("discordant", "lower", "n", "p_value", "upper", "value", "variance")

    def __init__(self, value: float, n: int, variance: float, p_value: float) -> None:
        self.value = value
        self.n = n
        self.variance = variance
        self.p_value = p_value
        self.lower = self.upper = value
        self.discordant: int | None = None


def paired(
    candidate: Measure, champion: Measure, sign: int, alpha: float, z: float, clusters: Any = None
) -> Difference:
    """Return the difference of two measures on the same rows.

    `sign` is 1 where more is better and -1 where less is; `alpha` the error of each one-sided bound, `z` its
    normal quantile; `clusters` numbers the cluster of each row. Raises GateError where it isn't defined.
    """
    influence = sign * (candidate.influence - champion.influence)
    n, value = len(influence), sign * (candidate.value - champion.value)
    error = standard_error(influence, clusters)
    found = Difference(value, n, n * error**2, two_sided(value, error))
    ends = None
    if clusters is None and candidate.hits is not None and champion.hits is not None:
        ends = _by_agreement(found, candidate.hits, champion.hits, sign, alpha)
    elif clusters is None and candidate.cells is not None and champion.cells is not None and error > 0:
        ends = _by_cells(candidate, champion, sign, alpha)
        # Resamples of two rows that differ know nothing of the five that may as well have differed.
        if ends and hardly_varies(influence):
            far = _by_influence(found, influence, (candidate, champion), z, clusters)
            ends = min(ends[0], far[0]), max(ends[1], far[1])
    found.lower, found.upper = ends or _by_influence(found, influence, (candidate, champion), z, clusters)
    if not all(isfinite(x) for x in (found.value, found.lower, found.upper)):
        raise GateError("the difference is not a finite number on these rows")
    return found


def _by_influence(
    found: Difference, influence: Any, sides: tuple[Measure, Measure], z: float, clusters: Any
) -> tuple[float, float]:
    if sides[0].shape == "area":
        below = above = z * sqrt(found.variance / found.n)
    else:
        below, above = half_widths(influence, z, clusters, sides[0].denominator)
    least = _alike(*sides, z, clusters) if hardly_varies(influence, clusters) else 0.0
    return found.value - max(below, least), found.value + max(above, least)


def _alike(candidate: Measure, champion: Measure, z: float, clusters: Any) -> float:
    """Return how far two models may differ of which the rows show no spread: two perfect orders, for example.

    For metrics from 0 to 1 that is Wilson's bound (1927) of a share without a hit: few rows can show none by luck; for
    those of classes, more where a miss counts more. Two models that predict the same numbers don't differ.
    """
    if candidate.shape == "number" and candidate.cells is None:
        return 0.0
    ends = [wilson(0, trials_among(min(candidate.support, champion.support), clusters), z)[1]]
    for side in (candidate, champion):
        if side.cells is not None:
            ends += unseen(side, z, (0, 0), clusters)
    return max(ends)


def two_sided(value: float, error: float) -> float:
    """Return the two-sided p-value of a normal value with that standard error being 0."""
    if error == 0:
        return 1.0 if value == 0 else 0.0
    return erfc(abs(value) / error / sqrt(2))


def _by_agreement(found: Difference, one: Any, other: Any, sign: int, alpha: float) -> tuple[float, float]:
    """Resample who of the two is right on a row; the p-value is McNemar's exact one (1947).

    Each of the four cells gets half a row more (Jeffreys' prior): two models that agree on every row of a few
    have shown little, and without it their interval would have no width.
    """
    import numpy as np

    n = len(one)
    better, worse = int((one > other).sum()), int((one < other).sum())
    found.discordant = better + worse
    found.p_value = min(1.0, 2 * binomial_tail(min(better, worse), better + worse)) if better + worse else 1.0
    found.variance = max(found.variance, (better + worse + 1) / (n + 2) - found.value**2)
    shares = np.array([better + 0.5, worse + 0.5, n - better - worse + 1.0]) / (n + 2)
    draws = np.random.default_rng(_SEED).multinomial(n, shares, _RESAMPLES)
    return _percentiles(sign * (draws[:, 0] - draws[:, 1]) / n, alpha, 1 - alpha)


def _percentiles(values: Any, low: float, high: float) -> tuple[float, float]:
    """Return two quantiles of resampled values. Raises GateError where too many aren't defined."""
    import numpy as np

    defined = values[np.isfinite(values)]
    if len(defined) < _LEAST_DEFINED * len(values):
        raise GateError("it is not defined on too many resamples of these rows")
    ends = np.quantile(defined, [low, high])
    return float(ends[0]), float(ends[1])


def _by_cells(candidate: Measure, champion: Measure, sign: int, alpha: float) -> tuple[float, float] | None:
    """Resample how many rows lie in each joint cell; None where there are too many cells for it."""
    import numpy as np

    joint = candidate.cells.astype(np.int64) * (int(champion.cells.max()) + 1) + champion.cells
    cells, first, sizes = np.unique(joint, return_index=True, return_counts=True)
    if len(cells) > _MOST_CELLS:
        return None
    n = sizes.sum()
    draws = np.random.default_rng(_SEED).multinomial(n, sizes / n, _RESAMPLES)
    with np.errstate(all="ignore"):
        one, other = (_values(side, draws, first) for side in (candidate, champion))
        return _percentiles(sign * (one - other), alpha, 1 - alpha)


def _values(side: Measure, draws: Any, rows: Any) -> Any:
    """Return the metric on each resample; `draws` says how often each of `rows` is in it, (resamples, rows)."""
    import numpy as np

    assert side.of is not None
    assert side.terms is not None
    return side.of(np.einsum("rc,ck->rk", draws, side.terms(rows)) / draws[0].sum())


# --- mlcc.gates._plots --------------------------------------------------------------------------------------
# What a gate's page draws: plots as plain data, in a verdict beside its checks.
#
# A kind makes them with the functions below; `mlcc.report.plots` draws them. All numbers are finite: a plot of
# something that isn't is left out by its kind, never drawn wrong.

_MOST_POINTS = 400


def histogram(
    title: str, labels: Sequence[str], series: Mapping[str, Sequence[float]], note: str = ""
) -> dict[str, Any]:
    """Return bars: for each label, one bar of each series (name -> shares or counts, as many as labels).

    Raises ValueError for other lengths and for numbers that aren't finite.
    """
    for values in series.values():
        if len(values) != len(labels):
            raise ValueError(f"the plot {visible(title)} has another number of bars than of labels")
    bars = [{"name": visible(name, 80), "values": _finite(values)} for name, values in series.items()]
    return _plot("histogram", title, note, labels=[visible(label, 80) for label in labels], series=bars)


def curves(
    title: str,
    axes: tuple[str, str],
    series: Mapping[str, Sequence[Sequence[float]]],
    *,
    diagonal: bool = False,
    note: str = "",
) -> dict[str, Any]:
    """Return lines: name -> points (x, y) or (x, y, lower, upper), by rising x; `axes` names x and y.

    More points than a page shows are thinned out evenly. Raises ValueError for numbers that aren't finite.
    """
    lines = [
        {"name": visible(name, 80), "points": [_finite(point) for point in thinned(points)]}
        for name, points in series.items()
    ]
    return _plot(
        "curves", title, note, axes=[visible(axis, 80) for axis in axes], series=lines, diagonal=diagonal
    )


def intervals(
    title: str,
    axis: str,
    rows: Sequence[tuple[str, float, float, float, str]],
    *,
    limits: Mapping[str, float] | None = None,
    note: str = "",
) -> dict[str, Any]:
    """Return estimates with intervals: rows of (label, estimate, lower, upper, verdict) on one axis.

    `limits` ({"min": x}, {"max": x}) are drawn across. Raises ValueError for numbers that aren't finite.
    """
    found = [
        {"label": visible(label, 80), "values": _finite((value, lower, upper)), "verdict": verdict}
        for label, value, lower, upper, verdict in rows
    ]
    lines = {side: _finite([limit])[0] for side, limit in (limits or {}).items()}
    return _plot("intervals", title, note, axis=visible(axis, 80), rows=found, limits=lines)


def thinned(points: Sequence[Any]) -> list[Any]:
    """Return at most 400 of some points, evenly, the first and the last among them."""
    if len(points) <= _MOST_POINTS:
        return list(points)
    last = len(points) - 1
    return [points[i * last // (_MOST_POINTS - 1)] for i in range(_MOST_POINTS)]


def _plot(kind: str, title: str, note: str, **data: Any) -> dict[str, Any]:
    return {"plot": kind, "title": visible(title, 120), "note": visible(note), **data}


def _finite(values: Sequence[float]) -> list[float | None]:
    if not all(is_finite(value) for value in values):
        raise ValueError("a plot has a number that isn't finite")
    return [rounded(value) for value in values]


# --- mlcc.gates.slices.evidence -----------------------------------------------------------------------------
# How strongly a slice speaks against a limit: one-sided p-values of the value being at the limit after all.

def p_of_limit(found: Measure, side: str, limit: float, clusters: Any = None) -> float:
    """Return the probability of a value at least as far beyond a floor (`min`) or ceiling (`max`) as this one.

    Shares: the exact binomial tail (Clopper and Pearson 1934), for normal theory is wrong in the tails that
    corrections for many slices look at. Areas: normal on the logit scale. Else: normal.
    """
    if found.shape == "share" and clusters is None:
        hits, trials = (round(number) for number in found.shares[0])
        return (
            binomial_tail(hits, trials, limit)
            if side == "min"
            else binomial_tail(trials - hits, trials, 1 - limit)
        )
    error = standard_error(found.influence, clusters)
    distance = found.value - limit
    if found.shape in ("area", "precision"):
        if not 0 < found.value < 1 or error == 0:
            trials = int(trials_among(found.support, clusters))
            hits = round(found.value * trials)
            if side == "min":
                return binomial_tail(hits, trials, limit)
            return binomial_tail(trials - hits, trials, 1 - limit)
        if 0 < limit < 1:
            distance = log(found.value / (1 - found.value)) - log(limit / (1 - limit))
            error = error / (found.value * (1 - found.value))
    return p_below(distance if side == "min" else -distance, error)


def p_of_drop(found: Difference, most: float) -> float:
    """Return the probability of a paired difference this far under -most."""
    return p_below(found.value + most, sqrt(found.variance / found.n))


def p_of_gap(one: Measure, other: Measure, most: float, clusters: tuple[Any, Any]) -> float:
    """Return the probability of two slices lying this far apart, were they `most` apart.

    Slices of one grouping share no row, so the squared errors add up. For shares each error is that of one hit and
    one miss more (Agresti and Caffo 2000), so that a slice without a miss has one too.
    """
    errors = [_error_of(found, cluster) for found, cluster in zip((one, other), clusters)]  # noqa: B905 - Python 3.8
    return p_below(most - abs(one.value - other.value), sqrt(errors[0] ** 2 + errors[1] ** 2))


def p_below(distance: float, error: float) -> float:
    """Return the probability of a standard normal value below distance / error."""
    if error == 0:
        return 1.0 if distance >= 0 else 0.0
    return 0.5 * erfc(-distance / error / sqrt(2))


def _error_of(found: Measure, clusters: Any) -> float:
    if found.shape == "share" and clusters is None:
        hits, trials = found.shares[0]
        share = (hits + 1) / (trials + 2)
        return sqrt(share * (1 - share) / (trials + 2))
    return standard_error(found.influence, clusters)


# --- mlcc.gates.slices.parts --------------------------------------------------------------------------------
# The slices of a table: the rows that share values in some columns.

_SHOWN = 40


class Slice:
    """Rows that share values: `index` are their places, `name` says which values, `grouping` of which columns."""

    __slots__ = ("grouping", "index", "name")

    def __init__(self, name: str, grouping: str, index: Any) -> None:
        self.name = name
        self.grouping = grouping
        self.index = index


def slices_of(rows: Rows, by: Sequence[Mapping[str, str]], most: int) -> list[Slice]:
    """Return the slices of each grouping, by their values; a missing value is a slice of its own.

    `by` maps, for each grouping, columns to aliases. Raises GateError for more than `most` slices.
    """
    found: list[Slice] = []
    for grouping in by:
        found += _grouped(rows, grouping, most)
    if len(found) > most:
        raise GateError(f"there are {len(found)} slices, and at most {most} are meant (max_slices)")
    return found


def _grouped(rows: Rows, grouping: Mapping[str, str], most: int) -> list[Slice]:
    import numpy as np

    codes = np.zeros(rows.n, np.int64)
    values: list[list[str | None]] = []
    for alias in grouping.values():
        index: dict[str | None, int] = {}
        column = np.fromiter((index.setdefault(value, len(index)) for value in rows[alias]), np.int64, rows.n)
        if len(index) > most:
            raise GateError(f"a column has over {most} values: it makes no slices (max_slices)")
        values.append(list(index))
        codes = codes * len(index) + column
    order = np.argsort(codes, kind="stable")
    starts = np.nonzero(np.diff(codes[order], prepend=-1))[0]
    parts = np.split(order, starts[1:])
    named = {
        part_name(grouping, [rows[alias][part[0]] for alias in grouping.values()]): part for part in parts
    }
    return [Slice(name, ", ".join(grouping), part) for name, part in sorted(named.items())]


def part_name(columns: Mapping[str, str], values: Sequence[str | None]) -> str:
    """Return `column=value, …`, safe to show; no value is (none)."""
    shown = ("(none)" if value is None else repr(visible(value, _SHOWN)) for value in values)
    return ", ".join(f"{visible(column, _SHOWN)}={value}" for column, value in zip(columns, shown))  # noqa: B905 - 3.8


# --- mlcc.gates.slices.runtime ------------------------------------------------------------------------------
# The gate `slices`: limits that hold in every part of the data, corrected for how many were tried.

_LEAST_SUPPORT = 30
_LISTED = 5
_MOST_DRAWN = 40


class Trial:
    """One limit tried on one slice, or on a pair of them: the p-value of the limit being kept."""

    __slots__ = ("bound", "discoverable", "name", "p", "rejected", "value")

    def __init__(self, name: str, p: float, value: float, bound: Estimate) -> None:
        self.name = name
        self.p = p
        self.value = value
        self.bound = bound
        self.rejected = False
        self.discoverable = False


def judge(gate: Gate) -> Verdict:
    """Judge every limit on every slice that is large enough."""
    params = gate.params
    if not all(is_finite(params.get(key)) for key in ("min_n", "max_slices", "alpha", "z")):
        raise GateError("the gate's parameters are not complete")
    rows = read_rows(gate, params["predictions"])
    if rows.n < 1:
        return verdict_of([no_predictions()])
    reference = None
    if "reference" in params and params["reference"]["artifact"] not in gate.absent:
        rows, reference = joined(
            rows, read_rows(gate, params["reference"]), ("the candidate", "the reference")
        )
    every = slices_of(rows, params["by"], params["max_slices"])
    large = [part for part in every if len(part.index) >= params["min_n"]]
    tried = trials_of(params, rows, reference, large)
    correct([trial for _, _, trials in tried for trial in trials], params["alpha"])
    checks = [_size_check(every, large, params["min_n"])]
    for metric, limit, trials in tried if large else ():
        check = _check(metric, limit, trials, params)
        if check.verdict == "fail" and reference is not None and limit in ("min", "max"):
            worst = _worst(trials).name
            (part,) = (part for part in large if part.name == worst)
            check.message += f". {_axis(metric, limit, part, reference, params)}"
        checks.append(check)
    if "reference" in params and reference is None:
        checks += _first_of_all(params)
    return verdict_of(checks, _drawn(tried, params))


def _first_of_all(params: Mapping[str, Any]) -> list[Check]:
    """Pass the drops of metrics where the spec says `first: none`, and no release runs what they would be from."""
    dropping = [metric["id"] for metric in params["metrics"] if "max_drop" in metric]
    said = "First: no release runs a model yet from which it could drop"
    return [Check(f"{id}.max_drop", "pass", f"{id}: {said}") for id in dropping]


def trials_of(
    params: Mapping[str, Any], rows: Rows, reference: Rows | None, parts: Sequence[Slice]
) -> list[tuple[dict[str, Any], str, list[Trial]]]:
    """Return (metric, limit, trials) for each limit of the gate."""
    found = []
    for metric in params["metrics"]:
        measures = _measures(metric, rows, parts)
        for side in ("min", "max"):
            if side in metric:
                found.append((metric, side, _limit_trials(metric, side, measures, params["z"])))
        if "max_drop" in metric and reference is not None:
            others = _measures(metric, reference, parts)
            found.append((metric, "max_drop", _drop_trials(metric, measures, others, params)))
    for gap in params["gaps"]:
        found.append((gap, "gap", _gap_trials(gap, _measures(gap, rows, parts), params["z"])))
    return found


def _measures(
    metric: Mapping[str, Any], rows: Rows, parts: Sequence[Slice]
) -> dict[str, tuple[Slice, Measure, Any]]:
    """Return (slice, measure, clusters) by name, where the metric is defined and rests on enough rows."""
    found = {}
    for part in parts:
        own = rows.take(part.index)
        try:
            measure = measured(metric, own)
        except GateError:
            continue
        if measure.support >= _LEAST_SUPPORT:
            found[part.name] = (part, measure, own.clusters)
    return found


def _limit_trials(metric: Mapping[str, Any], side: str, measures: Mapping[str, Any], z: float) -> list[Trial]:
    found = []
    for name, (_, measure, clusters) in measures.items():
        bound = bounded(measure, z, value_range(metric["metric"]), clusters)
        found.append(Trial(name, p_of_limit(measure, side, metric[side], clusters), measure.value, bound))
    return found


def _drop_trials(
    metric: Mapping[str, Any],
    measures: Mapping[str, Any],
    others: Mapping[str, Any],
    params: Mapping[str, Any],
) -> list[Trial]:
    found = []
    for name in measures:
        if name in others:
            _, measure, clusters = measures[name]
            sign = direction(metric["metric"])
            lost = paired(measure, others[name][1], sign, params["alpha"], params["z"], clusters)
            bound = Estimate(lost.value, lost.lower, lost.upper, lost.n)
            found.append(Trial(name, p_of_drop(lost, metric["max_drop"]), lost.value, bound))
    return found


def _gap_trials(gap: Mapping[str, Any], measures: Mapping[str, Any], z: float) -> list[Trial]:
    found = []
    for one, other in combinations(measures.values(), 2):
        if one[0].grouping != other[0].grouping:
            continue
        low, high = sorted((one, other), key=lambda side: side[1].value)
        ends = [bounded(side[1], z, value_range(gap["metric"]), side[2]) for side in (high, low)]
        bound = gap_between(*ends)
        p = p_of_gap(low[1], high[1], gap["max"], (low[2], high[2]))
        found.append(Trial(f"{high[0].name} over {low[0].name}", p, bound.value, bound))
    return found


def correct(trials: Sequence[Trial], alpha: float) -> None:
    """Say of each trial whether it is rejected by Holm's correction over all, which fails the gate."""
    p_values = [trial.p for trial in trials]
    for trial, strict, loose in zip(trials, holm(p_values), benjamini_hochberg(p_values)):  # noqa: B905 - Python 3.8
        trial.rejected = strict <= alpha
        trial.discoverable = loose <= alpha


def _size_check(every: Sequence[Slice], large: Sequence[Slice], least: int) -> Check:
    small = [part for part in every if len(part.index) < least]
    listed = ", ".join(f"{part.name} ({len(part.index)})" for part in small[:_LISTED])
    more = f" and {len(small) - _LISTED} more" if len(small) > _LISTED else ""
    rest = f"; not judged: {listed}{more}" if small else ""
    message = f"{len(large)} of {len(every)} slices have at least {least} rows{rest}"
    return Check("slices", "pass" if large else "inconclusive", message, estimate=len(large), n=len(every))


def _check(
    metric: Mapping[str, Any], limit: str, trials: Sequence[Trial], params: Mapping[str, Any]
) -> Check:
    """Fail when a slice is shown to violate the limit; the slice shown is the one that speaks against it most."""
    id = f"{metric['id']}.{limit}"
    if not trials:
        least = "two slices" if limit == "gap" else "a slice"
        return Check(
            id,
            "inconclusive",
            f"{metric['id']} can't be judged: {least} with enough rows of each kind are needed",
        )
    worst = _worst(trials)
    failed = [trial for trial in trials if trial.rejected]
    kept, threshold, margin = _words(metric, limit, worst)
    confidence = number(100 * (1 - params["alpha"]))
    shown = (
        f"{kept} in {worst.name} ({confidence} % bounds {number(worst.bound.lower)} and {number(worst.bound.upper)}, "
        f"n = {worst.bound.n}); "
    )
    violated = ", ".join(trial.name for trial in failed[:_LISTED])
    more = f" and {len(failed) - _LISTED} more" if len(failed) > _LISTED else ""
    count = f"{len(failed)} of {len(trials)} are shown to violate it"
    suspects = sum(trial.discoverable for trial in trials)
    return Check(
        id,
        "fail" if failed else "pass",
        f"{shown}{_required(metric, limit)}; {count}{f' ({violated}{more})' if failed else ''}, {suspects} suspect",
        estimate=worst.value,
        interval=(worst.bound.lower, worst.bound.upper),
        confidence=1 - params["alpha"],
        n=worst.bound.n,
        threshold=threshold,
        margin=margin,
    )


def _worst(trials: Sequence[Trial]) -> Trial:
    """Return the trial that speaks against its limit most."""
    return min(trials, key=lambda trial: (trial.p, trial.name))


def _axis(
    metric: Mapping[str, Any], side: str, part: Slice, reference: Rows, params: Mapping[str, Any]
) -> str:
    """Name the axis that moved a slice past its limit: the reference is held to the same limit there.

    One slice is looked at, whose choice owes nothing to the reference: there is nothing to correct for.
    """
    measures = _measures(metric, reference, [part])
    if not measures:
        return moved_by(None, f"the reference has too few rows of each kind in {part.name}")
    _, measure, clusters = measures[part.name]
    bound = bounded(measure, params["z"], value_range(metric["metric"]), clusters)
    keeps = bound.lower >= metric[side] if side == "min" else bound.upper <= metric[side]
    misses = p_of_limit(measure, side, metric[side], clusters) <= params["alpha"]
    axis = MOVED["fail"] if misses else MOVED["pass"] if keeps else None
    shown = f"{number(measure.value)} (bounds {number(bound.lower)} and {number(bound.upper)})"
    return moved_by(axis, f"there the reference's {metric['id']} is {shown}")


def _words(metric: Mapping[str, Any], limit: str, worst: Trial) -> tuple[str, dict[str, float], float]:
    """Return how the worst value reads, the threshold, and how far the value lies on its good side."""
    name, value = metric["id"], worst.value
    if limit == "max_drop":
        way = "better" if value >= 0 else "worse"
        text = f"{name} is {number(abs(value))} {way} than the reference"
        return text, {"min": -metric[limit]}, value + metric[limit]
    if limit == "gap":
        return f"{name} is {number(value)} higher", {"max": metric["max"]}, metric["max"] - value
    sign = 1 if limit == "min" else -1
    return f"{name} is {number(value)}", {limit: metric[limit]}, sign * (value - metric[limit])


def _required(metric: Mapping[str, Any], limit: str) -> str:
    what = {
        "min": f"at least {number(metric.get('min', 0))} is required of every slice",
        "max": f"at most {number(metric.get('max', 0))} is required of every slice",
        "max_drop": f"a drop of at most {number(metric.get('max_drop', 0))} is allowed in every slice",
        "gap": f"a gap of at most {number(metric.get('max', 0))} is allowed between slices",
    }
    return what[limit]


def _drawn(
    tried: Sequence[tuple[dict[str, Any], str, list[Trial]]], params: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return the slices as intervals, for each limit, those that speak against it most first."""
    plots = []
    for metric, limit, trials in tried:
        if not trials:
            continue
        ordered = sorted(trials, key=lambda trial: (trial.p, trial.name))[:_MOST_DRAWN]
        rows = [
            (t.name, t.value, t.bound.lower, t.bound.upper, "fail" if t.rejected else "pass") for t in ordered
        ]
        limits = _words(metric, limit, ordered[0])[1]
        note = (
            f"Each interval by itself; red ones violate the limit after correction, n from {params['min_n']}."
        )
        plots.append(intervals(f"{metric['id']}, {limit}", metric["id"], rows, limits=limits, note=note))
    return plots


def main() -> int:
    """Run the gate that the command line names."""
    return run("slices", judge, __file__, sys.argv[1:])


if __name__ == "__main__":
    raise SystemExit(main())
