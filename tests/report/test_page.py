"""The page: what it says, that nothing breaks out of it, and that nothing broken keeps it from being made."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlcc.gates._plots import curves, histogram, intervals
from mlcc.gates._records import Check, Verdict, verdict_of
from mlcc.report import page as page_module
from mlcc.report.comment import comment
from mlcc.report.findings import read_run
from mlcc.report.margin import decision, drawn, in_words
from mlcc.report.page import page
from mlcc.report.plots import draw
from mlcc.runtime.records import write_text
from tests.report.sample import COMMIT, PLAN, gate, node, verdicts, write_run

VOID = {"meta", "link", "br", "img", "hr", "input"}
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>\u202e\x00\n::error::x &amp; ]]> --> </title></svg>"


class Tree(HTMLParser):
    """Elements in order, with their attributes and the text directly in them; unbalanced tags fail."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None], list[str]]] = []
        self._open: list[int] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs)
        self.elements.append((tag, dict(attrs), []))
        if tag not in VOID:
            self._open.append(len(self.elements) - 1)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), []))

    def handle_endtag(self, tag: str) -> None:
        assert self.elements[self._open.pop()][0] == tag

    def handle_data(self, data: str) -> None:
        if self._open:
            self.elements[self._open[-1]][2].append(data)

    def all(self, tag: str) -> Iterator[tuple[dict[str, str | None], str]]:
        return ((attrs, "".join(texts).strip()) for name, attrs, texts in self.elements if name == tag)

    @property
    def text(self) -> str:
        return " ".join(" ".join("".join(texts).split()) for tag, _, texts in self.elements if tag != "style")


def made(plan: dict[str, Any] = PLAN) -> str:
    return page(read_run(plan))


def test_what_a_reviewer_reads(root: Path) -> None:
    write_run(root)
    text = made()
    tree = Tree(text)
    assert next(t for _, t in tree.all("title")) == "Red: churn"
    assert "1 of 5 gates closed" in tree.text  # by-slice is waived, champion isn't blocking
    assert [t for _, t in tree.all("h2")] == [
        "Why it is red", "Gates", "raw-drift", "by-slice", "champion", "floor", "unit", "Other nodes",
    ]  # fmt: skip
    for words in (
        "'raw-drift' failed: PSI of tenure is 0.34",
        "Waived until 2027-01-31.",
        "not blocking",
        "1 node not selected",
        "'floor' closed the model",
        COMMIT[:12],
    ):
        assert words in tree.text, words
    assert ({"href": "https://ci.example/acme/churn/runs/99", "rel": "noreferrer"}, "42") in list(
        tree.all("a")
    )
    links = {attrs["href"] for attrs, _ in tree.all("a")}
    ids = {attrs.get("id") for _, attrs, _ in tree.elements}
    assert {link[1:] for link in links if link and link.startswith("#")} <= ids


def test_the_judge_of_a_releases_step_is_shown_as_a_gate(root: Path) -> None:
    lines = {
        "candidate": [(1, 2.0, 1.0, 3.0), (2, 2.0, 1.5, 2.5)],
        "control": [(1, 1.0, 0.5, 1.5), (2, 1.0, 0.7, 1.3)],
    }
    plot = curves("Rate of errors", ("minutes", "%"), {**lines, "at most": [(1, 1.8), (2, 1.8)]})
    verdict = verdict_of([Check("errors", "fail", "the rate of errors is 2 %")], [plot])
    step = node("release", deploys=["model"], judged="canary")
    plan = {**PLAN, "nodes": {**PLAN["nodes"], "live-5": step, "live": node("release", deploys=["model"])}}
    write_run(root, plan, {**verdicts(), "live-5": verdict})
    tree = Tree(made(plan))
    assert "live-5" in [text for _, text in tree.all("h2")]
    assert "live" not in [text for _, text in tree.all("h2")]
    assert "the rate of errors is 2 %." in [text for _, text in tree.all("p")]
    assert "Rate of errors" in [text for _, text in tree.all("h3")] + [
        text for _, text in tree.all("figcaption")
    ]
    assert "python -I .mlcc/gates/canary.py live-5" in tree.text


