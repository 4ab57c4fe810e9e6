"""The ML Test Score of a spec, by the rules of Breck et al. (2017)."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mlcc import score as scoring
from mlcc.compiler import analyse
from mlcc.gates import GATES
from mlcc.gates.evidence.compile import TOPICS
from mlcc.score import SECTIONS, Item, Score, as_json, as_text, score

SPEC = """version: 1
name: demo
triggers: {push: {branches: [main]}, manual: {by-hand: {}}}
artifacts:
  code: {kind: code, path: [src/]}
  raw: {kind: data, path: raw.csv}
  metrics: {kind: file, path: m.json}
jobs: {train: {run: python a.py, reads: [code], writes: [metrics]}}
gates:
  unit: {guards: code, tests: {run: pytest}}
  table: {guards: raw, contract: {columns: {a: {type: string}}}}
  own: {guards: code, command: {run: python own.py}}
"""


def scored(folder: Path, text: str, day: str = "2027-01-31") -> Score:
    (folder / "mlcc.yaml").write_text(text, "utf-8")
    return score(analyse(folder / "mlcc.yaml", folder, assume_committed=True), day)


def points(found: Score) -> dict[str, float]:
    return {item.id: item.points for items in found.sections.values() for item in items if item.points}


def test_the_rubric_has_four_times_seven_tests(tmp_path: Path) -> None:
    items = [item for section in scored(tmp_path, SPEC).sections.values() for item in section]
    assert [item.id for item in items] == [f"{letter}{i}" for letter in "DMIO" for i in range(1, 8)]
    assert len({item.title for item in items}) == 28
    known = {item.id for item in items}
    assert {id for kind in GATES.values() for id in kind.covers} <= known
    assert {id for ids in TOPICS.values() for id in ids} <= known
    assert list(SECTIONS) == ["data", "model", "infrastructure", "monitoring"]


def test_what_runs_by_itself_counts_whole(tmp_path: Path) -> None:
    found = scored(tmp_path, SPEC)
    covered = {*GATES["tests"].covers, "D1", "O2"}
    assert points(found) == dict.fromkeys(covered, 1.0)
    items = {item.id: item for section in found.sections.values() for item in section}
    assert items["D1"].gates == ("table",)
    assert items["D7"].gates == ("unit",)
    assert items["D2"].gates == ()


def test_what_somebody_must_start_counts_half(tmp_path: Path) -> None:
    by_hand = SPEC.replace("table: {guards: raw,", "table: {guards: raw, when: {event: manual},")
    found = points(scored(tmp_path, by_hand))
    assert found["D1"] == 0.5
    assert found["I2"] == 1


def test_a_waived_gate_runs_no_test(tmp_path: Path) -> None:
    waiver = 'waive: {reason: a known outage, until: "2027-01-31", issue: T-1},'
    text = SPEC.replace("table: {guards: raw,", f"table: {{guards: raw, {waiver}")
    assert "D1" not in points(scored(tmp_path, text))
    assert points(scored(tmp_path, text, "2027-02-01"))["D1"] == 1


def test_the_final_score_is_the_least_of_the_sections(tmp_path: Path) -> None:
    found = scored(tmp_path, SPEC)
    # tests: D7, I2, M1; contract: D1, O2
    assert found.points == {"data": 2, "model": 1, "infrastructure": 1, "monitoring": 1}
    assert found.total == 1
    without = scored(
        tmp_path, SPEC.replace("  table: {guards: raw, contract: {columns: {a: {type: string}}}}\n", "")
    )
    assert without.total == 0


@pytest.mark.parametrize(
    ("total", "word"), [(0, "research"), (0.5, "holes"), (1, "holes"), (1.5, "first"), (3, "reasonably"), (4, "critical")]
)  # fmt: skip
def test_what_a_score_means(total: float, word: str) -> None:
    item = Item("D1", "t", total, (), ())
    assert word in Score("x", {"data": (item,)}).level


@pytest.mark.parametrize(
    ("kind", "key", "items"),
    [
        ("contract", "denied", {"D4", "D5"}),
        ("leakage", "label", {"D2"}),
        ("feature_value", "cost", {"D3"}),
        ("compare", "baseline", {"M5"}),
        ("compare", "champion", {"O7"}),
        ("slices", "metrics", {"M6"}),
        ("slices", "gap", {"M7"}),
        ("artifact", "lineage", {"I1"}),
        ("serve", "latency_p95", {"O6"}),
        ("serve", "memory", {"O6"}),
        ("serve", "champion", {"O6"}),
        ("answers", "latency_p95", {"O6"}),
    ],
)
def test_some_items_are_covered_by_a_parameter_alone(kind: str, key: str, items: set[str]) -> None:
    without = GATES[kind].covered(SimpleNamespace(**{key: None}))
    assert set(GATES[kind].covered(SimpleNamespace(**{key: ["x"]}))) - set(without) == items
    assert set(GATES[kind].covered(SimpleNamespace(**{key: []}))) == set(without)


@pytest.mark.parametrize(("kind", "item"), [("drift", "O7"), ("artifact", "I4")])
def test_what_never_sees_a_models_quality_is_no_test_of_it(kind: str, item: str) -> None:
    """A distribution that stays, and bytes that are what they must be, say nothing of how good predictions are."""
    every = SimpleNamespace(**dict.fromkeys(GATES[kind].params().model_fields, ("x",)))
    assert item not in GATES[kind].covered(every)


def test_what_hangs_on_a_parameter_is_covered_and_the_parameter_is_there() -> None:
    for kind in GATES.values():
        for item, keys in kind.covers_by:
            assert item in kind.covers
            assert set(keys) <= set(kind.params().model_fields)


class _Params:
    def __init__(self, topic: str | None) -> None:
        self.topic = topic


@pytest.mark.parametrize(
    ("kind", "topic", "covers"),
    [
        ("evidence", "staleness", ("M4", "O4")),
        ("evidence", "unheard of", ()),
        ("tests", None, GATES["tests"].covers),
    ],
)
def test_evidence_covers_by_its_topic(kind: str, topic: str | None, covers: Any) -> None:
    assert scoring._covers(kind, _Params(topic)) == covers


def test_text_names_what_could_cover_the_rest(tmp_path: Path) -> None:
    text = as_text(scored(tmp_path, SPEC))
    assert text.startswith("ML Test Score of demo: 1 of 7, not untested, and likely to have serious holes\n")
    assert "\ndata: 2 of 7\n" in text
    assert "  D1  1    What is expected of every feature is written down and checked.  [table]\n" in text
    assert "  I4  0    A model's quality is judged before it serves.  [could be: evaluate" in text


def test_json(tmp_path: Path) -> None:
    found = json.loads(json.dumps(as_json(scored(tmp_path, SPEC))))
    assert (found["name"], found["score"]) == ("demo", 1)
    assert found["sections"]["data"]["tests"][0]["gates"] == ["table"]
    assert sum(len(section["tests"]) for section in found["sections"].values()) == 28


RELEASED = (
    SPEC.replace("jobs:", "environments: {stage: {}, live: {}}\njobs:")
    + """releases:
  stage: {deploys: [code], run: ./deploy.sh, rollback: {run: ./undo.sh}}
  live:
    deploys: [code]
    adapter: {command: ./serve.sh}
    canary: {steps: [5, 25], observations: {command: ./look.sh}, metrics: {errors: {rate: {max: 0.01}}}}
"""
)


def test_a_release_is_watched_and_can_be_undone(tmp_path: Path) -> None:
    items = {i.id: i for section in scored(tmp_path, RELEASED).sections.values() for i in section}
    assert items["I6"].gates == ("live-5", "live-25")
    assert set(items["I7"].gates) == {"live-5", "live-25", "stage-rollback", "live-rollback"}
    assert items["I6"].points == items["I7"].points == 1
