"""Confidence bounds for a quantile that hold whatever the distribution: order statistics.

Of n independent values, the number below the p-quantile is binomial(n, p). So the r-th smallest value lies
at or above the quantile with probability P(B <= r - 1), and at or below it with at least P(B >= r).
Source: H. A. David, H. N. Nagaraja, Order Statistics, 3rd ed. 2003, section 7.1; G. J. Hahn, W. Q. Meeker,
Statistical Intervals, 1991, section 5.2.
"""

from __future__ import annotations

from math import ceil

from mlcc.gates._shares import binomial_probability

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest of some ascending values that at least `share` of them don't exceed."""
    # The product of 0.95 and a whole number may come out a hair too large.
    return ordered[max(ceil(share * len(ordered) - 1e-9), 1) - 1]


def upper_bound(ordered: Sequence[float], share: float, confidence: float) -> float | None:
    """Return the value that the quantile doesn't exceed, at `confidence`; None where there are too few."""
    rank = upper_rank(len(ordered), share, confidence)
    return None if rank is None else ordered[rank - 1]


def lower_bound(ordered: Sequence[float], share: float, confidence: float) -> float | None:
    """Return the value that the quantile reaches, at `confidence`; None where there are too few."""
    rank = upper_rank(len(ordered), 1 - share, confidence)
    return None if rank is None else ordered[-rank]


def upper_rank(n: int, share: float, confidence: float) -> int | None:
    """Return the least rank r (from 1) with P(binomial(n, share) <= r - 1) >= confidence, or None."""
    below = 0.0
    for successes in range(n):
        below += binomial_probability(successes, n, share)
        if below >= confidence:
            return successes + 1
    return None
