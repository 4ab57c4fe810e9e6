"""How far a value may lie from what rows show without any spread: a test set without a miss is no proof of none.

Of n units that all agree, the share that doesn't may still be Wilson's bound (1927) of a share of 0 in n. What a value
loses by that share of misses depends on where they fall: the worst unit is taken, so that a class of 5 rows hides as much
of a macro average as 5 rows can. For a plain share that is Wilson's bound itself; of an average over Jaccard's index, to
which each miss counts twice, it is twice as far.

Units are rows. Where fewer than 5 clusters carry the whole error, units are clusters: 30 clusters of 100 rows that agree
but for one row have hardly shown that no cluster goes wrong. How many carry it is the inverse of the sum of their squared
parts of the variance, as for Kish's design effect (1965).
"""

from __future__ import annotations

from math import isfinite

from mlcc.gates._metrics.measure import Measure, unit_sums
from mlcc.gates._shares import wilson

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

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
