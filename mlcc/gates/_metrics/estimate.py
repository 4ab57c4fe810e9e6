"""A metric as a gate decides on it: its value and its bounds."""

from __future__ import annotations


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
