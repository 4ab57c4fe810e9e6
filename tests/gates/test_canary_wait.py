"""A canary's step in two looks: the first only stops what is bad, the second judges what was counted since the first."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from mlcc.gates.canary import runtime
from tests.gates.test_canary import _PROGRAM, ERRORS, Clock, arm

OF = "sha256:" + hashlib.sha256(b"m").hexdigest()
BAKE, EVERY, MADE_GOOD = 600, 2, 300
Judge = Callable[..., tuple[int, dict[str, Any], int]]


class WallClock(Clock):
    """Time that goes by only while the gate waits, and what a clock on the wall shows."""

    def time(self) -> float:
        return time.time()


def growing(*counts: tuple[int, int]) -> list[dict[str, Any]]:
    """Return looks at so many requests of the candidate and of the control, none of them bad."""
    return [{"candidate": arm(n), "control": arm(m)} for n, m in counts]


@pytest.fixture
def looks_on(project: Any, monkeypatch: pytest.MonkeyPatch) -> Judge:
    """Return a function that runs the second look: `ago`, seconds since the first, which was at `before`."""
    project.write("m.bin", "m")
    project.write("observe.py", _PROGRAM)

    def run(
        looks: list[dict[str, Any]], ago: float | None = None, *before: dict[str, Any], **change: Any
    ) -> tuple[int, dict[str, Any], int]:
        project.write("given.json", json.dumps(looks))
        project.write("turn", "0")
        stated = {
            "observations": {"command": f"{sys.executable} observe.py"},
            "weight": 50,
            "metrics": ERRORS,
        }
        part = {"bake": BAKE, "every": EVERY, "continues": "watch", "made_good": MADE_GOOD, **change}
        project.gate("canary", stated, {"model": "m.bin"}, artifact_kind="model", change=part)
        if ago is not None:
            kept = [{"of": OF, **one, "time": time.time() - ago + n} for n, one in enumerate(before)]
            project.write("_mlcc/s--watch/snapshots.jsonl", "".join(json.dumps(one) + "\n" for one in kept))
        with monkeypatch.context() as patched:
            patched.setattr(runtime, "time", WallClock())
            code = project.run("canary").code
        record = json.loads((project.root / "_mlcc/s--g/verdict.json").read_text())
        return code, record, int((project.root / "turn").read_text())

    return run


START = growing((0, 5000))
AFTER = growing((1000, 6000), (1010, 6010), (1020, 6020), (1030, 6030))


def test_after_the_wait_it_sees_whether_the_candidate_is_alive_and_judges_from_the_first_look(
    looks_on: Judge, project: Any
) -> None:
    code, record, looks = looks_on(AFTER, BAKE + 60, *START)
    assert (code, record["verdict"]) == (0, "pass"), record
    assert looks == 4  # at 0, 2, 4 and 6 s: three times `every`, one more than the two that end it
    checks = {check["id"]: check for check in record["checks"]}
    assert checks["errors"]["n"] == 1030  # also what came while nobody looked
    kept = (project.root / "_mlcc/s--g/snapshots.jsonl").read_text().splitlines()
    assert [json.loads(line)["candidate"]["n"] for line in kept] == [0, 1000, 1010, 1020, 1030]


def test_a_wait_that_was_too_short_is_made_good(looks_on: Judge) -> None:
    counts = [(1000 + 10 * n, 6000 + 10 * n) for n in range(60)]
    code, record, looks = looks_on(growing(*counts), BAKE - 99, *START)
    assert code == 0, record
    assert looks == 50  # at 0, 2, … 98 s: up to 99 s are missing


def test_more_than_may_be_made_good_ends_it_without_a_look(looks_on: Judge) -> None:
    code, record, looks = looks_on(AFTER, BAKE - MADE_GOOD - 10, *START)
    assert (code, record["verdict"], looks) == (2, "error", 0)
    assert "of the bake are missing, and at most 300 s are made good here" in record["summary"]


def test_a_candidate_that_died_in_the_wait_fails(looks_on: Judge) -> None:
    dead = growing((900, 6000), (900, 6100), (900, 6200), (900, 6300))
    code, record, looks = looks_on(dead, BAKE + 60, *growing((0, 5000), (100, 5100), (200, 5200)))
    assert (code, record["verdict"]) == (1, "fail")
    assert looks == 3  # the first shows what it served before it died
    assert "served no request over the last 2 looks" in record["summary"]


def test_what_went_wrong_in_the_wait_fails(looks_on: Judge) -> None:
    bad = [{"candidate": arm(1000, 200), "control": arm(6000)}]
    code, record, looks = looks_on(bad, BAKE + 60, *START)
    assert (code, record["verdict"], looks) == (1, "fail", 1)


def test_without_what_the_first_look_saw_nothing_is_judged(looks_on: Judge) -> None:
    code, record, looks = looks_on(AFTER)
    assert (code, looks) == (2, 0)
    assert "watch left no snapshot" in record["summary"]


def test_what_was_seen_of_another_candidate_is_no_evidence(looks_on: Judge) -> None:
    code, record, looks = looks_on(AFTER, BAKE + 60, {**START[0], "of": "sha256:0"})
    assert (code, looks) == (2, 0)
    assert "of another candidate" in record["summary"]


@pytest.mark.parametrize(
    "change",
    [{"made_good": None}, {"made_good": 0}, {"made_good": float("inf")}, {"continues": ""}, {"continues": 3}],
)
def test_parameters_that_say_nothing_of_the_wait_are_refused(looks_on: Judge, change: dict[str, Any]) -> None:
    code, record, looks = looks_on(AFTER, BAKE + 60, *START, **change)
    assert (code, record["verdict"], looks) == (2, "error", 0)


def first_look(
    project: Any, monkeypatch: pytest.MonkeyPatch, *looks: dict[str, Any]
) -> tuple[int, dict[str, Any]]:
    project.write("m.bin", "m")
    project.write("observe.py", _PROGRAM)
    project.write("given.json", json.dumps(looks))
    stated = {"observations": {"command": f"{sys.executable} observe.py"}, "weight": 50, "metrics": ERRORS}
    part = {"bake": 4, "every": 2, "first_look": True}
    project.gate("canary", stated, {"model": "m.bin"}, artifact_kind="model", change=part)
    monkeypatch.setattr(runtime, "time", WallClock())
    code = project.run("canary").code
    return code, json.loads((project.root / "_mlcc/s--g/verdict.json").read_text())


def test_a_first_look_passes_where_nothing_is_shown_yet(
    project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, record = first_look(project, monkeypatch, *growing((0, 0), (5, 5), (10, 10)))
    assert (code, record["verdict"]) == (0, "pass")
    assert record["summary"].startswith("Nothing is shown to be bad so far: ")
    assert {check["id"]: check["verdict"] for check in record["checks"]}["requests"] == "inconclusive"


def test_a_first_look_fails_what_is_shown_to_be_bad(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = {"candidate": arm(200, 60), "control": arm(5200, 50)}
    code, record = first_look(project, monkeypatch, {"candidate": arm(0), "control": arm(5000, 50)}, bad)
    assert (code, record["verdict"]) == (1, "fail")