def test_the_same_files_give_the_same_bytes(root: Path) -> None:
    write_run(root)
    assert made() == made()


def test_every_name_is_unique_and_every_picture_is_named_and_has_a_table(root: Path) -> None:
    write_run(root)
    tree = Tree(made())
    ids = [attrs["id"] for _, attrs, _ in tree.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    pictures = list(tree.all("svg"))
    assert len(pictures) == 11  # 7 decisions, 4 plots
    named = {attrs.get("id"): text for tag in ("title", "desc") for attrs, text in tree.all(tag)}
    for attrs, _ in pictures:
        assert attrs["role"] == "img"
        assert named[attrs["aria-labelledby"]]
        assert named[attrs["aria-describedby"]]
    assert sum(text == "Data as a table" for _, text in tree.all("summary")) == 4
    assert sum(text == "Numbers as a table" for _, text in tree.all("summary")) == 5


def test_it_loads_nothing_and_runs_nothing(root: Path) -> None:
    write_run(root)
    text = made()
    tree = Tree(text)
    (policy,) = [
        a["content"] for a, _ in tree.all("meta") if a.get("http-equiv") == "Content-Security-Policy"
    ]
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    tags = {tag for tag, _, _ in tree.elements}
    assert not tags & {
        "script",
        "link",
        "img",
        "iframe",
        "object",
        "embed",
        "form",
        "image",
        "use",
        "foreignobject",
    }
    for _, attrs, _ in tree.elements:
        assert not {"src", "srcset", "style", "xlink:href", "action"} & set(attrs)
        assert not [name for name in attrs if name.startswith("on")]
    assert "url(" not in style
    assert "@import" not in style


def hostile_verdict() -> Verdict:
    check = Check(
        HOSTILE, "fail", HOSTILE, estimate=1.0, interval=(0.5, 1.5), n=3, threshold={"min": 2.0}, margin=-1.0
    )
    shown = [
        histogram(HOSTILE, [HOSTILE], {HOSTILE: [1.0]}, HOSTILE),
        curves(HOSTILE, (HOSTILE, HOSTILE), {HOSTILE: [(0, 0), (1, 1)]}, note=HOSTILE),
        intervals(HOSTILE, HOSTILE, [(HOSTILE, 1, 0, 2, HOSTILE)], note=HOSTILE),
    ]
    return Verdict("fail", HOSTILE, [check], shown)


def test_nothing_breaks_out(root: Path) -> None:
    plan = {**PLAN, "name": "p", "nodes": {"g": gate("command", HOSTILE), "j": node()}}
    facts = dict.fromkeys(("branch", "run_number", "run_id", "pull_request", "commit"), HOSTILE)
    write_run(
        root,
        plan,
        {"g": hostile_verdict()},
        causes=[HOSTILE],
        facts={**facts, "run_url": "javascript:alert(1)"},
    )
    for kind in ("verdict.json", "plots.json"):
        path = root / "_mlcc/s--g" / kind
        path.write_text(path.read_text().replace("\\u{202e}", "\\u202e").replace("\\\\n", "\\n"))
    text = made(plan)
    tree = Tree(text)
    assert not {"script", "img"} & {tag for tag, _, _ in tree.elements}
    assert [attrs for _, attrs, _ in tree.elements if "onerror" in attrs] == []
    assert "javascript:" not in text
    assert "\u202e" not in text
    assert "\x00" not in text
    assert text.count("<svg") == 4
    assert "\n::error" not in text


def test_by_hand_there_is_no_result(root: Path) -> None:
    write_run(root)
    (root / "_mlcc/s--final/result.json").unlink()
    text = Tree(made()).text
    assert "Not settled: churn" in text
    assert "The final node has not settled this run" in text
    assert "1 of 5 gates closed" in text


def test_nothing_ran(root: Path) -> None:
    tree = Tree(made({**PLAN, "nodes": {}}))
    assert "no gate ran" in tree.text


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "null", '{"gate": "other", "verdict": "pass"}', '{"gate": "g", "verdict": "great"}', '{"gate": "g"}',
     '{"gate": "g", "verdict": "pass", "verdict": "pass"}', "[" * 100_000],
    ids=["empty", "cut", "list", "null", "another's", "unknown", "none", "twice", "deep"],
)  # fmt: skip
def test_a_verdict_that_cant_be_read_is_an_error_and_never_a_pass(root: Path, content: str) -> None:
    plan = {**PLAN, "nodes": {"g": gate("command", "model")}}
    (root / "_mlcc/s--g").mkdir(parents=True)
    (root / "_mlcc/s--g/verdict.json").write_text(content)
    (found,) = read_run(plan).findings
    assert (found.verdict, found.closes) == ("error", True)
    assert "The gate left no verdict that can be read." in Tree(made(plan)).text


