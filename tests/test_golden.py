"""Golden trees: one spec in, every output (or every diagnostic) out, compared whole.

A spec that no back end can take has `diagnostics.txt` alone; where one of them refuses it, that one's diagnostics
stand in `refused-BACKEND.txt` beside the others' outputs.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from mlcc.backends import BACKENDS
from mlcc.compiler import Analysis, Compiled, analyses, compile_files
from mlcc.diagnostics import MlccError
from mlcc.render_diagnostics import to_text
from mlcc.writing.outputs import outputs_of

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(path for path in GOLDEN.iterdir() if path.is_dir())
# The runtime and the gate scripts are the same bytes everywhere; the examples hold them.
SAME_EVERYWHERE = (".py", ".txt")


def produced(case: Path) -> dict[str, str]:
    """Return what a case compiles to: path -> text."""
    (spec,) = case.glob("**/mlcc.yaml")
    root = case.resolve()
    here = Path.cwd()
    os.chdir(root)  # diagnostics show paths as they were given
    try:
        path = spec.resolve().relative_to(root)
        found = analyses(path, root, assume_committed=True)
        compiled = {target: _compiled(path, found, target) for target in BACKENDS}
    except MlccError as problem:
        return {"diagnostics.txt": to_text(problem.diagnostics, problem.texts)}
    finally:
        os.chdir(here)
    files: dict[str, str] = {}
    for target, made in compiled.items():
        files.update({f"refused-{target}.txt": made} if isinstance(made, str) else made)
    refused = {text for path, text in files.items() if path.startswith("refused-")}
    return (
        {"diagnostics.txt": "".join(sorted(refused))}
        if len(files) == len(BACKENDS) == len(refused)
        else files
    )


def _compiled(path: Path, found: tuple[Analysis, ...], target: str) -> dict[str, str] | str:
    """Return the files of a back end, or the text of why it refuses."""
    try:
        made = [Compiled(path, one, (target,), compile_files(one, [target])) for one in found]
        files = {file.path: file.text for output in outputs_of(made) for file in output.files}
    except MlccError as problem:
        return to_text(problem.diagnostics, problem.texts)
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
