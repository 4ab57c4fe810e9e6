"""A metric as a gate decides on it: its value and its bounds; and the difference of two."""

from __future__ import annotations

from math import hypot


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
