"""What the proofs of the runner share: small builds in scratch repositories."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.execution.github.scratch import scratch_repo
from tests.execution.jenkins.runner import BuildRun, RefusedError, Scenario, run_build


def build(tmp_path: Path, text: str, files: dict[str, str] | None = None, **scenario: Any) -> BuildRun:
    return run_build(scenario_of(tmp_path, text, files, **scenario))


def scenario_of(tmp_path: Path, text: str, files: dict[str, str] | None = None, **scenario: Any) -> Scenario:
    name = f"repo-{len(list(tmp_path.iterdir()))}"
    repo = scratch_repo(tmp_path, {"Jenkinsfile": text, **(files or {})}, name)
    return Scenario(repo, **{"env": {"BRANCH_NAME": "main"}, **scenario})


def scripted(body: str) -> str:
    """A pipeline with one agent whose only stage runs this script."""
    return f"""
pipeline {{
  agent {{ label 'linux' }}
  options {{ skipDefaultCheckout() }}
  stages {{
    stage('only') {{ steps {{ script {{
{body}
    }} }} }}
  }}
}}
"""


def refusal(tmp_path: Path, text: str, **scenario: Any) -> str:
    with pytest.raises(RefusedError) as caught:
        build(tmp_path, text, **scenario)
    return str(caught.value)


def processes(marker: str) -> list[str]:
    return [
        path.parent.name
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if path.exists() and marker.encode() in _read(path)
    ]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
