"""Quantiles of the chi-square distribution, by the standard library alone."""

from __future__ import annotations

from math import exp, lgamma, log

_MOST_STEPS = 10_000
_PRECISION = 1e-16
_TINY = 1e-300


def chi_square_survival(x: float, df: int) -> float:
    """Return the probability that a chi-square variable with `df` degrees of freedom exceeds x >= 0.

    It is the upper incomplete gamma function Q(df / 2, x / 2): its series below the mean, its continued
    fraction above (Abramowitz and Stegun 1964, 6.5.29 and 6.5.31; Lentz's method, Press et al. 2007, 6.2).
    """
    a, z = df / 2, x / 2
    if z <= 0:
        return 1.0
    scale = exp(a * log(z) - z - lgamma(a))
    return 1 - scale * _series(a, z) if z < a + 1 else scale * _fraction(a, z)


def chi_square_quantile(tail: float, df: int) -> float:
    """Return the x that a chi-square variable with `df` degrees of freedom exceeds with probability `tail`.

    0 < tail < 1. The survival function falls, so bisection finds it to the last digits.
    """
    low, high = 0.0, float(df)
    while chi_square_survival(high, df) > tail:
        low, high = high, 2 * high
    while high - low > 1e-13 * high:
        middle = (low + high) / 2
        if not low < middle < high:
            break
        low, high = (middle, high) if chi_square_survival(middle, df) > tail else (low, middle)
    return (low + high) / 2


def _series(a: float, z: float) -> float:
    term = total = 1 / a
    for i in range(1, _MOST_STEPS):
        term *= z / (a + i)
        total += term
        if term < total * _PRECISION:
            break
    return total


def _fraction(a: float, z: float) -> float:
    b = z + 1 - a
    c, d = 1 / _TINY, 1 / b
    total = d
    for i in range(1, _MOST_STEPS):
        factor = -i * (i - a)
        b += 2
        d = 1 / (factor * d + b or _TINY)
        c = b + factor / c or _TINY
        total *= c * d
        if abs(c * d - 1) < _PRECISION * 10:
            break
    return total
