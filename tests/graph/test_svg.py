"""The SVG: well-formed, self-contained, readable, and nothing on top of anything else."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcc.graph import svg
from mlcc.graph.layout import layered
from mlcc.graph.svg import COLOURS, FAINT, INK, PAPER
from mlcc.plan import Plan
from mlcc.record import replace

NS = "{http://www.w3.org/2000/svg}"


def texts(root: ET.Element) -> list[str]:
    return [element.text or "" for element in root.iter(f"{NS}text")]


def test_every_node_and_label_is_in_the_picture(small: Plan) -> None:
    shown = texts(ET.fromstring(svg(small)))
    assert shown[0] == "credit"
    for word in (
        *small.nodes,
        "reads code, 2 legs",
        "command on model",
        "always",
        "raw",
        "fail",
        "doesn't block",
    ):
        assert word in shown
    assert "release" not in shown  # the legend explains only what is there


def test_it_has_a_title_and_a_description(small: Plan) -> None:
    root = ET.fromstring(svg(small))
    assert root.get("role") == "img"
    named = {element.get("id"): element.text for element in root if element.get("id")}
    assert root.get("aria-labelledby") == "title desc"
    assert named["title"] == "credit"
    assert named["desc"] == "The pipeline credit runs 3 jobs, 3 gates, 1 fetch and 1 job that runs by status."


def test_it_needs_nothing_from_outside(small: Plan) -> None:
    text = svg(small).replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert not re.search(r"http|href|<script|<style|@import|<image|<foreignObject|\son\w+=", text)
    assert set(re.findall(r"url\(([^)]*)\)", text)) <= {"#data", "#guard", "#order", "#verdict"}


def test_the_same_plan_gives_the_same_bytes(small: Plan) -> None:
    assert svg(small) == svg(small)


def test_hostile_text_stays_text(small: Plan) -> None:
    name = '</title><script>alert("x")</script>&\x00\x1b\ud800\uffff\U0001f600'
    root = ET.fromstring(svg(replace(small, name=name)))
    expected = '</title><script>alert("x")</script>&\ufffd\ufffd\ufffd\ufffd\U0001f600'
    assert root[0].text == expected
    assert root.find(f".//{NS}script") is None


def test_long_texts_are_cut_and_whole_in_the_tooltip(small: Plan) -> None:
    long = "a-very-long-identifier-that-goes-on-and-on"
    node = replace(small.nodes["retrain"], id=long)
    plan = replace(small, nodes={long: node}, incoming={long: ()}, outgoing={})
    root = ET.fromstring(svg(plan))
    assert "a-very-long-identifier-that-g…" in texts(root)
    assert f"job {long}" in [element.text for element in root.iter(f"{NS}title")]


def test_a_plan_without_nodes_is_drawn(small: Plan) -> None:
    root = ET.fromstring(svg(replace(small, nodes={}, incoming={}, outgoing={})))
    assert texts(root) == ["credit"]


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_text_and_lines_have_enough_contrast(small: Plan) -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    for fill, line in COLOURS.values():
        assert contrast(INK, fill) >= 7
        assert contrast(line, PAPER) >= 4.5
    assert contrast(FAINT, PAPER) >= 4.5
    for element in ET.fromstring(svg(small)).iter(f"{NS}text"):
        assert contrast(element.get("fill", INK), PAPER) >= 4.5


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[str], list[tuple[str, str]]]:
    """A topologically ordered graph."""
    count = draw(st.integers(0, 14))
    nodes = [f"n{number}" for number in range(count)]
    pairs = [(left, right) for at, left in enumerate(nodes) for right in nodes[at + 1 :]]
    return nodes, draw(st.lists(st.sampled_from(pairs), unique=True, max_size=30)) if pairs else []


@given(graphs())
def test_nothing_overlaps_and_links_lead_to_the_right(graph: tuple[list[str], list[tuple[str, str]]]) -> None:
    nodes, links = graph
    height, gap = 40.0, 20.0
    found = layered(nodes, links, dict.fromkeys(nodes, height), gap)
    assert set(found.rank) == set(found.middle) == set(nodes)
    columns: dict[int, list[tuple[float, float]]] = {}
    for node in nodes:
        assert found.rank[node] >= 0
        columns.setdefault(found.rank[node], []).append((found.middle[node], height))
    for source, target in links:
        first, last = found.rank[source], found.rank[target]
        assert first < last
        assert len(found.bends[source, target]) == last - first - 1
        for column, bend in zip(range(first + 1, last), found.bends[source, target], strict=True):
            columns[column].append((bend, 0.0))
    for places in columns.values():
        places.sort()
        for (upper, above), (lower, below) in pairwise(places):
            assert lower - upper >= (above + below) / 2 + gap - 1e-6
        assert places[0][0] - places[0][1] / 2 >= -1e-6


def test_a_chain_is_straight_and_a_ladder_does_not_cross() -> None:
    nodes = ["a", "b", "c", "x", "y", "z"]
    links = [("a", "b"), ("b", "c"), ("x", "y"), ("y", "z"), ("a", "c")]
    found = layered(nodes, links, dict.fromkeys(nodes, 40.0), 20.0)
    assert [found.rank[node] for node in nodes] == [0, 1, 2, 0, 1, 2]
    assert found.middle["x"] == pytest.approx(found.middle["y"]) == pytest.approx(found.middle["z"])
    ((bend,),) = [bends for bends in found.bends.values() if bends]
    above = [found.middle[node] < found.middle[other] for node, other in zip("abc", "xyz", strict=True)]
    assert len(set(above)) == 1
    assert (bend < found.middle["y"]) == above[0]
