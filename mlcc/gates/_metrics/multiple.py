"""Many tests at once: what is still shown when each of them had its chance."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


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
