"""Gates on what no release runs yet: they pass and say so, where the spec and the runtime both say that it is absent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.gates.servers import server
from tests.gates.test_serve import GOLDEN

COMPARE = {
    "candidate": "new", "champion": "old", "key": "id", "label": "y", "prediction": "p", "metric": "accuracy", "margin": 0.02,
}  # fmt: skip
ROWS = "id,y,p\n" + "".join(f"{n},1,{1 if n < 30 else 2}\n" for n in range(40))  # 30 of 40 are right


def absent(project: Any, *names: str) -> None:
    """Let the spec say of artifacts that they may be absent."""
    path: Path = project.root / ".mlcc/gates/g.json"
    document = json.loads(path.read_text())
    for name in names:
        document["artifacts"][name]["first"] = "none"
    path.write_text(json.dumps(document))


def test_without_a_champion_a_comparison_passes(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("new.csv", ROWS)
    project.gate("compare", COMPARE, {"new": "new.csv", "old": "old.csv"})
    absent(project, "old")
    monkeypatch.setenv("MLCC_ABSENT", "old")
    outcome = project.run("compare")
    assert (outcome.code, outcome.verdict) == (0, "pass")
    assert (
        outcome.summary
        == "First: no champion yet to compare with; accuracy is 0.75 for the candidate (n = 40)."
    )
    assert outcome.record["inputs"]["old"] == {"path": "old.csv", "digest": "none"}
    assert outcome.record["inputs"]["new"]["digest"].startswith("sha256:")


@pytest.mark.parametrize("content", ["", "id,y,p\n", "id,y\n1,1\n"], ids=["empty", "no rows", "no column"])
def test_the_candidate_is_read_all_the_same(
    project: Any, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    project.write("new.csv", content)
    project.gate("compare", COMPARE, {"new": "new.csv", "old": "old.csv"})
    absent(project, "old")
    monkeypatch.setenv("MLCC_ABSENT", "old")
    outcome = project.run("compare")
    assert outcome.code != 0
    assert outcome.verdict != "pass"


@pytest.mark.parametrize(
    ("said", "allowed", "there", "summary"),
    [
        ("", True, False, "the artifact old can't be judged"),
        ("old", False, False, "the artifact old has to be there, and the runtime says that it isn't"),
        ("old", True, True, "the artifact old is there, and the runtime says that it isn't"),
        ("new old", True, False, "the artifact new has to be there, and the runtime says that it isn't"),
        ("other", True, False, "the artifact old can't be judged"),
    ],
    ids=["the runtime doesn't say so", "the spec doesn't say so", "it is there", "the candidate", "another"],
)
def test_neither_says_so_alone(
    project: Any, monkeypatch: pytest.MonkeyPatch, said: str, allowed: bool, there: bool, summary: str
) -> None:
    project.write("new.csv", ROWS)
    if there:
        project.write("old.csv", ROWS)
    project.gate("compare", COMPARE, {"new": "new.csv", "old": "old.csv"})
    if allowed:
        absent(project, "old")
    monkeypatch.setenv("MLCC_ABSENT", said)
    outcome = project.run("compare")
    assert (outcome.code, outcome.verdict) == (2, "error")
    assert outcome.summary.startswith(summary)


def test_what_is_guarded_may_be_absent(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    project.gate("command", {"run": "exit 1"}, {"champion": "build/champion/"})
    absent(project, "champion")
    monkeypatch.setenv("MLCC_ABSENT", "champion")
    outcome = project.run("command")
    assert (outcome.code, outcome.verdict) == (0, "pass")
    assert outcome.summary == "First: no release runs one yet, so that there is nothing to judge."


def test_a_gate_that_has_to_read_it_does_not_pass(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("model.json", "{}")
    params = {"metrics_from": "old", "metrics": {"accuracy": {"min": 0.5}}}
    project.gate("evaluate", params, {"model": "model.json", "old": "old.json"})
    absent(project, "old")
    monkeypatch.setenv("MLCC_ABSENT", "old")
    outcome = project.run("evaluate")
    assert (outcome.code, outcome.verdict) == (2, "error")
    assert "there is no old: no release runs one yet" in outcome.summary


def test_drops_of_slices_pass_and_limits_hold(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """All rows are one slice, in which 150 of 200 are right."""
    rows = "id,g,y,p\n" + "".join(f"{n},a,1,{1 if n < 150 else 2}\n" for n in range(200))
    project.write("new.csv", rows)
    params = {
        "predictions": "new", "reference": "old", "key": "id", "label": "y", "prediction": "p", "by": ["g"],
        "metrics": {"accuracy": {"max_drop": 0.05, "min": 0.6}},
    }  # fmt: skip
    for least, verdict in ((0.6, "pass"), (0.9, "fail")):
        params["metrics"] = {"accuracy": {"max_drop": 0.05, "min": least}}
        project.gate("slices", params, {"new": "new.csv", "old": "old.csv"})
        absent(project, "old")
        monkeypatch.setenv("MLCC_ABSENT", "old")
        outcome = project.run("slices")
        assert outcome.verdict == verdict, outcome.log
        assert outcome.check("accuracy.max_drop")["message"] == (
            "accuracy: First: no release runs a model yet from which it could drop"
        )
        assert outcome.checks["accuracy.min"] == verdict


def test_a_model_is_served_without_a_champion(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("serve.py", server())
    project.write("golden.json", json.dumps(GOLDEN[:1]))
    params = {
        "run": "python3 serve.py", "golden": "golden.json", "reads": ["old"], "requests": 80,
        "champion": {"run": "exit 1", "max_latency_ratio": 1.5},
    }  # fmt: skip
    project.gate("serve", params, {"model": "serve.py", "old": "old/"})
    absent(project, "old")
    monkeypatch.setenv("MLCC_ABSENT", "old")
    outcome = project.run("serve")
    assert outcome.verdict == "pass", outcome.log
    assert outcome.check("champion")["message"] == "First: no release runs a champion yet to compare with"
