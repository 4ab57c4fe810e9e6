"""The small examples really run: what they promise, and that a worse model or a broken test is stopped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlcc.runtime.predicates import TEST_RESULT
from tests.execution.github.act import run_workflow
from tests.execution.github.api import github_api, green_run
from tests.execution.github.scratch import commit, git, project_files, push_payload, scratch_repo
from tests.static.checks import ROOT

MINIMAL = ".github/workflows/minimal.yml"


@pytest.fixture
def minimal(tmp_path: Path) -> Path:
    return scratch_repo(tmp_path, project_files(ROOT / "examples" / "minimal"))


def test_minimal_is_green(minimal: Path) -> None:
    run = run_workflow(minimal, MINIMAL, "push", push_payload(minimal))
    assert run.jobs == dict.fromkeys(["select", "unit", "train", "good", "final"], "success")
    assert run.record("s--good", "s--good/verdict.json")["verdict"] == "pass"
    assert run.record("s--final", "s--final/result.json")["green"] is True
    lines = (run.artifacts / "s--final/s--final/lineage.jsonl").read_text("utf-8").splitlines()
    statements = {line["predicateType"]: line for line in map(json.loads, lines)}
    trained = run.record("s--train", "s--train/state.json")["outputs"]["model"]
    assert [one["digest"] for one in statements[TEST_RESULT]["subject"]] == [{"sha256": trained[7:]}]
    assert statements[TEST_RESULT]["predicate"]["result"] == "PASSED"


def test_a_model_that_explains_too_little_is_stopped(minimal: Path) -> None:
    # Speeds are paired with the distances of other speeds: the tests of `fit` pass, the model is useless.
    text = (minimal / "fit.py").read_text(encoding="utf-8")
    assert text.count("points = read(") == 1
    text = text.replace("points = read(", "points = unpaired(read(").replace(
        '"stops.csv"))\n', '"stops.csv")))\n'
    )
    shuffle = "def unpaired(points):\n    return [(x, y) for (x, _), (_, y) in zip(points, points[25:] + points[:25])]\n\n\n"
    commit(minimal, {"fit.py": text.replace("def main()", f"{shuffle}def main()")})
    run = run_workflow(minimal, MINIMAL, "push", push_payload(minimal))
    assert run.jobs["train"] == "success"
    assert run.jobs["good"] == run.jobs["final"] == "failure"
    assert run.record("s--good", "s--good/verdict.json")["verdict"] == "fail"


def test_a_broken_test_stops_training(minimal: Path) -> None:
    text = (minimal / "test_fit.py").read_text(encoding="utf-8")
    commit(minimal, {"test_fit.py": f"{text}\nraise SystemExit(1)\n"})
    run = run_workflow(minimal, MINIMAL, "push", push_payload(minimal))
    assert run.jobs["unit"] == run.jobs["final"] == "failure"
    assert run.jobs["train"] == run.jobs["good"] == "skipped"


def test_a_change_of_words_after_a_green_run_selects_nothing(minimal: Path) -> None:
    green = git(minimal, "rev-parse", "HEAD")
    commit(minimal, {"README.md": "Other words.\n"})
    with github_api([green_run(1, green)]) as api:
        run = run_workflow(minimal, MINIMAL, "push", push_payload(minimal, green), api=api)
    assert run.ran == {"select", "final"}
    assert run.jobs["final"] == "success"


@pytest.mark.parametrize("status", [200, 503])
def test_without_a_known_green_run_everything_runs(minimal: Path, status: int) -> None:
    before = git(minimal, "rev-parse", "HEAD")
    commit(minimal, {"README.md": "Other words.\n"})
    with github_api(status=status) as api:
        run = run_workflow(minimal, MINIMAL, "push", push_payload(minimal, before), api=api)
    assert run.ran == {"select", "unit", "train", "good", "final"}
    assert len(api.requests) >= 1
