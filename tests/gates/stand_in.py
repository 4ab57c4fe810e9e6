"""Runs a gate on its kind's known-bad inputs, with a stand-in for the user's programs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from mlcc.gates import GATES
from mlcc.gates.fixtures import Fixture


def known_bad(document: Mapping[str, Any]) -> list[Fixture]:
    """Return the fixtures that a gate's kind has for its parameters."""
    return list(import_module(f"{GATES[document['kind']].module}.selftest").known_bad(document))


def run_fixture(project: Any, document: Mapping[str, Any], fixture: Fixture) -> Any:
    """Return the outcome of a gate on a fixture, in an empty folder."""
    for path in project.root.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path, content in fixture.files.items():
        project.write(path, content)
    params = _replaced(document["params"], fixture.program)
    project.write(".mlcc/gates/g.json", json.dumps({**document, "params": params}))
    return project.run(document["kind"])


def opened(project: Any, document: Mapping[str, Any]) -> list[str]:
    """Return the fixtures on which the gate doesn't end as it must."""
    found = []
    for fixture in known_bad(document):
        outcome = run_fixture(project, document, fixture)
        ended = outcome.verdict if fixture.check is None else outcome.checks.get(fixture.check)
        if ended != fixture.verdict or outcome.code == 0:
            found.append(f"{fixture.name}: {outcome.log}")
    return found


def _replaced(value: Any, program: str) -> Any:
    if isinstance(value, dict):
        return {key: program if key == "run" else _replaced(inner, program) for key, inner in value.items()}
    return value
