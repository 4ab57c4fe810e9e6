"""How strongly a slice speaks against a limit: one-sided p-values of the value being at the limit after all."""

from __future__ import annotations

from math import erfc, log, sqrt

from mlcc.gates._metrics.measure import Measure, standard_error, trials_among
from mlcc.gates._metrics.paired import Difference
from mlcc.gates._shares import binomial_tail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


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
