"""From the parameters of a `reproduce` gate to those of its script."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from mlcc.gates import ArtifactInfo, GateParamsError, Loc
from mlcc.gates.strictness import DEMANDED, DERIVED, Way

LOOSER: Mapping[str, Way] = {"outputs": DEMANDED, "kept": DERIVED}
"""See mlcc.gates.strictness."""


def references(params: Any) -> tuple[tuple[Loc, str], ...]:
    """Return the artifacts that the program reads."""
    return tuple((("reads", i), id) for i, id in enumerate(params.reads))


def compile(params: Any, artifacts: Mapping[str, ArtifactInfo], guards: str) -> dict[str, object]:
    """Return the command, what it writes, and what is compared. Raises GateParamsError."""
    del guards
    kept = [*params.outputs]
    found: dict[str, object] = {
        "run": params.run,
        "setup": [],
        "outputs": list(params.outputs),
        "runs": params.runs,
        "seed": params.seed,
    }
    if params.metrics is not None:
        found["metrics"] = _metrics(params.metrics)
        if not any(_lies_in(params.metrics.path, path) for path in kept):
            kept.append(params.metrics.path)
    _check_apart(params.outputs)
    for i, id in enumerate(params.reads):
        if id in artifacts and any(_lies_in(artifacts[id].path, path) for path in kept):
            raise GateParamsError(
                ("reads", i),
                f"the program can't read '{id}': it is among the outputs, of which a run finds none",
            )
    if params.lock is not None:
        if any(_lies_in(params.lock, path) for path in kept):
            raise GateParamsError(("lock",), f"the lock file {params.lock} is among the outputs")
        found["lock"] = params.lock
    return {**found, "kept": kept}


def _metrics(metrics: Any) -> dict[str, object]:
    if not metrics.path.endswith(".json"):
        raise GateParamsError(("metrics", "path"), f"the metrics {metrics.path} don't end in .json")
    for name, tolerance in metrics.tolerance.items():
        loc: Loc = ("metrics", "tolerance", name)
        if not math.isfinite(tolerance) or tolerance < 0:
            raise GateParamsError(loc, "a tolerance is a finite number from 0 on")
        if not all(name.split(".")):
            raise GateParamsError(loc, f"{name} has an empty step between its dots")
    tolerances = [{"id": name, "value": name.split("."), "max": t} for name, t in metrics.tolerance.items()]
    return {"path": metrics.path, "tolerances": tolerances}


def _check_apart(outputs: Sequence[str]) -> None:
    for i, path in enumerate(outputs):
        for other in (*outputs[:i], *outputs[i + 1 :]):
            if _lies_in(path, other):
                raise GateParamsError(("outputs", i), f"{path} lies in {other}, which is an output too")


def _lies_in(path: str, other: str) -> bool:
    """Whether a path is another one, or something below it."""
    return f"{path.rstrip('/')}/".startswith(f"{other.rstrip('/')}/")
