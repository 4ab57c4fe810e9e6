"""Shares of trials: confidence bounds, the binomial distribution, and how many rows a bound needs."""

from __future__ import annotations

from math import ceil, exp, lgamma, log, log1p, sqrt


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
