"""From the parameters of a `tests` gate to those of its script."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc.gates import ArtifactInfo, GateParamsError, Loc


def references(params: Any) -> tuple[tuple[Loc, str], ...]:
    """Return no reference: tests guard an artifact and name none."""
    del params
    return ()


def compile(params: Any, artifacts: Mapping[str, ArtifactInfo], guards: str) -> dict[str, object]:
    """Return the command, its reports and what they must show. Raises GateParamsError."""
    del artifacts, guards
    found: dict[str, object] = {"run": params.run, "setup": []}
    if params.junit is not None:
        _check_report(params.junit, ("junit",))
        found["junit"] = params.junit
        found["min_passed"] = 1 if params.min_passed is None else params.min_passed
    elif params.min_passed is not None:
        raise GateParamsError(
            ("min_passed",),
            "passed tests can't be counted without a JUnit report",
            "let `run` write one, such as `pytest --junitxml=junit.xml`, and name it: `junit: junit.xml`",
        )
    if params.coverage is not None:
        _check_report(params.coverage.path, ("coverage", "path"))
        if params.coverage.path == params.junit:
            raise GateParamsError(("coverage", "path"), "the JUnit report has the same path")
        found["coverage"] = {"path": params.coverage.path, "min": params.coverage.min}
    return found


def _check_report(path: str, loc: Loc) -> None:
    # The gate removes an old report before it starts: a slip of the pen must not name source code here.
    if not path.endswith(".xml"):
        raise GateParamsError(loc, f"the report {path} doesn't end in .xml")