def test_a_gate_that_the_node_didnt_believe_is_an_error(root: Path) -> None:
    plan = {**PLAN, "nodes": {"g": gate("command", "model")}}
    write_run(root, plan, {"g": Verdict("pass", "Fine.")})
    path = root / "_mlcc/s--final/result.json"
    result = json.loads(path.read_text())
    cause = "the gate judged other bytes of 'model' than it was given"
    result["nodes"]["g"] = {"end": "failed", "verdict": "error", "cause": cause}
    path.write_text(json.dumps(result))
    (found,) = read_run(plan).findings
    assert (found.verdict, found.summary) == ("error", cause)


def test_legs_are_findings_of_their_own(root: Path) -> None:
    plan = {
        **PLAN,
        "nodes": {"g": gate("command", "model", legs={"a": {"x": "a"}, "b": {"x": "b"}, "c": {"x": "c"}})},
    }
    write_run(root, plan, {})
    for leg, verdict in (("a", "pass"), ("b", "fail")):
        folder = root / f"_mlcc/s--g--{leg}"
        folder.mkdir(parents=True)
        (folder / "verdict.json").write_text(
            json.dumps({"gate": "g", "verdict": verdict, "summary": f"In {leg}."})
        )
        state = {"end": "passed" if leg == "a" else "failed", "verdict": verdict, "cause": ""}
        (folder / "state.json").write_text(json.dumps(state))
    found = read_run(plan).findings
    assert [(one.name, one.verdict) for one in found] == [("g (b)", "fail"), ("g (a)", "pass")]


BROKEN_PLOTS = [
    None, 3, "x", [], {}, {"plot": "pie", "title": "x"}, {"plot": "histogram", "title": 3},
    {"plot": "histogram", "title": "t", "labels": ["a"], "series": [{"name": "n", "values": [1, 2]}]},
    {"plot": "histogram", "title": "t", "labels": [], "series": []},
    {"plot": "histogram", "title": "t", "labels": ["a"] * 401, "series": []},
    {"plot": "histogram", "title": "t", "labels": ["a"], "series": [{"name": "n", "values": ["1"]}]},
    {"plot": "histogram", "title": "t", "labels": ["a"], "series": [{"name": "n", "values": [True]}]},
    {"plot": "curves", "title": "t", "axes": ["x"], "series": []},
    {"plot": "curves", "title": "t", "axes": ["x", "y"], "series": [{"name": "n", "points": []}]},
    {"plot": "curves", "title": "t", "axes": ["x", "y"], "series": [{"name": "n", "points": [[1, 2, 3]]}]},
    {"plot": "curves", "title": "t", "axes": ["x", "y"], "series": [{"name": "n", "points": [[0, 0]] * 401}]},
    {"plot": "intervals", "title": "t", "axis": "x", "limits": {}, "rows": []},
    {"plot": "intervals", "title": "t", "axis": "x", "limits": [], "rows": [{"label": "a", "values": [1, 0, 2]}]},
    {"plot": "intervals", "title": "t", "axis": "x", "limits": {}, "rows": [{"label": "a", "values": [1], "verdict": "x"}]},
]  # fmt: skip


