"""What a gate's page draws: plots as plain data, in a verdict beside its checks.

A kind makes them with the functions below; `mlcc.report.plots` draws them. All numbers are finite: a plot of
something that isn't is left out by its kind, never drawn wrong.
"""

from __future__ import annotations

from mlcc.gates._records import is_finite, rounded, visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

_MOST_POINTS = 400


def histogram(
    title: str, labels: Sequence[str], series: Mapping[str, Sequence[float]], note: str = ""
) -> dict[str, Any]:
    """Return bars: for each label, one bar of each series (name -> shares or counts, as many as labels).

    Raises ValueError for other lengths and for numbers that aren't finite.
    """
    for values in series.values():
        if len(values) != len(labels):
            raise ValueError(f"the plot {visible(title)} has another number of bars than of labels")
    bars = [{"name": visible(name, 80), "values": _finite(values)} for name, values in series.items()]
    return _plot("histogram", title, note, labels=[visible(label, 80) for label in labels], series=bars)


def curves(
    title: str,
    axes: tuple[str, str],
    series: Mapping[str, Sequence[Sequence[float]]],
    *,
    diagonal: bool = False,
    note: str = "",
) -> dict[str, Any]:
    """Return lines: name -> points (x, y) or (x, y, lower, upper), by rising x; `axes` names x and y.

    More points than a page shows are thinned out evenly. Raises ValueError for numbers that aren't finite.
    """
    lines = [
        {"name": visible(name, 80), "points": [_finite(point) for point in thinned(points)]}
        for name, points in series.items()
    ]
    return _plot(
        "curves", title, note, axes=[visible(axis, 80) for axis in axes], series=lines, diagonal=diagonal
    )


def intervals(
    title: str,
    axis: str,
    rows: Sequence[tuple[str, float, float, float, str]],
    *,
    limits: Mapping[str, float] | None = None,
    note: str = "",
) -> dict[str, Any]:
    """Return estimates with intervals: rows of (label, estimate, lower, upper, verdict) on one axis.

    `limits` ({"min": x}, {"max": x}) are drawn across. Raises ValueError for numbers that aren't finite.
    """
    found = [
        {"label": visible(label, 80), "values": _finite((value, lower, upper)), "verdict": verdict}
        for label, value, lower, upper, verdict in rows
    ]
    lines = {side: _finite([limit])[0] for side, limit in (limits or {}).items()}
    return _plot("intervals", title, note, axis=visible(axis, 80), rows=found, limits=lines)


def thinned(points: Sequence[Any]) -> list[Any]:
    """Return at most 400 of some points, evenly, the first and the last among them."""
    if len(points) <= _MOST_POINTS:
        return list(points)
    last = len(points) - 1
    return [points[i * last // (_MOST_POINTS - 1)] for i in range(_MOST_POINTS)]


def _plot(kind: str, title: str, note: str, **data: Any) -> dict[str, Any]:
    return {"plot": kind, "title": visible(title, 120), "note": visible(note), **data}


def _finite(values: Sequence[float]) -> list[float | None]:
    if not all(is_finite(value) for value in values):
        raise ValueError("a plot has a number that isn't finite")
    return [rounded(value) for value in values]
