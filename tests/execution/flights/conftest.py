"""One installed Python for all runs of the flights example, and the same run on every CI system."""

from __future__ import annotations

import fcntl
import importlib.util
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from mlcc.backends import BACKENDS
from mlcc.compiler import analyse
from mlcc.semantics import Event
from tests.execution.equivalence.case import Case, Scratch
from tests.execution.equivalence.runner import Run
from tests.execution.equivalence.runners import runner
from tests.execution.github.scratch import commit, git, project_files, scratch_repo

ROOT = Path(__file__).resolve().parents[3]
FLIGHTS = ROOT / "examples" / "flights"
REQUIREMENTS = (
    ("-r", "requirements-build.txt"),
    ("--no-deps", "--no-build-isolation", "-r", "requirements-data.txt"),
    ("-r", "requirements.txt"),
)

Commits = tuple[Mapping[str, str], ...]
Everywhere = Callable[..., Mapping[str, Run]]  # (Event, Commits = ())


@pytest.fixture(scope="session")
def python() -> str:
    """Return a Python that has the example's pinned packages, as a warm runner has them in its cache."""
    spec = importlib.util.spec_from_file_location("demo", ROOT / "examples" / "demo.py")
    assert spec is not None
    assert spec.loader is not None
    demo = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(demo)
    found = str(FLIGHTS / ".venv" / "bin" / "python")
    with (FLIGHTS / "requirements.txt").open("rb") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)  # tests may run in several processes
        env = demo.environment(FLIGHTS)
        for words in REQUIREMENTS:
            command = [found, "-m", "pip", "install", "--quiet", "--require-hashes", *words]
            subprocess.run(command, cwd=FLIGHTS, env=env, check=True, timeout=900)
    return found


@pytest.fixture
def everywhere(tmp_path: Path, python: str) -> Iterator[Everywhere]:
    """Return a function that runs the committed pipeline for an event on every CI system.

    The example is the first commit. Where others follow it was green, and they are on the pushed branch, or on the pull
    request's own. A CI system whose tool isn't there is left out, and the test then ends as skipped.
    """
    absent: list[str] = []

    def run(event: Event, commits: Commits = ()) -> Mapping[str, Run]:
        runs: dict[str, Run] = {}
        for name in BACKENDS:
            scratch = scratch_of(event, commits, tmp_path / name)
            try:
                runs[name] = runner(name).run(scratch, python)
            except pytest.skip.Exception as skipped:
                absent.append(str(skipped))
        if not runs:
            pytest.skip(", ".join(absent))
        return runs

    yield run
    if absent:
        pytest.skip(", ".join(absent))


def scratch_of(event: Event, commits: Commits, folder: Path) -> Scratch:
    """Return a new repository with the example as committed, and what an event finds in it."""
    repo = scratch_repo(folder, project_files(FLIGHTS))
    base = git(repo, "rev-parse", "HEAD")
    branch = "change" if event.kind == "pull_request" else "main"
    for files in commits:
        commit(repo, files, branch=branch)
    plan = analyse(FLIGHTS / "mlcc.yaml", FLIGHTS, assume_committed=True).plan
    known = event.kind == "push" and bool(commits)
    return Scratch(Case("flights", {}, event), plan, repo, branch, base if known else None, folder / "trace")
