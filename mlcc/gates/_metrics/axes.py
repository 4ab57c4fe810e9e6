"""Code, data or model: which of them made a metric miss what it is held to."""

from __future__ import annotations

# How the old model fares on the same data -> the axis that moved: what either model misses is no model's doing.
MOVED = {"fail": "data", "pass": "model"}


def moved_by(axis: str | None, shown: str) -> str:
    """Return a sentence that names the axis that moved a metric: `model`, `data`, or None where that can't be told."""
    who = f"The {axis} moved it" if axis else "Whether the model or the data moved it can't be told"
    return f"{who}: {shown}"
