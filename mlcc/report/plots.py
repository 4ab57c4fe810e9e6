"""Draws what a gate's plots.json holds (mlcc.gates._plots says what that is), each with a table of the same numbers.

What isn't whole raises ValueError, LookupError, TypeError or ArithmeticError: it is never drawn wrong.
Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from mlcc.gates._records import is_finite, visible
from mlcc.report.svg import (
    DASHES,
    FONT_SIZE,
    LETTER,
    SERIES,
    Scale,
    clipped,
    padded,
    short,
    svg_line,
    svg_mark,
    svg_path,
    svg_picture,
    svg_rect,
    svg_text,
)

WIDTH, HEIGHT = 400.0, 256.0
LEFT, RIGHT, TOP, BOTTOM = 50.0, 390.0, 12.0, 204.0
LEGEND_LINE = 18.0
MOST_SERIES = 8
MOST_BARS = 400
MOST_POINTS = 400
MOST_INTERVALS = 400  # in a table
DRAWN_ROWS = 40  # in a picture
NAMES = 70.0  # height of turned names below bars
TURN = 38  # degrees
TURNED_NAME = (
    1.2 * FONT_SIZE / math.sin(math.radians(TURN))
)  # from one to the next, for a line's height between them
ROW = 23.0


class Drawing(NamedTuple):
    """A picture, and its numbers as a table: names of columns, and rows of text."""

    title: str
    note: str
    picture: str
    columns: list[str]
    rows: list[list[str]]


def draw(plot: dict[str, Any], id: str) -> Drawing:
    """Return a plot drawn; `id` makes the names inside the picture unique on its page."""
    title, note = _words(plot["title"], 120), _words(plot.get("note", ""), 400)
    many, most = ("rows", MOST_INTERVALS) if plot["plot"] == "intervals" else ("series", MOST_SERIES)
    left_out = len(plot[many]) - most
    if left_out > 0:
        note = f"{note} {left_out} more are left out.".strip()
    picture, columns, rows = DRAWN[plot["plot"]]({**plot, many: plot[many][:most]}, id, title)
    return Drawing(title, note, picture, columns, rows)


def _words(value: object, limit: int = 80) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return visible(value, limit)


def _finite(value: object) -> float:
    if not is_finite(value):
        raise ValueError("not a finite number")
    return float(value)  # type: ignore[arg-type]  # it is one


def _list(value: object, most: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise ValueError("not a list, or too long")
    return value


# --- frame ----------------------------------------------------------------------------------------


def _legend(names: list[str], swatch: Callable[[int, float, float], str]) -> tuple[list[str], float]:
    """Return the swatches with their names, in lines from the top, and the height that they take."""
    parts: list[str] = []
    x, y = LEFT, 14.0
    for number, name in enumerate(names):
        shown = clipped(name, 34)
        width = 34 + len(shown) * LETTER
        if x + width > RIGHT and x > LEFT:
            x, y = LEFT, y + LEGEND_LINE
        parts += [swatch(number, x, y), svg_text(x + 24, y, shown)]
        x += width
    return parts, y + 10 if names else TOP


def _y_axis(scale: Scale, left: float, right: float) -> Iterator[str]:
    for tick in scale.ticks(5):
        y = scale.at(tick)
        yield svg_line(left, y, right, y, "rule")
        yield svg_text(left - 6, y + 4, short(tick), anchor="end")


def _x_axis(scale: Scale, y: float, top: float | None = None) -> Iterator[str]:
    for tick in scale.ticks(5):
        x = scale.at(tick)
        yield svg_line(x, y if top is None else top, x, y + 4, "axis" if top is None else "rule")
        yield svg_text(x, y + 17, short(tick), anchor="middle")
    yield svg_line(scale.start, y, scale.end, y, "axis")


def _paint(number: int) -> str:
    return SERIES[number % len(SERIES)]


def _dash(number: int) -> str:
    """Return the dashes of a curve: with its colour, eight curves are told apart."""
    return DASHES[(number + number // len(SERIES)) % len(DASHES)]


def _hollow(number: int) -> bool:
    """Tell whether a series' bars are hollow: every second one, and with its colour, eight are told apart."""
    return (number + number // len(SERIES)) % 2 == 1


# --- histogram ------------------------------------------------------------------------------------


def _histogram(plot: dict[str, Any], id: str, title: str) -> tuple[str, list[str], list[list[str]]]:
    labels = [_words(label) for label in _list(plot["labels"], MOST_BARS)]
    series = [
        (_words(one["name"]), [_finite(value) for value in _list(one["values"], MOST_BARS)])
        for one in _list(plot["series"], MOST_SERIES)
    ]
    if not labels or not series or any(len(values) != len(labels) for _, values in series):
        raise ValueError("other bars than labels")

    def swatch(number: int, x: float, y: float) -> str:
        return svg_rect(x, y - 9, 16, 10, _paint(number), hollow=_hollow(number))

    parts, top = _legend([name for name, _ in series], swatch)
    turned = (max(len(label) for label in labels) + 2) * LETTER * len(labels) > RIGHT - LEFT
    bottom = HEIGHT - (NAMES if turned else 24)
    values = [value for _, found in series for value in found]
    y = Scale(min(0.0, *values), max(0.0, *values) or 1.0, bottom, top + 4)
    parts += [*_y_axis(y, LEFT, RIGHT), *_bars([found for _, found in series], y)]
    parts.append(svg_line(LEFT, y.at(0.0), RIGHT, y.at(0.0), "axis"))
    parts += _bar_names(labels, bottom, turned)
    names = [name for name, _ in series]
    told = f"Bars of {len(labels)} groups for {', '.join(names)}. The table below has the same numbers."
    rows = [[label, *(short(found[i]) for _, found in series)] for i, label in enumerate(labels)]
    return svg_picture(id, WIDTH, HEIGHT, title, told, parts), ["", *names], rows


def _bars(series: list[list[float]], y: Scale) -> Iterator[str]:
    """Yield the bars: those of a group side by side, hollow and filled in turn."""
    slot = (RIGHT - LEFT) / len(series[0])
    width = slot * (0.78 if len(series[0]) < 60 else 1) / len(series)
    for number, found in enumerate(series):
        for place, value in enumerate(found):
            x = LEFT + slot * (place + 0.5) + width * (number - len(series) / 2)
            upper, lower = sorted((y.at(0.0), y.at(value)))
            yield svg_rect(x, upper, width, lower - upper, _paint(number), hollow=_hollow(number))


def _bar_names(labels: list[str], bottom: float, turned: bool) -> Iterator[str]:
    """Yield the names below the bars, `turned` where they need room: then as many as there is room for."""
    slot = (RIGHT - LEFT) / len(labels)
    every = math.ceil(TURNED_NAME / slot) if turned else 1
    for place in range(0, len(labels), every):
        x = LEFT + slot * (place + 0.5)
        if turned:
            room = (x + 3) / (LETTER * math.cos(math.radians(TURN)))  # to the picture's edge
            name = clipped(labels[place], min(11, int(room)))
            yield svg_text(x + 3, bottom + 14, name, anchor="end", turn=-TURN)
        else:
            yield svg_text(x, bottom + 17, labels[place], anchor="middle")


# --- curves ---------------------------------------------------------------------------------------


def _curves(plot: dict[str, Any], id: str, title: str) -> tuple[str, list[str], list[list[str]]]:
    across, up = (_words(axis) for axis in _list(plot["axes"], 2))
    series = [(_words(one["name"]), _points(one["points"])) for one in _list(plot["series"], MOST_SERIES)]
    if not any(points for _, points in series):
        raise ValueError("no points")
    everything = [point for _, points in series for point in points]

    def swatch(number: int, x: float, y: float) -> str:
        return svg_line(x, y - 4, x + 18, y - 4, _paint(number), _dash(number), 2.4)

    parts, top = _legend([name for name, _ in series], swatch)
    xs = [point[0] for point in everything]
    ys = [value for point in everything for value in point[1:]]
    if plot.get("diagonal") is True:
        xs, ys = xs + ys, ys + xs
    x = Scale(min(xs), max(xs), LEFT, RIGHT)
    y = Scale(*padded(ys, 0.03), BOTTOM, top + 18)
    parts += [*_y_axis(y, LEFT, RIGHT), *_x_axis(x, BOTTOM)]
    parts.append(svg_text(LEFT - 6, top + 8, clipped(up, 60)))
    parts.append(svg_text(RIGHT, BOTTOM + 36, clipped(across, 60), anchor="end"))
    if plot.get("diagonal") is True:
        ends = max(x.low, y.low), min(x.high, y.high)
        parts.append(svg_line(x.at(ends[0]), y.at(ends[0]), x.at(ends[1]), y.at(ends[1]), "axis", "3 4"))
    for number, (_, points) in enumerate(series):
        band = [point for point in points if len(point) == 4]
        if len(band) > 1:
            there = [(x.at(point[0]), y.at(point[3])) for point in band]
            back = [(x.at(point[0]), y.at(point[2])) for point in reversed(band)]
            parts.append(svg_path(there + back, _paint(number), area=True))
    for number, (_, points) in enumerate(series):
        way = [(x.at(point[0]), y.at(point[1])) for point in points]
        parts.append(_way(way, number))
    return svg_picture(id, WIDTH, HEIGHT, title, _told(series, across, up), parts), *_points_table(
        series, across, up
    )


def _way(points: list[tuple[float, float]], number: int) -> str:
    if len(points) == 1:
        ((x, y),) = points
        return svg_rect(x - 3, y - 3, 6, 6, _paint(number))
    return svg_path(points, _paint(number), _dash(number)) if points else ""


def _points(value: object) -> list[list[float]]:
    points = [[_finite(x) for x in _list(point, 4)] for point in _list(value, MOST_POINTS)]
    if any(len(point) not in (2, 4) for point in points):
        raise ValueError("a point has another number of numbers")
    return points


def _told(series: list[tuple[str, list[list[float]]]], across: str, up: str) -> str:
    lines = []
    for name, points in series:
        if points:
            first, last = points[0], points[-1]
            ends = f"from ({short(first[0])}, {short(first[1])}) to ({short(last[0])}, {short(last[1])})"
            lines.append(f"{name} {ends}")
    return f"Curves of {up} over {across}: {'; '.join(lines)}. The table below has the same numbers."


def _points_table(
    series: list[tuple[str, list[list[float]]]], across: str, up: str
) -> tuple[list[str], list[list[str]]]:
    bands = any(len(point) == 4 for _, points in series for point in points)
    columns = ["curve", across, up, *(["lower", "upper"] if bands else [])]
    rows = [
        [name, *(short(x) for x in point), *([""] * (len(columns) - 1 - len(point)))]
        for name, points in series
        for point in points
    ]
    return columns, rows


# --- intervals ------------------------------------------------------------------------------------


def _intervals(plot: dict[str, Any], id: str, title: str) -> tuple[str, list[str], list[list[str]]]:
    axis = _words(plot["axis"])
    limits = {side: _finite(limit) for side, limit in plot["limits"].items() if side in ("min", "max")}
    rows = [
        (_words(row["label"]), [_finite(x) for x in _list(row["values"], 3)], _words(row["verdict"], 20))
        for row in _list(plot["rows"], MOST_INTERVALS)
    ]
    if not rows or any(len(values) != 3 for _, values, _ in rows):
        raise ValueError("no rows, or a row without bounds")
    shown = rows[:DRAWN_ROWS]
    values = [x for _, found, _ in shown for x in found] + list(limits.values())
    letters = min(18, max(len(label) for label, _, _ in shown))
    left = letters * LETTER + 14
    top = 26.0 if limits else 10.0
    bottom = top + ROW * len(shown)
    scale = Scale(*padded(values), left, RIGHT)
    parts = [*_x_axis(scale, bottom, top), *_limits(scale, limits, top, bottom)]
    for number, (label, found, verdict) in enumerate(shown):
        y = top + ROW * (number + 0.5)
        paint = verdict if verdict in ("pass", "fail", "inconclusive") else "error"
        estimate, low, high = (scale.at(x) for x in found)
        parts.append(svg_text(left - 10, y + 4, clipped(label, letters), paint="ink", anchor="end"))
        parts.append(svg_line(low, y, high, y, paint, width=2.4))
        parts.append(svg_mark(estimate, y, verdict))
    parts.append(svg_text(RIGHT, bottom + 34, clipped(axis, 60), anchor="end"))
    counts = {
        verdict: sum(v == verdict for _, _, v in rows) for verdict in dict.fromkeys(v for _, _, v in rows)
    }
    told = f"{len(rows)} estimates of {axis} with bounds: " + ", ".join(f"{n} {v}" for v, n in counts.items())
    more = f"; {len(shown)} are drawn" if len(rows) > len(shown) else ""
    table = [[label, *(short(x) for x in found), verdict] for label, found, verdict in rows]
    columns = ["", "estimate", "lower", "upper", "verdict"]
    told += f"{more}. The table below has the same numbers."
    return svg_picture(id, WIDTH, bottom + 44, title, told, parts), columns, table


def _limits(scale: Scale, limits: dict[str, float], top: float, bottom: float) -> Iterator[str]:
    for side, limit in limits.items():
        x = scale.at(limit)
        words = f"{'at least' if side == 'min' else 'at most'} {short(limit)}"
        half = len(words) * LETTER / 2
        yield svg_line(x, top - 6, x, bottom, "limit", "6 3")
        yield svg_text(min(max(x, half), RIGHT - half), top - 11, words, paint="ink", anchor="middle")


DRAWN = {"histogram": _histogram, "curves": _curves, "intervals": _intervals}
