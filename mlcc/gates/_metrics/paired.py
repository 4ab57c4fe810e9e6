"""The difference of a metric between two models on the same rows, with its error.

Rows that both models find hard are hard for both: the difference of their influences is much smaller than
either, and a paired test needs far fewer rows. How the interval is found, in this order:

- hits or misses: the cells of the two-by-two table of agreement are resampled, 10,000 times whatever n is;
- other metrics that count (f1, kappa), without clusters: the cells of (label, one, other) are resampled alike,
  and where fewer than five rows carry the difference, the interval isn't narrower than that from the influences;
- areas under the ROC curve: DeLong's normal interval (1988);
- everything else: from the influences and their skewness (see mlcc.gates._metrics.widths).

Resampling is seeded and takes cells, so that the same rows in any order give the same interval.
"""

from __future__ import annotations

from math import erfc, isfinite, sqrt

from mlcc.gates._metrics.measure import Measure, standard_error, trials_among
from mlcc.gates._metrics.unseen import hardly_varies, unseen
from mlcc.gates._metrics.widths import half_widths
from mlcc.gates._records import GateError
from mlcc.gates._shares import binomial_tail, wilson

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

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
