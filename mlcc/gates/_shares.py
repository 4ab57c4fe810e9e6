"""The upper confidence bound of a share, and how many rows it needs."""

from __future__ import annotations

from math import ceil, sqrt


def upper_share(count: int, n: int, z: float) -> float:
    """Return Wilson's one-sided upper bound (1927) of a share, of which `count` among `n` > 0 rows were seen.

    `z` is the normal quantile of the confidence.
    """
    if count == n:
        return 1.0  # floating point would leave it 1e-17 beside
    share = count / n
    centre = share + z * z / (2 * n)
    return min(1.0, (centre + z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))) / (1 + z * z / n))


def rows_for_share(share: float, limit: float, z: float) -> int:
    """Return the least number of rows at which a share that stays as it is would be shown to keep below `limit`.

    Wilson's bound meets the limit where the score test does: n = z² limit (1 - limit) / (limit - share)². `share` is
    below `limit`.
    """
    return ceil(z * z * limit * (1 - limit) / (limit - share) ** 2)
