"""Runs a gate in this process on its kind's known-bad inputs, and on the good one that they are made from."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import Any

from mlcc.gates.fixtures import Fixture
from mlcc.gates.selftest import judged, known_bad, lay_out


def run_fixture(project: Any, document: Mapping[str, Any], fixture: Fixture) -> Any:
    """Return the outcome of a gate on a fixture, in an empty folder."""
    for path in project.root.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    lay_out(project.root, document, fixture)
    return project.run(document["kind"])


def opened(project: Any, document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the fixtures on which the gate doesn't end as it must, and why."""
    found = []
    for fixture in known_bad(document):
        outcome = run_fixture(project, document, fixture)
        _, problem = judged(project.root, document, fixture, outcome.code)
        if problem is not None:
            found.append((fixture.name, problem))
    return found
