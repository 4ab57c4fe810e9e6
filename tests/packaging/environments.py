"""Fresh virtual environments, of any version of Python that the machine has, with mlcc's dependencies.

What isn't there (uv, a version of Python, the package index) skips the test and is named; where
``MLCC_TEST_ALL=1`` it fails the test.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
THIS_VERSION = "{}.{}".format(*sys.version_info)


def missing(what: str) -> None:
    """Skip the running test and name what it lacks; fail it where everything must be there."""
    if os.environ.get("MLCC_TEST_ALL") == "1":
        pytest.fail(what, pytrace=False)
    pytest.skip(what)


def uv() -> str:
    """Return uv's path, the one beside this Python first; skips or fails the test without it."""
    found = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if found is None:
        missing("uv is not installed: pip install uv")
        raise AssertionError("unreachable: the test was skipped or failed")
    return found


def run(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
    """Run a command to its end and return what it said."""
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload, no-any-return] # options of any kind


def fresh(folder: Path, version: str = THIS_VERSION) -> Path:
    """Make an environment in `folder` with mlcc's dependencies, and return its Python."""
    python = sys.executable if version == THIS_VERSION else next(_pythons(version), None)
    if python is None:
        missing(f"there is no Python {version} on this machine")
    made = run([uv(), "venv", "-q", "--no-project", "--python", str(python), str(folder)])
    assert made.returncode == 0, made.stderr
    dependencies = [line for line in requires("mlcc") or () if "extra ==" not in line]
    assert dependencies
    done = install(folder / "bin" / "python", *dependencies)
    if done.returncode != 0:
        missing(f"mlcc's dependencies can't be installed for Python {version}: {done.stderr.strip()}")
    return folder / "bin" / "python"


def install(python: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Install packages into the environment of a Python."""
    return run([uv(), "pip", "install", "-q", "--python", str(python), *words])


def _pythons(version: str) -> Iterator[Path]:
    """Yield the Pythons of a version that start and have what a virtual environment needs."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = run([uv(), "python", "find", "--no-python-downloads", "--no-project", version]).stdout.strip()
    candidates = [*sorted(pyenv.glob(f"{version}.*/bin/python")), *([Path(found)] if found else [])]
    for candidate in candidates:
        shown = run([str(candidate), "-c", "import sys, ssl; print('{}.{}'.format(*sys.version_info))"])
        if shown.returncode == 0 and shown.stdout.strip() == version:
            yield candidate
