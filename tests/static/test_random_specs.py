"""What random specs compile to is clean in the quick checkers of its system."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from mlcc.backends import BACKENDS, backend
from mlcc.planner import plan
from mlcc.resolve import resolve
from mlcc.source import read
from mlcc.spec.validate import validate
from tests.spec.strategies import specs, to_yaml
from tests.static.checks import gitlab_findings, schema_findings

CHECKS = {"github": schema_findings, "gitlab": gitlab_findings}


@pytest.mark.parametrize("name", [name for name in BACKENDS if name in CHECKS])
def test_random_specs_compile_to_clean_files(name: str, tmp_path: Path) -> None:
    written: list[Path] = []

    @settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None, database=None)
    @given(specs())
    def write(data: dict[str, Any]) -> None:
        source = read(to_yaml(data).encode(), "mlcc.yaml")
        for file in backend(name).compile(plan(resolve(validate(source), source))):
            path = tmp_path / str(len(written)) / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(file.text, "utf-8")
            written.append(path)

    write()
    assert len(written) >= 40
    assert CHECKS[name](written) == []
