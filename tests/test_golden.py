"""Golden trees: one spec in, every output (or every diagnostic) out, compared whole."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from mlcc.backends import BACKENDS
from mlcc.compiler import analyse, compile_files
from mlcc.diagnostics import MlccError
from mlcc.render_diagnostics import to_text

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(path for path in GOLDEN.iterdir() if path.is_dir())
# The runtime and the gate scripts are the same bytes everywhere; the examples hold them.
SAME_EVERYWHERE = (".py", ".txt")


def produced(case: Path) -> dict[str, str]:
    """Return what a case compiles to: path -> text. A case that doesn't compile has diagnostics.txt alone."""
    (spec,) = case.glob("**/mlcc.yaml")
    root = case.resolve()
    here = Path.cwd()
    os.chdir(root)  # diagnostics show paths as they were given
    try:
        analysis = analyse(spec.resolve().relative_to(root), root, assume_committed=True)
        files = {file.path: file.text for file in compile_files(analysis, BACKENDS)}
    except MlccError as problem:
        return {"diagnostics.txt": to_text(problem.diagnostics, problem.texts)}
    finally:
        os.chdir(here)
    return {
        path: text
        for path, text in files.items()
        if ".mlcc/" not in path or not path.endswith(SAME_EVERYWHERE)
    }


def read_tree(folder: Path) -> dict[str, str]:
    """Return every file below a folder by its path."""
    if not folder.exists():
        return {}
    return {
        path.relative_to(folder).as_posix(): path.read_text("utf-8")
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_outputs_are_the_golden_ones(case: Path, request: pytest.FixtureRequest) -> None:
    expected, found = case / "expected", produced(case)
    if request.config.getoption("--update"):
        assert not os.environ.get("CI"), "goldens aren't rewritten under CI"
        shutil.rmtree(expected, ignore_errors=True)
        for path, text in found.items():
            (expected / path).parent.mkdir(parents=True, exist_ok=True)
            (expected / path).write_text(text, "utf-8")
    assert read_tree(expected) == found


def test_there_are_cases_of_both_kinds() -> None:
    broken = [case for case in CASES if (case / "expected" / "diagnostics.txt").exists()]
    assert len(broken) >= 8
    assert len(CASES) - len(broken) >= 5
