"""The flights pipeline really runs on GitLab's terms: real data, real training, real gates."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlcc.compiler import analyse, compile_files
from tests.execution.github.scratch import commit, git, project_files, scratch_repo
from tests.execution.github.test_flights import CORRUPTION, FLIGHTS, GATES, python
from tests.execution.gitlab.local import run_pipeline
from tests.execution.gitlab.test_pipelines import merge_request

__all__ = ["python"]  # a fixture


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """Return a repository with the example, compiled afresh."""
    files: dict[str, str | bytes] = dict(project_files(FLIGHTS))
    analysis = analyse(FLIGHTS / "mlcc.yaml", FLIGHTS, assume_committed=True)
    files.update({file.path: file.text for file in compile_files(analysis, ["gitlab"])})
    return scratch_repo(tmp_path, files)


def test_good_data_is_green(repo: Path, python: str) -> None:
    run = run_pipeline(repo, python=python)
    assert run.green, run.log[-3000:]
    assert set(run.jobs.values()) == {"passed"}
    assert {gate: run.record(f"s--{gate}/verdict.json")["verdict"] for gate in GATES} == dict.fromkeys(
        GATES, "pass"
    )
    model = run.record("s--train/state.json")["outputs"]["model"]
    assert run.record("s--model-quality/verdict.json")["inputs"]["model"]["digest"] == model
    assert run.record("s--package/state.json")["inputs"]["model"] == model


def test_corrupted_data_stops_before_training(repo: Path, python: str) -> None:
    fetch = (repo / "src" / "flights" / "fetch.py").read_text(encoding="utf-8")
    text = fetch.replace('if __name__ == "__main__":\n    main()', CORRUPTION)
    assert "def corrupt" in text
    commit(repo, {"src/flights/fetch.py": text})
    run = run_pipeline(repo, python=python)
    assert not run.green
    assert run.jobs["raw-contract"] == "failed"
    stopped = ("featurize", "train", "score", "model-quality", "package")
    assert not set(stopped) & set(run.jobs)
    assert {run.ends[node] for node in stopped} == {"skipped"}
    found = run.record("s--raw-contract/verdict.json")
    assert [c["id"] for c in found["checks"] if c["verdict"] != "pass"] == ["origin.values"]


def test_a_changed_readme_runs_nothing_else(repo: Path, python: str) -> None:
    base = git(repo, "rev-parse", "HEAD")
    commit(repo, {"README.md": "Other words.\n"}, branch="words")
    run = run_pipeline(repo, merge_request(base), ref="words", python=python)
    assert run.green
    assert run.selected == []
    assert set(run.jobs) == {"final"}
