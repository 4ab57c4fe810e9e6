"""Draws on a plane of numbers: shapes of SVG, scales and axes, for mlcc's pages.

Every shape has its colours as attributes for where a page's styles are dropped, and a class by which they follow the
reader's choice of light or dark. No shape means something by its colour alone.
Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

FONT_SIZE = 13
LETTER = 7.8  # width of a letter of that size, on average

# class -> attributes. The page's style sheet names the same classes.
PAINT = {
    "ink": 'fill="#1f2328"',
    "faint": 'fill="#57606a"',
    "rule": 'fill="none" stroke="#c3cad2"',
    "axis": 'fill="none" stroke="#57606a"',
    "limit": 'fill="none" stroke="#1f2328" stroke-width="1.6"',
    "good": 'fill="#dff3e4"',
    "paper": 'fill="#ffffff"',
    "s0": 'fill="#0a5cad" stroke="#0a5cad"',
    "s1": 'fill="#a3470a" stroke="#a3470a"',
    "s2": 'fill="#7a3fb0" stroke="#7a3fb0"',
    "s3": 'fill="#106b5a" stroke="#106b5a"',
    "pass": 'fill="#167030" stroke="#167030"',
    "fail": 'fill="#c11b26" stroke="#c11b26"',
    "inconclusive": 'fill="#8a5a00" stroke="#8a5a00"',
    "error": 'fill="#7a3fb0" stroke="#7a3fb0"',
}
SERIES = ("s0", "s1", "s2", "s3")
DASHES = ("", "7 4", "2 3", "9 3 2 3")  # of lines, by series: colour is not what tells them apart


def px(value: float) -> str:
    """Return a length, to a tenth. Raises ValueError where it isn't finite."""
    if not math.isfinite(value):
        raise ValueError("a plot has a length that isn't finite")
    return f"{value:.1f}".rstrip("0").rstrip(".")


def short(value: float) -> str:
    """Return a number as plots and tables show it."""
    return str(value) if type(value) is int and abs(value) < 10**9 else f"{value:.4g}"


def clipped(text: str, letters: int) -> str:
    """Return text of at most so many letters; a cut shows."""
    return text if len(text) <= letters else text[: max(1, letters - 1)] + "…"


class Scale:
    """A line of numbers from `low` to `high`, on a length of pixels from `start` to `end`."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        if not high > low:  # a single value lies in the middle
            pad = abs(low) * 0.1 or 1.0
            low, high = low - pad, high + pad
        self.low, self.high, self.start, self.end = low, high, start, end

    def at(self, value: float) -> float:
        """Return where a value lies. Halves keep the difference of the largest numbers finite."""
        share = (value / 2 - self.low / 2) / (self.high / 2 - self.low / 2)
        return self.start + share * (self.end - self.start)

    def ticks(self, most: int = 5) -> list[float]:
        """Return round numbers within, at most `most` and one: steps of 1, 2 or 5 times a power of ten."""
        rough = (self.high / 2 - self.low / 2) / most * 2
        power = 10.0 ** math.floor(math.log10(rough))
        step = next((power * m for m in (1, 2, 5) if power * m >= rough * 0.999), power * 10)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [float(f"{i * step:.12g}") + 0.0 for i in range(first, last + 1)][: most + 2]


def padded(values: Sequence[float], share: float = 0.06) -> tuple[float, float]:
    """Return the least and the largest of some values, with room on both sides."""
    low, high = min(values), max(values)
    room = (high / 2 - low / 2) * 2 * share
    return low - room, high + room


def svg_line(
    x1: float, y1: float, x2: float, y2: float, paint: str, dash: str = "", width: float = 1.0
) -> str:
    """Return a straight line."""
    more = f' stroke-dasharray="{dash}"' if dash else ""
    ends = f'x1="{px(x1)}" y1="{px(y1)}" x2="{px(x2)}" y2="{px(y2)}"'
    return f'<line class="{paint}" {PAINT[paint]} {ends} stroke-width="{px(width)}"{more}/>'


def svg_rect(x: float, y: float, width: float, height: float, paint: str, *, hollow: bool = False) -> str:
    """Return a rectangle: filled, or with a line around it."""
    more = ' fill-opacity="0.12" stroke-width="1.4"' if hollow else ' stroke-width="0"'
    place = f'x="{px(x)}" y="{px(y)}" width="{px(max(width, 0))}" height="{px(max(height, 0))}"'
    return f'<rect class="{paint}" {PAINT[paint]} {place}{more}/>'


def svg_path(points: Sequence[tuple[float, float]], paint: str, dash: str = "", *, area: bool = False) -> str:
    """Return a line through points, or the area that they enclose."""
    way = "M" + "L".join(f"{px(x)} {px(y)}" for x, y in points)
    if area:
        return f'<path class="{paint}" {PAINT[paint]} d="{way}Z" fill-opacity="0.14" stroke-width="0"/>'
    more = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<path class="{paint}" {PAINT[paint]} d="{way}" fill-opacity="0" stroke-width="2"{more}/>'


def svg_text(
    x: float, y: float, words: str, *, paint: str = "faint", anchor: str = "start", turn: int = 0
) -> str:
    """Return words with their baseline at y. `anchor`: start, middle or end; `turn`: degrees."""
    turned = f' transform="rotate({turn} {px(x)} {px(y)})"' if turn else ""
    place = f'x="{px(x)}" y="{px(y)}" text-anchor="{anchor}"'
    return f'<text class="{paint}" {PAINT[paint]} {place}{turned}>{escape(words)}</text>'


def svg_mark(x: float, y: float, verdict: str) -> str:
    """Return the mark of a verdict, each of a shape of its own: a disc, a ring, a cross, a triangle."""
    if verdict == "pass":
        return f'<circle class="pass" {PAINT["pass"]} cx="{px(x)}" cy="{px(y)}" r="5"/>'
    if verdict == "inconclusive":
        ring = f'cx="{px(x)}" cy="{px(y)}" r="4.5" fill-opacity="0" stroke-width="2.4"'
        return f'<circle class="inconclusive" {PAINT["inconclusive"]} {ring}/>'
    if verdict == "fail":
        a, b = px(x - 4.5), px(x + 4.5)
        c, d = px(y - 4.5), px(y + 4.5)
        return f'<path class="fail" {PAINT["fail"]} d="M{a} {c}L{b} {d}M{a} {d}L{b} {c}" stroke-width="3"/>'
    corners = [(x, y - 5.5), (x + 5.5, y + 4.5), (x - 5.5, y + 4.5)]
    return f'<path class="error" {PAINT["error"]} d="M{"L".join(f"{px(a)} {px(b)}" for a, b in corners)}Z"/>'


def svg_picture(
    id: str, width: float, height: float, title: str, description: str, parts: Sequence[str]
) -> str:
    """Return a whole picture with a name and a description for those who can't see it."""
    name = f'<title id="{id}-t">{escape(title)}</title><desc id="{id}-d">{escape(description)}</desc>'
    size = f'viewBox="0 0 {px(width)} {px(height)}" width="{px(width)}" height="{px(height)}"'
    return (
        f'<svg role="img" aria-labelledby="{id}-t" aria-describedby="{id}-d" {size} '
        f'font-family="sans-serif" font-size="{FONT_SIZE}">{name}{"".join(parts)}</svg>'
    )
