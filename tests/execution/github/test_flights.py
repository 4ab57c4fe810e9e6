"""The flights workflow really runs: real data, real training, real gates, on every way that it can end."""

from __future__ import annotations

import importlib.util
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.execution.github.act import ActRun, run_workflow
from tests.execution.github.api import github_api, green_run
from tests.execution.github.scratch import (
    commit,
    git,
    project_files,
    pull_request_payload,
    push_payload,
    scratch_repo,
)

ROOT = Path(__file__).resolve().parents[3]
FLIGHTS = ROOT / "examples" / "flights"
WORKFLOW = ".github/workflows/flights.yml"
GATES = ("unit", "raw-contract", "features-contract", "model-quality", "model-serves")
REQUIREMENTS = (
    ("-r", "requirements-build.txt"),
    ("--no-deps", "--no-build-isolation", "-r", "requirements-data.txt"),
    ("-r", "requirements.txt"),
)


@pytest.fixture(scope="module")
def python() -> str:
    """Return a Python that has the example's pinned packages, as a warm runner has them in its cache."""
    spec = importlib.util.spec_from_file_location("demo", ROOT / "examples" / "demo.py")
    assert spec is not None
    assert spec.loader is not None
    demo = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(demo)
    env = demo.environment(FLIGHTS)
    found = str(FLIGHTS / ".venv" / "bin" / "python")
    for words in REQUIREMENTS:
        command = [found, "-m", "pip", "install", "--quiet", "--require-hashes", *words]
        subprocess.run(command, cwd=FLIGHTS, env=env, check=True, timeout=900)
    return found


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return scratch_repo(tmp_path, project_files(FLIGHTS))


def record(run: ActRun, folder: str, name: str) -> Any:
    """Return a JSON file of a state artifact, which keeps the folder that it was uploaded from."""
    return run.record(folder, f"{folder}/{name}")


def verdicts(run: ActRun) -> dict[str, str]:
    """Return gate -> verdict, of the gates that left one."""
    return {
        gate: record(run, f"s--{gate}", "verdict.json")["verdict"]
        for gate in GATES
        if (run.artifacts / f"s--{gate}" / f"s--{gate}" / "verdict.json").exists()
    }


def test_good_data_is_green(repo: Path, python: str) -> None:
    run = run_workflow(repo, WORKFLOW, "push", push_payload(repo), python=python)
    assert set(run.jobs.values()) == {"success"}, run.log[-3000:]
    assert verdicts(run) == dict.fromkeys(GATES, "pass")
    assert record(run, "s--final", "result.json")["green"] is True
    auc = next(
        c for c in record(run, "s--model-quality", "verdict.json")["checks"] if c["id"].startswith("roc_auc")
    )
    assert 0.73 <= auc["interval"][0] < auc["estimate"] < 0.76
    assert auc["n"] == 84292
    model = record(run, "s--train", "state.json")["outputs"]["model"]
    assert record(run, "s--model-quality", "verdict.json")["inputs"]["model"]["digest"] == model
    assert record(run, "s--package", "state.json")["inputs"]["model"] == model


def test_corrupted_data_stops_before_training(repo: Path, python: str) -> None:
    fetch = (repo / "src" / "flights" / "fetch.py").read_text(encoding="utf-8")
    text = fetch.replace('if __name__ == "__main__":\n    main()', CORRUPTION)
    assert "def corrupt" in text
    commit(repo, {"src/flights/fetch.py": text})
    run = run_workflow(repo, WORKFLOW, "push", push_payload(repo), python=python)
    assert run.jobs["raw-contract"] == "failure"
    assert run.jobs["final"] == "failure"
    for job in ("featurize", "train", "score", "model-quality", "package"):
        assert run.jobs[job] == "skipped", job
    found = record(run, "s--raw-contract", "verdict.json")
    assert found["verdict"] == "fail"
    assert [c["id"] for c in found["checks"] if c["verdict"] != "pass"] == ["origin.values"]
    assert record(run, "s--final", "result.json")["green"] is False


# Every hundredth flight from LaGuardia is delivered under another code.
CORRUPTION = """
def corrupt(path: str) -> None:
    connection = duckdb.connect()
    connection.execute("CREATE TABLE t AS FROM read_parquet(?)", [path])
    connection.execute("UPDATE t SET origin = 'LGX' WHERE origin = 'LGA' AND flight % 100 = 0")
    connection.execute(f"COPY (FROM t) TO '{path}' (FORMAT parquet)")


if __name__ == "__main__":
    import duckdb

    main()
    corrupt(str(output("raw")))
"""


def test_a_worse_model_is_stopped_by_its_evaluation(repo: Path, python: str) -> None:
    inputs = {"learning_rate": "1"}
    run = run_workflow(repo, WORKFLOW, "workflow_dispatch", {}, inputs=inputs, python=python)
    assert run.jobs["train"] == "success"
    assert run.jobs["model-quality"] == "failure"
    assert run.jobs["package"] == "skipped"
    assert run.jobs["final"] == "failure"
    found = record(run, "s--model-quality", "verdict.json")
    assert found["verdict"] == "fail"
    assert record(run, "s--final", "result.json")["green"] is False


def test_an_input_that_its_form_refuses_starts_nothing(repo: Path, python: str) -> None:
    inputs = {"learning_rate": "7"}
    run = run_workflow(repo, WORKFLOW, "workflow_dispatch", {}, inputs=inputs, python=python)
    assert run.ran == {"select", "final"}
    assert run.jobs["select"] == run.jobs["final"] == "failure"


@pytest.mark.parametrize("event", ["pull_request", "push"])
def test_a_changed_readme_runs_nothing_else(repo: Path, python: str, event: str) -> None:
    base = git(repo, "rev-parse", "HEAD")
    commit(repo, {"README.md": "Other words.\n"}, branch="words" if event == "pull_request" else "main")
    payload = pull_request_payload(repo, "words") if event == "pull_request" else push_payload(repo, base)
    with github_api([green_run(1, base)]) as api:
        run = run_workflow(repo, WORKFLOW, event, payload, api=api, python=python)
    assert run.ran == {"select", "final"}
    assert run.jobs["final"] == "success"
    assert record(run, "s--select", "selection.json")["selected"] == []


def test_a_red_run_followed_by_words_stays_red(repo: Path, python: str) -> None:
    green = git(repo, "rev-parse", "HEAD")
    broken = commit(repo, {"tests/test_broken.py": "def test_broken():\n    assert False\n"})
    commit(repo, {"README.md": "Other words.\n"})
    with github_api([green_run(1, green)]) as api:
        run = run_workflow(repo, WORKFLOW, "push", push_payload(repo, broken), api=api, python=python)
    assert run.jobs["unit"] == "failure"
    assert run.jobs["train"] == "skipped"
    assert run.jobs["final"] == "failure"
