"""Scales and shapes, against values worked out by hand."""

from __future__ import annotations

import math
from xml.etree import ElementTree

import pytest

from mlcc.report.style import COLOURS, stylesheet
from mlcc.report.svg import PAINT, Scale, clipped, padded, px, short, svg_mark, svg_picture, svg_text


def test_a_scale_maps_its_ends_and_what_is_between() -> None:
    scale = Scale(-1.0, 3.0, 10.0, 50.0)
    assert [scale.at(x) for x in (-1, 0, 1, 3)] == [10.0, 20.0, 30.0, 50.0]
    upwards = Scale(0.0, 2.0, 100.0, 0.0)
    assert [upwards.at(x) for x in (0, 0.5, 2)] == [100.0, 75.0, 0.0]


@pytest.mark.parametrize("value", [0.0, 5.0, -3.0, 1e300])
def test_a_single_value_lies_in_the_middle(value: float) -> None:
    assert Scale(value, value, 0.0, 100.0).at(value) == pytest.approx(50.0)


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.0, 1.0, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (0.0, 10.0, [0, 2, 4, 6, 8, 10]),
        (-1.0, 1.0, [-1.0, -0.5, 0.0, 0.5, 1.0]),
        (0.83, 0.91, [0.84, 0.86, 0.88, 0.9]),
        (0.0, 3e-9, [0.0, 1e-9, 2e-9, 3e-9]),
        (1e15, 1.1e15, [1e15, 1.02e15, 1.04e15, 1.06e15, 1.08e15, 1.1e15]),
    ],
)
def test_ticks_are_round_numbers(low: float, high: float, ticks: list[float]) -> None:
    assert Scale(low, high, 0, 1).ticks() == pytest.approx(ticks, rel=1e-12)


def test_the_largest_numbers_stay_finite() -> None:
    scale = Scale(-1.7e308, 1.7e308, 0.0, 100.0)
    assert scale.at(0.0) == pytest.approx(50.0)
    assert 3 <= len(scale.ticks()) <= 7


def test_room_on_both_sides() -> None:
    assert padded([2.0, 4.0, 3.0], 0.1) == pytest.approx((1.8, 4.2))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_length_that_isnt_finite(value: float) -> None:
    with pytest.raises(ValueError, match="isn't finite"):
        px(value)


def test_numbers_and_words_are_short() -> None:
    assert [short(x) for x in (3, 0.123456, 20000, 1e-7, 10**12)] == [
        "3",
        "0.1235",
        "20000",
        "1e-07",
        "1e+12",
    ]
    assert [clipped("abcdef", n) for n in (6, 5, 2)] == ["abcdef", "abcd…", "a…"]


def test_words_are_escaped_and_the_picture_is_named() -> None:
    text = svg_picture("x1", 10, 10, "A <b> & title", "It's 'so'", [svg_text(1, 2, '<script>"&')])
    tree = ElementTree.fromstring(text)
    title, desc, words = tree
    assert (title.text, desc.text, words.text) == ("A <b> & title", "It's 'so'", '<script>"&')
    assert tree.get("role") == "img"
    assert (tree.get("aria-labelledby"), tree.get("aria-describedby")) == (title.get("id"), desc.get("id"))


def test_each_verdict_has_a_shape_of_its_own() -> None:
    shapes = set()
    for verdict in ("pass", "inconclusive", "fail", "error"):
        tree = ElementTree.fromstring(svg_mark(5, 5, verdict))
        shapes.add((tree.tag, tree.get("r"), (tree.get("d") or "")[-1:]))
    assert len(shapes) == 4


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance: https://www.w3.org/TR/WCAG22/#dfn-relative-luminance."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(a: str, b: str) -> float:
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_as_by_the_guidelines_examples() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#ffffff", "#767676") == pytest.approx(4.54, abs=0.005)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["paper", "panel", "good"])
def test_words_and_marks_stand_out(scheme: int, ground: str) -> None:
    behind = COLOURS[ground][scheme]
    read = [name for name in COLOURS if name not in ("paper", "panel", "good", "rule")]
    assert {name for name in read if contrast(COLOURS[name][scheme], behind) < 4.5} == set()


def test_shapes_have_the_colours_of_the_page() -> None:
    sheet = stylesheet()
    for name, attributes in PAINT.items():
        assert f"svg .{name}{{" in sheet
        colour = "faint" if name == "axis" else "ink" if name == "limit" else name
        assert COLOURS[colour][0] in attributes
