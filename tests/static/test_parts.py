"""The files of a pipeline that one can't hold are clean in all four checkers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from mlcc.backends.github.build import Compiled, compiled
from mlcc.compiler import analyse
from mlcc.writing.files import seal
from tests.backends.many import chains
from tests.plans import plan_of
from tests.static.checks import (
    ROOT,
    actionlint_findings,
    schema_findings,
    workflow_findings,
    zizmor_findings,
)

EVERYTHING = ROOT / "tests" / "golden" / "everything"
SMALL = 6_000  # bytes of a file: one node, or two


def written(made: Compiled, folder: Path) -> list[Path]:
    paths = []
    for file in made.files:
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(seal(file.text), encoding="utf-8")
        paths.append(path)
    return paths


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A pipeline with every feature, its nodes one or two to a file, and one of 450 nodes."""
    here = Path.cwd()
    os.chdir(EVERYTHING)
    try:
        everything = analyse(Path("mlcc.yaml"), EVERYTHING, assume_committed=True).plan
    finally:
        os.chdir(here)
    folder = tmp_path_factory.mktemp("parts")
    small = written(compiled(everything, SMALL), folder / "everything")
    large = written(compiled(plan_of(chains(450))), folder / "many")
    assert len(small) > 8
    assert len(large) > 2
    return [*small, *large]


@pytest.mark.parametrize(
    "check",
    [workflow_findings, actionlint_findings, zizmor_findings, schema_findings],
    ids=lambda check: check.__name__,
)
def test_no_file_of_several_has_a_finding(
    check: Callable[[Iterable[Path]], list[str]], files: list[Path]
) -> None:
    assert check(files) == []