@pytest.mark.parametrize("plot", BROKEN_PLOTS, ids=range(len(BROKEN_PLOTS)))
def test_a_broken_plot_is_named_and_the_others_are_drawn(root: Path, plot: Any) -> None:
    write_run(root)
    path = root / "_mlcc/s--raw-drift/plots.json"
    path.write_text(json.dumps([plot, *json.loads(path.read_text())]))
    tree = Tree(made())
    assert tree.text.count("It can't be drawn: its data isn't whole.") == 1
    assert len(list(tree.all("svg"))) == 11


@pytest.mark.parametrize("content", ["{", "[NaN]", '{"a": 1}', "3"])
def test_a_broken_file_of_plots_doesnt_keep_the_page(root: Path, content: str) -> None:
    write_run(root)
    (root / "_mlcc/s--raw-drift/plots.json").write_text(content)
    assert len(list(Tree(made()).all("svg"))) == 10


@pytest.mark.parametrize("bars", [8, 10, 22, 40, 100, 400])
def test_names_of_many_bars_dont_overlap(bars: int) -> None:
    """Turned by 38 degrees, lines of 13 px lie 13 px apart at least, and begin in the picture; a table has them all."""
    labels = [f"[{number}.12345, {number + 1}.12345)" for number in range(bars)]
    drawing = draw(histogram("t", labels, {"n": [1.0] * bars}), "p")
    found = re.findall(r'x="([0-9.]+)"[^>]*transform="rotate\(-38 [^>]*>([^<]+)<', drawing.picture)
    places = [float(x) for x, _ in found]
    gaps = [after - before for before, after in pairwise(places)]
    assert len(found) > 4
    assert min(gaps) * math.sin(math.radians(38)) >= 13
    letter = 7.8  # px, on average
    assert all(
        x - len(name) * letter * math.cos(math.radians(38)) >= 0
        for x, (_, name) in zip(places, found, strict=True)
    )
    assert [row[0] for row in drawing.rows] == labels


def test_names_side_by_side_have_a_gap() -> None:
    """Of 340 px, seven names of six letters (7.8 px) would take all but 12."""
    texts = draw(histogram("t", ["abcdef"] * 7, {"n": [1.0] * 7}), "p").picture
    assert texts.count("rotate(") == 7
    assert "rotate(" not in draw(histogram("t", ["abcde"] * 5, {"n": [1.0] * 5}), "p").picture


def test_a_bar_is_as_high_as_its_value() -> None:
    text = draw(histogram("t", ["a", "b", "c"], {"n": [1.0, 3.0, 0.0]}), "p").picture
    bars = re.findall(r'<rect class="s0"[^>]* height="([0-9.]+)"', text)[1:]  # the first is the legend's
    one, three, none = map(float, bars)
    assert three == pytest.approx(3 * one, abs=0.2)
    assert none == 0


def test_a_band_lies_between_its_bounds() -> None:
    points = [(0.0, 2.0, 1.0, 3.0), (10.0, 4.0, 3.0, 5.0)]
    drawing = draw(curves("t", ("x", "y"), {"n": points}), "p")
    area, way = re.findall(r'<path [^>]*d="M([^"]*)"', drawing.picture)
    corners = [tuple(map(float, part.split())) for part in area.rstrip("Z").split("L")]
    line = [tuple(map(float, part.split())) for part in way.split("L")]
    assert [x for x, _ in corners] == [50.0, 390.0, 390.0, 50.0]
    (upper_0, upper_1, lower_1, lower_0) = (y for _, y in corners)
    assert [y for _, y in line] == pytest.approx([(upper_0 + lower_0) / 2, (upper_1 + lower_1) / 2], abs=0.1)
    assert drawing.columns == ["curve", "x", "y", "lower", "upper"]
    assert drawing.rows == [["n", "0", "2", "1", "3"], ["n", "10", "4", "3", "5"]]


