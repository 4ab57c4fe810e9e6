"""What hundreds of random specs compile to is clean in every checker of its system."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from mlcc.backends import BACKENDS
from mlcc.diagnostics import SpecError
from mlcc.load.source import read
from mlcc.planning.planner import plan
from mlcc.resolving.resolve import resolve
from mlcc.spec.validate import validate
from tests.spec.strategies import specs, to_yaml
from tests.static.checks import (
    actionlint_findings,
    gitlab_schema_findings,
    gitlab_verify_findings,
    schema_findings,
    workflow_findings,
    zizmor_findings,
)
from tests.static.jenkinsfiles import jenkinsfile_findings

COUNT = 1_000 if os.environ.get("MLCC_TEST_FUZZ") == "1" else 300
LABELS = ("gpu",)  # of the runners that the random specs have
Check = Callable[[Iterable[Path]], list[str]]
CHECKS: dict[str, tuple[str, Check]] = {
    "GitHub's own parser": ("github", workflow_findings),
    "actionlint": ("github", partial(actionlint_findings, labels=LABELS)),
    "zizmor": ("github", zizmor_findings),
    "GitHub's schema": ("github", schema_findings),
    "GitLab's schema": ("gitlab", gitlab_schema_findings),
    "gitlab-ci-verify": ("gitlab", gitlab_verify_findings),
    "Groovy, and Jenkins' structure": ("jenkins", jenkinsfile_findings),
}


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    """Compile random specs for every back end; return the pipelines' files of each."""
    root = tmp_path_factory.mktemp("random")
    files: dict[str, list[Path]] = {name: [] for name in BACKENDS}
    refused: Counter[str] = Counter()
    drawn = 0

    @seed(20_261_125)
    @settings(
        max_examples=COUNT,
        suppress_health_check=list(HealthCheck),
        deadline=None,
        database=None,
        phases=[Phase.generate],
    )
    @given(specs())
    def compile_one(data: dict[str, Any]) -> None:
        nonlocal drawn
        source = read(to_yaml(data).encode(), "mlcc.yaml")
        made = plan(resolve(validate(source), source))
        for name in BACKENDS:
            try:
                outputs = BACKENDS[name].compile(made)
            except SpecError as problem:
                refused.update(f"{name} {d.code}" for d in problem.diagnostics)
                continue
            for file in outputs:
                path = root / str(drawn) / name / file.path
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(file.text, "utf-8")
                files[name].append(path)
        drawn += 1

    compile_one()
    assert drawn >= COUNT
    for name, paths in files.items():
        assert len(paths) >= 0.9 * COUNT, (name, refused)
    return files


@pytest.mark.parametrize("checker", CHECKS)
def test_no_checker_has_a_finding(checker: str, compiled: dict[str, list[Path]]) -> None:
    name, check = CHECKS[checker]
    assert check(compiled[name]) == []
