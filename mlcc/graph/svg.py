"""A plan as one self-contained SVG: no script, no font, no link to anything outside."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from html import escape

from mlcc.graph.layout import Layout, layered
from mlcc.graph.view import Link, Shape, Vertex, View, view
from mlcc.plan import EdgeKind, Plan
from mlcc.record import record

# Fill and line of each shape. Text is INK on all of them; every line has at least 4.5:1 against the paper.
PAPER = "#ffffff"
INK = "#1f2328"
FAINT = "#59636e"
COLOURS = {
    Shape.JOB: ("#e8f1fb", "#2a6db0"),
    Shape.GATE: ("#fff3d6", "#8f6100"),
    Shape.FETCH: ("#e9f5ea", "#2f7a3a"),
    Shape.RELEASE: ("#f2eafb", "#7546b3"),
    Shape.STATUS: ("#f1f3f5", "#59636e"),
}
_LINES = {
    EdgeKind.DATA: ("#59636e", 1.4, ""),
    EdgeKind.GUARD: ("#8f6100", 2.6, ""),
    EdgeKind.ORDER: ("#59636e", 1.4, "2 4"),
    EdgeKind.VERDICT: ("#7546b3", 1.8, "2 3"),
}
_MEANINGS = {
    EdgeKind.DATA: "passes an artifact",
    EdgeKind.GUARD: "opens when the gate passes",
    EdgeKind.ORDER: "comes before",
    EdgeKind.VERDICT: "runs at this verdict",
}
_DASHES = "6 4"
_FONT = "-apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"

# What XML 1.0 can't hold, written out or as a reference.
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

_MARGIN = 24.0
_TITLE = 44.0
_BOX = 46.0
_ROW_GAP = 26.0
_LEGEND = 56.0
_LABEL = 15.0
_LONGEST = 30  # characters of a label or caption; the whole of it is in the tooltip


def svg(plan: Plan) -> str:
    """Return the picture. It has a title and a description; tooltips hold texts that were cut."""
    return _Picture(view(plan)).text()


@record
class _Box:
    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        return self.y + self.height / 2

    def overlaps(self, other: _Box) -> bool:
        apart_x = self.x + self.width <= other.x or other.x + other.width <= self.x
        apart_y = self.y + self.height <= other.y or other.y + other.height <= self.y
        return not (apart_x or apart_y)


@record
class _Curve:
    """A piece of a link across the gap between two columns."""

    x1: float
    y1: float
    x2: float
    y2: float

    def at(self, t: float) -> tuple[float, float]:
        """The point at `t`; the control points lie level with the ends, at half the way."""
        half = (self.x1 + self.x2) / 2
        a, b, c, d = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
        return a * self.x1 + (b + c) * half + d * self.x2, (a + b) * self.y1 + (c + d) * self.y2

    def path(self) -> str:
        half = _n((self.x1 + self.x2) / 2)
        return f"C{half} {_n(self.y1)} {half} {_n(self.y2)} {_n(self.x2)} {_n(self.y2)}"


class _Picture:
    def __init__(self, shown: View) -> None:
        self.shown = shown
        pairs = [(link.source, link.target) for link in shown.links]
        ids = [vertex.id for vertex in shown.vertices]
        self.layout = layered(ids, pairs, dict.fromkeys(ids, _BOX), _ROW_GAP)
        self.columns = _columns(shown, self.layout)
        self.boxes = {vertex.id: self._box(vertex) for vertex in shown.vertices}
        self.curves = self._curves()
        self.labels: dict[tuple[str, str], _Box] = self._labels()

    def text(self) -> str:
        right = max([box.x + box.width for box in self.boxes.values()], default=0.0)
        bottom = max(
            [box.y + box.height for box in [*self.boxes.values(), *self.labels.values()]], default=0.0
        )
        bends = [curve.y2 for curves in self.curves.values() for curve in curves]
        bottom = max([bottom, *bends]) if self.boxes else _TITLE
        legend, legend_width = _legend(self.shown, bottom + _MARGIN + 8)
        width = max(right, legend_width, _width(self.shown.name, 16) + _MARGIN) + _MARGIN
        height = bottom + _LEGEND + _MARGIN
        name, summary = _x(self.shown.name), _x(self.shown.summary)
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="title desc" '
            f'viewBox="0 0 {_n(width)} {_n(height)}" width="{_n(width)}" height="{_n(height)}" '
            f'font-family="{_FONT}" font-size="12" fill="{INK}">',
            f'<title id="title">{name}</title>',
            f'<desc id="desc">{summary}</desc>',
            _markers(),
            f'<rect width="100%" height="100%" fill="{PAPER}"/>',
            f'<text x="{_n(_MARGIN)}" y="28" font-size="16" font-weight="600">{name}</text>',
            *(self._arrow(link) for link in self.shown.links),
            *(self._label(link) for link in self.shown.links if link.label),
            *(_node(vertex, self.boxes[vertex.id]) for vertex in self.shown.vertices),
            *legend,
            "</svg>",
        ]
        return "\n".join(parts) + "\n"

    def _box(self, vertex: Vertex) -> _Box:
        x, width = self.columns[self.layout.rank[vertex.id]]
        return _Box(x, _TITLE + self.layout.middle[vertex.id], width, _BOX)

    def _curves(self) -> dict[tuple[str, str], list[_Curve]]:
        """Each link as curves across gaps, straight across the columns that it passes."""
        leaving, entering = self._ports()
        shift = _TITLE + _BOX / 2
        found: dict[tuple[str, str], list[_Curve]] = {}
        for link in self.shown.links:
            pair = (link.source, link.target)
            first, last = self.layout.rank[link.source], self.layout.rank[link.target]
            heights = [leaving[pair], *(bend + shift for bend in self.layout.bends[pair]), entering[pair]]
            found[pair] = [
                _Curve(
                    self.columns[column][0] + self.columns[column][1],
                    heights[column - first],
                    self.columns[column + 1][0],
                    heights[column - first + 1],
                )
                for column in range(first, last)
            ]
        return found

    def _ports(self) -> tuple[dict[tuple[str, str], float], dict[tuple[str, str], float]]:
        """Where each link leaves and enters: spread over the side, in the order of where it leads."""
        middle = self.layout.middle
        leaving: dict[tuple[str, str], float] = {}
        entering: dict[tuple[str, str], float] = {}
        for vertex in self.shown.vertices:
            out = [(link.source, link.target) for link in self.shown.links if link.source == vertex.id]
            into = [(link.source, link.target) for link in self.shown.links if link.target == vertex.id]
            out.sort(key=lambda pair: [*self.layout.bends[pair], middle[pair[1]]][0])
            into.sort(key=lambda pair: [middle[pair[0]], *self.layout.bends[pair]][-1])
            for pairs, ports in ((out, leaving), (into, entering)):
                step = min(9.0, (_BOX - 16) / max(len(pairs) - 1, 1))
                for number, pair in enumerate(pairs):
                    offset = (number - (len(pairs) - 1) / 2) * step
                    ports[pair] = self.boxes[vertex.id].middle + offset
        return leaving, entering

    def _labels(self) -> dict[tuple[str, str], _Box]:
        """Put each label on its link where it covers no other, trying the last gap first."""
        placed: list[_Box] = []
        found: dict[tuple[str, str], _Box] = {}
        for link in self.shown.links:
            if not link.label:
                continue
            pair = (link.source, link.target)
            width = _width(_cut(link.label), 11) + 6
            places = [
                _Box(x - width / 2, y - _LABEL / 2, width, _LABEL)
                for curve in reversed(self.curves[pair])
                for x, y in (curve.at(t) for t in (0.5, 0.4, 0.6, 0.3, 0.7))
            ]
            found[pair] = next(
                (box for box in places if not any(box.overlaps(other) for other in placed)), places[0]
            )
            placed.append(found[pair])
        return found

    def _arrow(self, link: Link) -> str:
        colour, width, dashes = _LINES[link.kind]
        dashes = dashes or (_DASHES if link.dashed else "")
        curves = self.curves[link.source, link.target]
        path = f"M{_n(curves[0].x1)} {_n(curves[0].y1)}"
        for before, curve in zip([None, *curves], curves, strict=False):
            path += ("" if before is None else f"H{_n(curve.x1)}") + curve.path()
        style = f' stroke-dasharray="{dashes}"' if dashes else ""
        tip = f"{link.source} {_MEANINGS[link.kind]} {link.target}" + (
            f": {link.label}" if link.label else ""
        )
        return (
            f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width}"{style} '
            f'marker-end="url(#{link.kind.value})"><title>{_x(tip)}</title></path>'
        )

    def _label(self, link: Link) -> str:
        box = self.labels[link.source, link.target]
        back = f'<rect {_rect(box)} rx="3" fill="{PAPER}" fill-opacity="0.92"/>'
        colour = _LINES[link.kind][0]
        x, y = _n(box.x + box.width / 2), _n(box.middle + 3.8)
        style = f'font-size="11" fill="{colour}" text-anchor="middle"'
        text = f'<text x="{x}" y="{y}" {style}>{_x(_cut(link.label))}</text>'
        return f"<g><title>{_x(link.label)}</title>{back}{text}</g>"


def _columns(shown: View, layout: Layout) -> list[tuple[float, float]]:
    """Left edge and width of each column: wide enough for its texts, with room for labels before it."""
    count = max(layout.rank.values(), default=-1) + 1
    widths, gaps = [0.0] * count, [60.0] * count
    for vertex in shown.vertices:
        rank = layout.rank[vertex.id]
        text = max(_width(_cut(vertex.id), 13, bold=True), _width(_cut(vertex.caption), 11))
        widths[rank] = max(widths[rank], text + 44)
    for link in shown.links:
        rank = layout.rank[link.target]
        gaps[rank] = max(gaps[rank], _width(_cut(link.label), 11) + 56)
    columns: list[tuple[float, float]] = []
    x = _MARGIN
    for number, width in enumerate(widths):
        x += gaps[number] if number else 0.0
        columns.append((x, width))
        x += width
    return columns


def _node(vertex: Vertex, box: _Box) -> str:
    fill, line = COLOURS[vertex.shape]
    dashes = f' stroke-dasharray="{_DASHES}"' if vertex.dashed else ""
    paint = f'fill="{fill}" stroke="{line}" stroke-width="1.5"{dashes}'
    tip = ", ".join(filter(None, [f"{vertex.shape.value} {vertex.id}", vertex.caption]))
    x, middle = _n(box.x + box.width / 2), box.middle
    texts = [
        (vertex.id, middle - 3, 'font-size="13" font-weight="600"'),
        (vertex.caption, middle + 13, 'font-size="11"'),
    ]
    if not vertex.caption:
        texts = [(vertex.id, middle + 4.5, 'font-size="13" font-weight="600"')]
    shown = "".join(
        f'<text x="{x}" y="{_n(y)}" {style} text-anchor="middle">{_x(_cut(text))}</text>'
        for text, y, style in texts
    )
    return f"<g><title>{_x(tip)}</title>{_outline(vertex.shape, box, paint)}{shown}</g>"


def _outline(shape: Shape, box: _Box, paint: str) -> str:
    x, y, right, bottom = box.x, box.y, box.x + box.width, box.y + box.height
    if shape is Shape.GATE:
        points = [
            (x, box.middle),
            (x + 12, y),
            (right - 12, y),
            (right, box.middle),
            (right - 12, bottom),
            (x + 12, bottom),
        ]
        return f'<polygon points="{_points(points)}" {paint}/>'
    if shape is Shape.FETCH:
        points = [(x + 10, y), (right, y), (right - 10, bottom), (x, bottom)]
        return f'<polygon points="{_points(points)}" {paint}/>'
    radius = {Shape.STATUS: box.height / 2, Shape.RELEASE: 0.0}.get(shape, 6.0)
    outline = f'<rect {_rect(box)} rx="{_n(radius)}" {paint}/>'
    if shape is Shape.RELEASE:
        inner = _Box(x + 5, y, box.width - 10, box.height)
        outline += f"<rect {_rect(inner)} {paint}/>"
    return outline


def _legend(shown: View, top: float) -> tuple[list[str], float]:
    """Explain what the picture uses, and only that; return the parts and how far right they reach."""
    parts: list[str] = []
    x = _MARGIN
    for shape in Shape:
        if any(vertex.shape is shape for vertex in shown.vertices):
            fill, line = COLOURS[shape]
            box = _Box(x, top, 26, 14)
            parts.append(_outline(shape, box, f'fill="{fill}" stroke="{line}" stroke-width="1.2"'))
            x = _legend_text(parts, x + 32, top + 11, shape.value)
    if any(vertex.dashed for vertex in shown.vertices):
        style = f'fill="none" stroke="{FAINT}" stroke-dasharray="{_DASHES}"'
        parts.append(f'<rect {_rect(_Box(x, top, 26, 14))} rx="3" {style}/>')
        x = _legend_text(parts, x + 32, top + 11, "doesn't block")
    right, x, top = x, _MARGIN, top + 24
    for kind in EdgeKind:
        if any(link.kind is kind for link in shown.links):
            colour, width, dashes = _LINES[kind]
            style = f' stroke-dasharray="{dashes}"' if dashes else ""
            line = f'fill="none" stroke="{colour}" stroke-width="{width}"{style}'
            parts.append(f'<path d="M{_n(x)} {_n(top + 7)}h26" {line} marker-end="url(#{kind.value})"/>')
            x = _legend_text(parts, x + 32, top + 11, _MEANINGS[kind])
    return parts, max(right, x) - 22


def _legend_text(parts: list[str], x: float, y: float, text: str) -> float:
    parts.append(f'<text x="{_n(x)}" y="{_n(y)}" font-size="11" fill="{FAINT}">{_x(text)}</text>')
    return x + _width(text, 11) + 22


def _markers() -> str:
    arrows = "".join(
        f'<marker id="{kind.value}" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="8" markerHeight="8" '
        'markerUnits="userSpaceOnUse" orient="auto">'
        f'<path d="M0 0 8 4 0 8z" fill="{_LINES[kind][0]}"/></marker>'
        for kind in EdgeKind
    )
    return f"<defs>{arrows}</defs>"


def _width(text: str, size: float, bold: bool = False) -> float:
    """An upper estimate of the text's width in common sans-serif fonts; wide scripts count double."""
    units = math.fsum(1.1 if ord(char) > 0x2E7F else 0.88 if char in "mwMW@%" else 0.57 for char in text)
    return units * size * (1.06 if bold else 1.0)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _x(text: str) -> str:
    """Escape for XML; characters that XML can't hold become the replacement character."""
    return escape(_ILLEGAL.sub("\ufffd", text), quote=True)


def _n(value: float) -> str:
    """A number with one decimal at most, the same on every platform."""
    return f"{math.floor(value * 10 + 0.5) / 10:.1f}".removesuffix(".0")


def _rect(box: _Box) -> str:
    return f'x="{_n(box.x)}" y="{_n(box.y)}" width="{_n(box.width)}" height="{_n(box.height)}"'


def _points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{_n(x)},{_n(y)}" for x, y in points)
