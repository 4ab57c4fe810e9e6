"""Thresholds that can't be meant: what no model reaches, or every model."""

from __future__ import annotations

from math import inf

from mlcc.gates._metrics.catalog import value_range


def outside(name: str, side: str, limit: float) -> str | None:
    """Say why no model keeps to a floor (`side` min) or ceiling (max) of a built-in metric, if so."""
    low, high = value_range(name)
    if side == "min" and limit > high:
        return f"{name} lies {_words(name)}: no model reaches {limit:g}"
    if side == "max" and limit < low:
        return f"{name} lies {_words(name)}: no model keeps to {limit:g}"
    return None


def idle(name: str, side: str, limit: float) -> str | None:
    """Say why every model keeps to a floor or ceiling of a built-in metric, if so."""
    low, high = value_range(name)
    if side == "min" and limit <= low:
        return f"{name} lies {_words(name)}: every model reaches {limit:g}"
    if side == "max" and limit >= high:
        return f"{name} lies {_words(name)}: every model keeps to {limit:g}"
    return None


def meant(name: str, limit: float) -> str | None:
    """Return what may have been meant by a threshold outside of the metric's range: a percentage."""
    return f"did you mean {limit / 100:g}?" if value_range(name)[1] == 1 and 2 <= limit < 100 else None


def _words(name: str) -> str:
    low, high = value_range(name)
    if high == inf:
        return f"from {low:g} up"
    return f"from {low:g} to {high:g}" if low > -inf else f"from {high:g} down"