def test_more_rows_than_a_picture_holds_are_in_the_table() -> None:
    rows = [(f"r{i}", 0.5, 0.4, 0.6, "pass") for i in range(90)]
    drawing = draw(intervals("t", "x", rows, limits={"max": 0.7}), "p")
    assert drawing.picture.count("<circle") == 40
    assert len(drawing.rows) == 90
    assert "90 estimates of x with bounds: 90 pass; 40 are drawn" in drawing.picture
    assert "at most 0.7" in drawing.picture


def test_more_than_a_plot_holds_is_said() -> None:
    rows = [(f"r{i}", 0.5, 0.4, 0.6, "pass") for i in range(430)]
    drawing = draw(intervals("t", "x", rows, note="Holm."), "p")
    assert (len(drawing.rows), drawing.note) == (400, "Holm. 30 more are left out.")
    many = {f"c{i}": [(0, 0), (1, i)] for i in range(11)}
    drawing = draw(curves("t", ("x", "y"), many), "p")
    assert ({row[0] for row in drawing.rows}, drawing.note) == (
        {f"c{i}" for i in range(8)},
        "3 more are left out.",
    )


def test_eight_series_look_different() -> None:
    lines = {f"c{i}": [(0, 0), (1, i)] for i in range(8)}
    drawing = draw(curves("t", ("x", "y"), lines), "p")
    looks = re.findall(r'<path class="(s\d)"[^>]*?(?: stroke-dasharray="([^"]*)")?/>', drawing.picture)
    assert len(looks) == len(set(looks)) == 8
    bars = draw(histogram("t", ["a"], {f"b{i}": [1.0] for i in range(8)}), "p").picture
    looks = re.findall(r'<rect class="(s\d)"[^>]*?( fill-opacity="[^"]*")?(?: stroke-width="[^"]*")/>', bars)
    assert len(looks) == 16
    assert len(set(looks)) == 8


def test_a_decision_in_words() -> None:
    check = Check("auc", "fail", "x", estimate=0.871, interval=(0.862, 0.88), confidence=0.95, n=4000,
                  threshold={"min": 0.9}, margin=-0.038)  # fmt: skip
    assert in_words(decision(check.record())) == (
        "estimate 0.871; bounds 0.862 and 0.88, each with 95 % confidence; 4,000 rows; must be at least 0.9; missed by 0.038"
    )


def test_the_allowed_side_is_the_one_that_is_marked() -> None:
    def allowed(threshold: dict[str, float]) -> tuple[float, float]:
        found = decision({"verdict": "pass", "estimate": 5, "interval": [0, 10], "threshold": threshold})
        (place,) = re.findall(
            r'<rect class="good"[^>]* x="([0-9.]+)" [^>]*? width="([0-9.]+)"', drawn("m", "t", found)
        )
        return float(place[0]), float(place[0]) + float(place[1])

    middle = 160.0  # of the picture, where 5 lies between 0 and 10
    assert allowed({"min": 5}) == pytest.approx((middle, 310))
    assert allowed({"max": 5}) == pytest.approx((10, middle))
    low, high = allowed({"min": 0, "max": 10})
    assert 10 < low < middle < high < 310


@pytest.mark.parametrize(
    "check",
    [
        {}, {"estimate": 1}, {"threshold": {"min": 1}}, {"estimate": True, "threshold": {"min": 1}},
        {"estimate": 1, "threshold": {"min": "1"}}, {"estimate": 1, "threshold": 4}, {"estimate": "1", "threshold": {"min": 1}},
    ],
)  # fmt: skip
def test_without_numbers_there_is_no_picture(check: dict[str, Any]) -> None:
    assert drawn("m", "t", decision(check)) == ""


@pytest.mark.parametrize("interval", [None, [1], [1, 2, 3], "12", [1, "2"], [1, True]])
def test_bounds_that_arent_two_numbers_are_none(interval: object) -> None:
    assert decision({"estimate": 1, "interval": interval}).interval is None


