"""The values that the built-in metrics can have, and thresholds that can't be meant."""

from __future__ import annotations

from math import inf

_SHARES = ("accuracy", "balanced_accuracy", "precision", "recall", "f1", "roc_auc", "brier_score")
_ERRORS = ("log_loss", "mean_absolute_error", "mean_squared_error", "root_mean_squared_error")
RANGES = {**dict.fromkeys(_SHARES, (0.0, 1.0)), **dict.fromkeys(_ERRORS, (0.0, inf)), "r2": (-inf, 1.0)}
"""Metric -> its least and its largest value."""


def outside(name: str, side: str, limit: float) -> str | None:
    """Say why no model keeps to a floor (`side` min) or ceiling (max) of a built-in metric, if so."""
    low, high = RANGES.get(name, (-inf, inf))
    if side == "min" and limit > high:
        return f"{name} lies {_words(name)}: no model reaches {limit:g}"
    if side == "max" and limit < low:
        return f"{name} lies {_words(name)}: no model keeps to {limit:g}"
    return None


def idle(name: str, side: str, limit: float) -> str | None:
    """Say why every model keeps to a floor or ceiling of a built-in metric, if so."""
    low, high = RANGES.get(name, (-inf, inf))
    if side == "min" and limit <= low:
        return f"{name} lies {_words(name)}: every model reaches {limit:g}"
    if side == "max" and limit >= high:
        return f"{name} lies {_words(name)}: every model keeps to {limit:g}"
    return None


def meant(name: str, limit: float) -> str | None:
    """Return what may have been meant by a threshold outside of the metric's range: a percentage."""
    return f"did you mean {limit / 100:g}?" if RANGES[name][1] == 1 and 2 <= limit < 100 else None


def _words(name: str) -> str:
    low, high = RANGES[name]
    if high == inf:
        return f"from {low:g} up"
    return f"from {low:g} to {high:g}" if low > -inf else f"from {high:g} down"
