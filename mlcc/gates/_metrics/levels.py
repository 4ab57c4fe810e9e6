"""Quantiles of the normal distribution, for parameters that are committed."""

from __future__ import annotations

from mlcc.gates import GateParamsError, Loc

_USUAL = {0.95: 1.644853626951, 0.8: 0.841621233573, 0.9: 1.281551565545}


def normal_quantile(level: float) -> float:
    """Return the z below which a standard normal value lies with probability `level`."""
    if level in _USUAL:
        return _USUAL[level]
    from statistics import NormalDist  # 3 ms that few lints need

    return round(NormalDist().inv_cdf(level), 12)


def check_level(value: float, low: float, loc: Loc, what: str) -> None:
    """Refuse a probability that isn't from `low` to below 1. Raises GateParamsError."""
    if not low <= value < 1:
        raise GateParamsError(loc, f"{what} is from {low:g} to below 1")
