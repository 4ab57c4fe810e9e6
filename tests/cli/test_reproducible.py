"""The same spec gives the same bytes, whatever the process, the machine's settings and the version of Python."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging.environments import ROOT, THIS_VERSION, fresh

SPECS = tuple(sorted(path.parent.relative_to(ROOT).as_posix() for path in ROOT.glob("examples/**/mlcc.yaml")))
SETTINGS = (
    {"PYTHONHASHSEED": "0"},
    {"PYTHONHASHSEED": "1", "LC_ALL": "C", "TZ": "UTC"},
    {"PYTHONHASHSEED": "4242", "LC_ALL": "C.UTF-8", "TZ": "Asia/Kathmandu"},
    {
        "PYTHONHASHSEED": "7",
        "LC_ALL": "C",
        "TZ": "America/Caracas",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
    },
    {
        "PYTHONHASHSEED": "9",
        "LANG": "tr_TR.UTF-8",
        "PYTHONOPTIMIZE": "2",
        "COLUMNS": "20",
        "HOME": "/nonexistent",
    },
)
PYTHONS = ("3.10", "3.11", "3.12", "3.13")
SHOWN = (
    "graph",
    "graph --format dot",
    "graph --format svg",
    "explain",
    "explain --format json",
    "targets",
    "schema",
    "lint",
    "lint ../broken.yaml --root ..",
)
BROKEN = """version: 1
name: broken
triggers: {push: {branches: [main]}}
jobs: {train: {run: make, env: {RATE: {input: a, var: b}}}}
gates: {good: {guards: model, evaluate: {metrics_from: a, predictions: b}}}
"""


def settled(changes: dict[str, str]) -> dict[str, str]:
    """Return a small environment with some changes."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "PYTHONPATH": str(ROOT),
        **changes,
    }


@functools.cache
def committed_sources() -> tuple[str, ...]:
    """Return the examples' files that aren't compiled: what a clean clone has before its first compile."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT / "examples", capture_output=True, text=True, check=True
    )
    compiled = {".mlcc", ".github"}
    return tuple(path for path in listed.stdout.split("\0") if path and not compiled & set(Path(path).parts))


def produced(python: str, folder: Path, environment: dict[str, str]) -> dict[str, bytes]:
    """Compile the examples in a copy and return every file, and what the other commands print."""
    for path in committed_sources():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / "examples" / path, target)
    for spec in SPECS:
        home = folder.parent / spec
        done = _run(python, home, environment, "compile", "--root", str(folder))
        assert done.returncode == 0, done.stderr.decode()
    found = {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }
    (folder / "broken.yaml").write_text(BROKEN, "utf-8")
    for command in SHOWN:
        done = _run(python, folder / "flights", environment, *command.split())
        assert done.returncode == (2 if "broken" in command else 0), done.stderr.decode()
        found[command] = done.stdout + done.stderr
    return found


def _run(
    python: str, home: Path, environment: dict[str, str], *args: str
) -> subprocess.CompletedProcess[bytes]:
    command = [python, "-B", "-m", "mlcc", *args]
    return subprocess.run(command, cwd=home, env=environment, capture_output=True, check=False)


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What this Python makes of the examples without any setting."""
    return produced(sys.executable, tmp_path_factory.mktemp("usual") / "examples", settled({}))


STORES = 18  # instances of one of the specs


def test_there_is_something_to_compare(usual: dict[str, bytes]) -> None:
    assert len(SPECS) >= 4
    assert len([path for path in usual if "/.mlcc/" in path]) > 20
    assert len([path for path in usual if ".github/workflows/" in path]) == len(SPECS) - 1 + STORES


@pytest.mark.parametrize("changes", SETTINGS, ids=lambda changes: ",".join(changes))
def test_settings_change_nothing(usual: dict[str, bytes], tmp_path: Path, changes: dict[str, str]) -> None:
    found = produced(sys.executable, tmp_path / "examples", settled(changes))
    assert _differences(found, usual) == []


@pytest.mark.parametrize("version", PYTHONS)
def test_versions_of_python_change_nothing(usual: dict[str, bytes], tmp_path: Path, version: str) -> None:
    python = Path(sys.executable) if version == THIS_VERSION else fresh(tmp_path / "environment", version)
    found = produced(str(python), tmp_path / "examples", settled({}))
    assert _differences(found, usual) == []


def _differences(found: dict[str, bytes], usual: dict[str, bytes]) -> list[str]:
    return sorted(path for path in {*found, *usual} if found.get(path) != usual.get(path))
