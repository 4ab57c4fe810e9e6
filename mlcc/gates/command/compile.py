"""From the parameters of a `command` gate to those of its script."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc.gates import ArtifactInfo, Loc


def references(params: Any) -> tuple[tuple[Loc, str], ...]:
    """Return no reference: the program finds its artifacts by itself."""
    del params
    return ()


def compile(params: Any, artifacts: Mapping[str, ArtifactInfo], guards: str) -> dict[str, object]:
    """Return {"run", "setup"}; the node's setup is filled in by the planner."""
    del artifacts, guards
    return {"run": params.run, "setup": []}
