"""Every committed compiled file is clean in all checkers of its system."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.static.checks import (
    ROOT,
    actionlint_findings,
    gitlab_schema_findings,
    gitlab_verify_findings,
    schema_findings,
    workflow_findings,
    zizmor_findings,
)

PATTERNS = ("examples/**/.github/workflows/*.yml", "tests/golden/*/expected/**/.github/workflows/*.yml")


GITLAB_PATTERNS = (
    "examples/**/.gitlab-ci.yml",
    "examples/**/.mlcc/gitlab.yml",
    "tests/golden/*/expected/**/.gitlab-ci.yml",
    "tests/golden/*/expected/**/.mlcc/gitlab.yml",
)


def committed(patterns: tuple[str, ...]) -> list[Path]:
    found = sorted(path for pattern in patterns for path in ROOT.glob(pattern))
    paths = [path for path in found if not {".venv", "node_modules"}.intersection(path.parts)]
    if not paths:
        where = f"no compiled file matches {' or '.join(patterns)}"
        if os.environ.get("MLCC_TEST_ALL") == "1":
            pytest.fail(where)
        pytest.skip(where)
    return paths


@pytest.mark.parametrize(
    "check",
    [workflow_findings, actionlint_findings, zizmor_findings, schema_findings],
    ids=lambda check: check.__name__,
)
def test_no_compiled_workflow_has_a_finding(check: Callable[[Iterable[Path]], list[str]]) -> None:
    assert check(committed(PATTERNS)) == []


@pytest.mark.parametrize(
    "check", [gitlab_schema_findings, gitlab_verify_findings], ids=lambda check: check.__name__
)
def test_no_compiled_gitlab_pipeline_has_a_finding(check: Callable[[Iterable[Path]], list[str]]) -> None:
    assert check(committed(GITLAB_PATTERNS)) == []
