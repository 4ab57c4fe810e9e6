"""Every committed compiled workflow is clean in all four checkers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.static.checks import (
    ROOT,
    actionlint_findings,
    schema_findings,
    workflow_findings,
    zizmor_findings,
)

PATTERNS = ("examples/**/.github/workflows/*.yml", "tests/golden/*/expected/**/.github/workflows/*.yml")


@pytest.fixture(scope="module")
def compiled() -> list[Path]:
    found = sorted(path for pattern in PATTERNS for path in ROOT.glob(pattern))
    paths = [path for path in found if not {".venv", "node_modules"}.intersection(path.parts)]
    if not paths:
        where = f"no compiled workflow matches {' or '.join(PATTERNS)}"
        if os.environ.get("MLCC_TEST_ALL") == "1":
            pytest.fail(where)
        pytest.skip(where)
    return paths


@pytest.mark.parametrize(
    "check",
    [workflow_findings, actionlint_findings, zizmor_findings, schema_findings],
    ids=lambda check: check.__name__,
)
def test_no_compiled_workflow_has_a_finding(
    check: Callable[[Iterable[Path]], list[str]], compiled: list[Path]
) -> None:
    assert check(compiled) == []
