"""The cases and the comparison themselves, without running a pipeline: what is drawn, and that no difference gets by."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mlcc.backends import BACKENDS
from tests.equivalence.pipelines import plan_of_data
from tests.execution.equivalence.case import Case, Scratch, scratch
from tests.execution.equivalence.compare import differences
from tests.execution.equivalence.deviations import DEVIATIONS
from tests.execution.equivalence.draw import DRAWN, MOST_DRAWN, chosen, situations
from tests.execution.equivalence.expected import Expected, expected
from tests.execution.equivalence.named import NAMED, Named
from tests.execution.equivalence.runner import Run
from tests.static.checks import ROOT

EVENTS = ("push", "pull_request", "pull_request of a fork", "tag", "schedule", "manual", "dispatch")


@pytest.mark.parametrize("named", NAMED, ids=lambda named: named.case.name)
def test_the_interpreter_says_what_is_written_by_hand(named: Named, tmp_path: Path) -> None:
    wanted = expected(scratch(named.case, tmp_path, ["github"]))
    kinds = named.case.spec["gates"]
    got = {
        id: f"{ended.end} {ended.verdict}" if id in kinds else ended.end for id, ended in wanted.nodes.items()
    }
    usual = {"passed": "passed pass", "failed": "failed fail", "skipped": "skipped "}
    assert got == {id: usual.get(end, end) if id in kinds else end for id, end in named.ends.items()}
    assert wanted.green is named.green


def test_every_rule_has_a_case_by_hand() -> None:
    rules = {word for named in NAMED for word in named.case.name.split() if word[1:].isdigit()}
    assert rules == {f"S{number}" for number in range(1, 13)}
    assert len({named.case.name for named in NAMED}) == len(NAMED)


def test_what_is_drawn_is_dense() -> None:
    cases = chosen(MOST_DRAWN)
    about = Counter(one for case in cases for one in set(situations(case, plan_of_data(case.spec))))
    seen = {word for one in about for word in one.split(", ")}
    assert seen >= {*EVENTS, "green", "red"}
    for kind in ("data", "guard", "order", "verdict"):
        assert {one for one in about if one.startswith(f"{kind}: ")} >= {
            f"{kind}: {pair}" for pair in PAIRS[kind]
        }
    for words in (
        "fail",
        "hang",
        "lost",
        "fail then pass",
        "lost then pass",
        "contradict",
        "inconclusive",
        "error",
    ):
        assert any(one.partition(" of a leg")[0].endswith(f" {words}") for one in about), words
    assert any(" of a leg" in one for one in about)
    assert {"status rollback passed", "status rollback skipped"} <= set(about)


PAIRS = {
    "data": ("passed -> passed", "failed -> skipped", "skipped -> skipped", "non-blocking failed -> skipped"),
    "guard": ("passed -> passed", "failed -> skipped"),
    "order": (
        "passed -> passed",
        "failed -> skipped",
        "non-blocking failed -> passed",
        "unselected -> passed",
    ),
    "verdict": ("non-blocking failed -> passed waiting", "non-blocking passed -> skipped waiting"),
}


def test_the_same_number_gives_the_same_case() -> None:
    chosen.cache_clear()
    again = chosen(3)
    assert [case.text() for case in again] == [case.text() for case in chosen(MOST_DRAWN)[:3]]


# --- the comparison -------------------------------------------------------------------------------


def perfect(made: Scratch, wanted: Expected) -> Run:
    """Return the records of a run that is as it must be, and write its trace."""
    states: dict[tuple[str, str], dict[str, Any]] = {}
    verdicts: dict[tuple[str, str], dict[str, Any]] = {}
    lines = []
    for (node, leg), did in wanted.did.items():
        states[node, leg] = {
            "end": did.ended.end, "verdict": did.ended.verdict, "attempts": did.attempts or 1, "inputs": dict(did.inputs),
            "outputs": dict(did.outputs), "values": dict(did.values),
        }  # fmt: skip
        if did.judged is not None:
            inputs = {id: {"digest": digest} for id, digest in did.inputs.items()}
            verdicts[node, leg] = {"verdict": did.judged, "inputs": inputs}
        line = {"node": node, "leg": leg, "seen": dict(did.seen), "secret": ["TOKEN"] * did.secret}
        lines += [{**line, "attempt": n + 1} for n in range(did.attempts or 1)] if did.traced else []
    nodes = {id: {"end": ended.end, "verdict": ended.verdict} for id, ended in wanted.nodes.items()}
    result = {"green": wanted.green, "nodes": nodes}
    write_trace(made, lines)
    return Run(states, verdicts, {"selected": list(wanted.selected)}, result, wanted.green, "")


def write_trace(made: Scratch, lines: list[dict[str, Any]]) -> None:
    made.trace.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


FAULTS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "a node too few selected": ("selection", lambda run: run.selection["selected"].pop()),
    "no selection": ("selection", lambda run: run.selection.clear()),
    "another end": ("legs", lambda run: run.states["train", "a"].update(end="failed")),
    "another verdict": ("legs", lambda run: run.states["small", ""].update(verdict="inconclusive")),
    "a lost state": ("legs", lambda run: run.states.pop(("train", "b"))),
    "one that must not run": ("legs", lambda run: run.states.update({("ghost", ""): {"end": "passed"}})),
    "an attempt too many": ("attempts", lambda run: run.states["train", "a"].update(attempts=3)),
    "other bytes read": ("inputs", lambda run: run.states["pick", ""]["inputs"].update(models="sha256:0")),
    "other bytes written": (
        "outputs",
        lambda run: run.states["train", "b"]["outputs"].update(models="sha256:0"),
    ),
    "a value": ("values", lambda run: run.states["pick", ""]["values"].update(N="1")),
    "another verdict file": ("verdicts", lambda run: run.verdicts["small", ""].update(verdict="fail")),
    "other bytes judged": ("verdicts", lambda run: run.verdicts["small", ""]["inputs"].clear()),
    "final forgets a node": ("nodes", lambda run: run.result["nodes"].pop("pick")),
    "final says otherwise": ("nodes", lambda run: run.result["nodes"]["train"].update(end="skipped")),
    "another colour": ("colour", lambda run: run.result.update(green=not run.result["green"])),
    "no result": ("colour", lambda run: run.result.clear()),
}


@pytest.fixture
def legs(tmp_path: Path) -> Scratch:
    named = next(named for named in NAMED if "clean folder" in named.case.name)
    return scratch(named.case, tmp_path, ["github"])


def subjects(made: Scratch, wanted: Expected, run: Run) -> set[str]:
    return {subject for subject, _ in differences(made, wanted, run)}


@pytest.mark.parametrize("fault", FAULTS)
def test_no_difference_gets_by(legs: Scratch, fault: str) -> None:
    wanted = expected(legs)
    run = perfect(legs, wanted)
    assert subjects(legs, wanted, run) == set()
    subject, spoil = FAULTS[fault]
    spoiled = copy.deepcopy(run)
    spoil(spoiled)
    assert subject in subjects(legs, wanted, spoiled)


def test_the_colour_that_the_platform_shows_counts(legs: Scratch) -> None:
    wanted = expected(legs)
    run = perfect(legs, wanted)
    assert subjects(legs, wanted, replace(run, green=not run.green)) == {"colour"}


def test_the_trace_counts(legs: Scratch) -> None:
    wanted = expected(legs)
    run = perfect(legs, wanted)
    lines = legs.noted()
    assert [line["node"] for line in lines] == ["train", "train", "train", "small", "pick"]
    write_trace(legs, lines[1:])
    assert subjects(legs, wanted, run) == {"trace"}
    write_trace(legs, [*lines, {**lines[-1], "node": "ghost"}])
    assert subjects(legs, wanted, run) == {"trace"}
    write_trace(legs, [*lines[:-1], {**lines[-1], "secret": ["TOKEN"]}])
    assert subjects(legs, wanted, run) == {"environment"}
    write_trace(legs, [*lines[:-1], {**lines[-1], "seen": {}}])
    assert subjects(legs, wanted, run) == {"environment"}


def test_every_back_end_has_cases_and_says_how_its_runner_deviates() -> None:
    assert set(DRAWN) == set(BACKENDS) == {deviation.runner for deviation in DEVIATIONS}
    for deviation in DEVIATIONS:
        assert deviation.source.startswith("https://")
        assert [path for path in deviation.instead if not (ROOT / path).is_file()] == []


def test_a_case_reads_as_a_spec() -> None:
    case: Case = chosen(MOST_DRAWN)[0]
    assert case.text().startswith(f"# {case.name}: ")
    assert "version: 1" in case.text()
