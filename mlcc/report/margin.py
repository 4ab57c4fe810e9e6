"""Draws one decision: an estimate with its bounds, against what it is held to.

Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from mlcc.gates._records import is_finite
from mlcc.report.svg import (
    LETTER,
    PAINT,
    Scale,
    padded,
    short,
    svg_line,
    svg_mark,
    svg_path,
    svg_picture,
    svg_rect,
    svg_text,
)

STRIP_WIDTH, STRIP_HEIGHT = 320.0, 64.0
EDGE = 10.0  # room at both ends, so that words fit
MIDDLE = 33.0  # the line that the estimate lies on
WORDS = {"min": "at least", "max": "at most"}


class Decision(NamedTuple):
    """The numbers of a check: None where it has none. `threshold` is {"min": x}, {"max": x} or both."""

    verdict: str
    estimate: float | None
    interval: tuple[float, float] | None
    confidence: float | None
    n: int | None
    threshold: dict[str, float]
    margin: float | None


def decision(check: dict[str, Any]) -> Decision:
    """Return the numbers of a check of a verdict file; what isn't a finite number counts as not known."""
    bounds = check.get("interval")
    whole = isinstance(bounds, list) and len(bounds) == 2 and all(is_finite(x) for x in bounds)
    stated = check.get("threshold")
    limits = stated if isinstance(stated, dict) else {}
    n = _known_number(check.get("n"))
    return Decision(
        verdict=str(check.get("verdict")),
        estimate=_known_number(check.get("estimate")),
        interval=(bounds[0], bounds[1]) if whole and isinstance(bounds, list) else None,
        confidence=_known_number(check.get("confidence")),
        n=None if n is None else int(n),
        threshold={side: limits[side] for side in WORDS if is_finite(limits.get(side))},
        margin=_known_number(check.get("margin")),
    )


def _known_number(value: object) -> float | None:
    return value if is_finite(value) else None  # type: ignore[return-value]  # then it is a number


def in_words(found: Decision) -> str:
    """Return the decision as a sentence: what a reader who doesn't see the picture gets."""
    parts = []
    if found.estimate is not None:
        parts.append(f"estimate {short(found.estimate)}")
    if found.interval is not None:
        low, high = found.interval
        sure = "" if found.confidence is None else f", each with {short(found.confidence * 100)} % confidence"
        parts.append(f"bounds {short(low)} and {short(high)}{sure}")
    if found.n is not None:
        parts.append(f"{found.n:,} rows")
    for side, limit in found.threshold.items():
        parts.append(f"must be {WORDS[side]} {short(limit)}")
    if found.margin is not None:
        kept = "kept" if found.margin >= 0 else "missed"
        parts.append(f"{kept} by {short(abs(found.margin))}")
    return "; ".join(parts)


def drawn(id: str, title: str, found: Decision) -> str:
    """Return the picture; empty where there is no estimate or nothing to hold it to. Raises ValueError."""
    if found.estimate is None or not found.threshold:
        return ""
    limits = found.threshold
    values = [found.estimate, *(found.interval or ()), *limits.values()]
    scale = Scale(*padded(values, 0.12), EDGE, STRIP_WIDTH - EDGE)
    parts = [_allowed(scale, limits), svg_line(EDGE, MIDDLE, STRIP_WIDTH - EDGE, MIDDLE, "rule")]
    for side, limit in limits.items():
        parts += _limit(scale, side, limit)
    if found.interval is not None:
        low, high = (scale.at(end) for end in found.interval)
        paint = found.verdict if found.verdict in PAINT else "error"
        parts.append(svg_line(low, MIDDLE, high, MIDDLE, paint, width=3.0))
        parts += [svg_line(end, MIDDLE - 6, end, MIDDLE + 6, paint, width=2.0) for end in (low, high)]
    where = scale.at(found.estimate)
    parts.append(svg_mark(where, MIDDLE, found.verdict))
    parts.append(_label(where, STRIP_HEIGHT - 9, short(found.estimate), "ink"))
    return svg_picture(id, STRIP_WIDTH, STRIP_HEIGHT, title, in_words(found), parts)


def _allowed(scale: Scale, limits: dict[str, float]) -> str:
    low = scale.at(limits["min"]) if "min" in limits else EDGE
    high = scale.at(limits["max"]) if "max" in limits else STRIP_WIDTH - EDGE
    return svg_rect(low, MIDDLE - 11, high - low, 22, "good")


def _limit(scale: Scale, side: str, limit: float) -> list[str]:
    """Return the line of a limit, and an arrow with its words on the allowed side."""
    where = scale.at(limit)
    tip = where + (7 if side == "min" else -7)
    arrow = [(where, MIDDLE - 15), (tip, MIDDLE - 11.5), (where, MIDDLE - 8)]
    return [
        svg_line(where, MIDDLE - 15, where, MIDDLE + 13, "limit"),
        svg_path(arrow, "limit"),
        _label(where, 13, f"{WORDS[side]} {short(limit)}", "faint"),
    ]


def _label(x: float, y: float, words: str, paint: str) -> str:
    """Return words around x, moved inwards where they would leave the picture."""
    half = len(words) * LETTER / 2
    inside = min(max(x, half + 2), STRIP_WIDTH - half - 2)
    return svg_text(inside, y, words, paint=paint, anchor="middle")