def test_the_largest_numbers_are_drawn_or_left_out_and_never_wrong() -> None:
    found = decision(
        {"verdict": "pass", "estimate": 1e308, "interval": [-1.7e308, 1.7e308], "threshold": {"min": 0}}
    )
    try:
        text = drawn("m", "t", found)
    except page_module.BROKEN:
        return
    assert "nan" not in text
    assert "inf" not in text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20) | st.sampled_from(["pass", "fail", "histogram", "curves", "intervals"]),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(
            ["id", "verdict", "message", "estimate", "interval", "threshold", "min", "n", "plot", "title", "labels", "series",
             "name", "values", "points", "axes", "rows", "limits", "axis", "label", "end", "cause", "digest"]
        ),
        inner,
        max_size=6,
    ),
    max_leaves=30,
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(values=st.lists(JSON, min_size=9, max_size=9))
def test_whatever_a_run_left_the_page_and_the_comment_are_made(root: Path, values: list[Any]) -> None:
    plan = {**PLAN, "nodes": {"g": gate("command", "model"), "h": gate("command", "model"), "j": node()}}
    checks, summary, waived, inputs, plots, end, causes, facts, reasons = values
    record = {
        "gate": "g",
        "verdict": "fail",
        "checks": [checks],
        "summary": summary,
        "waived": waived,
        "inputs": inputs,
    }
    write_text(root / "_mlcc/s--g/verdict.json", json.dumps(record))
    write_text(root / "_mlcc/s--g/plots.json", json.dumps([plots]))
    write_text(root / "_mlcc/s--h/verdict.json", json.dumps(checks))
    result = {"green": end, "causes": causes, "nodes": {"g": end, "j": end}}
    write_text(root / "_mlcc/s--final/result.json", json.dumps(result))
    write_text(root / "_mlcc/s--select/selection.json", json.dumps({"facts": facts, "reasons": reasons}))
    run = read_run(plan)
    Tree(page(run))
    assert len(comment(run, "p", 2_000).encode()) <= 2_000


NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@settings(deadline=None, max_examples=300)
@given(numbers=st.lists(NUMBERS, min_size=6, max_size=6))
def test_extreme_numbers_are_drawn_within_the_picture_or_not_at_all(numbers: list[float]) -> None:
    a, b, c, *others = numbers
    pairs = sorted([(a, b), (b, c), (c, a)])
    found: list[Any] = [
        lambda: draw(histogram("t", ["x", "y", "z"], {"n": [a, b, c], "m": others}), "p").picture,
        lambda: draw(curves("t", ("x", "y"), {"n": pairs}, diagonal=a > 0), "p").picture,
        lambda: draw(intervals("t", "x", [("r", a, b, c, "pass")], limits={"min": others[0]}), "p").picture,
        lambda: drawn(
            "m",
            "t",
            decision({"verdict": "fail", "estimate": a, "interval": [b, c], "threshold": {"max": others[0]}}),
        ),
    ]
    for one in found:
        try:
            text = one()
        except page_module.BROKEN:
            continue
        lengths = [float(x) for x in re.findall(r' (?:x|y|x1|x2|y1|y2|cx|cy)="(-?[0-9.]+)"', text)]
        assert all(-30 <= x <= 420 for x in lengths), text


def test_a_page_beyond_its_size_leaves_out_checks_and_plots(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_run(root)
    monkeypatch.setattr(page_module, "MOST_PAGE", 30_000)
    text = made()
    assert len(text) < 45_000
    assert "Its checks and plots are left out" in text
    assert all(f">{id}</h2>" in text for id in ("raw-drift", "by-slice", "champion", "floor", "unit"))


def test_many_checks_are_bounded(root: Path) -> None:
    plan = {**PLAN, "nodes": {"g": gate("command", "model")}}
    checks = [Check(f"c{i}", "pass", "m" * 3000) for i in range(3000)]
    write_run(root, plan, {"g": verdict_of(checks)})
    assert len(made(plan)) < 1_000_000
