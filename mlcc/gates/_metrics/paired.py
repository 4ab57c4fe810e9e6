"""The difference of a metric between two models on the same rows, with its error.

Rows that both models find hard are hard for both: the difference of their influences is much smaller than
either, and a paired test needs far fewer rows. How the interval is found, in this order:

- hits or misses: the cells of the two-by-two table of agreement are resampled, 10,000 times whatever n is;
- other metrics that count (f1, kappa): the cells of (label, one, other) are resampled alike;
- functions of means, up to 10,000 rows or clusters: the BCa bootstrap (Efron 1987);
- beyond, and for areas: the normal interval from the influences, for an area DeLong's. At 10,000 rows the bootstrap's
  percentiles lie within 1 % of its width of it: skewness moves an end by skew / (6 sqrt n) of a standard error.

Resampling is seeded and takes cells, or terms in sorted order, so that the same rows in any order give the same interval.
"""

from __future__ import annotations

from math import erfc, isfinite, sqrt

from mlcc.gates._metrics.measure import Measure, only_mean, standard_error
from mlcc.gates._records import GateError
from mlcc.gates._shares import binomial_tail, wilson

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_SEED = 20_240_607
_RESAMPLES = 10_000
_MOST_CELLS = 256
_MOST_UNITS = 10_000
_DRAWN = 10_000_000  # rows drawn by one bootstrap
_AT_ONCE = 1_000_000
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
    elif candidate.moments is not None and champion.moments is not None and error > 0:
        ends = _by_moments(candidate, champion, sign, alpha, value, influence, clusters)
    half = z * error if error > 0 else _unseen(candidate, champion, z)
    found.lower, found.upper = ends or (value - half, value + half)
    if not all(isfinite(x) for x in (found.value, found.lower, found.upper)):
        raise GateError("the difference is not a finite number on these rows")
    return found


def _unseen(candidate: Measure, champion: Measure, z: float) -> float:
    """Return how far two models may differ of which the rows show no spread: two perfect orders, for example.

    For metrics from 0 to 1 that is Wilson's bound (1927) of a share without a hit: few rows can show none by luck. Two
    models that predict the same numbers don't differ.
    """
    if candidate.shape == "number" and candidate.cells is None:
        return 0.0
    return wilson(0, min(candidate.support, champion.support), z)[1]


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


def _by_moments(
    candidate: Measure,
    champion: Measure,
    sign: int,
    alpha: float,
    value: float,
    influence: Any,
    clusters: Any,
) -> tuple[float, float] | None:
    """Resample what both values are functions of; None where there are too many units for it."""
    import numpy as np

    rows, counts = np.arange(len(influence)), None
    if clusters is None and candidate.cells is not None and champion.cells is not None:
        joint = candidate.cells.astype(np.int64) * (int(champion.cells.max()) + 1) + champion.cells
        cells, first, sizes = np.unique(joint, return_index=True, return_counts=True)
        if len(cells) <= _MOST_CELLS:
            rows, counts = first, sizes
    units = len(rows) if clusters is None else int(clusters.max()) + 1
    if units > _MOST_UNITS:
        return None
    terms = _joined(candidate, champion, rows)
    of = _difference_of(candidate, champion, sign, terms.shape[1])
    if counts is not None:
        draws = np.random.default_rng(_SEED).multinomial(counts.sum(), counts / counts.sum(), _RESAMPLES)
        with np.errstate(all="ignore"):
            return _percentiles(of(draws @ terms / counts.sum()), alpha, 1 - alpha)
    if clusters is not None:
        terms = np.column_stack([np.bincount(clusters, column) for column in (*terms.T, np.ones(len(rows)))])
        influence = np.bincount(clusters, influence)
        of = _by_size(of)
    return _accelerated(_resampled(terms, of), value, influence, alpha)


def _joined(candidate: Measure, champion: Measure, rows: Any) -> Any:
    """Return the terms of both, side by side; of two means only the difference matters."""
    import numpy as np

    one, other = candidate.moments, champion.moments
    assert one is not None
    assert other is not None
    if candidate.of is only_mean and champion.of is only_mean:
        return one(rows) - other(rows)
    return np.column_stack([one(rows), other(rows)])


def _difference_of(candidate: Measure, champion: Measure, sign: int, width: int) -> Callable[[Any], Any]:
    one, other = candidate.of, champion.of
    assert one is not None
    assert other is not None
    if width == 1:
        return lambda means: sign * means[:, 0]
    return lambda means: sign * (one(means[:, : width // 2]) - other(means[:, width // 2 :]))


def _by_size(of: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a function of sums over clusters, whose last column counts the rows."""
    return lambda sums: of(sums[:, :-1] / sums[:, -1:])


def _resampled(terms: Any, of: Callable[[Any], Any]) -> Any:
    """Return the values on resamples of the rows of `terms`, (n, k)."""
    import numpy as np

    n = len(terms)
    terms = terms[np.lexsort(terms.T)]
    random = np.random.default_rng(_SEED)
    left = min(_RESAMPLES, _DRAWN // n)
    found = []
    with np.errstate(all="ignore"):
        while left > 0:
            size = min(left, max(1, _AT_ONCE // n))
            drawn = random.integers(0, n, (size, n))
            found.append(of(np.stack([column[drawn].mean(axis=1) for column in terms.T], axis=1)))
            left -= size
    return np.concatenate(found)


def _accelerated(values: Any, value: float, influence: Any, alpha: float) -> tuple[float, float]:
    """Return the bias-corrected and accelerated ends (Efron 1987), the acceleration by the influences."""
    from statistics import NormalDist

    import numpy as np

    normal = NormalDist()
    below = float(((values < value) + 0.5 * (values == value)).mean())
    bias = normal.inv_cdf(min(max(below, 1 / len(values)), 1 - 1 / len(values)))
    spread = float((influence**2).sum())
    skew = float((influence**3).sum()) / (6 * spread**1.5)
    ends = []
    for z in (normal.inv_cdf(alpha), normal.inv_cdf(1 - alpha)):
        scale = 1 - skew * (bias + z)
        ends.append(normal.cdf(bias + (bias + z) / scale) if scale > 0 else float(np.sign(z) > 0))
    return _percentiles(values, *ends)
